package agent_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/agent"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/deploy/crds"
	"github.com/trueup-dev/trueup/internal/clustertest"
	"github.com/trueup-dev/trueup/internal/helm"
	"github.com/trueup-dev/trueup/internal/history"
	"github.com/trueup-dev/trueup/internal/history/sqlite"
	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/internal/kustomize"
	"github.com/trueup-dev/trueup/internal/render"
)

// world is one agent with a namespace and a repository of its own.
type world struct {
	t         *testing.T
	client    client.Client // as a person with kubectl
	edge      client.Client
	namespace string
	repo      string
	history   history.Store
	metrics   *prometheus.Registry
	config    *rest.Config
	options   agent.Options
	stop      func()
}

func connect(t *testing.T, cluster string) (client.Client, string) {
	t.Helper()
	file := clustertest.Kubeconfig(t, cluster)
	config, err := clientcmd.BuildConfigFromFlags("", file)
	if err != nil {
		t.Fatal(err)
	}
	c, err := kube.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	return client.WithFieldOwner(c, "kubectl-edit"), file
}

// start runs an agent until the test ends.
func start(t *testing.T, changes ...func(*agent.Options)) *world {
	t.Helper()
	w := &world{t: t}
	var file, edgeFile string
	w.client, file = connect(t, "hub")
	w.edge, edgeFile = connect(t, "edge")
	config, err := clientcmd.BuildConfigFromFlags("", file)
	if err != nil {
		t.Fatal(err)
	}
	install(t, config)
	w.config = config
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "agent-"}}
	w.must(w.client.Create(t.Context(), ns))
	w.namespace = ns.Name
	t.Cleanup(w.sweep)
	w.repo = filepath.Join(t.TempDir(), "config")
	w.must(os.CopyFS(w.repo, os.DirFS("../examples/config")))
	w.git("init", "-q", "-b", "main")
	w.commit("Start")

	edge, err := clientcmd.BuildConfigFromFlags("", edgeFile)
	w.must(err)
	secret, err := kube.ToSecret(w.namespace, "edge", edge)
	w.must(err)
	w.must(w.client.Create(t.Context(), secret))

	past, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "history.db"))
	w.must(err)
	t.Cleanup(func() { w.must(past.Close()) })
	w.history, w.metrics = past, prometheus.NewRegistry()
	w.options = agent.Options{
		Config: config, Namespace: w.namespace, DataDir: t.TempDir(), Poll: 200 * time.Millisecond, Sweep: time.Hour,
		Health: "0", Metrics: "0", Files: true, Workers: 4, Log: logr.Discard(), Watch: w.namespace,
		History: past, KeepHistory: time.Hour, API: "127.0.0.1:0", Registry: w.metrics,
		Engines: map[render.Type]render.Engine{render.Kustomize: kustomize.New(kustomize.Options{}), render.Helm: helm.New()},
	}
	for _, change := range changes {
		change(&w.options)
	}
	w.run()
	t.Cleanup(func() { w.stop() })
	return w
}

// sweep takes the destination namespaces away in which the test's applications
// had their objects: an application of the same name in a later test on these
// clusters would find them as its own.
func (w *world) sweep() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, c := range []client.Client{w.client, w.edge} {
		var all corev1.NamespaceList
		if err := c.List(ctx, &all); err != nil {
			w.t.Errorf("listing namespaces: %v", err)
		}
		for i := range all.Items {
			if !strings.HasPrefix(all.Items[i].Name, w.namespace+"-") {
				continue
			}
			if err := c.Delete(ctx, &all.Items[i]); client.IgnoreNotFound(err) != nil {
				w.t.Errorf("deleting namespace %s: %v", all.Items[i].Name, err)
			}
		}
	}
}

// run runs the agent until it is told to stop.
func (w *world) run() {
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- agent.Run(ctx, w.options) }()
	w.stop = func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("the agent did not stop cleanly: %v", err)
		}
	}
}

// restart replaces the agent by another one, as an upgrade does.
func (w *world) restart() {
	w.stop()
	w.run()
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) git(args ...string) {
	w.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = w.repo
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=Ana", "GIT_AUTHOR_EMAIL=a@example.com",
		"GIT_COMMITTER_NAME=Ana", "GIT_COMMITTER_EMAIL=a@example.com")
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

func (w *world) commit(message string) {
	w.t.Helper()
	w.git("add", "-A")
	w.git("commit", "-q", "--allow-empty", "-m", message)
}

func (w *world) write(name, text string) {
	w.t.Helper()
	name = filepath.Join(w.repo, name)
	w.must(os.MkdirAll(filepath.Dir(name), 0o755))
	w.must(os.WriteFile(name, []byte(text), 0o644))
}

// app makes an application of a folder, in a destination namespace of the
// agent's name.
func (w *world) app(name, path string, change func(*v1alpha1.Application)) {
	w.t.Helper()
	app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.namespace}}
	app.Spec.Source = &v1alpha1.ApplicationSource{RepoURL: "file://" + w.repo, Path: path}
	app.Spec.Destination = v1alpha1.ApplicationDestination{Server: "https://kubernetes.default.svc", Namespace: w.namespace + "-" + name}
	app.Spec.SyncPolicy = &v1alpha1.SyncPolicy{
		Automated: &v1alpha1.SyncPolicyAutomated{Prune: true, SelfHeal: true}, SyncOptions: v1alpha1.SyncOptions{"CreateNamespace=true"},
	}
	if change != nil {
		change(app)
	}
	w.must(w.client.Create(w.t.Context(), app))
}

// await waits until an application is as wanted.
func (w *world) await(name, what string, ok func(*v1alpha1.Application) bool) *v1alpha1.Application {
	w.t.Helper()
	app := &v1alpha1.Application{}
	err := wait.PollUntilContextTimeout(w.t.Context(), 50*time.Millisecond, 90*time.Second, true, func(ctx context.Context) (bool, error) {
		err := w.client.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: name}, app)
		return err == nil && ok(app), client.IgnoreNotFound(err)
	})
	if err != nil {
		w.t.Fatalf("%s is not %s: %v\nstatus: %+v", name, what, err, app.Status)
	}
	return app
}

// until waits for anything else.
func (w *world) until(what string, ok func(ctx context.Context) bool) {
	w.t.Helper()
	err := wait.PollUntilContextTimeout(w.t.Context(), 50*time.Millisecond, 90*time.Second, true, func(ctx context.Context) (bool, error) {
		return ok(ctx), nil
	})
	if err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
}

func good(app *v1alpha1.Application) bool {
	return app.Status.Sync.Status == v1alpha1.SyncStatusCodeSynced && app.Status.Health.Status == "Healthy" &&
		apimeta.IsStatusConditionTrue(app.Status.Conditions, "Ready")
}

func says(kind, text string) func(*v1alpha1.Application) bool {
	return func(app *v1alpha1.Application) bool {
		c := apimeta.FindStatusCondition(app.Status.Conditions, kind)
		return c != nil && strings.Contains(c.Message, text)
	}
}

// TestMainJob is what the agent is for: a set becomes applications in two
// clusters, a hand edit is told with its hand and undone, a commit arrives,
// what leaves Git leaves the cluster, and all goes when it is told to.
func TestMainJob(t *testing.T) {
	t.Parallel()
	w := start(t)
	set := &v1alpha1.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: w.namespace}}
	set.Spec.GoTemplate = true
	set.Spec.GoTemplateOptions = []string{"missingkey=error"}
	for _, path := range []string{"kustomize/overlays/eu", "helm/cache", "plain/shop"} {
		name := strings.Split(path, "/")[0]
		g := v1alpha1.ApplicationSetGenerator{Clusters: &v1alpha1.ClusterGenerator{Values: map[string]string{"name": name, "path": path}}}
		set.Spec.Generators = append(set.Spec.Generators, g)
	}
	set.Spec.Template.Name = "{{ .values.name }}-{{ .nameNormalized }}"
	set.Spec.Template.Spec = v1alpha1.ApplicationSpec{
		Source:      &v1alpha1.ApplicationSource{RepoURL: "file://" + w.repo, Path: "{{ .values.path }}"},
		Destination: v1alpha1.ApplicationDestination{Server: "{{ .server }}", Namespace: w.namespace + "-{{ .values.name }}"},
		SyncPolicy: &v1alpha1.SyncPolicy{
			Automated: &v1alpha1.SyncPolicyAutomated{Prune: true}, SyncOptions: v1alpha1.SyncOptions{"CreateNamespace=true"},
		},
	}
	w.must(w.client.Create(t.Context(), set))
	for _, name := range []string{"kustomize", "helm", "plain"} {
		w.await(name+"-in-cluster", "synced and healthy", good)
		w.await(name+"-edge", "synced and healthy", good)
	}

	// A hand edit in the other cluster is told with the hand, and stays.
	web := &appsv1.Deployment{}
	at := client.ObjectKey{Namespace: w.namespace + "-kustomize", Name: "web"}
	w.must(w.edge.Get(t.Context(), at, web))
	image := web.Spec.Template.Spec.Containers[0].Image
	web.Spec.Template.Spec.Containers[0].Image = "example.com/debug:1"
	w.must(w.edge.Update(t.Context(), web))
	app := w.await("kustomize-edge", "drifted", func(a *v1alpha1.Application) bool { return a.Status.Drift != nil && a.Status.Drift.Fields > 0 })
	change := app.Status.Drift.Changes[0]
	if change.Path != "spec.template.spec.containers[name=web].image" || change.Manager != "kubectl-edit" || change.Operation != "Update" || change.Time == nil {
		t.Errorf("the drift reads %+v", change)
	}
	w.await("kustomize-in-cluster", "left alone", good)

	// Somebody asks for a sync.
	next := app.DeepCopy()
	next.Operation = &v1alpha1.Operation{Sync: &v1alpha1.SyncOperation{}, InitiatedBy: v1alpha1.OperationInitiator{Username: "ana"}}
	w.must(w.client.Patch(t.Context(), next, client.MergeFrom(app)))
	app = w.await("kustomize-edge", "true again", func(a *v1alpha1.Application) bool {
		return a.Operation == nil && good(a) && a.Status.Drift.Objects == 0
	})
	w.must(w.edge.Get(t.Context(), at, web))
	if got := web.Spec.Template.Spec.Containers[0].Image; got != image {
		t.Errorf("the image is %s, want %s", got, image)
	}
	if h := app.Status.History; len(h) != 2 || h[1].InitiatedBy.Username != "ana" {
		t.Errorf("the history reads %+v", h)
	}

	w.remembered("kustomize-edge")

	// A commit arrives; what it drops is pruned.
	w.write("plain/shop/more.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\ndata: {a: b}\n")
	w.commit("Add more")
	more := client.ObjectKey{Namespace: w.namespace + "-plain", Name: "more"}
	w.until("the new object is there", func(ctx context.Context) bool { return w.edge.Get(ctx, more, &corev1.ConfigMap{}) == nil })
	w.must(os.Remove(filepath.Join(w.repo, "plain/shop/more.yaml")))
	w.commit("Drop more")
	w.until("the dropped object is gone", func(ctx context.Context) bool {
		return apierrors.IsNotFound(w.edge.Get(ctx, more, &corev1.ConfigMap{}))
	})

	// The set goes, and with it its applications and their objects.
	w.must(w.client.Delete(t.Context(), set))
	w.until("the set's objects are gone", func(ctx context.Context) bool {
		var apps v1alpha1.ApplicationList
		return w.client.List(ctx, &apps, client.InNamespace(w.namespace)) == nil && len(apps.Items) == 0 && apierrors.IsNotFound(w.edge.Get(ctx, at, web))
	})
}

// remembered checks what the history and the metrics hold of a first sync, a
// hand edit of an image, and the sync that ana asked for.
func (w *world) remembered(app string) {
	w.t.Helper()
	name := w.namespace + "/" + app
	// The status is written after the history: what it shows is remembered.
	runs, err := w.history.Runs(w.t.Context(), history.Query{App: name})
	w.must(err)
	if len(runs) != 2 || runs[0].Initiator != "ana" || runs[0].Phase != "Succeeded" || len(runs[0].Changes) != 1 || runs[0].Subject != "Start" ||
		!runs[1].Automated || runs[1].Reason != "new revision" || len(runs[1].Changes) < 2 {
		w.t.Errorf("the history holds %+v", runs)
	}
	drifts, err := w.history.Drifts(w.t.Context(), history.Query{App: name})
	w.must(err)
	if len(drifts) != 2 || !drifts[0].Cleared || drifts[1].Cleared || drifts[1].Live != `"example.com/debug:1"` || drifts[1].Manager != "kubectl-edit" ||
		drifts[0].How != "reverted" || drifts[0].By != "ana" || drifts[0].FoundAt == nil {
		w.t.Errorf("the history holds %+v", drifts)
	}
	families, err := w.metrics.Gather()
	w.must(err)
	seen := map[string]float64{}
	for _, family := range families {
		for _, m := range family.Metric {
			seen[family.GetName()] += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	for metric, atLeast := range map[string]float64{
		"trueup_syncs_total": 7, "trueup_sync_duration_seconds": 7, "trueup_drift_events_total": 2, "trueup_git_polls_total": 1,
		"trueup_git_poll_duration_seconds": 1, "trueup_render_reuses_total": 1, "trueup_renders_total": 3, "trueup_application_info": 6,
	} {
		if seen[metric] < atLeast {
			w.t.Errorf("%s is %v, want at least %v", metric, seen[metric], atLeast)
		}
	}
	if _, ok := seen["trueup_application_drift_objects"]; !ok {
		w.t.Error("trueup_application_drift_objects is missing")
	}
}

// columns checks what kubectl get applications shows.
func (w *world) columns(name string) {
	w.t.Helper()
	kubectl, err := rest.HTTPClientFor(w.config)
	w.must(err)
	at := w.config.Host + "/apis/trueup.dev/v1alpha1/namespaces/" + w.namespace + "/applications/" + name
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, at, nil)
	w.must(err)
	req.Header.Set("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
	resp, err := kubectl.Do(req)
	w.must(err)
	defer resp.Body.Close() //nolint:errcheck // only read from
	var table metav1.Table
	w.must(json.NewDecoder(resp.Body).Decode(&table))
	shown := map[string]any{}
	for i, column := range table.ColumnDefinitions {
		shown[column.Name] = table.Rows[0].Cells[i]
	}
	revision, _ := shown["Revision"].(string)
	if shown["Name"] != name || shown["Sync"] != "Synced" || shown["Health"] != "Healthy" || shown["Drift"] != 0.0 || len(revision) != 40 || shown["Age"] == nil {
		w.t.Errorf("kubectl shows %v", shown)
	}
}

func TestSelfHeal(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("web", "kustomize/overlays/eu", nil)
	w.await("web", "synced and healthy", good)
	w.columns("web")
	web := &appsv1.Deployment{}
	at := client.ObjectKey{Namespace: w.namespace + "-web", Name: "web"}
	w.must(w.client.Get(t.Context(), at, web))
	replicas := *web.Spec.Replicas
	scaled := web.DeepCopy()
	*scaled.Spec.Replicas = 9
	w.must(w.client.Patch(t.Context(), scaled, client.MergeFrom(web)))
	w.until("the edit is undone", func(ctx context.Context) bool {
		return w.client.Get(ctx, at, web) == nil && *web.Spec.Replicas == replicas
	})
	uid := web.UID
	w.must(w.client.Delete(t.Context(), web))
	w.until("the deleted object is back", func(ctx context.Context) bool {
		return w.client.Get(ctx, at, web) == nil && web.UID != uid
	})
	w.await("web", "synced and healthy", good)
}

// TestBadInput: each mistake is told where people look, what was there stays,
// and the application beside it does not care.
func TestBadInput(t *testing.T) {
	t.Parallel()
	w := start(t)
	config := func(name string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\ndata: {a: b}\n"
	}
	dirs := []string{"fine", "yaml", "kustomization", "chart", "kind", "rejected", "empty", "outside", "path", "big"}
	for _, dir := range dirs {
		w.write("bad/"+dir+"/cm.yaml", config(dir))
	}
	w.commit("Begin well")
	for _, dir := range dirs {
		w.app(dir, "bad/"+dir, nil)
	}
	w.must(w.client.Create(t.Context(), &v1alpha1.Project{ObjectMeta: metav1.ObjectMeta{Name: "narrow", Namespace: w.namespace}, Spec: v1alpha1.ProjectSpec{
		SourceRepos: []string{"*"}, Destinations: []v1alpha1.ApplicationDestination{{Server: "*", Namespace: w.namespace + "-permitted"}},
	}}))
	w.app("beyond", "bad/fine", func(a *v1alpha1.Application) { a.Spec.Project = "narrow" })
	w.app("nobodys", "bad/fine", func(a *v1alpha1.Application) { a.Spec.Project = "nobody" })
	w.app("traversal", "bad/../../../../../etc", nil)
	w.app("cluster", "bad/fine", func(a *v1alpha1.Application) { a.Spec.Destination.Server = "https://nobody.example.com" })
	w.app("down", "bad/fine", func(a *v1alpha1.Application) { a.Spec.Destination.Server = "https://127.0.0.1:1" })
	w.must(w.client.Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "down", Namespace: w.namespace, Labels: map[string]string{kube.SecretTypeLabel: kube.SecretCluster}},
		StringData: map[string]string{"name": "down", "server": "https://127.0.0.1:1", "config": "{}"},
	}))
	private := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		rw.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(private.Close)
	w.app("unauthorised", "bad/fine", func(a *v1alpha1.Application) { a.Spec.Source.RepoURL = private.URL + "/config.git" })
	w.app("unreachable", "bad/fine", func(a *v1alpha1.Application) { a.Spec.Source.RepoURL = "http://127.0.0.1:1/config.git" })
	for _, dir := range dirs {
		w.await(dir, "synced and healthy", good)
	}
	w.app("thief", "bad/fine", func(a *v1alpha1.Application) { a.Spec.Destination.Namespace = w.namespace + "-fine" })

	w.write("bad/yaml/broken.yaml", "kind: ConfigMap\nmetadata: [\n")
	w.write("bad/kustomization/kustomization.yaml", "resources: [nope.yaml]\n")
	w.write("bad/chart/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n")
	w.write("bad/chart/templates/web.yaml", "kind: ConfigMap\nmetadata:\n  name: {{ required \"a name is needed\" .Values.name }}\n")
	w.write("bad/kind/widget.yaml", "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\n")
	w.write("bad/rejected/service.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 99999}]}\n")
	w.must(os.Remove(filepath.Join(w.repo, "bad/empty/cm.yaml")))
	w.write("bad/empty/README", "nothing here")
	w.must(os.Symlink("/etc/passwd", filepath.Join(w.repo, "bad/outside/passwd.yaml")))
	w.must(os.RemoveAll(filepath.Join(w.repo, "bad/path")))
	w.write("bad/big/big.yaml", "# "+strings.Repeat("x", 50<<20))
	w.commit("Go wrong")

	for _, tc := range []struct{ app, condition, says string }{
		{"yaml", "ComparisonError", "bad/yaml/broken.yaml:"},
		{"kustomization", "ComparisonError", "nope.yaml"},
		{"chart", "ComparisonError", "a name is needed"},
		{"traversal", "ComparisonError", "leaves the repository"},
		{"kind", "ComparisonError", "Widget"},
		{"rejected", "SyncError", "99999"},
		{"empty", "EmptySource", "allowEmpty"},
		{"outside", "ComparisonError", "points outside"},
		{"path", "ComparisonError", "bad/path is not in the repository"},
		{"big", "ComparisonError", "larger than"},
		{"cluster", "ComparisonError", "not registered"},
		{"down", "ComparisonError", "refused"},
		{"unreachable", "ComparisonError", "refused"},
		{"unauthorised", "ComparisonError", "authenti"},
		{"beyond", "ComparisonError", "project narrow does not permit the namespace"},
		{"nobodys", "ComparisonError", "the project nobody does not exist"},
		{"thief", "SharedResource", "belongs to application"},
	} {
		w.await(tc.app, fmt.Sprintf("telling %s with %q", tc.condition, tc.says), says(tc.condition, tc.says))
	}
	for _, dir := range dirs {
		if err := w.client.Get(t.Context(), client.ObjectKey{Namespace: w.namespace + "-" + dir, Name: dir}, &corev1.ConfigMap{}); err != nil {
			t.Errorf("the last good state of %s is lost: %v", dir, err)
		}
	}
	w.write("bad/fine/more.yaml", config("more"))
	w.commit("Work on beside it")
	w.until("the good application goes on", func(ctx context.Context) bool {
		return w.client.Get(ctx, client.ObjectKey{Namespace: w.namespace + "-fine", Name: "more"}, &corev1.ConfigMap{}) == nil
	})
}

// install applies our definitions.
func install(t *testing.T, config *rest.Config) {
	t.Helper()
	definitions, err := crds.Objects()
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := kube.Connect("hub", config, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	if err := cluster.Install(t.Context(), definitions); err != nil {
		t.Fatal(err)
	}
}
