package plugin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/plugin"
)

// objects are those of one namespace.
type objects struct {
	namespace  string
	configMaps map[string]map[string]string
	secrets    map[string]*corev1.Secret
}

func (o objects) ConfigMap(_ context.Context, namespace, name string) (map[string]string, error) {
	data, ok := o.configMaps[name]
	if !ok || namespace != o.namespace {
		return nil, fault.New(fault.Missing, "no ConfigMap %s/%s", namespace, name)
	}
	return data, nil
}

func (o objects) Secret(_ context.Context, namespace, name string) (*corev1.Secret, error) {
	secret, ok := o.secrets[name]
	if !ok || namespace != o.namespace {
		return nil, fault.New(fault.Missing, "no Secret %s/%s", namespace, name)
	}
	return secret, nil
}

const secretToken = "s3cret-token-value"

func world(settings map[string]string) objects {
	labels := map[string]string{plugin.PartOfLabel: plugin.PartOf}
	return objects{
		namespace:  "argocd",
		configMaps: map[string]map[string]string{"envs": settings},
		secrets: map[string]*corev1.Secret{
			"mine":               {ObjectMeta: metav1.ObjectMeta{Labels: labels}, Data: map[string][]byte{"token": []byte(secretToken + "\n"), "empty": nil}},
			"foreign":            {Data: map[string][]byte{"token": []byte(secretToken)}},
			plugin.DefaultSecret: {ObjectMeta: metav1.ObjectMeta{Labels: labels}, Data: map[string][]byte{"plugin.token": []byte(secretToken)}},
		},
	}
}

func generator() *v1alpha1.PluginGenerator {
	return &v1alpha1.PluginGenerator{
		ConfigMapRef: v1alpha1.PluginConfigMapRef{Name: "envs"},
		Input:        v1alpha1.PluginInput{Parameters: map[string]apiextensionsv1.JSON{"size": {Raw: []byte("12345678901234567890")}, "who": {Raw: []byte(`{"a":[1]}`)}}},
	}
}

func ask(t *testing.T, settings map[string]string) ([]map[string]any, error) {
	t.Helper()
	return plugin.New(world(settings), "argocd").Parameters(t.Context(), appset.PluginCaller{Namespace: "team", Name: "envs"}, generator())
}

func TestTheQuestion(t *testing.T) {
	t.Parallel()
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		got = fmt.Sprintln(r.Method, r.URL.Path, r.Header.Get("Authorization"), r.Header.Get("Content-Type"), string(body), err)
		_, _ = io.WriteString(w, `{"output": {"parameters": [{"env": "a", "n": 12345678901234567890}, {"env": "b"}], "more": 1}, "else": 2}`)
	}))
	t.Cleanup(server.Close)
	sets, err := ask(t, map[string]string{"baseUrl": server.URL + "/below/", "token": "$mine:token"})
	if err != nil {
		t.Fatal(err)
	}
	want := "POST /below/api/v1/getparams.execute Bearer " + secretToken + " application/json " +
		`{"applicationSetName":"envs","input":{"parameters":{"size":12345678901234567890,"who":{"a":[1]}}}}` + " <nil>\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the request (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]map[string]any{{"env": "a", "n": json.Number("12345678901234567890")}, {"env": "b"}}, sets); diff != "" {
		t.Errorf("the answer (-want +got):\n%s", diff)
	}
}

// TestSettings is about ConfigMaps and Secrets that are not as they should be;
// the plugin is never asked.
func TestSettings(t *testing.T) {
	t.Parallel()
	asked := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the plugin was asked") }))
	t.Cleanup(asked.Close)
	for _, tc := range []struct {
		reason   string
		settings map[string]string
		kind     fault.Kind
		says     []string
	}{
		{"all that is wrong is told at once", map[string]string{"requestTimeout": "soon"}, fault.Invalid,
			[]string{"baseUrl is missing", `requestTimeout is "soon"`, "token is no reference"}},
		{"a URL of another kind", map[string]string{"baseUrl": "file:///etc/passwd", "token": "$mine:token"}, fault.Invalid, []string{"no http or https URL"}},
		{"a URL with a user", map[string]string{"baseUrl": "http://u:hunter22@example.com", "token": "$mine:token"}, fault.Invalid, []string{"baseUrl holds a user"}},
		{"a URL with a query", map[string]string{"baseUrl": asked.URL + "?key=hunter22", "token": "$mine:token"}, fault.Invalid, []string{"query"}},
		{"no time at all", map[string]string{"baseUrl": asked.URL, "token": "$mine:token", "requestTimeout": "0"}, fault.Invalid, []string{"from 1 to 600"}},
		{"the token itself is not quoted", map[string]string{"baseUrl": asked.URL, "token": "hunter22"}, fault.Invalid, []string{"$my-secret:token"}},
		{"a secret that is not there", map[string]string{"baseUrl": asked.URL, "token": "$nope:token"}, fault.Missing, []string{"argocd/nope"}},
		{"a secret that is not for plugins", map[string]string{"baseUrl": asked.URL, "token": "$foreign:token"}, fault.Denied, []string{"app.kubernetes.io/part-of: argocd"}},
		{"a key that is not there", map[string]string{"baseUrl": asked.URL, "token": "$mine:nope"}, fault.Missing, []string{"no value under nope"}},
		{"a key without a value", map[string]string{"baseUrl": asked.URL, "token": "$mine:empty"}, fault.Missing, []string{"no value under empty"}},
	} {
		_, err := ask(t, tc.settings)
		check(t, tc.reason, err, tc.kind, append(tc.says, "ConfigMap envs"))
	}
	_, err := plugin.New(objects{}, "").Parameters(t.Context(), appset.PluginCaller{Namespace: "team"}, generator())
	check(t, "without a namespace of its own the set's counts", err, fault.Missing, []string{"team/envs"})
}

func check(t *testing.T, reason string, err error, kind fault.Kind, says []string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", reason)
		return
	}
	if got := fault.Of(err); got != kind {
		t.Errorf("%s: the error is %s, want %s: %v", reason, got, kind, err)
	}
	for _, want := range says {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q is not in %q", reason, want, err)
		}
	}
	for _, secret := range []string{secretToken, "hunter22"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: a secret is in %q", reason, err)
		}
	}
}

// TestAnswers is about plugins that do not answer as they should.
func TestAnswers(t *testing.T) {
	t.Parallel()
	says := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	for _, tc := range []struct {
		reason string
		plugin http.HandlerFunc
		kind   fault.Kind // empty: no error, and no sets
		says   string
	}{
		{"an empty list is an empty answer", says(200, `{"output":{"parameters":[]}}`), "", ""},
		{"nothing is none", says(200, ``), fault.Invalid, "not JSON"},
		{"an answer without the list is none", says(200, `{"output":{}}`), fault.Invalid, "no list output.parameters"},
		{"null is none", says(200, `{"output":{"parameters":null}}`), fault.Invalid, "no list output.parameters"},
		{"a map is none", says(200, `{"output":{"parameters":{"a":"b"}}}`), fault.Invalid, "no list output.parameters"},
		{"texts are no sets", says(200, `{"output":{"parameters":[{"a":1},"b"]}}`), fault.Invalid, "output.parameters[1] of its answer is not a map"},
		{"null is no set", says(200, `{"output":{"parameters":[null]}}`), fault.Invalid, "output.parameters[0] of its answer is not a map"},
		{"half an answer", says(200, `{"output":{"parameters":[{"a":1},`), fault.Invalid, "not JSON"},
		{"two answers", says(200, `{"output":{"parameters":[]}}{}`), fault.Invalid, "not JSON"},
		{"a page for people", says(200, "<html>"), fault.Invalid, "not JSON"},
		{"too much", says(200, `{"output":{"parameters":["`+strings.Repeat("x", 9<<20)+`"]}}`), fault.Invalid, "more than 8 MiB"},
		{"too many", says(200, `{"output":{"parameters":[`+strings.Repeat("{},", 60_000)+`{}]}}`), fault.Invalid, "more than 50000 parameter sets"},
		{"no entry", says(401, "who are you"), fault.Denied, "401 Unauthorized: who are you"},
		{"no such path", says(404, ""), fault.Missing, "404 Not Found"},
		{"bad input", says(400, "no\n such\x00 size"), fault.Invalid, "400 Bad Request: no such size"},
		{"too often", says(429, ""), fault.Transient, "429 Too Many Requests"},
		{"broken", says(500, strings.Repeat("x", 999)), fault.Transient, "xxx…"},
		{"what was told in confidence is not repeated", says(500, strings.Repeat("x", 190)+secretToken), fault.Transient, "x*"},
		{"no content", says(204, ""), fault.Invalid, "not JSON"},
		{"closed in the middle", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "{")
		}, fault.Transient, "unexpected EOF"},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(tc.plugin)
			t.Cleanup(server.Close)
			sets, err := ask(t, map[string]string{"baseUrl": server.URL, "token": "$plugin.token"})
			if tc.kind == "" {
				if err != nil || sets == nil || len(sets) != 0 {
					t.Errorf("%v, %v", sets, err)
				}
				return
			}
			check(t, tc.reason, err, tc.kind, []string{tc.says, "ask the plugin envs at " + server.URL})
		})
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, `{"output":{"parameters":[{"method":%q,"token":%q,"empty":"%t"}]}}`, r.Method, r.Header.Get("Authorization"), len(body) == 0)
	})
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("another host was asked") }))
	t.Cleanup(thief.Close)
	for _, tc := range []struct {
		reason, to string
		status     int
		kind       fault.Kind
		says       string
	}{
		{"to another path of the same host", "/there", 307, "", ""},
		{"to another host", thief.URL, 307, fault.Denied, "redirects to another host"},
		{"with another method", "/there", 302, fault.Invalid, "does not repeat the request"},
		{"for ever", "/api/v1/getparams.execute", 308, fault.Invalid, "more than 3 times"},
	} {
		mux := http.NewServeMux()
		mux.Handle("/api/v1/getparams.execute", http.RedirectHandler(tc.to, tc.status))
		mux.Handle("/there", answer)
		server := httptest.NewServer(mux)
		t.Cleanup(server.Close)
		sets, err := ask(t, map[string]string{"baseUrl": server.URL, "token": "$mine:token"})
		if tc.kind != "" {
			check(t, tc.reason, err, tc.kind, []string{tc.says})
			continue
		}
		want := []map[string]any{{"method": "POST", "token": "Bearer " + secretToken, "empty": "false"}}
		if diff := cmp.Diff(want, sets); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", tc.reason, err, diff)
		}
	}
}

func TestAPluginThatHangs(t *testing.T) {
	t.Parallel()
	asked, release := make(chan bool, 2), make(chan bool)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK) // and then nothing
		_ = http.NewResponseController(w).Flush()
		asked <- true
		<-release
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	settings := map[string]string{"baseUrl": server.URL, "token": "$mine:token", "requestTimeout": "1"}
	_, err := ask(t, settings)
	check(t, "the time is over", err, fault.Transient, []string{"no answer within 1s (requestTimeout of its ConfigMap)"})
	<-asked

	settings["requestTimeout"] = "600"
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	_, err = plugin.New(world(settings), "argocd").Parameters(ctx, appset.PluginCaller{}, generator())
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the caller gave up: %v", err)
	}
}

func TestAPluginThatIsNotThere(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	_, err := ask(t, map[string]string{"baseUrl": server.URL, "token": "$mine:token"})
	check(t, "nobody listens", err, fault.Transient, []string{"connection refused"})
}
