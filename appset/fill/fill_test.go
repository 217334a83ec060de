package fill_test

import (
	stdcmp "cmp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/fill"
	"github.com/trueup-dev/trueup/appset/text"
	"github.com/trueup-dev/trueup/internal/fault"
)

func filled(t *testing.T, spec, own string, params map[string]any) (fill.Filled, error) {
	t.Helper()
	set := &v1alpha1.ApplicationSet{}
	set.Namespace = "sets"
	if err := yaml.UnmarshalStrict([]byte(spec), &set.Spec); err != nil {
		t.Fatal(err)
	}
	var template v1alpha1.ApplicationSetTemplate
	if err := yaml.UnmarshalStrict([]byte(own), &template); err != nil {
		t.Fatal(err)
	}
	language, err := text.New(text.Options{Go: true})
	if err != nil {
		t.Fatal(err)
	}
	f, err := fill.New(language, set, template, "generators[0].list")
	if err != nil {
		return fill.Filled{}, err
	}
	return f.Fill(params)
}

const base = `
template:
  metadata: {name: "web-{{.name}}", labels: {"{{.name}}-label": x}}
  spec: {project: shop, source: {repoURL: https://git.example.com/x.git, path: a}, destination: {name: "{{.name}}"}}
`

func TestOwnTemplateCounts(t *testing.T) {
	t.Parallel()
	got, err := filled(t, base, `{metadata: {}, spec: {destination: {}, source: {repoURL: "", path: "b/{{.name}}"}}}`, map[string]any{"name": "eu"})
	if err != nil {
		t.Fatal(err)
	}
	app := got.Application
	if app.Name != "web-eu" || app.Namespace != "sets" || app.Spec.Source.Path != "b/eu" || app.Spec.Source.RepoURL == "" || app.Labels["eu-label"] != "x" {
		t.Errorf("got %+v", app)
	}
	if diff := cmp.Diff([]string{fill.Finalizer}, app.Finalizers); diff != "" {
		t.Errorf("finalizers (-want +got):\n%s", diff)
	}
	from := map[string]string{}
	for _, seen := range got.Texts {
		from[seen.Path] = seen.From
	}
	want := map[string]string{
		"metadata.name": "template.metadata.name", "spec.source.path": "generators[0].list.template.spec.source.path",
		"spec.destination.name": "template.spec.destination.name", "metadata.labels.eu-label (key)": "template.metadata.labels.{{.name}}-label (key)",
	}
	if diff := cmp.Diff(want, from); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
	if got.Size == 0 {
		t.Error("the application has no size")
	}
}

// TestPatch: what parameters hold is data where toJson is behind it; the
// project and the namespace are no patch's.
func TestPatch(t *testing.T) {
	t.Parallel()
	hostile := map[string]any{"name": "eu", "title": "x\", project: admin, y: \"\nspec: {project: admin}"}
	got, err := filled(t, base+"templatePatch: |\n  metadata: {namespace: kube-system, annotations: {title: {{ .title | toJson }} }}\n  spec: {project: admin, source: {path: c}}\n", "{}", hostile)
	if err != nil {
		t.Fatal(err)
	}
	app := got.Application
	if app.Spec.Project != "shop" || app.Namespace != "sets" || app.Spec.Source.Path != "c" || app.Annotations["title"] != hostile["title"] {
		t.Errorf("got %+v", app)
	}
	if len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], `spec.project from "shop" to "admin"`) {
		t.Errorf("got the warnings %q", got.Warnings)
	}
}

func TestWrong(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ spec, own, text string }{
		"no template": {"{generators: []}", "{}", "template: the template is missing"},
		"two texts": {`template: {metadata: {name: "{{.a.b.c}}"}, spec: {project: "{{ fail ` + "`no`" + ` }}", destination: {}}}`, "{}",
			"template.metadata.name: |template.spec.project: "},
		"in the generator's template": {base, "{metadata: {}, spec: {destination: {}, source: {repoURL: '{{ fail `no` }}'}}}", "generators[0].list.template.spec.source.repoURL: "},
		"a patch that is no YAML":     {base + "templatePatch: '{{ .name }}: ['", "{}", "templatePatch: the rendered patch is no YAML"},
		"a patch of another shape":    {base + "templatePatch: 'spec: [1]'", "{}", "templatePatch: the rendered patch is no part of an Application"},
	} {
		_, err := filled(t, tc.spec, tc.own, map[string]any{"name": "eu", "a": "text"})
		for _, want := range strings.Split(tc.text, "|") {
			if fault.Of(err) != fault.Invalid || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v of kind %s, want %q", name, err, fault.Of(err), want)
			}
		}
	}
}

// TestUnfit: what no object can have is the set's fault where it is written so,
// and the application's where a template makes it.
func TestUnfit(t *testing.T) {
	t.Parallel()
	const spec = `
template:
  metadata: {name: NAME, labels: {LABEL: VALUE}}
  spec: {project: shop, source: {repoURL: x}, destination: {name: y, namespace: SPACE}}
`
	for what, tc := range map[string]struct {
		name, key, value, space, patch string
		unfit, fails                   string
		app                            string
	}{
		"nothing":              {app: "web"},
		"a name, filled":       {name: `"{{.bad}}"`, unfit: "template.metadata.name: "},
		"a name":               {name: `"A_"`, fails: "template.metadata.name: "},
		"a key, filled":        {key: `"{{.bad}}"`, unfit: "template.metadata.labels.{{.bad}}: ", app: "web"},
		"a key":                {key: `"a b"`, fails: "template.metadata.labels.a b: "},
		"a value, filled":      {value: `"{{.bad}}"`, unfit: "template.metadata.labels.k: ", app: "web"},
		"a value":              {value: `"a b"`, fails: "template.metadata.labels.k: "},
		"a namespace, filled":  {space: `"{{.bad}}"`, unfit: "template.spec.destination.namespace: ", app: "web"},
		"a namespace":          {space: `"a b"`, fails: "template.spec.destination.namespace: "},
		"a patch, filled":      {patch: `{metadata: {labels: {k: "{{.bad}}"}}}`, unfit: "templatePatch: ", app: "web"},
		"a patch":              {patch: `{metadata: {labels: {k: "a b"}}}`, fails: "templatePatch: "},
		"filled, and mended":   {value: `"{{.bad}}"`, patch: `{metadata: {labels: {k: ok}}}`, app: "web"},
		"one of both":          {name: `"{{.bad}}"`, value: `"a b"`, fails: "template.metadata.labels.k: "},
		"a name, by the patch": {patch: `{metadata: {name: "{{.bad}}"}}`, unfit: "templatePatch: "},
	} {
		text := strings.NewReplacer("NAME", stdcmp.Or(tc.name, "web"), "LABEL", stdcmp.Or(tc.key, "k"), "VALUE", stdcmp.Or(tc.value, "v"), "SPACE", stdcmp.Or(tc.space, "s")).Replace(spec)
		if tc.patch != "" {
			text += "templatePatch: '" + tc.patch + "'\n"
		}
		got, err := filled(t, text, "{}", map[string]any{"bad": "Not ok!"})
		if tc.fails != "" {
			if fault.Of(err) != fault.Invalid || !strings.Contains(err.Error(), tc.fails) {
				t.Errorf("%s: got %v, want %q", what, err, tc.fails)
			}
			continue
		}
		if err != nil || got.Application.Name != tc.app || (got.Unfit == nil) != (tc.unfit == "") || got.Unfit != nil && !strings.HasPrefix(got.Unfit.Error(), tc.unfit) {
			t.Errorf("%s: got %q, unfit: %v, %v", what, got.Application.Name, got.Unfit, err)
		}
	}
}
