package agent_test

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/agent"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/kube"
)

// listing is a client.Reader that lists what it holds.
type listing struct{ items []corev1.Secret }

func (l listing) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	panic("nobody gets")
}

func (l listing) List(_ context.Context, out client.ObjectList, options ...client.ListOption) error {
	var o client.ListOptions
	o.ApplyOptions(options)
	list, _ := out.(*corev1.SecretList)
	for _, s := range l.items {
		if s.Namespace == o.Namespace && o.LabelSelector.Matches(labelsOf(s)) {
			list.Items = append(list.Items, s)
		}
	}
	return nil
}

type labelsOf corev1.Secret

func (l labelsOf) Has(name string) bool              { _, ok := l.Labels[name]; return ok }
func (l labelsOf) Get(name string) string            { return l.Labels[name] }
func (l labelsOf) Lookup(name string) (string, bool) { v, ok := l.Labels[name]; return v, ok }

// TestKeysBelongToProjects: a key is for whom its secret names, and a secret
// that contradicts itself is for nobody.
func TestKeysBelongToProjects(t *testing.T) {
	t.Parallel()
	of := func(name string, annotation, entry *string, kind, namespace string) corev1.Secret {
		s := corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: map[string]string{kube.KeyTypeLabel: kind}}, Data: map[string][]byte{}}
		if annotation != nil {
			s.Annotations = map[string]string{kube.KeyProject: *annotation}
		}
		if entry != nil {
			s.Data["project"] = []byte(*entry)
		}
		return s
	}
	shop, billing, empty := "shop", "billing", ""
	bundles, err := agent.Keys{Namespace: "trueup", Reader: listing{[]corev1.Secret{
		of("everybody", nil, nil, kube.KeyTypeSOPS, "trueup"),
		of("by-annotation", &shop, nil, kube.KeyTypeSOPS, "trueup"),
		of("by-entry", nil, &shop, kube.KeyTypeSOPS, "trueup"),
		of("by-both", &shop, &shop, kube.KeyTypeSOPS, "trueup"),
		of("contradiction", &shop, &billing, kube.KeyTypeSOPS, "trueup"),
		of("empty-annotation", &empty, nil, kube.KeyTypeSOPS, "trueup"),
		of("empty-entry", nil, &empty, kube.KeyTypeSOPS, "trueup"),
		of("another-kind", nil, nil, "else", "trueup"),
		of("another-namespace", nil, nil, kube.KeyTypeSOPS, "shop"),
	}}}.Bundles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, b := range bundles {
		got[b.Name] = b.Project
	}
	want := map[string]string{"Secret everybody": "", "Secret by-annotation": "shop", "Secret by-entry": "shop", "Secret by-both": "shop"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestEncryptedApplication: a key that comes, and one that is rotated, take
// effect without a restart, for the application's project only; and nothing
// that people read tells what was encrypted.
func TestEncryptedApplication(t *testing.T) {
	t.Parallel()
	w := start(t)
	read := func(parts ...string) string {
		data, err := os.ReadFile("../internal/secret/testdata/" + strings.Join(parts, "/"))
		w.must(err)
		return string(data)
	}
	w.write("sealed/secret.yaml", read("sealed", "secret.yaml"))
	w.commit("Add an encrypted Secret")
	w.must(w.client.Create(t.Context(), &v1alpha1.Project{ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: w.namespace}, Spec: v1alpha1.ProjectSpec{
		SourceRepos: []string{"*"}, Destinations: []v1alpha1.ApplicationDestination{{Server: "*", Namespace: "*"}},
	}}))
	w.app("sealed", "sealed", func(a *v1alpha1.Application) { a.Spec.Project = "shop" })
	locked := func(a *v1alpha1.Application) bool {
		data, err := json.Marshal(a.Status)
		return err == nil && strings.Contains(string(data), "project shop has no key that opens it; it is encrypted for age1")
	}
	w.await("sealed", "locked", locked)

	// A key for another project does not help; one for its own does.
	keys := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "keys", Namespace: w.namespace, Labels: map[string]string{kube.KeyTypeLabel: kube.KeyTypeSOPS}},
		StringData: map[string]string{"alice.agekey": read("keys", "alice.agekey"), "project": "billing"},
	}
	w.must(w.client.Create(t.Context(), keys))
	w.await("sealed", "still locked", locked)
	w.must(w.client.Patch(t.Context(), keys, client.RawPatch("application/merge-patch+json", []byte(`{"stringData":{"project":"shop"}}`))))
	w.await("sealed", "synced", good)
	db := &corev1.Secret{}
	w.must(w.client.Get(t.Context(), client.ObjectKey{Namespace: w.namespace + "-sealed", Name: "db"}, db))
	if got := string(db.Data["password"]); got != "correct horse battery staple" {
		t.Errorf("the password is %q", got)
	}

	// The file is encrypted for somebody else, whose key comes later.
	w.write("sealed/secret.yaml", read("sealed", "bob.yaml"))
	w.commit("Encrypt for bob")
	w.await("sealed", "locked again", locked)
	patch, err := json.Marshal(map[string]any{"stringData": map[string]string{"bob.agekey": read("keys", "bob.agekey")}})
	w.must(err)
	w.must(w.client.Patch(t.Context(), keys, client.RawPatch("application/merge-patch+json", patch)))
	app := w.await("sealed", "synced", good)

	// What drifted is told without its value.
	w.must(w.client.Patch(t.Context(), db, client.RawPatch("application/merge-patch+json", []byte(`{"stringData":{"password":"edited by hand"}}`))))
	w.until("the password is restored", func(ctx context.Context) bool {
		err := w.client.Get(ctx, client.ObjectKeyFromObject(db), db)
		return err == nil && string(db.Data["password"]) == "correct horse battery staple"
	})
	w.must(w.client.Get(t.Context(), client.ObjectKeyFromObject(app), app))
	told, err := json.Marshal(app)
	w.must(err)
	for _, text := range []string{"correct horse", "edited by hand", "Y29ycmVjd", "ZWRpdGVk"} {
		if strings.Contains(string(told), text) {
			t.Errorf("the application tells %q: %s", text, told)
		}
	}
}
