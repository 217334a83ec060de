package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/agent"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/clustertest"
	"github.com/trueup-dev/trueup/internal/forgetest"
	"github.com/trueup-dev/trueup/internal/history"
	"github.com/trueup-dev/trueup/internal/history/sqlite"
	"github.com/trueup-dev/trueup/internal/kube"
)

const webInGit = `# The shop's front.
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2 # a quiet day
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: example.com/web:1
`

// adopting is an agent on a real API server, and who looks at it.
type adopting struct {
	*testing.T
	client    client.Client
	file      string
	namespace string
	shop      string // an application's name
	server    string
	history   *sqlite.Store
}

func startAdopting(t *testing.T) *adopting {
	t.Helper()
	a := &adopting{T: t, file: clustertest.Kubeconfig(t, "hub")}
	config, err := restConfig(a.file, "")
	a.must(err)
	a.must(installCRDs(t.Context(), config))
	a.client, err = kube.NewClient(config)
	a.must(err)
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "adopt-"}}
	a.must(a.client.Create(t.Context(), ns))
	a.namespace = ns.Name
	a.shop = strings.Replace(ns.Name, "adopt", "shop", 1) // tracking ids are of the whole cluster
	past, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "history.db"))
	a.must(err)
	a.history = past
	l, err := net.Listen("tcp", "127.0.0.1:0")
	a.must(err)
	address := l.Addr().String()
	a.must(l.Close())
	a.server = "http://" + address
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- agent.Run(ctx, agent.Options{
			Config: config, Namespace: ns.Name, DataDir: t.TempDir(), Poll: 200 * time.Millisecond, Sweep: time.Hour, Health: "0", Metrics: "0",
			Files: true, Workers: 2, Log: logr.Discard(), Watch: ns.Name, History: past, KeepHistory: time.Hour, API: address,
			Registry: prometheus.NewRegistry(), Engines: engines(false),
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the agent did not stop cleanly: %v", err)
		}
		a.must(past.Close())
	})
	return a
}

func (a *adopting) must(err error) {
	a.Helper()
	if err != nil {
		a.Fatal(err)
	}
}

// app makes an application that follows commits and leaves drift alone.
func (a *adopting) app(name, url string) {
	a.Helper()
	app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: a.namespace}}
	app.Spec.Source = &v1alpha1.ApplicationSource{RepoURL: url, Path: "shop", TargetRevision: "main"}
	app.Spec.Destination = v1alpha1.ApplicationDestination{Name: "in-cluster", Namespace: a.namespace + "-" + name}
	app.Spec.SyncPolicy = &v1alpha1.SyncPolicy{Automated: &v1alpha1.SyncPolicyAutomated{}, SyncOptions: v1alpha1.SyncOptions{"CreateNamespace=true"}}
	a.must(a.client.Create(a.Context(), app))
}

func (a *adopting) await(name, what string, ok func(*v1alpha1.Application) bool) {
	a.Helper()
	deadline := time.Now().Add(time.Minute)
	var app v1alpha1.Application
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		a.must(a.client.Get(a.Context(), client.ObjectKey{Namespace: a.namespace, Name: name}, &app))
		if ok(&app) {
			return
		}
		if time.Now().After(deadline) {
			status, _ := json.MarshalIndent(app.Status, "", " ")
			a.Fatalf("%s is never %s:\n%s", name, what, status)
		}
		<-tick.C
	}
}

func synced(app *v1alpha1.Application) bool {
	return app.Status.Sync.Status == v1alpha1.SyncStatusCodeSynced && (app.Status.Drift == nil || app.Status.Drift.Fields == 0)
}

// scale changes the replicas of an application's Deployment by hand.
func (a *adopting) scale(name string, replicas string) {
	a.Helper()
	web := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: a.namespace + "-" + name}}
	a.must(a.client.Patch(a.Context(), web, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"replicas":`+replicas+`}}`)), client.FieldOwner("kubectl-edit")))
	a.await(name, "drifted", func(app *v1alpha1.Application) bool { return app.Status.Drift != nil && app.Status.Drift.Fields == 1 })
}

func (a *adopting) command(args ...string) (code int, stdout, stderr string) {
	var out, errOut bytes.Buffer
	code = run(a.Context(), append(args, "--kubeconfig", a.file, "-n", a.namespace), streams{in: strings.NewReader(""), out: &out, err: &errOut})
	return code, out.String(), errOut.String()
}

// TestAdoptOnAForge: a hand edit becomes a pull request, which is merged; the
// agent sees the commit, and the difference ends as adopted.
func TestAdoptOnAForge(t *testing.T) {
	t.Parallel()
	forge := forgetest.Start(t)
	a := startAdopting(t)
	ana := forge.User("ana")
	repo := forge.Repository(ana, "config")
	repo.Push("Start", map[string]string{"shop/web.yaml": webInGit})
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "config", Namespace: a.namespace, Labels: map[string]string{kube.SecretTypeLabel: kube.SecretRepo}},
		StringData: map[string]string{"url": repo.URL, "username": "ana", "password": forge.Token(ana)},
	}
	a.must(a.client.Create(t.Context(), secret))
	a.app(a.shop, repo.URL)
	a.await(a.shop, "synced", synced)

	adopt := []string{"drift", "adopt", a.shop, "--forge", "gitea", "--server", a.server}
	if code, _, stderr := a.command(adopt...); code != exitOK || !strings.Contains(stderr, "nothing differs that could be adopted") {
		t.Errorf("before anything differs: %d, %s", code, stderr)
	}
	a.scale(a.shop, "5")
	code, stdout, stderr := a.command(adopt...)
	if code != exitOK || !strings.HasSuffix(stdout, "/ana/config/pulls/1\n") {
		t.Fatalf("adopted: %d\n%s%s", code, stdout, stderr)
	}
	var pull struct {
		Title, Body string
		Head, Base  struct{ Ref string }
	}
	forge.Call(http.MethodGet, "/repos/ana/config/pulls/1", nil, &pull)
	if pull.Title != "Adopt spec.replicas of Deployment "+a.namespace+"-"+a.shop+"/web" || pull.Base.Ref != "main" || !strings.HasPrefix(pull.Head.Ref, "trueup/adopt-"+a.shop) {
		t.Errorf("the pull request is %+v", pull)
	}
	for _, want := range []string{"<code>spec.replicas</code>", "<code>2</code>", "<code>5</code>", "kubectl-edit update", "shop/web.yaml", "opened: ", "trueup sync " + a.shop + " --drifted"} {
		if !strings.Contains(pull.Body, want) {
			t.Errorf("the text is without %q:\n%s", want, pull.Body)
		}
	}
	if code, stdout, _ := a.command(adopt...); code != exitOK || !strings.Contains(stdout, "/pulls/1 is open already") {
		t.Errorf("once more: %d, %s", code, stdout)
	}

	repo.Merge(1)
	a.await(a.shop, "in line again", synced)
	var drifts []history.Drift
	a.await(a.shop, "told of as adopted", func(*v1alpha1.Application) bool {
		var err error
		drifts, err = a.history.Drifts(t.Context(), history.Query{App: a.namespace + "/" + a.shop, Path: "spec.replicas", Limit: 10})
		a.must(err)
		return len(drifts) > 1
	})
	if last := drifts[0]; last.How != "adopted" || last.Moment != "closed" {
		t.Errorf("the timeline ends with %+v", last)
	}
	var file struct{ Content []byte }
	forge.Call(http.MethodGet, "/repos/ana/config/contents/shop/web.yaml?ref=main", nil, &file)
	if want := strings.Replace(webInGit, "replicas: 2", "replicas: 5", 1); string(file.Content) != want {
		t.Errorf("the file is\n%s", file.Content)
	}

	// A token that is wrong is told, and not shown.
	next := secret.DeepCopy()
	next.StringData = map[string]string{"password": "not-the-token"}
	a.must(a.client.Patch(t.Context(), next, client.MergeFrom(secret)))
	if code, stdout, stderr := a.command(adopt...); code != exitError || strings.Contains(stdout+stderr, "not-the-token") || !strings.Contains(stderr, "authenti") {
		t.Errorf("with a wrong token: %d\n%s%s", code, stdout, stderr)
	}
}

// TestAdoptWithoutAForge: a patch that git applies, or a branch.
func TestAdoptWithoutAForge(t *testing.T) {
	t.Parallel()
	a := startAdopting(t)
	dir := filepath.Join(t.TempDir(), "config")
	git := func(in string, args ...string) string {
		t.Helper()
		cmd := exec.Command("git", args...)
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(in)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=Ana", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=Ana", "GIT_COMMITTER_EMAIL=a@example.com")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %s: %v\n%s", args[0], err, out)
		}
		return string(out)
	}
	a.must(os.MkdirAll(filepath.Join(dir, "shop"), 0o755))
	git("", "init", "-q", "-b", "main")
	a.must(os.WriteFile(filepath.Join(dir, "shop", "web.yaml"), []byte(webInGit), 0o600))
	git("", "add", "-A")
	git("", "commit", "-q", "-m", "Start")
	url := "file://" + dir
	a.app(a.shop, url)
	a.await(a.shop, "synced", synced)
	a.app("twin-"+a.shop, url) // which reads the same file
	a.await("twin-"+a.shop, "synced", synced)
	a.scale(a.shop, "5")

	code, patch, stderr := a.command("drift", "adopt", a.shop)
	if code != exitOK || !strings.Contains(stderr, "other applications read what is changed: twin-"+a.shop) {
		t.Errorf("printed: %d\n%s", code, stderr)
	}
	git(patch, "apply", "--check", "-")
	if !strings.Contains(patch, "-  replicas: 2 # a quiet day\n+  replicas: 5 # a quiet day\n") {
		t.Errorf("the patch is\n%s", patch)
	}
	code, stdout, stderr := a.command("drift", "adopt", a.shop, "--branch", "five", "-m", "Keep five\n\nFor the sale.", "--author", "Ben <ben@example.com>", "-o", "json")
	var told struct {
		Repositories []struct{ Branch, Commit, Base string }
		Adopted      []struct{ Object, Path, WrittenTo string }
	}
	if err := json.Unmarshal([]byte(stdout), &told); err != nil || code != exitOK || len(told.Repositories) != 1 || told.Repositories[0].Base != "main" || len(told.Adopted) != 1 {
		t.Fatalf("pushed: %d, %v\n%s%s", code, err, stdout, stderr)
	}
	log := git("", "log", "-1", "--format=%H %an %s%n%b", "five")
	want := regexp.MustCompile(`^` + told.Repositories[0].Commit + ` Ben Keep five\n\nFor the sale\.\n\nWhat was changed in the cluster is written to Git:\n\n- Deployment \S+/web spec\.replicas: 2 to 5, by kubectl-edit update at [-0-9]+ [:0-9]+\n\nTrueup-Adopts: apps/Deployment \S+/web spec\.replicas\n`)
	if !want.MatchString(strings.Replace(log, "\nFor", "\n\nFor", 1)) {
		t.Errorf("the commit reads\n%s", log)
	}
	if code, _, stderr := a.command("drift", "adopt", a.shop, "--path", "spec.paused"); code != exitError || !strings.Contains(stderr, "nothing differs at spec.paused") {
		t.Errorf("what does not differ: %d, %s", code, stderr)
	}
	for _, wrong := range [][]string{{"--author", "Ben"}, {"--forge", "x"}, {"--force"}, {"--print", "--branch", "x"}, {"-o", "yaml"}, {"--path", ""}} {
		if code, _, stderr := a.command(append([]string{"drift", "adopt", a.shop}, wrong...)...); code != exitUsage {
			t.Errorf("%v: %d, %s", wrong, code, stderr)
		}
	}
	// The merge of the branch is what the agent sees.
	git("", "merge", "-q", "--no-ff", "-m", "Merge branch 'trueup/adopt-shop-1a2b3c4d'", "five")
	a.await(a.shop, "in line again", synced)
}
