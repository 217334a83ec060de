package helm_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/helm"
	"github.com/trueup-dev/trueup/internal/render"
)

// answers is a cluster that holds these, and fails for what is an error.
type answers map[string]any

func (a answers) Lookup(_ context.Context, q render.Query) (map[string]any, error) {
	switch found := a[q.String()].(type) {
	case error:
		return nil, found
	case map[string]any:
		return found, nil
	}
	return map[string]any{}, nil
}

func TestLookupAnswersAsHelmDoes(t *testing.T) {
	t.Parallel()
	secret := map[string]any{"kind": "Secret", "metadata": map[string]any{"name": "db"}, "data": map[string]any{"password": "aHVudGVyMg=="}}
	cluster := answers{
		"v1 Secret shop/db":     secret,
		"v1 Secret shop/*":      map[string]any{"items": []any{secret, secret}},
		"v1 Node one":           map[string]any{"metadata": map[string]any{"name": "one"}},
		"v1 Secret shop/denied": fault.New(fault.Denied, "project web does not permit it"),
		"v1 Secret shop/down":   fault.New(fault.Transient, "no route to host"),
	}
	for _, tc := range []struct {
		reason, body, want string
		live               render.Live
		kind               fault.Kind
	}{
		{reason: "an object is a map", live: cluster, body: `{{ (lookup "v1" "Secret" "shop" "db").data.password }}`, want: "aHVudGVyMg=="},
		{reason: "a list is under items", live: cluster, body: `{{ range (lookup "v1" "Secret" "shop" "").items }}{{ .metadata.name }}{{ end }}`, want: "dbdb"},
		{reason: "a kind without namespaces", live: cluster, body: `{{ (lookup "v1" "Node" "" "one").metadata.name }}`, want: "one"},
		{reason: "what is absent is empty", live: cluster, body: `{{ if lookup "v1" "Secret" "shop" "none" }}there{{ else }}absent{{ end }}`, want: "absent"},
		{reason: "a value that is run as a template looks up too", live: cluster, body: `{{ tpl "{{ (lookup \"v1\" \"Secret\" \"shop\" \"db\").metadata.name }}" . }}`, want: "db"},
		{reason: "a template that defines others looks up too", live: cluster, body: `{{ tpl "{{ define \"d\" }}{{ (lookup \"v1\" \"Secret\" \"shop\" \"db\").kind }}{{ end }}{{ include \"d\" . }}" . }}`, want: "Secret"},
		{reason: "nobody may change what the next look sees", live: cluster, body: `{{ $s := lookup "v1" "Secret" "shop" "db" }}{{ $_ := set $s "kind" "Other" }}{{ (lookup "v1" "Secret" "shop" "db").kind }}`, want: "Secret"},
		{reason: "without a cluster all is absent", body: `{{ if lookup "v1" "Secret" "shop" "db" }}there{{ else }}absent{{ end }}`, want: "absent"},
		{reason: "what is not permitted ends the rendering", live: cluster, body: `{{ lookup "v1" "Secret" "shop" "denied" }}`, want: "look up v1 Secret shop/denied: project web", kind: fault.Denied},
		{reason: "a cluster that is away may be there later", live: cluster, body: `{{ lookup "v1" "Secret" "shop" "down" }}`, want: "no route to host", kind: fault.Transient},
		{reason: "each query is asked again later, so that there cannot be many", live: cluster, body: `{{ range until 201 }}{{ $_ := lookup "v1" "Secret" "shop" (print "n" .) }}{{ end }}`, want: "more than 200", kind: fault.Invalid},
		{reason: "one query counts once", live: cluster, body: `{{ range until 1000 }}{{ $_ := lookup "v1" "Secret" "shop" "db" }}{{ end }}ok`, want: "ok"},
		{reason: "an error must not quote a secret", live: cluster, body: `{{ fail (lookup "v1" "Secret" "shop" "db").data.password }}`, want: "******", kind: fault.Invalid},
		{reason: "nor what is made of it", live: cluster, body: `{{ fail (b64dec (lookup "v1" "Secret" "shop" "db").data.password) }}`, want: "******", kind: fault.Invalid},
	} {
		req := render.Request{
			App: "shop", Namespace: "shop", Live: tc.live, Source: v1alpha1.ApplicationSource{Path: "."},
			Tree: tree(map[string]string{"Chart.yaml": metadata, "templates/a.yaml": configMap(tc.body)}),
		}
		result, err := renderer().Render(t.Context(), req)
		if fault.Of(err) != tc.kind {
			t.Errorf("%s: %v", tc.reason, err)
			continue
		}
		got := fmt.Sprint(err)
		if err == nil {
			got = fmt.Sprint(result.Objects[0].Object["data"])
		}
		if !strings.Contains(got, tc.want) || err != nil && strings.Contains(got, "hunter2") {
			t.Errorf("%s: %s", tc.reason, got)
		}
		if result.Sensitive != (tc.live != nil) {
			t.Errorf("%s: sensitive is %v", tc.reason, result.Sensitive)
		}
		if strings.Contains(fmt.Sprint(result.Reads), "aHVudGVyMg==") {
			t.Errorf("%s: the reads hold the secret: %v", tc.reason, result.Reads)
		}
	}
}

func renderer() *render.Renderer {
	return render.New(map[render.Type]render.Engine{render.Helm: helm.New()}, render.DefaultLimits())
}
