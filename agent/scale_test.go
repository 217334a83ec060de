package agent_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/clustertest"
	"github.com/trueup-dev/trueup/internal/kube"
)

// scale is applications of 5 objects from one repository, 200 where nothing
// else is said.
const (
	scaleApplications = 200
	scalePoll         = 2 * time.Second
	scaleRest         = 3 * time.Minute
)

const scaleManifest = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "ghcr.io/acme/web:1.0", env: [{name: NUMBER, value: "%[1]d"}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {number: "%[1]d"}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
---
apiVersion: v1
kind: Secret
metadata: {name: web}
stringData: {password: "p%[1]d"}
`

// process reads what the kernel counts about a process.
type process struct{ pid int }

func (p process) cpu(b *testing.B) time.Duration {
	b.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	ticks := 0
	for _, at := range []int{11, 12} { // user and system time
		n, err := strconv.Atoi(fields[at])
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	const perSecond = 100
	return time.Duration(ticks) * time.Second / perSecond
}

func (p process) megabytes(b *testing.B, field string) float64 {
	b.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			n, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				b.Fatal(err)
			}
			return float64(n) / 1024
		}
	}
	b.Fatalf("no %s", field)
	return 0
}

// requests reads how many requests the agent has sent to API servers.
func (s scale) requests() float64 { return s.counted("rest_client_requests_total") }

// counted sums a counter of the agent's metrics.
func (s scale) counted(name string) float64 {
	s.b.Helper()
	resp, err := http.Get("http://" + s.metrics + "/metrics") //nolint:noctx // a benchmark's
	s.must(err)
	defer resp.Body.Close() //nolint:errcheck // only read from
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	s.must(err)
	if families[name] == nil {
		s.b.Fatalf("the agent has no metric %s", name)
	}
	total := 0.0
	for _, m := range families[name].GetMetric() {
		total += m.GetCounter().GetValue()
	}
	return total
}

// freeAddress finds a port that nobody listens on now.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // it is to be free
	return l.Addr().String()
}

type scale struct {
	b       *testing.B
	metrics string
	client  client.WithWatch
	ns      string
	repo    string
	n       int // applications
}

func (s scale) must(err error) {
	s.b.Helper()
	if err != nil {
		s.b.Fatal(err)
	}
}

// write puts a file into the work tree of the repository.
func (s scale) write(name string, data []byte) {
	s.b.Helper()
	file := filepath.Join(s.repo, filepath.FromSlash(name))
	s.must(os.MkdirAll(filepath.Dir(file), 0o755))
	s.must(os.WriteFile(file, data, 0o644))
}

func (s scale) commit(message string) string {
	s.b.Helper()
	for _, args := range [][]string{{"add", "-A"}, {"-c", "user.name=Ana", "-c", "user.email=a@example.com", "commit", "-q", "-m", message}, {"rev-parse", "HEAD"}} {
		cmd := exec.Command("git", args...)
		cmd.Dir = s.repo
		out, err := cmd.CombinedOutput()
		s.must(err)
		if args[0] == "rev-parse" {
			return strings.TrimSpace(string(out))
		}
	}
	return ""
}

// await returns the time until every application is as wanted. It watches, as
// an agent does: to list 200 applications again and again would take the CPU
// that is measured.
func (s scale) await(ok func(*v1alpha1.Application) bool) time.Duration {
	s.b.Helper()
	began := time.Now()
	ctx, stop := context.WithTimeout(s.b.Context(), 10*time.Minute)
	defer stop()
	events, err := s.client.Watch(ctx, &v1alpha1.ApplicationList{}, client.InNamespace(s.ns))
	s.must(err)
	defer events.Stop()
	good := map[string]bool{}
	for event := range events.ResultChan() {
		app, isApp := event.Object.(*v1alpha1.Application)
		if !isApp {
			s.b.Fatalf("the watch tells %s: %v", event.Type, event.Object)
		}
		if good[app.Name] = ok(app); !good[app.Name] {
			delete(good, app.Name)
		}
		if len(good) == s.n {
			return time.Since(began)
		}
	}
	s.b.Fatalf("only %d applications got there", len(good))
	return 0
}

// startScale starts an agent as a process of its own, which looks at a
// namespace of its own and polls a repository that fill writes, every 2 s.
func startScale(b *testing.B, fill func(scale)) (scale, process) {
	b.Helper()
	file := clustertest.Kubeconfig(b, "hub")
	config, err := clientcmd.BuildConfigFromFlags("", file)
	if err != nil {
		b.Fatal(err)
	}
	s := scale{b: b, n: scaleApplications, metrics: freeAddress(b), ns: "scale-" + strconv.FormatInt(time.Now().Unix(), 36), repo: filepath.Join(b.TempDir(), "config")}
	config.QPS = -1
	scheme, err := kube.NewScheme()
	s.must(err)
	s.client, err = client.NewWithWatch(config, client.Options{Scheme: scheme})
	s.must(err)
	fill(s)
	s.must(exec.Command("git", "init", "-q", "-b", "main", s.repo).Run())
	s.commit("Start")
	s.must(s.client.Create(b.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.ns}}))

	binary := filepath.Join(b.TempDir(), "trueup")
	build := exec.Command("go", "build", "-o", binary, "../cmd/trueup")
	build.Stderr = os.Stderr
	s.must(build.Run())
	agent := exec.Command(binary, "agent", "--kubeconfig", file, "--namespace", s.ns, "--watch-namespace", s.ns, "--install-crds",
		"--allow-file-repositories", "--data", b.TempDir(), "--poll", scalePoll.String(), "--sweep", "0", "--health-address", "0", "--api-address", "0", "--metrics-address", s.metrics)
	said, err := os.Create(filepath.Join(b.TempDir(), "log"))
	s.must(err)
	agent.Stderr = said
	s.must(agent.Start())
	b.Cleanup(func() {
		_ = agent.Process.Signal(syscall.SIGTERM)
		_ = agent.Wait()
		_ = said.Close()
		if data, err := os.ReadFile(said.Name()); b.Failed() && err == nil {
			const last = 4 << 10
			b.Logf("the agent said at last:\n%s", data[max(0, len(data)-last):])
		}
	})
	s.must(wait.PollUntilContextTimeout(b.Context(), 100*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		return s.client.List(ctx, &v1alpha1.ApplicationSetList{}, client.InNamespace(s.ns)) == nil, nil
	}))
	return s, process{agent.Process.Pid}
}

// BenchmarkTwoHundredApplications measures an agent of its own process, from
// nothing to healthy, at rest, at a commit and at a live edit.
func BenchmarkTwoHundredApplications(b *testing.B) { benchmarkApplications(b, scaleApplications) }

// BenchmarkThousandApplications is the same with 1,000 of them, which have no
// pods: the nodes of the control plane have no room for as many.
func BenchmarkThousandApplications(b *testing.B) { benchmarkApplications(b, 1000) }

func benchmarkApplications(b *testing.B, n int) {
	manifest := scaleManifest
	if n > scaleApplications {
		manifest = strings.Replace(manifest, "replicas: 1", "replicas: 0", 1)
	}
	s, p := startScale(b, func(s scale) {
		for i := range n {
			s.write(fmt.Sprintf("apps/a%03d/all.yaml", i), fmt.Appendf(nil, manifest, i))
		}
	})
	s.n = n
	empty := p.megabytes(b, "RssAnon")

	began := time.Now()
	for i := range n {
		app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("a%03d", i), Namespace: s.ns}}
		app.Spec.Source = &v1alpha1.ApplicationSource{RepoURL: "file://" + s.repo, Path: fmt.Sprintf("apps/a%03d", i)}
		app.Spec.Destination = v1alpha1.ApplicationDestination{Server: "https://kubernetes.default.svc", Namespace: fmt.Sprintf("%s-%03d", s.ns, i)}
		app.Spec.SyncPolicy = &v1alpha1.SyncPolicy{
			Automated: &v1alpha1.SyncPolicyAutomated{Prune: true, SelfHeal: i%2 == 0}, SyncOptions: v1alpha1.SyncOptions{"CreateNamespace=true"},
		}
		s.must(s.client.Create(b.Context(), app))
	}
	ready := func(app *v1alpha1.Application) bool {
		return apimeta.IsStatusConditionTrue(app.Status.Conditions, "Ready")
	}
	s.await(ready)
	b.ReportMetric(time.Since(began).Seconds(), "s-to-healthy")
	b.ReportMetric(p.cpu(b).Seconds(), "cpu-s-to-healthy")
	b.ReportMetric(s.requests(), "requests-to-healthy")
	b.ReportMetric(p.megabytes(b, "RssAnon"), "MB-anon")
	b.ReportMetric((p.megabytes(b, "RssAnon")-empty)*1024/float64(n), "KB-anon/application")
	b.ReportMetric(p.megabytes(b, "VmRSS"), "MB-resident")

	rest, asked, looked := p.cpu(b), s.requests(), s.looks()
	<-time.After(scaleRest) // the measure is the cost of a time without events
	b.ReportMetric((p.cpu(b) - rest).Seconds(), "cpu-s-per-3min-rest")
	b.ReportMetric(s.requests()-asked, "requests-per-3min-rest")
	b.ReportMetric(s.looks()-looked, "reads-comparisons-renders-per-3min-rest")

	before := p.cpu(b)
	asked = s.requests()
	s.write("apps/a007/all.yaml", fmt.Appendf(nil, manifest, 5000))
	sha := s.commit("Change one")
	b.ReportMetric(s.await(func(app *v1alpha1.Application) bool {
		return ready(app) && (app.Name != "a007" || app.Status.Sync.Revision == sha)
	}).Seconds(), "s-commit")
	b.ReportMetric((p.cpu(b) - before).Seconds(), "cpu-s-commit")
	b.ReportMetric(s.requests()-asked, "requests-commit")

	b.ReportMetric(s.correct(10).Seconds()*1000, "ms-to-correct")
	half, most := s.detect(100)
	b.ReportMetric(half.Seconds()*1000, "ms-to-detect-p50")
	b.ReportMetric(most.Seconds()*1000, "ms-to-detect-p99")
}

// correct edits live objects of n applications, one after the other, and
// returns the mean time until the agent has undone it.
func (s scale) correct(n int) time.Duration {
	s.b.Helper()
	var total time.Duration
	for i := range n {
		key := client.ObjectKey{Namespace: fmt.Sprintf("%s-%03d", s.ns, i*8), Name: "settings"}
		cm := &corev1.ConfigMap{}
		s.must(s.client.Get(s.b.Context(), key, cm))
		want := cm.Data["number"]
		cm.Data["number"] = "by hand"
		s.must(s.client.Update(s.b.Context(), cm, client.FieldOwner("kubectl-edit")))
		began := time.Now()
		s.must(wait.PollUntilContextTimeout(s.b.Context(), 5*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
			err := s.client.Get(ctx, key, cm)
			return err == nil && cm.Data["number"] == want, err
		}))
		total += time.Since(began)
	}
	return total / time.Duration(n)
}
