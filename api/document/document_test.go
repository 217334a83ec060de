package document

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/golden"
)

func TestDecodeReadsArgoDocumentsUnchanged(t *testing.T) {
	t.Parallel()
	in, err := os.ReadFile("testdata/argo.yaml")
	if err != nil {
		t.Fatal(err)
	}
	docs, err := Decode(in, "argo.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(docs.Warnings) > 0 {
		t.Errorf("a document of known fields gave warnings: %q", docs.Warnings)
	}
	if len(docs.Applications) != 1 || len(docs.ApplicationSets) != 1 || len(docs.Projects) != 1 {
		t.Fatalf("got %d applications, %d sets, %d projects; want one each", len(docs.Applications), len(docs.ApplicationSets), len(docs.Projects))
	}
	var out []string
	for _, obj := range []any{docs.Applications[0], docs.ApplicationSets[0], docs.Projects[0]} {
		text, err := yaml.Marshal(obj)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(text))
	}
	got := strings.Join(out, "---\n")
	golden.File(t, "testdata/argo.golden.yaml", got)
	// Beyond the golden file: the specs that went in come out.
	for i, text := range strings.Split(string(in), "\n---\n") {
		var before, after struct {
			Spec map[string]any `json:"spec"`
		}
		if err := yaml.Unmarshal([]byte(text), &before); err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal([]byte(out[i]), &after); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("document %d lost or gained fields (-in +out):\n%s", i, diff)
		}
	}
}

const app = "apiVersion: argoproj.io/v1alpha1\nkind: Application\n"

func TestDecodeNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	tests := []struct {
		reason   string
		in       string
		apps     int
		warnings []string
		errors   []string
	}{
		{reason: "an empty file holds nothing"},
		{reason: "comments and empty documents are no documents", in: "# hello\n---\n---\n# more\n"},
		{
			reason: "an unknown field is a warning at its line", apps: 1,
			in:       "---\n" + app + "spec:\n  source:\n    repoURL: x\n    pth: y\n",
			warnings: []string{"f.yaml:7: unknown field spec.source.pth"},
		},
		{
			reason: "an unknown field in a list names its index", apps: 1,
			in:       app + "spec:\n  sources:\n  - repoURL: x\n  - repoURL: x\n    pth: y\n",
			warnings: []string{"f.yaml:7: unknown field spec.sources[1].pth"},
		},
		{
			reason: "the status of Argo CD is not ours to read", apps: 1,
			in: app + "spec: {}\nstatus: {resources: [{health: {status: Healthy}}]}\n",
		},
		{
			reason:   "another kind is a warning",
			in:       "apiVersion: v1\nkind: ConfigMap\n",
			warnings: []string{"f.yaml:2: v1 ConfigMap is not read"},
		},
		{
			reason: "broken documents are all named, and the good one is read", apps: 1,
			in:     app + "---\na: [1\n---\n" + app + "spec: []\n---\nkind: Application\n",
			errors: []string{"f.yaml:4: ", "f.yaml:8: ", "f.yaml:10: read a document: apiVersion or kind is missing"},
		},
		{
			reason: "a key given twice is an error at its line",
			in:     "---\n" + app + "spec: {}\nspec: {}\n",
			errors: []string{"f.yaml:5: "},
		},
		{
			reason: "a list is what it holds, each item at its line", apps: 2,
			in: "apiVersion: v1\nkind: List\nitems:\n- apiVersion: argoproj.io/v1alpha1\n  kind: Application\n  spec: {}\n" +
				"- apiVersion: trueup.dev/v1alpha1\n  kind: Application\n  spec:\n    pth: x\n- kind: Application\n- apiVersion: v1\n  kind: Secret\n",
			warnings: []string{"f.yaml:10: unknown field spec.pth", "f.yaml:13: v1 Secret is not read"},
			errors:   []string{"f.yaml:11: read items[2] of a list: want an object with apiVersion and kind"},
		},
		{reason: "JSON is YAML", in: `{"apiVersion":"trueup.dev/v1alpha1","kind":"Application","spec":{}}`, apps: 1},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			t.Parallel()
			docs, err := Decode([]byte(tt.in), "f.yaml")
			if len(docs.Applications) != tt.apps {
				t.Errorf("got %d applications, want %d", len(docs.Applications), tt.apps)
			}
			if diff := cmp.Diff(tt.warnings, docs.Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			if (err != nil) != (len(tt.errors) > 0) {
				t.Fatalf("error: %v", err)
			}
			for _, want := range tt.errors {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not contain %q", err, want)
				}
			}
			if err != nil && fault.Of(err) != fault.Invalid {
				t.Errorf("kind %s, want Invalid", fault.Of(err))
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"", "---\n...", app + "spec: {x: 1}\n", "a: &a [*a]", "{", "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: List, items: [1]}, &a {}, *a]\n", app + "x: &x\n  y: *x\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		docs, err := Decode(data, "fuzz.yaml")
		if err != nil && !strings.Contains(err.Error(), "fuzz.yaml:") {
			t.Errorf("an error without file and line: %v", err)
		}
		for _, w := range docs.Warnings {
			if !strings.HasPrefix(w, "fuzz.yaml:") {
				t.Errorf("a warning without file and line: %s", w)
			}
		}
	})
}

func TestLineOf(t *testing.T) {
	t.Parallel()
	const text = "# a comment\n---\nhelm:\n  releaseName: x\n  parameters: &p\n  - name: a\n    value: 1\n  - {name: b,\n     value: 2}\nagain: *p\n"
	for path, want := range map[string]int{
		"": 3, "helm": 3, "helm.releaseName": 4, "helm.parameters[0].value": 7, "helm.parameters[1]": 8, "helm.parameters[1].value": 9,
		"helm.parameters[2].value": 5, "helm.nope": 3, "nope": 3, "again[0].value": 7,
	} {
		if got := LineOf([]byte(text), path); got != want {
			t.Errorf("%q is on line %d, want %d", path, got, want)
		}
	}
	if got := LineOf([]byte("a: ["), "a"); got != 0 {
		t.Errorf("in broken text it is on line %d", got)
	}
}

// TestPlaces: what was read from files is found again, also among what comes
// from elsewhere.
func TestPlaces(t *testing.T) {
	t.Parallel()
	const app, set = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: x}\n", "kind: ApplicationSet\napiVersion: argoproj.io/v1alpha1\nmetadata: {name: x}\nspec:\n  generators:\n  - list: {}\n"
	first, err := Decode([]byte("# a comment\n"+app+"---\n"+set), "a.yaml")
	if err != nil {
		t.Fatal(err)
	}
	second, err := Decode([]byte(set+"---\n"+app), "b.yaml")
	if err != nil {
		t.Fatal(err)
	}
	docs := Documents{Applications: make([]v1alpha1.Application, 1), ApplicationSets: make([]v1alpha1.ApplicationSet, 2)} // of a cluster
	docs.Append(first)
	docs.Applications = append(docs.Applications, v1alpha1.Application{})
	docs.Append(second)
	var got []string
	for i := range docs.Applications {
		got = append(got, docs.AppPlace(i))
	}
	for i := range docs.ApplicationSets {
		got = append(got, docs.SetPlace(i, "spec.generators[0].list.elements"))
	}
	want := []string{"", "a.yaml:2", "", "b.yaml:8", "", "", "a.yaml:11", "b.yaml:6"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if docs.AppPlace(-1)+docs.AppPlace(4)+docs.SetPlace(-1, "")+docs.SetPlace(4, "") != "" {
		t.Error("there is a place of what is not there")
	}
}
