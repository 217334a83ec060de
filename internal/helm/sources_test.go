package helm_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/helm"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// dump shows all values.
const dump = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  values: {{ toJson .Values | quote }}\n"

func valuesOf(t *testing.T, req render.Request) string {
	t.Helper()
	manifests, err := renderOne(t, req)
	if err != nil {
		return string(fault.Of(err)) + ": " + err.Error()
	}
	data, _ := manifests[0].Object.Object["data"].(map[string]any)
	text, _ := data["values"].(string)
	return text
}

func TestValues(t *testing.T) {
	t.Parallel()
	own := tree(map[string]string{
		"chart/Chart.yaml": metadata, "chart/templates/a.yaml": dump,
		"chart/envs/b.yaml": "from: b\nb: 1\n", "chart/envs/a.yaml": "from: a\na: 1\n", "chart/envs/deep/c.yaml": "from: c\nc: 1\n",
		"shared/s.yaml": "from: shared\n", "chart/shop.yaml": "from: app\n", "chart/motd.json": `{"a": "b,c\\d"}`,
	})
	other := tree(map[string]string{"envs/prod.yaml": "from: prod\n", "envs/qa.yaml": "from: qa\n", "shop.yaml": "from: app of the other\n"})
	for _, tc := range []struct {
		reason string
		helm   v1alpha1.ApplicationSourceHelm
		want   string
	}{
		{"files in order", v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"envs/a.yaml", "/shared/s.yaml"}}, `{"a":1,"from":"shared"}`},
		{"a file of another source, from its root", v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"$cfg/envs/prod.yaml"}}, `{"from":"prod"}`},
		{"the build environment within a path", v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"${ARGOCD_APP_NAME}.yaml"}}, `{"from":"app"}`},
		{"at its start, which is no ref", v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"$ARGOCD_APP_NAME.yaml"}}, `{"from":"app"}`},
		{"behind a ref", v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"$cfg/$ARGOCD_APP_NAME.yaml"}}, `{"from":"app of the other"}`},
		{"a pattern, in the order of names", v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"envs/*.yaml"}}, `{"a":1,"b":1,"from":"b"}`},
		{"a pattern over folders", v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"envs/**/*.yaml"}}, `{"a":1,"b":1,"c":1,"from":"c"}`},
		{"a pattern in another source", v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"$cfg/envs/*.yaml"}}, `{"from":"qa"}`},
		{"a file named by itself stays where it is named", v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"envs/*.yaml", "envs/a.yaml"}}, `{"a":1,"b":1,"from":"a"}`},
		{"in front as well", v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"envs/b.yaml", "envs/*.yaml"}}, `{"a":1,"b":1,"from":"a"}`},
		{"a pattern without files", v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"none/*.yaml"}}, `Missing: helm.valueFiles: none/*.yaml: no file in the repository matches`},
		{"where that is allowed", v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"none/*.yaml", "nope.yaml"}, IgnoreMissingValueFiles: true}, `{}`},
		{"a ref that no source has", v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"$nope/a.yaml"}}, `Missing: helm.valueFiles: $nope/a.yaml: the application has no source with the ref "nope"`},
		{"out of the other tree", v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"$cfg/../a.yaml"}}, `Invalid: helm.valueFiles: $cfg/../a.yaml leaves the repository`},
		{"over the network, where nothing is fetched", v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"https://x/a.yaml?token=hush"}}, `Denied: helm.valueFiles: https://x/a.yaml: nothing is fetched here; put the file into a repository, and name that as a source with a ref`},
		{"a name that is empty", v1alpha1.ApplicationSourceHelm{ValueFiles: []string{""}}, `Invalid: helm.valueFiles: "" names no file`},
		{"or comes to nothing", v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"$cfg/", "${NOPE}"}}, "Invalid: helm.valueFiles: \"$cfg/\" names no file\nhelm.valueFiles: \"${NOPE}\" names no file"},
		{"a release that Helm refuses", v1alpha1.ApplicationSourceHelm{ReleaseName: "Bad Name!"},
			`Invalid: helm.releaseName: "Bad Name!": invalid release name, must match regex ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$ and the length must not be longer than 53`},
		{"everything that is wrong at once", v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"$no/a", "x.yaml"}, Parameters: []v1alpha1.HelmParameter{{Name: "a[", Value: "b"}}},
			"Missing: helm.valueFiles: $no/a: the application has no source with the ref \"no\"\nhelm.valueFiles: chart/x.yaml is not in the repository\nhelm.parameters: a[: "},
		{"parameters: lists, commas, environment, types", v1alpha1.ApplicationSourceHelm{Parameters: []v1alpha1.HelmParameter{
			{Name: "a.b[0].c", Value: "1"}, {Name: "commas", Value: "x,y"}, {Name: "escaped", Value: `x\,y`}, {Name: "list", Value: "{x,y}"},
			{Name: "env", Value: "$ARGOCD_APP_NAME-$$x"}, {Name: "forced", Value: "true", ForceString: true}, {Name: "plain", Value: "true"}, {Name: `key\.with`, Value: "dot"},
		}}, `{"a":{"b":[{"c":1}]},"commas":"x,y","env":"shop-$x","escaped":"x,y","forced":"true","key.with":"dot","list":["x","y"],"plain":true}`},
		{"a forced string is stronger, wherever it is", v1alpha1.ApplicationSourceHelm{Parameters: []v1alpha1.HelmParameter{
			{Name: "a", Value: "1", ForceString: true}, {Name: "a", Value: "2"},
		}}, `{"a":"1"}`},
		{"a file as a value, braces and all", v1alpha1.ApplicationSourceHelm{FileParameters: []v1alpha1.HelmFileParameter{{Name: "motd", Path: "motd.json"}}}, `{"motd":"{\"a\": \"b,c\\\\d\"}"}`},
		{"values object beside values", v1alpha1.ApplicationSourceHelm{Values: "a: 1", ValuesObject: &apiextensionsv1.JSON{Raw: []byte(`{"b":2}`)}}, `{"b":2}`},
	} {
		helmSource := tc.helm
		got := valuesOf(t, render.Request{App: "shop", Tree: own, Refs: map[string]snapshot.Tree{"cfg": other},
			Source: v1alpha1.ApplicationSource{Path: "chart", Helm: &helmSource}})
		if got != tc.want && (!strings.HasSuffix(tc.want, "a[: ") || !strings.HasPrefix(got, tc.want)) {
			t.Errorf("%s (-want +got):\n%s", tc.reason, cmp.Diff(tc.want, got))
		}
	}
}

// TestReleaseOfApplication: what cannot be a release's name may be that of an
// application, and the error says how to name another.
func TestReleaseOfApplication(t *testing.T) {
	t.Parallel()
	chart := tree(map[string]string{"chart/Chart.yaml": "{apiVersion: v2, name: web, version: 1.0.0}", "chart/templates/a.yaml": configMap("a: {{ .Release.Name }}")})
	long := strings.Repeat("shop-", 11) + "eu"
	for _, tc := range []struct{ reason, app, release, want string }{
		{"as long as may be", long[:53], "", ""},
		{"too long", long, "", "the release has the application's name, of 57 characters, and Helm takes 53: set helm.releaseName"},
		{"with another name for the release", long, "shop", ""},
		{"of another form", "Shop", "", `the release has the application's name, which Helm does not take: set helm.releaseName: "Shop": `},
	} {
		_, err := renderOne(t, render.Request{App: tc.app, Tree: chart, Source: v1alpha1.ApplicationSource{Path: "chart", Helm: &v1alpha1.ApplicationSourceHelm{ReleaseName: tc.release}}})
		if (err == nil) != (tc.want == "") || err != nil && (fault.Of(err) != fault.Invalid || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: got %v, want %q", tc.reason, err, tc.want)
		}
	}
}

// TestRemoteValues: files of web servers take part like all others, in their
// place, and are part of what a result depends on.
func TestRemoteValues(t *testing.T) {
	t.Parallel()
	own := tree(map[string]string{"chart/Chart.yaml": metadata, "chart/templates/a.yaml": dump, "chart/a.yaml": "from: chart\na: 1\n"})
	web := func(url string) snapshot.Location { return snapshot.Location{RepoURL: url, File: true} }
	more := &opener{trees: map[snapshot.Location]snapshot.Tree{
		web("https://x/env/shop.yaml"):          tree(map[string]string{"shop.yaml": "from: web\nb: 1\n"}),
		web("https://x/*.yaml?ref=main"):        tree(map[string]string{"*.yaml": "from: a star\n"}),
		web("https://x/motd"):                   tree(map[string]string{"motd": "hello\n"}),
		web("https://x/broken.yaml?token=hush"): tree(map[string]string{"broken.yaml": "a: [\n"}),
	}}
	for _, tc := range []struct {
		reason string
		helm   v1alpha1.ApplicationSourceHelm
		want   string
	}{
		{"before a file of the chart, with the build environment in it", v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"https://x/env/$ARGOCD_APP_NAME.yaml", "a.yaml"}}, `{"a":1,"b":1,"from":"chart"}`},
		{"after it", v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"a.yaml", "https://x/env/shop.yaml"}}, `{"a":1,"b":1,"from":"web"}`},
		{"no pattern, whatever is in it", v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"https://x/*.yaml?ref=main"}}, `{"from":"a star"}`},
		{"as a parameter", v1alpha1.ApplicationSourceHelm{FileParameters: []v1alpha1.HelmFileParameter{{Name: "motd", Path: "https://x/motd"}}}, `{"motd":"hello\n"}`},
		{"not there: it is no file that may be missing", v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"https://x/nope.yaml"}, IgnoreMissingValueFiles: true}, `Missing: helm.valueFiles: there is no https://x/nope.yaml `},
		{"not YAML, and the query is not told", v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"https://x/broken.yaml?token=hush"}}, `Invalid: read https://x/broken.yaml: `},
	} {
		helmSource := tc.helm
		got := valuesOf(t, render.Request{App: "shop", Tree: own, More: more, Source: v1alpha1.ApplicationSource{Path: "chart", Helm: &helmSource}})
		if got != tc.want && (!strings.HasSuffix(tc.want, ": ") || !strings.HasPrefix(got, tc.want)) {
			t.Errorf("%s (-want +got):\n%s", tc.reason, cmp.Diff(tc.want, got))
		}
	}
}

// TestRemoteValuesAreTraced: the same content is no reason to render again,
// other content is, and so is a file that can be read by now.
func TestRemoteValuesAreTraced(t *testing.T) {
	t.Parallel()
	own := tree(map[string]string{"Chart.yaml": metadata, "templates/a.yaml": dump})
	const url = "https://x/a.yaml"
	at := snapshot.Location{RepoURL: url, File: true}
	more := &opener{trees: map[snapshot.Location]snapshot.Tree{}}
	c := render.NewCache(render.New(map[render.Type]render.Engine{render.Helm: helm.New()}, render.DefaultLimits()), render.CacheOptions{})
	look := func(content string) string {
		t.Helper()
		delete(more.trees, at)
		if content != "" {
			more.trees[at] = tree(map[string]string{"a.yaml": content})
		}
		result, err := c.Render(t.Context(), render.Request{App: "shop", Tree: own, More: more, Source: v1alpha1.ApplicationSource{
			Path: ".", Helm: &v1alpha1.ApplicationSourceHelm{ValueFiles: []string{url}},
		}})
		if len(result.Reads.More) != 1 || result.Reads.More[0].At != at {
			t.Errorf("the reads are %+v", result.Reads.More)
		}
		return fmt.Sprint(result.Cause, " ", len(result.Objects), " ", fault.Of(err))
	}
	for _, tc := range []struct{ reason, content, want string }{
		{"the first time", "a: 1\n", "first 1 "},
		{"unchanged", "a: 1\n", "reused: memory 1 "},
		{"changed", "a: 2\n", "elsewhere: " + url + " a.yaml 1 "},
		{"gone", "", "elsewhere: " + url + " 0 Missing"},
		{"back", "a: 2\n", "elsewhere: " + url + " 1 "},
	} {
		if diff := cmp.Diff(tc.want, look(tc.content)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
	}
}

// opener serves trees, and counts.
type opener struct {
	trees map[snapshot.Location]snapshot.Tree
	asked []snapshot.Location
}

func (o *opener) Tree(_ context.Context, at snapshot.Location) (snapshot.Tree, error) {
	o.asked = append(o.asked, at)
	t, ok := o.trees[at]
	if !ok {
		return snapshot.Tree{}, fault.New(fault.Missing, "there is no %s %s", at.RepoURL, at.Revision)
	}
	return t, nil
}

func chartTree(name, version, templates string) snapshot.Tree {
	return tree(map[string]string{"Chart.yaml": "apiVersion: v2\nname: " + name + "\nversion: " + version + "\n", "templates/a.yaml": templates})
}

func TestDependencies(t *testing.T) {
	t.Parallel()
	const https, oci = "https://charts.example.com", "oci://registry.example.com/charts"
	more := func() *opener {
		cm := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Chart.Name }}-{{ .Chart.Version }}}\n"
		return &opener{trees: map[snapshot.Location]snapshot.Tree{
			{RepoURL: https, Chart: "db", Revision: "^1.0.0"}: chartTree("db", "1.9.0", cm),
			{RepoURL: https, Chart: "db", Revision: "1.2.0"}:  chartTree("db", "1.2.0", cm),
			{RepoURL: oci, Chart: "cache", Revision: "2.0.0"}: chartTree("cache", "2.0.0", cm),
		}}
	}
	for _, tc := range []struct {
		reason, dependencies, lock string
		values                     string
		want                       []string
		warns                      int
	}{
		{"an exact version", `[{name: db, version: 1.2.0, repository: "` + https + `"}, {name: cache, version: 2.0.0, repository: "` + oci + `"}]`, "", "",
			[]string{"cache-2.0.0", "db-1.2.0"}, 0},
		{"a range is open, and said to be", `[{name: db, version: ^1.0.0, repository: "` + https + `"}]`, "", "", []string{"db-1.9.0"}, 1},
		{"a lock closes it", `[{name: db, version: ^1.0.0, repository: "` + https + `"}]`, "1.2.0", "", []string{"db-1.2.0"}, 0},
		{"under another name", `[{name: db, alias: store, version: 1.2.0, repository: "` + https + `"}]`, "", "", []string{"store-1.2.0"}, 0},
		{"switched off", `[{name: db, version: 1.2.0, repository: "` + https + `", condition: db.enabled}]`, "", "db: {enabled: false}", nil, 0},
		{"switched off by its tag", `[{name: db, version: 1.2.0, repository: "` + https + `", tags: [data]}]`, "", "tags: {data: false}", nil, 0},
	} {
		files := map[string]string{"Chart.yaml": metadata + "dependencies: " + tc.dependencies + "\n"}
		if tc.lock != "" {
			files["Chart.lock"] = "dependencies: [{name: db, version: " + tc.lock + `, repository: "` + https + "\"}]\n"
		}
		result, err := render.New(map[render.Type]render.Engine{render.Helm: helm.New()}, render.DefaultLimits()).Render(t.Context(), render.Request{
			App: "shop", Tree: tree(files), More: more(), Source: v1alpha1.ApplicationSource{Chart: "web", Helm: &v1alpha1.ApplicationSourceHelm{Values: tc.values}},
		})
		if err != nil {
			t.Errorf("%s: %v", tc.reason, err)
			continue
		}
		var got []string
		for _, u := range result.Objects {
			got = append(got, u.GetName())
		}
		if diff := cmp.Diff(tc.want, got); diff != "" || len(result.Warnings) != tc.warns {
			t.Errorf("%s (-want +got):\n%s%v", tc.reason, diff, result.Warnings)
		}
		if len(result.Reads.More) == 0 {
			t.Errorf("%s: the result depends on nothing else", tc.reason)
		}
		for _, origin := range result.Origins {
			if origin.Tree == nil || origin.String() != "templates/a.yaml:1" {
				t.Errorf("%s: origin %v", tc.reason, origin)
			}
		}
	}
	for _, tc := range []struct{ reason, dependencies, lock, want string }{
		{"a name that a machine knows", `[{name: db, version: 1.2.0, repository: "@stable"}]`, "", "Invalid: Chart.yaml: the dependency db names its repository @stable"},
		{"no repository", `[{name: db, version: 1.2.0}]`, "", "Missing: Chart.yaml: the dependency db is not in charts/, and names no repository"},
		{"another scheme", `[{name: db, version: 1.2.0, repository: "git://x"}]`, "", "Invalid: Chart.yaml: the dependency db is at git://x"},
		{"not there", `[{name: db, version: 3.0.0, repository: "` + https + `"}]`, "", "Missing: Chart.yaml: the dependency db cannot be opened"},
		{"a lock for something else", `[{name: db, version: 1.2.0, repository: "` + https + `"}]`, "digest: sha256:00", "Invalid: Chart.yaml: Chart.lock was made for other dependencies"},
	} {
		files := map[string]string{"Chart.yaml": metadata + "dependencies: " + tc.dependencies + "\n"}
		if tc.lock != "" {
			files["Chart.lock"] = tc.lock
		}
		_, err := renderOne(t, render.Request{App: "shop", Tree: tree(files), More: more(), Source: v1alpha1.ApplicationSource{Chart: "web"}})
		if got := string(fault.Of(err)) + ": " + fmt.Sprint(err); !strings.HasPrefix(got, tc.want) {
			t.Errorf("%s: %s", tc.reason, got)
		}
	}
}

// TestLockDigest holds a lock that Helm 3 wrote.
func TestLockDigest(t *testing.T) {
	t.Parallel()
	_, err := renderOne(t, render.Request{App: "shop", Source: v1alpha1.ApplicationSource{Chart: "web"}, More: &opener{}, Tree: tree(map[string]string{
		"Chart.yaml": metadata + "dependencies:\n- {name: db, version: 1.2.0, repository: \"https://x\"}\n",
		"Chart.lock": "dependencies:\n- {name: db, version: 1.2.0, repository: \"https://x\"}\ndigest: " + lockDigest(t) + "\n",
	})})
	if err == nil || !strings.Contains(err.Error(), "cannot be opened") {
		t.Errorf("the lock was to be taken: %v", err)
	}
}

func lockDigest(t *testing.T) string {
	t.Helper()
	// What helm.sh/helm/v3/internal/resolver.HashReq hashes, spelled out.
	return "sha256:" + sum(t, `[[{"name":"db","version":"1.2.0","repository":"https://x"}],[{"name":"db","version":"1.2.0","repository":"https://x"}]]`)
}

func TestOnlyChartsThatLookAtTheDestinationDependOnIt(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		reason     string
		files      map[string]string
		helm       v1alpha1.ApplicationSourceHelm
		kube, apis bool
		out        string
	}{
		{"no word of it", map[string]string{"templates/a.yaml": configMap("")}, v1alpha1.ApplicationSourceHelm{}, false, false, "x"},
		{"a template looks", map[string]string{"templates/a.yaml": configMap(" {{ .Capabilities.KubeVersion.Minor }}")}, v1alpha1.ApplicationSourceHelm{}, true, true, "x 33"},
		{"a value looks, through tpl", map[string]string{"templates/a.yaml": configMap(` {{ tpl .Values.v . }}`), "values.yaml": "v: '{{ .Capabilities.KubeVersion.Minor }}'"},
			v1alpha1.ApplicationSourceHelm{}, true, true, "x 33"},
		{"the source says it all", map[string]string{"templates/a.yaml": configMap(` {{ .Capabilities.KubeVersion.Minor }} {{ .Capabilities.APIVersions.Has "a/v1" }}`)},
			v1alpha1.ApplicationSourceHelm{KubeVersion: "1.30.1", APIVersions: []string{"a/v1"}}, false, false, "x 30 true"},
		{"the chart asks for a version", map[string]string{"Chart.yaml": metadata + "kubeVersion: '>=1.20'\n", "templates/a.yaml": configMap("")}, v1alpha1.ApplicationSourceHelm{}, true, false, "x"},
	} {
		if tc.files["Chart.yaml"] == "" {
			tc.files["Chart.yaml"] = metadata
		}
		options := tc.helm
		result, err := render.New(map[render.Type]render.Engine{render.Helm: helm.New()}, render.DefaultLimits()).Render(t.Context(), render.Request{
			App: "shop", Tree: tree(tc.files), Capabilities: render.NewCapabilities("1.33.4", []string{"b/v1"}), Source: v1alpha1.ApplicationSource{Helm: &options},
		})
		if err != nil {
			t.Errorf("%s: %v", tc.reason, err)
			continue
		}
		data, _ := result.Objects[0].Object["data"].(map[string]any)
		if got := strings.TrimSpace(fmt.Sprint(data["out"])); got != tc.out || (result.Reads.Kube != nil) != tc.kube || (result.Reads.APIs != nil) != tc.apis {
			t.Errorf("%s: %q, asked for version %v, APIs %v", tc.reason, got, result.Reads.Kube != nil, result.Reads.APIs != nil)
		}
	}
}

func TestSchemaReadsNothingElse(t *testing.T) {
	t.Parallel()
	for _, ref := range []string{"file:///etc/hostname", "http://127.0.0.1:1/x.json", "other.json"} {
		schema, err := json.Marshal(map[string]any{"properties": map[string]any{"a": map[string]any{"$ref": ref}}})
		if err != nil {
			t.Fatal(err)
		}
		files := map[string]string{"Chart.yaml": metadata, "values.schema.json": string(schema), "values.yaml": "a: 1\n", "templates/a.yaml": configMap("")}
		if _, err := renderOne(t, render.Request{App: "shop", Tree: tree(files)}); err == nil || !strings.Contains(err.Error(), "nothing is fetched while rendering") {
			t.Errorf("%s: %v", ref, err)
		}
		skip := v1alpha1.ApplicationSource{Helm: &v1alpha1.ApplicationSourceHelm{SkipSchemaValidation: true}}
		if _, err := renderOne(t, render.Request{App: "shop", Tree: tree(files), Source: skip}); err != nil {
			t.Errorf("%s, without the schema: %v", ref, err)
		}
	}
}

// TestRenderingsDoNotSeeEachOther: templates change what they see.
func TestRenderingsDoNotSeeEachOther(t *testing.T) {
	t.Parallel()
	engine := helm.New()
	files := map[string]string{
		"Chart.yaml": metadata + "dependencies: [{name: sub, version: 1.0.0, alias: other}]\n", "values.yaml": "a: {}\n",
		"charts/sub/Chart.yaml":  "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
		"charts/sub/values.yaml": "v: {}\n",
		"templates/a.yaml":       "{{ $_ := set .Values.a .Release.Name 1 }}{{ $_ := set .Values.other.v .Release.Name 1 }}" + dump,
	}
	done := make(chan string)
	for i := range 8 {
		go func() {
			m, err := engine.Render(t.Context(), render.Request{App: fmt.Sprint("app", i), Tree: tree(files)})
			if err != nil {
				done <- err.Error()
				return
			}
			data, _ := m[0].Object.Object["data"].(map[string]any)
			done <- fmt.Sprint(data["values"])
		}()
	}
	for range 8 {
		if got := <-done; strings.Count(got, "app") != 2 {
			t.Errorf("one rendering saw another: %s", got)
		}
	}
}
