package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/internal/clustertest"
	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/preview"
)

// ready waits until the policy and the quota hold.
func (w *liveWorld) ready() {
	w.Helper()
	w.until("the policy and the quota hold", func() bool {
		refuse := w.objects("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: try, namespace: NS, labels: {refuse: x}}\n")[0]
		second := w.objects("apiVersion: v1\nkind: Service\nmetadata: {name: try, namespace: NS}\nspec: {ports: [{port: 80}]}\n")[0]
		a, b := w.client.Create(w.Context(), refuse, client.DryRunAll), w.client.Create(w.Context(), second, client.DryRunAll)
		return a != nil && strings.Contains(a.Error(), "ValidatingAdmissionPolicy") && b != nil && strings.Contains(b.Error(), "exceeded quota")
	})
}

// TestPreviewLive asks a real API server about a change of every sort.
func TestPreviewLive(t *testing.T) {
	t.Parallel()
	w := newLiveWorld(t)
	base := w.manifests("base")
	w.synced(base)
	w.make(w.manifests("policy"))
	w.change(base, w.manifests("head"))
	w.edit("apps/v1", "Deployment", "web", "{spec: {replicas: 5}, metadata: {annotations: {note: by hand}}}")
	w.edit("v1", "Secret", "key", "{stringData: {password: second-hunter2}}")
	w.edit("v1", "ConfigMap", "already", "{data: {x: b}}")
	w.edit("v1", "ConfigMap", "drifted", "{data: {note: by hand}}")
	w.known()
	calls, dry := w.webhook()
	w.ready()
	before := calls.Load()

	r, got := w.report(exitDrift)
	type short struct {
		Verdict preview.Verdict
		Cause   preview.Cause
		By      string
	}
	verdicts := map[string]short{}
	for key, o := range got {
		verdicts[key] = short{o.Verdict, o.Cause, strings.ReplaceAll(o.By, w.namespace, "NS")}
	}
	want := map[string]short{
		"Deployment NS/web":           {preview.Overwrite, "", ""},
		"Deployment NS/selects":       {preview.Rejected, preview.ByImmutable, ""},
		"Service NS/ip":               {preview.Rejected, preview.ByImmutable, ""},
		"Service NS/second":           {preview.Rejected, preview.ByQuota, "small"},
		"Secret NS/key":               {preview.Overwrite, "", ""},
		"Secret NS/broken":            {preview.Rejected, preview.ByValidation, ""},
		"ConfigMap NS/plain":          {preview.AsPredicted, "", ""},
		"ConfigMap NS/already":        {preview.AlreadySo, "", ""},
		"ConfigMap NS/drifted":        {preview.Drifted, "", ""},
		"ConfigMap NS/goes":           {preview.AsPredicted, "", ""},
		"ConfigMap NS/refused":        {preview.Rejected, preview.ByPolicy, "NS.example.com"},
		"ConfigMap NS/nobodys":        {preview.Overwrite, "", ""},
		"Namespace NS-new":            {preview.AsPredicted, "", ""},
		"ConfigMap NS-new/there":      {preview.Later, preview.ByNamespace, "NS-new"},
		"ConfigMap NS-absent/nowhere": {preview.Rejected, preview.ByNamespace, "NS-absent"},
		"Unheard NS/of":               {preview.Rejected, preview.ByKind, ""},
	}
	if diff := cmp.Diff(want, verdicts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	edits := got["Deployment NS/web"]
	if len(edits.Overwrites) != 1 || edits.Overwrites[0].Path != "spec.replicas" || edits.Overwrites[0].Manager != "kubectl-edit" || edits.Overwrites[0].Time == nil ||
		edits.Overwrites[0].Live != 5.0 || edits.Overwrites[0].Base != 2.0 || edits.Overwrites[0].Head != 3.0 || edits.Drifted != 1 || !edits.Drifts[0].Stays {
		t.Errorf("the edits are %+v", edits)
	}
	if e := edits.Overwrites[0]; e.FoundAt == nil || e.FoundAt.Hour() != 10 || len(e.Audit) != 1 || e.Audit[0].User != "ana" {
		t.Errorf("what the agent knows is not told: %+v", e)
	}
	if e := got["ConfigMap NS/nobodys"].Overwrites; len(e) != 1 || !e[0].Hidden || e[0].Live != nil {
		t.Errorf("what nobody tracks is shown: %+v", e)
	}
	if p := got["Deployment NS/selects"].Paths; len(p) != 1 || p[0] != "spec.selector" {
		t.Errorf("the immutable field is %v", p)
	}
	if calls.Load() != before || dry.Load() == 0 {
		t.Errorf("the webhook was called %d times, and %d times for dry runs", calls.Load()-before, dry.Load())
	}
	w.unchanged()
	w.secretive(r)
	if code, _, stderr := w.preview("--live", "--fail-on", "critical"); code != exitError || !strings.Contains(stderr, "a risk is critical") {
		t.Errorf("the gate: exit code %d\n%s", code, stderr)
	}
}

// unchanged holds that nothing was done.
func (w *liveWorld) unchanged() {
	w.Helper()
	var maps corev1.ConfigMapList
	w.must(w.client.List(w.Context(), &maps, client.InNamespace(w.namespace)))
	have := map[string]string{}
	for _, m := range maps.Items {
		have[m.Name] = m.Data["x"]
	}
	delete(have, "kube-root-ca.crt")
	if diff := cmp.Diff(map[string]string{"plain": "a", "already": "b", "drifted": "a", "goes": "", "nobodys": ""}, have); diff != "" {
		w.Errorf("something was done: %s", diff)
	}
	if err := w.client.Get(w.Context(), client.ObjectKey{Name: w.namespace + "-new"}, &corev1.Namespace{}); client.IgnoreNotFound(err) != nil || err == nil {
		w.Errorf("the namespace was made: %v", err)
	}
}

// secretive holds that no output tells a secret value, and that Git against
// Git is the same without the clusters.
func (w *liveWorld) secretive(live preview.Report) {
	w.Helper()
	for _, output := range []string{"text", "markdown", "json", "html"} {
		code, stdout, stderr := w.preview("--live", "-o", output)
		if code != exitDrift || strings.Contains(strings.ReplaceAll(stdout+stderr, "sixth-hunter2", ""), "hunter2") || strings.Contains(stdout+stderr, "aHVudGVy") {
			w.Errorf("%s: exit code %d, or it tells a secret:\n%s%s", output, code, stdout, stderr)
		}
		if !strings.Contains(stdout, "would be rejected") && output != "json" {
			w.Errorf("%s does not tell: %s", output, stdout)
		}
		if output == "text" && os.Getenv("TRUEUP_SHOW") != "" {
			w.Log("\n" + stdout)
		}
	}
	code, stdout, stderr := w.preview("-o", "json")
	if code != exitDrift {
		w.Fatalf("without clusters: exit code %d\n%s", code, stderr)
	}
	live.Live = nil
	text, err := json.MarshalIndent(live, "", "  ")
	w.must(err)
	same := regexp.MustCompile(`"change": "[0-9a-f]+"|<secret #[0-9a-f]+>|\\u003csecret #[0-9a-f]+\\u003e|"seconds": [0-9.e-]+`)
	if diff := cmp.Diff(same.ReplaceAllString(strings.TrimSpace(stdout), ""), same.ReplaceAllString(string(text), "")); diff != "" {
		w.Errorf("Git against Git is not the same: %s", diff)
	}
}

// TestPreviewLiveForbidden: what one may not ask about is not judged, with the
// permission that lacks, and the rest is.
func TestPreviewLiveForbidden(t *testing.T) {
	t.Parallel()
	w := newLiveWorld(t)
	const base = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: NS}\ndata: {x: a}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: NS}\nspec: {ports: [{port: 80}]}\n"
	w.synced(base)
	w.change(base, strings.NewReplacer("x: a", "x: b", "port: 80", "port: 81").Replace(base))
	const hooks = "{apiGroups: [admissionregistration.k8s.io], resources: ['*'], verbs: [list]}"
	reader := w.as("reader", "[{apiGroups: [''], resources: [configmaps], verbs: [get]}, "+hooks+"]")
	_, got := w.report(exitIncomplete, "--kubeconfig", reader)
	for key, want := range map[string]string{
		"ConfigMap NS/a": "no permission to patch configmaps in the namespace " + w.namespace,
		"Service NS/s":   "no permission to get services in the namespace " + w.namespace,
	} {
		if o := got[key]; o.Verdict != preview.NotJudged || o.Cause != preview.ByPermission || o.Reason != want {
			t.Errorf("%s: %s, %s: %s", key, o.Verdict, o.Cause, o.Reason)
		}
	}
	blind := w.as("blind", "[{apiGroups: [''], resources: [configmaps, services], verbs: [get, patch]}]")
	_, got = w.report(exitIncomplete, "--kubeconfig", blind)
	if o := got["ConfigMap NS/a"]; o.Verdict != preview.NotJudged || o.Cause != preview.BySideEffect || !strings.Contains(o.Reason, "whether webhooks have side effects is not known") {
		t.Errorf("%s, %s: %s", o.Verdict, o.Cause, o.Reason)
	}
}

// TestPreviewLiveClusters: destinations of a file, with credentials or a
// context; one that is silent takes nothing from the others.
func TestPreviewLiveClusters(t *testing.T) {
	t.Parallel()
	w := newLiveWorld(t)
	edge, err := restConfig(clustertest.Kubeconfig(t, "edge"), "")
	w.must(err)
	app := func(name, cluster string) string {
		return "---\napiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: " + w.namespace + "-" + name + ", namespace: trueup}\nspec:\n" +
			"  source: {repoURL: git@git.example.com:config.git, path: shop, targetRevision: main}\n  destination: {name: " + cluster + ", namespace: default}\n"
	}
	w.commit(map[string]string{"apps.yaml": app("edge", "edge") + app("gone", "gone") + app("stranger", "stranger") + app("context", "with-context") + app("nothing", "with-nothing"), "shop/all.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + w.namespace + "}\ndata: {x: a}\n"})
	w.checkout("feature", true)
	w.commit(map[string]string{"shop/all.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + w.namespace + "}\ndata: {x: b}\n"})
	var secrets []string
	for name, config := range map[string]*rest.Config{"edge": edge, "gone": {Host: "https://127.0.0.1:1"}} {
		secret, err := kube.ToSecret("trueup", name, config)
		w.must(err)
		text, err := yaml.Marshal(secret)
		w.must(err)
		secrets = append(secrets, string(text))
	}
	for _, name := range []string{"with-context", "with-nothing"} {
		secrets = append(secrets, "apiVersion: v1\nkind: Secret\nmetadata: {name: "+name+", labels: {argocd.argoproj.io/secret-type: cluster}}\nstringData: {name: "+name+", server: https://"+name+".example.com}\n")
	}
	file := filepath.Join(t.TempDir(), "clusters.yaml")
	w.must(os.WriteFile(file, []byte(strings.Join(secrets, "---\n")), 0o600))
	both := clientcmdapi.NewConfig()
	for name, config := range map[string]*rest.Config{"hub": w.config, "with-context": edge} {
		both.Clusters[name] = &clientcmdapi.Cluster{Server: config.Host, CertificateAuthorityData: config.CAData, CertificateAuthority: config.CAFile}
		both.AuthInfos[name] = &clientcmdapi.AuthInfo{ClientCertificate: config.CertFile, ClientCertificateData: config.CertData, ClientKey: config.KeyFile, ClientKeyData: config.KeyData, Token: config.BearerToken}
		both.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	}
	both.CurrentContext = "hub"
	contexts := filepath.Join(t.TempDir(), "kubeconfig")
	w.must(clientcmd.WriteToFile(*both, contexts))
	r, _ := w.report(exitIncomplete, "--clusters", file, "--kubeconfig", contexts)
	if len(r.Live.Destinations) != 5 {
		t.Fatalf("%+v", r.Live)
	}
	if d := r.Live.Destinations[3]; d.Cluster != "with-context" || d.Unknown != "" || len(d.Objects) != 1 {
		t.Errorf("a Secret without credentials, and a context: %+v", d)
	}
	if d := r.Live.Destinations[4]; !strings.Contains(d.Unknown, "holds no credentials of the cluster with-nothing, and the kubeconfig no context of that name") {
		t.Errorf("a Secret without credentials: %+v", d)
	}
	asked, gone, stranger := r.Live.Destinations[0], r.Live.Destinations[1], r.Live.Destinations[2]
	if len(asked.Objects) != 1 || asked.Objects[0].Verdict != preview.Drifted || !asked.Objects[0].Missing || !asked.Objects[0].Manual || asked.AsOf.IsZero() {
		t.Errorf("%+v", asked)
	}
	if !strings.Contains(gone.Unknown, "connection refused") || gone.LeftOut != 1 {
		t.Errorf("%+v", gone)
	}
	if !strings.Contains(stranger.Unknown, "does not name the cluster stranger") || stranger.LeftOut != 1 {
		t.Errorf("%+v", stranger)
	}
}
