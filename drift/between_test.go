package drift_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/schema"
)

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: web:1, resources: {limits: {cpu: 1000m}}}
      - {name: log, image: log:1}
`

func TestBetween(t *testing.T) {
	t.Parallel()
	builtin, err := schema.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	type field struct {
		Path   string
		Before any
		After  any
		Class  drift.Class
	}
	for _, c := range []struct {
		name          string
		before, after string
		state         drift.State
		want          []field
	}{
		{name: "the same in other words", before: deployment, state: drift.InSync, after: `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: log, image: log:1, imagePullPolicy: IfNotPresent}
      - {name: web, image: web:1, resources: {limits: {cpu: 1}}}
`},
		{name: "a value, a value more, a value less, a container less", before: deployment, state: drift.Modified, after: `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {tier: front}}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: web:2, resources: {limits: {cpu: 1}}}
`, want: []field{
			{"metadata.labels.app", "web", nil, drift.Removed},
			{"metadata.labels.tier", nil, "front", drift.Declared},
			{"spec.replicas", nil, int64(3), drift.Declared},
			{"spec.template.spec.containers[name=log]", map[string]any{"name": "log", "image": "log:1"}, nil, drift.Removed},
			{"spec.template.spec.containers[name=web].image", "web:1", "web:2", drift.Declared},
		}},
		{name: "an object more", after: deployment, state: drift.Missing},
		{name: "an object less", before: deployment, state: drift.Extra},
		{
			name: "another version of the kind", state: drift.Modified,
			before: "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: web, namespace: shop}\nspec: {minAvailable: 1}\n",
			after:  "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web, namespace: shop}\nspec: {minAvailable: 1}\n",
			want:   []field{{"apiVersion", "policy/v1beta1", "policy/v1", drift.Declared}},
		},
		{
			name: "values of secrets are marks", state: drift.Modified,
			before: "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: shop}\nstringData: {password: hunter2, user: ana}\n",
			after:  "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: shop}\ndata: {user: YW5h}\nstringData: {password: hunter3}\n",
			want:   []field{{"data.password", "<secret #0cd9cde6>", "<secret #f72ba727>", drift.Declared}},
		},
		{
			name: "what repeats a secret value is a mark, too", state: drift.Modified,
			before: "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: shop, annotations: {note: is hunter2, team: shop}}\ndata: {password: aHVudGVyMg==}\nstringdata: {password: hunter2}\n",
			after:  "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: shop, annotations: {note: was hunter2, team: web}}\ndata: {password: aHVudGVyMg==}\nstringdata: {password: hunter3}\n",
			want: []field{
				{"metadata.annotations.note", "<secret #a43067ec>", "<secret #24cec3ad>", drift.Declared},
				{"metadata.annotations.team", "shop", "web", drift.Declared},
				{"stringdata.password", "<secret #0cd9cde6>", "<secret #f72ba727>", drift.Declared},
			},
		},
		{
			name: "rules of users do not count", state: drift.Modified,
			before: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: shop, annotations: {trueup.dev/ignore: data.x}}\ndata: {x: a}\n",
			after:  "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: shop, annotations: {trueup.dev/ignore: data.x}}\ndata: {x: b}\n",
			want:   []field{{"data.x", "a", "b", drift.Declared}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			side := func(text string) []*unstructured.Unstructured {
				if text == "" {
					return nil
				}
				objects, err := drift.Parse(strings.NewReader(text), "side")
				if err != nil {
					t.Fatal(err)
				}
				return objects
			}
			report := drift.Between(drift.Manifests{Before: side(c.before), After: side(c.after), Schemas: builtin, MaskKey: []byte("k")})
			if len(report.Objects) != 1 || report.Objects[0].State != c.state {
				t.Fatalf("got %+v, want one object that is %s", report.Objects, c.state)
			}
			var got []field
			for _, f := range report.Objects[0].Fields {
				got = append(got, field{f.Path, f.Live, f.Desired, f.Class})
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestMasked: a report shows no secret value of an object that comes or goes,
// wherever the object repeats it.
func TestMasked(t *testing.T) {
	t.Parallel()
	const copied = `{"kind":"Secret","stringData":{"password":"hunter2"}}`
	for _, c := range []struct {
		name, text string
		want       map[string]any
	}{
		{
			name: "a Secret that tools repeat in annotations",
			text: `
apiVersion: v1
kind: Secret
metadata:
  name: s
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '` + copied + `'
    kapp.k14s.io/original: '{"data":{"password":"b2xk"}}'
    objectset.rio.cattle.io/applied: H4sIAAAAAAAA/
    note: the password is hunter2
    packed: aHVudGVyMg==
    team: shop
data: {password: aHVudGVyMg==, "1": "MQ=="}
stringdata: {token: t0ps3cret}
type: Opaque
`,
			want: map[string]any{
				"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
				"metadata": map[string]any{"name": "s", "annotations": map[string]any{
					"kubectl.kubernetes.io/last-applied-configuration": "<secret>", "kapp.k14s.io/original": "<secret>",
					"objectset.rio.cattle.io/applied": "<secret>", "note": "<secret>", "packed": "<secret>", "team": "shop",
				}},
				"data":       map[string]any{"password": "<secret>", "1": "<secret>"},
				"stringdata": map[string]any{"token": "<secret>"},
			},
		},
		{
			name: "another kind stays as it is",
			text: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s, annotations: {kubectl.kubernetes.io/last-applied-configuration: x}}\ndata: {a: hunter2}\n",
			want: map[string]any{
				"apiVersion": "v1", "kind": "ConfigMap", "data": map[string]any{"a": "hunter2"},
				"metadata": map[string]any{"name": "s", "annotations": map[string]any{"kubectl.kubernetes.io/last-applied-configuration": "x"}},
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			objects, err := drift.Parse(strings.NewReader(c.text), "side")
			if err != nil || len(objects) != 1 {
				t.Fatal(objects, err)
			}
			anyMark := cmp.Comparer(func(a, b string) bool {
				return marked.ReplaceAllString(a, "<secret>") == marked.ReplaceAllString(b, "<secret>")
			})
			if diff := cmp.Diff(c.want, drift.Masked(objects[0], []byte("k")), anyMark); diff != "" {
				t.Error(diff)
			}
		})
	}
}

var marked = regexp.MustCompile(`<secret #[0-9a-f]+>`)
