package main

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/clustertest"
	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/preview"
)

// liveWorld is a real API server with a namespace of its own, and a repository.
type liveWorld struct {
	*testing.T
	*previewed
	file      string
	config    *rest.Config
	client    client.Client
	namespace string
}

func newLiveWorld(t *testing.T) *liveWorld {
	t.Helper()
	w := &liveWorld{T: t, previewed: newPreviewed(t), file: clustertest.Kubeconfig(t, "hub")}
	var err error
	w.config, err = restConfig(w.file, "")
	w.must(err)
	w.client, err = client.New(w.config, client.Options{})
	w.must(err)
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "live-"}}
	w.must(w.client.Create(t.Context(), ns))
	w.namespace = ns.Name
	w.later(ns)
	return w
}

func (w *liveWorld) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// later deletes an object at the end.
func (w *liveWorld) later(o client.Object) {
	w.Cleanup(func() {
		if err := w.client.Delete(context.Background(), o); client.IgnoreNotFound(err) != nil {
			w.Error(err)
		}
	})
}

// manifests are those of a file of testdata/preview-live. NS stands for the
// namespace.
func (w *liveWorld) manifests(name string) string {
	w.Helper()
	data, err := os.ReadFile("testdata/preview-live/" + name + ".yaml")
	w.must(err)
	return string(data)
}

func (w *liveWorld) objects(text string) []*unstructured.Unstructured {
	w.Helper()
	all, err := drift.Parse(strings.NewReader(strings.ReplaceAll(text, "NS", w.namespace)), "test")
	w.must(err)
	return all
}

// synced applies objects as a sync of the application does.
func (w *liveWorld) synced(text string) {
	w.Helper()
	cluster, err := kube.Connect("hub", w.config, nil)
	w.must(err)
	defer cluster.Close()
	for _, u := range w.objects(text) {
		object.Track(u, w.namespace)
		_, err := cluster.Apply(w.Context(), u)
		w.must(err)
	}
}

// make creates objects that are not the application's.
func (w *liveWorld) make(text string) {
	w.Helper()
	for _, u := range w.objects(text) {
		w.must(w.client.Create(w.Context(), u))
		w.later(u)
	}
}

// edit is a hand edit.
func (w *liveWorld) edit(apiVersion, kind, name, patch string) {
	w.Helper()
	u := &unstructured.Unstructured{}
	u.SetAPIVersion(apiVersion)
	u.SetKind(kind)
	u.SetNamespace(w.namespace)
	u.SetName(name)
	data, err := yaml.YAMLToJSON([]byte(patch))
	w.must(err)
	w.must(w.client.Patch(w.Context(), u, client.RawPatch("application/merge-patch+json", data), client.FieldOwner("kubectl-edit")))
}

func (w *liveWorld) until(what string, ok func() bool) {
	w.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); !ok(); <-tick.C {
		if time.Now().After(end) {
			w.Fatal("in vain: ", what)
		}
	}
}

// change commits an application with its objects of base, and those of head on
// a branch.
func (w *liveWorld) change(base, head string) {
	w.Helper()
	app := `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: NS, namespace: NS}
spec:
  source: {repoURL: git@git.example.com:config.git, path: shop, targetRevision: main}
  destination: {name: in-cluster, namespace: NS}
  syncPolicy: {automated: {prune: true}}
`
	files := map[string]string{"app.yaml": app, "shop/all.yaml": base}
	for name, text := range files {
		files[name] = strings.ReplaceAll(text, "NS", w.namespace)
	}
	w.commit(files)
	w.checkout("feature", true)
	w.commit(map[string]string{"shop/all.yaml": strings.ReplaceAll(head, "NS", w.namespace)})
}

func (w *liveWorld) preview(args ...string) (code int, stdout, stderr string) {
	w.Helper()
	return call(w.T, append([]string{"preview", "--repo", w.dir, "--cache-dir", "", "--agent-namespace", w.namespace, "--kubeconfig", w.file}, args...)...)
}

// report previews, and gives the verdicts by object.
func (w *liveWorld) report(want int, args ...string) (preview.Report, map[string]preview.Judged) {
	w.Helper()
	code, stdout, stderr := w.preview(append([]string{"--live", "-o", "json"}, args...)...)
	var r preview.Report
	if err := json.Unmarshal([]byte(stdout), &r); err != nil || code != want || r.Live == nil {
		w.Fatalf("exit code %d, want %d: %v\n%s%s", code, want, err, stdout, stderr)
	}
	out := map[string]preview.Judged{}
	for _, d := range r.Live.Destinations {
		for _, o := range d.Objects {
			out[strings.ReplaceAll(o.Key().Short(), w.namespace, "NS")] = o
		}
	}
	return r, out
}

// webhook serves one that sees the config maps of the namespace, and counts
// what it sees: real requests, and dry runs.
func (w *liveWorld) webhook() (calls, dry *atomic.Int64) {
	w.Helper()
	calls, dry = &atomic.Int64{}, &atomic.Int64{}
	server := httptest.NewTLSServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		var review struct {
			Request struct {
				UID    string `json:"uid"`
				DryRun bool   `json:"dryRun"`
			} `json:"request"`
		}
		body, err := io.ReadAll(in.Body)
		if err != nil || json.Unmarshal(body, &review) != nil {
			w.Errorf("the webhook was sent %s: %v", body, err)
		}
		if review.Request.DryRun {
			dry.Add(1)
		} else {
			calls.Add(1)
		}
		out.Header().Set("Content-Type", "application/json")
		answer := map[string]any{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": map[string]any{"uid": review.Request.UID, "allowed": true}}
		if err := json.NewEncoder(out).Encode(answer); err != nil {
			w.Error(err)
		}
	}))
	w.Cleanup(server.Close)
	u := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": map[string]any{"name": w.namespace},
		"webhooks": []any{map[string]any{
			"name": "sees.example.com", "sideEffects": "NoneOnDryRun", "failurePolicy": "Fail", "timeoutSeconds": int64(10), "admissionReviewVersions": []any{"v1"},
			"clientConfig":      map[string]any{"url": server.URL + "/", "caBundle": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})},
			"namespaceSelector": map[string]any{"matchLabels": map[string]any{"kubernetes.io/metadata.name": w.namespace}},
			"rules":             []any{map[string]any{"apiGroups": []any{""}, "apiVersions": []any{"v1"}, "operations": []any{"*"}, "resources": []any{"configmaps"}}},
		}},
	}}
	w.must(w.client.Create(w.Context(), u))
	w.later(u)
	w.until("the webhook is called", func() bool {
		try := w.objects("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: try, namespace: NS}\n")[0]
		w.must(w.client.Create(w.Context(), try, client.DryRunAll))
		return dry.Load() > 0
	})
	dry.Store(0)
	return calls, dry
}

// known has the cluster hold what an agent found out about a live edit.
func (w *liveWorld) known() {
	w.Helper()
	w.must(installCRDs(w.Context(), w.config))
	k, err := kube.NewClient(w.config)
	w.must(err)
	app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Name: w.namespace, Namespace: w.namespace}}
	app.Spec.Source = &v1alpha1.ApplicationSource{RepoURL: "https://git.example.com/config.git", Path: "shop"}
	app.Spec.Destination = v1alpha1.ApplicationDestination{Name: "in-cluster", Namespace: w.namespace}
	w.must(k.Create(w.Context(), app))
	found := metav1.NewTime(time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC))
	app.Status.Drift = &v1alpha1.DriftSummary{Objects: 1, Fields: 1, Changes: []v1alpha1.DriftChange{{
		Group: "apps", Kind: "Deployment", Namespace: w.namespace, Name: "web", Path: "spec.replicas", Class: "declared", Manager: "kubectl-edit",
		DriftActor: v1alpha1.DriftActor{User: "ana"}, FoundAt: &found,
	}}}
	w.must(k.Status().Update(w.Context(), app))
}

// as writes a kubeconfig of a service account that may do what rules say.
func (w *liveWorld) as(name, rules string) string {
	w.Helper()
	w.make(`
apiVersion: v1
kind: ServiceAccount
metadata: {name: ` + name + `, namespace: NS}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: NS-` + name + `}
rules: ` + rules + `
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: NS-` + name + `}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: NS-` + name + `}
subjects: [{kind: ServiceAccount, name: ` + name + `, namespace: NS}]
`)
	request := &authenticationv1.TokenRequest{}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.namespace}}
	w.must(w.client.SubResource("token").Create(w.Context(), account, request))
	config := clientcmdapi.NewConfig()
	config.Clusters["c"] = &clientcmdapi.Cluster{Server: w.config.Host, CertificateAuthorityData: w.config.CAData, CertificateAuthority: w.config.CAFile}
	config.AuthInfos["c"] = &clientcmdapi.AuthInfo{Token: request.Status.Token}
	config.Contexts["c"] = &clientcmdapi.Context{Cluster: "c", AuthInfo: "c"}
	config.CurrentContext = "c"
	file := filepath.Join(w.TempDir(), "kubeconfig")
	w.must(clientcmd.WriteToFile(*config, file))
	return file
}
