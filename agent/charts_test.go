package agent_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	ociregistry "github.com/google/go-containerregistry/pkg/registry"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/agent"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/diskcache"
	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/internal/registry"
)

// settings is a template that tells which version of its chart made it, and
// what it was told.
const settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Chart.Name }}}\ndata: {version: {{ .Chart.Version | quote }}, told: {{ .Values.told | quote }}}\n"

const workload = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "ghcr.io/acme/web:{{ .Chart.Version }}"}]}
`

// packageChart is a chart as Helm packages it.
func (w *world) packageChart(c *chart.Chart) []byte {
	w.t.Helper()
	name, err := chartutil.Save(c, w.t.TempDir())
	w.must(err)
	data, err := os.ReadFile(filepath.Clean(name))
	w.must(err)
	return data
}

func newChart(name, version string, dependencies ...*chart.Dependency) *chart.Chart {
	c := &chart.Chart{
		Metadata:  &chart.Metadata{APIVersion: "v2", Name: name, Version: version, Dependencies: dependencies},
		Templates: []*chart.File{{Name: "templates/settings.yaml", Data: []byte(settings)}},
	}
	if name == "web" {
		c.Templates = append(c.Templates, &chart.File{Name: "templates/web.yaml", Data: []byte(workload)})
	}
	return c
}

// charts is a Helm repository, and a web server beside it.
type charts struct {
	*httptest.Server
	mu    sync.Mutex
	index map[string][]string // the releases, by chart
	files map[string][]byte
	asked map[string]int // the answers with content, by path
}

func (w *world) charts() *charts {
	c := &charts{index: map[string][]string{}, files: map[string][]byte{}, asked: map[string]int{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		data, ok := c.files[req.URL.Path]
		if !ok {
			http.NotFound(rw, req)
			return
		}
		tag := `"` + digest.FromBytes(data).Encoded() + `"`
		rw.Header().Set("ETag", tag)
		if req.Header.Get("If-None-Match") == tag {
			rw.WriteHeader(http.StatusNotModified)
			return
		}
		c.asked[req.URL.Path]++
		_, _ = rw.Write(data)
	}))
	w.t.Cleanup(c.Close)
	return c
}

func (c *charts) put(path, content string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.files[path] = []byte(content)
}

func (c *charts) answers(path string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked[path]
}

func (c *charts) release(w *world, made *chart.Chart) {
	w.t.Helper()
	data := w.packageChart(made)
	file := made.Name() + "-" + made.Metadata.Version + ".tgz"
	c.mu.Lock()
	defer c.mu.Unlock()
	c.files["/"+file] = data
	c.index[made.Name()] = append(c.index[made.Name()], fmt.Sprintf("{version: %s, digest: %s, urls: [%s]}", made.Metadata.Version, digest.FromBytes(data).Encoded(), file))
	text := "apiVersion: v1\nentries:\n"
	for name, releases := range c.index {
		text += fmt.Sprintf("  %s: [%s]\n", name, strings.Join(releases, ", "))
	}
	c.files["/index.yaml"] = []byte(text)
}

// told waits until a config map of an application holds these.
func (w *world) told(app, name, version, told string) {
	w.t.Helper()
	got := &corev1.ConfigMap{}
	at := client.ObjectKey{Namespace: w.namespace + "-" + app, Name: name}
	w.until(app+": "+name+" is of version "+version+" and was told "+told, func(ctx context.Context) bool {
		return w.client.Get(ctx, at, got) == nil && got.Data["version"] == version && got.Data["told"] == told
	})
}

// TestChartRepository: an application of a range follows new versions of its
// chart, of the charts that this one depends on, and of a value file on a web
// server; a restart that renders nothing goes on with all of them.
func TestChartRepository(t *testing.T) {
	t.Parallel()
	cached := t.TempDir()
	w := start(t, func(o *agent.Options) {
		store, err := diskcache.Open(cached, diskcache.Options{})
		if err != nil {
			t.Fatal(err)
		}
		o.Rendered.Store = store
		o.WebFiles = registry.FileOptions{Schemes: []string{"http"}, PrivateHosts: []string{"127.0.0.1"}}
	})
	repo := w.charts()
	db := &chart.Dependency{Name: "db", Version: "1.x", Repository: repo.URL}
	repo.release(w, newChart("web", "1.0.0", db))
	repo.release(w, newChart("web", "2.0.0", db))
	const values = "/values/prod.yaml"
	repo.put(values, "told: first\ndb: {told: db first}\n")
	w.app("web", "", func(a *v1alpha1.Application) {
		a.Spec.Source = &v1alpha1.ApplicationSource{RepoURL: repo.URL, Chart: "web", TargetRevision: "^1.0.0", Helm: &v1alpha1.ApplicationSourceHelm{
			ValueFiles: []string{repo.URL + values},
		}}
	})
	// The dependency is published after the chart that needs it.
	w.await("web", "telling that its dependency is not there", says("ComparisonError", "the dependency db cannot be opened"))
	repo.release(w, newChart("db", "1.0.0"))
	app := w.await("web", "at 1.0.0", at("1.0.0"))
	if app.Status.SourceType != "Helm" {
		t.Errorf("the type of the source is %q", app.Status.SourceType)
	}
	w.told("web", "web", "1.0.0", "first")
	w.told("web", "db", "1.0.0", "db first")

	repo.put(values, "told: second\ndb: {told: db second}\n")
	w.told("web", "web", "1.0.0", "second")
	if n := repo.answers(values); n != 2 {
		t.Errorf("the value file was sent %d times for two contents", n)
	}
	repo.release(w, newChart("web", "1.1.0", db))
	w.await("web", "at 1.1.0", at("1.1.0"))
	repo.release(w, newChart("db", "1.1.0"))
	w.told("web", "db", "1.1.0", "db second")
	w.await("web", "good, of the newest dependency", at("1.1.0"))

	renders := func() float64 { return w.count("trueup_renders_total") }
	w.restart()
	reused := func(context.Context) bool { return w.count("trueup_render_reuses_total", "disk") > 0 }
	w.until("the new agent takes what is on the disk", reused)
	if n := renders(); n != 0 {
		t.Errorf("the new agent rendered %v times", n)
	}
	repo.release(w, newChart("db", "1.2.0"))
	w.told("web", "db", "1.2.0", "db second")
	repo.put(values, "told: third\ndb: {told: db third}\n")
	w.told("web", "db", "1.2.0", "db third")
	w.await("web", "good in the end", at("1.1.0"))
}

// ociPassword is what the registry of the tests asks for.
const ociPassword = "s3cret"

// registry is an OCI registry with a password, which the agent knows.
func (w *world) registry() (host string) {
	w.t.Helper()
	next := ociregistry.New(ociregistry.Logger(log.New(io.Discard, "", 0)))
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		if _, given, _ := req.BasicAuth(); given != ociPassword {
			rw.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(rw, req)
	}))
	w.t.Cleanup(s.Close)
	host = strings.TrimPrefix(s.URL, "http://")
	for name, url := range map[string]string{"charts": host + "/charts", "artifacts": "oci://" + host} {
		kind := map[string]string{"charts": kube.SecretRepo, "artifacts": kube.SecretRepoCreds}[name]
		w.must(w.client.Create(w.t.Context(), &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.namespace, Labels: map[string]string{kube.SecretTypeLabel: kind}},
			StringData: map[string]string{"url": url, "type": "helm", "enableOCI": "true", "username": "robot", "password": ociPassword, "insecureOCIForceHttp": "true"},
		}))
	}
	return host
}

// push tags an artifact of one layer, and returns its digest.
func (w *world) push(host, name, tag, mediaType string, data []byte) string {
	w.t.Helper()
	r, err := remote.NewRepository(host + "/" + name)
	w.must(err)
	r.PlainHTTP = true
	r.Client = &auth.Client{Credential: auth.StaticCredential(host, auth.Credential{Username: "robot", Password: ociPassword})}
	blob := func(mediaType string, data []byte) ocispec.Descriptor {
		desc := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
		w.must(r.Push(w.t.Context(), desc, bytes.NewReader(data)))
		return desc
	}
	manifest, err := json.Marshal(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: blob("application/vnd.oci.empty.v1+json", []byte("{}")), Layers: []ocispec.Descriptor{blob(mediaType, data)},
	})
	w.must(err)
	desc := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromBytes(manifest), Size: int64(len(manifest))}
	w.must(r.PushReference(w.t.Context(), desc, bytes.NewReader(manifest), tag))
	return desc.Digest.String()
}

// archive is a gzipped tar of one file.
func (w *world) archive(name, content string) []byte {
	w.t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	files := tar.NewWriter(zipped)
	w.must(files.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o600, Size: int64(len(content))}))
	_, err := io.WriteString(files, content)
	w.must(err)
	w.must(files.Close())
	w.must(zipped.Close())
	return out.Bytes()
}

// TestRegistry: a chart of an OCI registry follows its range, and an artifact
// its tag.
func TestRegistry(t *testing.T) {
	t.Parallel()
	w := start(t)
	host := w.registry()
	const layer, files = "application/vnd.cncf.helm.chart.content.v1.tar+gzip", ocispec.MediaTypeImageLayerGzip
	release := func(version string) {
		w.push(host, "charts/web", version, layer, w.packageChart(newChart("web", version)))
	}
	config := func(step string) string {
		return w.push(host, "config", "production", files, w.archive("apps/cm.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: artifact}\ndata: {version: "+step+", told: ''}\n"))
	}
	release("1.0.0")
	release("2.0.0")
	first := config("first")
	w.app("chart", "", func(a *v1alpha1.Application) {
		a.Spec.Source = &v1alpha1.ApplicationSource{RepoURL: host + "/charts", Chart: "web", TargetRevision: "1.x", Helm: &v1alpha1.ApplicationSourceHelm{
			Parameters: []v1alpha1.HelmParameter{{Name: "told", Value: "a parameter"}},
		}}
	})
	w.app("artifact", "apps", func(a *v1alpha1.Application) {
		a.Spec.Source.RepoURL, a.Spec.Source.TargetRevision = "oci://"+host+"/config", "production"
	})
	w.await("chart", "at 1.0.0", at("1.0.0"))
	w.told("chart", "web", "1.0.0", "a parameter")
	w.await("artifact", "at its first digest", at(first))
	w.told("artifact", "artifact", "first", "")

	release("1.1.0")
	second := config("second")
	w.await("chart", "at 1.1.0", at("1.1.0"))
	w.told("chart", "web", "1.1.0", "a parameter")
	w.await("artifact", "at its second digest", at(second))
	w.told("artifact", "artifact", "second", "")
}

// TestLookup: a chart sees the objects of its destination where the
// application asks for it, and is rendered again when one of them changes.
func TestLookup(t *testing.T) {
	t.Parallel()
	w := start(t, func(o *agent.Options) { o.Sweep = time.Second })
	w.write("lookup/Chart.yaml", "apiVersion: v2\nname: seen\nversion: 1.0.0\n")
	w.write("lookup/templates/a.yaml", `{{- $found := lookup "v1" "ConfigMap" .Release.Namespace "region" }}
apiVersion: v1
kind: ConfigMap
metadata: {name: seen}
data: {version: "1.0.0", told: {{ if $found }}{{ $found.data.name | quote }}{{ else }}nothing{{ end }}}
`)
	w.commit("Look up")
	ask := func(a *v1alpha1.Application) { a.Annotations = map[string]string{"trueup.dev/helm-lookup": "true"} }
	w.app("looking", "lookup", ask)
	w.app("blind", "lookup", nil)
	w.await("looking", "good", good)
	w.await("blind", "good", good)
	w.told("looking", "seen", "1.0.0", "nothing")

	region := func(app string) *corev1.ConfigMap {
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace + "-" + app, Name: "region"}, Data: map[string]string{"name": "eu"}}
	}
	w.must(w.client.Create(t.Context(), region("blind")))
	seen := region("looking")
	w.must(w.client.Create(t.Context(), seen))
	w.told("looking", "seen", "1.0.0", "eu")
	renders := w.count("trueup_renders_total", "lookup")
	if renders == 0 {
		t.Error("no rendering is counted as one for what was looked up")
	}
	moved := seen.DeepCopy()
	moved.Data["name"] = "us"
	w.must(w.client.Patch(t.Context(), moved, client.MergeFrom(seen)))
	w.told("looking", "seen", "1.0.0", "us")
	w.must(w.client.Delete(t.Context(), moved))
	w.told("looking", "seen", "1.0.0", "nothing")
	w.await("looking", "good in the end", good)
	w.told("blind", "seen", "1.0.0", "nothing")
}
