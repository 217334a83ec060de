package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/diskcache"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/reconcile"
)

// BenchmarkMonorepo measures what commits to one repository of many
// applications cost: fetching them from a real Git server, finding the
// applications that they touch, and rendering these.
func BenchmarkMonorepo(b *testing.B) {
	for _, n := range []int{1000, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				benchmarkMonorepo(b, n)
			}
		})
	}
}

// monorepo is a repository, its server, and the flow over it.
type monorepo struct {
	b       *testing.B
	dir     string
	url     string
	queries *atomic.Int64 // of refs
	packs   *atomic.Int64 // fetches
	served  *atomic.Int64 // nanoseconds in which the server had an answer to give

	mirrors  *git.Mirrors
	cache    *render.Cache
	flow     *reconcile.Flow
	apps     []*v1alpha1.Application
	memories []*reconcile.Memory
	commits  int
}

const bases = 50

func benchmarkMonorepo(b *testing.B, n int) {
	m := newMonorepo(b, n)
	before := heap()
	began := time.Now()
	for i, app := range m.apps {
		if out := m.flow.Run(b.Context(), app, m.memories[i]); out.Err != nil {
			b.Fatalf("%s: %v", app.Name, out.Err)
		}
	}
	b.ReportMetric(time.Since(began).Seconds(), "s-cold")
	b.ReportMetric(float64(m.cache.Stats().Total()), "renders-cold")
	b.ReportMetric(float64(heap()-before)/float64(n)/1024, "KiB-per-app")

	m.measure("unchanged", 0, func(int) map[string]string { return nil })
	m.measure("unrelated", 0, func(i int) map[string]string { return map[string]string{"docs/README.md": fmt.Sprintf("news %d\n", i)} })
	m.measure("one", 1, func(i int) map[string]string {
		return map[string]string{fmt.Sprintf("apps/a%04d/values.env", 10*i): "number=changed\n"}
	})
	m.measure("base", n*6/10/bases, func(i int) map[string]string {
		return map[string]string{fmt.Sprintf("bases/b%02d/deployment.yaml", i+1): strings.ReplaceAll(baseDeployment, "web:1.0", "web:2.0")}
	})
}

// ticks is how often each kind of commit is made; the median counts.
const ticks = 7

// cost is what a tick took.
type cost struct{ whole, own, cpu, megabytes float64 }

// measure makes commits, or none where there are no files, and reports what
// the next tick costs until every application that one touches is rendered.
func (m *monorepo) measure(name string, renders int, files func(i int) map[string]string) {
	m.b.Helper()
	queries, packs := m.queries.Load(), m.packs.Load()
	var all []cost
	for i := range ticks {
		all = append(all, m.tick(name, renders, files(i)))
	}
	median := func(of func(cost) float64) float64 {
		slices.SortFunc(all, func(a, b cost) int { return cmp.Compare(of(a), of(b)) })
		return of(all[len(all)/2])
	}
	m.b.ReportMetric(median(func(c cost) float64 { return c.whole }), "ms-"+name)
	m.b.ReportMetric(median(func(c cost) float64 { return c.own }), "ms-own-"+name)
	m.b.ReportMetric(median(func(c cost) float64 { return c.cpu }), "cpu-ms-"+name)
	m.b.ReportMetric(median(func(c cost) float64 { return c.megabytes }), "MB-"+name)
	m.b.ReportMetric(float64(renders), "renders-"+name)
	m.b.ReportMetric(float64(m.queries.Load()-queries)/ticks, "refqueries-"+name)
	m.b.ReportMetric(float64(m.packs.Load()-packs)/ticks, "fetches-"+name)
}

func (m *monorepo) tick(name string, renders int, files map[string]string) cost {
	m.b.Helper()
	if files != nil {
		m.commit(name, files)
	}
	was, served := m.cache.Stats().Total(), m.served.Load()
	allocated, used := allocatedBytes(), processorTime(m.b)
	began := time.Now()
	changed, err := m.mirrors.Poll(m.b.Context(), m.url)
	if err != nil {
		m.b.Fatal(err)
	}
	touched := 0
	if changed {
		touched = m.wake()
	}
	took := time.Since(began)
	if made := int(m.cache.Stats().Total() - was); made != renders || touched != renders {
		m.b.Errorf("%s: %d touched, %d rendered, want %d", name, touched, made, renders)
	}
	// One question follows the other, so what the server took is no part of
	// what the agent did meanwhile.
	theirs := time.Duration(m.served.Load() - served)
	milliseconds := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	c := cost{milliseconds(took), milliseconds(took - theirs), milliseconds(processorTime(m.b) - used), 0}
	c.megabytes = float64(allocatedBytes()-allocated) / (1 << 20)
	return c
}

func allocatedBytes() uint64 {
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	return mem.TotalAlloc
}

// processorTime is what this process used so far; the programs that the
// server starts are not part of it.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// wake does what the agent does after a poll: it asks on every core which
// applications are touched, and looks at those.
func (m *monorepo) wake() int {
	var touched atomic.Int64
	var all sync.WaitGroup
	next := make(chan int, len(m.apps))
	for i := range m.apps {
		next <- i
	}
	close(next)
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for i := range next {
				if m.flow.Touched(m.b.Context(), m.memories[i]) {
					touched.Add(1)
					m.flow.Run(m.b.Context(), m.apps[i], m.memories[i])
				}
			}
		})
	}
	all.Wait()
	return int(touched.Load())
}

func heap() int64 {
	runtime.GC()
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	return int64(mem.HeapAlloc)
}

const baseDeployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "ghcr.io/acme/web:1.0", envFrom: [{configMapRef: {name: settings}}]}]}
`

const service = `apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
`

// newMonorepo makes n applications: of ten, six kustomizations over one of 50
// bases, two of one chart, two plain folders.
func newMonorepo(b *testing.B, n int) *monorepo {
	b.Helper()
	m := &monorepo{b: b, dir: filepath.Join(b.TempDir(), "config.git"), queries: &atomic.Int64{}, packs: &atomic.Int64{}, served: &atomic.Int64{}}
	files := map[string]string{
		"docs/README.md":              "hello\n",
		"charts/web/Chart.yaml":       "apiVersion: v2\nname: web\nversion: 1.0.0\n",
		"charts/web/values.yaml":      "number: 1\n",
		"charts/web/templates/d.yaml": strings.ReplaceAll(baseDeployment, "name: web}", "name: {{ .Release.Name }}, labels: {number: {{ .Values.number | quote }}}}"),
		"charts/web/templates/s.yaml": service,
	}
	for i := range bases {
		dir := fmt.Sprintf("bases/b%02d/", i)
		files[dir+"kustomization.yaml"] = "resources: [deployment.yaml, service.yaml]\n"
		files[dir+"deployment.yaml"], files[dir+"service.yaml"] = baseDeployment, service
	}
	for i := range n {
		dir := fmt.Sprintf("apps/a%04d", i)
		app := &v1alpha1.Application{}
		app.Name, app.Namespace = fmt.Sprintf("a%04d", i), "trueup"
		app.Spec.Destination = v1alpha1.ApplicationDestination{Server: "https://kubernetes.default.svc", Namespace: app.Name}
		app.Spec.Source = &v1alpha1.ApplicationSource{Path: dir}
		switch kind := i % 10; {
		case kind < 6 || i == 7:
			files[dir+"/kustomization.yaml"] = fmt.Sprintf("resources: [../../bases/b%02d]\nnamespace: a%04d\nconfigMapGenerator: [{name: settings, envs: [values.env]}]\n", i/10%bases, i)
			files[dir+"/values.env"] = fmt.Sprintf("number=%d\n", i)
		case kind < 8:
			app.Spec.Source.Path = "charts/web"
			app.Spec.Source.Helm = &v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"/" + dir + "/values.yaml"}}
			files[dir+"/values.yaml"] = fmt.Sprintf("number: %d\n", i)
		default:
			files[dir+"/deployment.yaml"], files[dir+"/service.yaml"] = baseDeployment, service
		}
		m.apps = append(m.apps, app)
		m.memories = append(m.memories, &reconcile.Memory{})
	}
	m.git(nil, "init", "-q", "-b", "main", "--bare", m.dir)
	m.commit("Start", files)
	m.serve()
	for _, app := range m.apps {
		app.Spec.Source.RepoURL = m.url
	}
	m.mirrors = git.New(git.Options{Dir: b.TempDir()})
	store, err := diskcache.Open(b.TempDir(), diskcache.Options{})
	if err != nil {
		b.Fatal(err)
	}
	m.cache = render.NewCache(render.New(engines(true), render.DefaultLimits()), render.CacheOptions{Store: store})
	empty := &emptyCluster{}
	m.flow = &reconcile.Flow{
		Sources: m.mirrors, Renderer: m.cache, Clusters: empty, Now: time.Now, Namespace: "trueup",
	}
	return m
}

// serve answers as a forge does, and counts what it is asked, and how long it
// takes: an answer is sent when all of it is there.
func (m *monorepo) serve() {
	exec := strings.TrimSpace(m.git(nil, "--exec-path"))
	backend := &cgi.Handler{
		Path: filepath.Join(exec, "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + filepath.Dir(m.dir), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		switch {
		case bytes.Contains(body, []byte("command=ls-refs")):
			m.queries.Add(1)
		case bytes.Contains(body, []byte("command=fetch")):
			m.packs.Add(1)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		began, answer := time.Now(), httptest.NewRecorder()
		backend.ServeHTTP(answer, r)
		m.served.Add(int64(time.Since(began)))
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = answer.Body.WriteTo(w) // who does not listen any more has an error to tell
	}))
	m.b.Cleanup(server.Close)
	m.url = server.URL + "/config.git"
}

// commit writes files over what is there.
func (m *monorepo) commit(subject string, files map[string]string) {
	m.b.Helper()
	var stream bytes.Buffer
	fmt.Fprintf(&stream, "commit refs/heads/main\ncommitter Ana <a@example.com> %d +0000\ndata %d\n%s\n", 1_700_000_000+m.commits, len(subject), subject)
	if m.commits++; m.commits > 1 {
		stream.WriteString("from refs/heads/main^0\n")
	}
	for name, data := range files {
		fmt.Fprintf(&stream, "M 100644 inline %s\ndata %d\n%s\n", name, len(data), data)
	}
	m.git(&stream, "-C", m.dir, "fast-import", "--quiet")
}

func (m *monorepo) git(in *bytes.Buffer, args ...string) string {
	m.b.Helper()
	cmd := exec.Command("git", args...)
	if in != nil {
		cmd.Stdin = in
	}
	var failure bytes.Buffer
	cmd.Stderr = &failure
	out, err := cmd.Output()
	if err != nil {
		m.b.Fatalf("git %v: %v\n%s", args, err, failure.String())
	}
	return string(out)
}

// emptyCluster serves everything and holds nothing.
type emptyCluster struct{}

func (e *emptyCluster) Cluster(context.Context, v1alpha1.ApplicationDestination) (*reconcile.Cluster, error) {
	return &reconcile.Cluster{Name: "empty", Objects: e, Kinds: e}, nil
}

func (*emptyCluster) Get(_ context.Context, _ schema.GroupVersionKind, key object.Key) (*unstructured.Unstructured, error) {
	return nil, fault.New(fault.Missing, "%s is not there", key)
}

func (*emptyCluster) List(context.Context, schema.GroupVersionKind, string, int) ([]*unstructured.Unstructured, error) {
	return nil, nil
}

func (*emptyCluster) Owned(context.Context, string, []schema.GroupVersionKind) ([]reconcile.Owned, error) {
	return nil, nil
}

func (*emptyCluster) Namespaced(context.Context, schema.GroupVersionKind) (bool, error) {
	return true, nil
}

func (*emptyCluster) Capabilities(context.Context) (render.Capabilities, error) {
	return render.NewCapabilities("1.37.2", []string{"v1", "apps/v1"}), nil
}
