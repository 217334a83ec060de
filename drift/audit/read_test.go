package audit

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/trueup-dev/trueup/internal/fault"
)

// an event as an API server sends it, in which tests change something.
func raw(changes ...any) map[string]any {
	e := map[string]any{
		"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": "1", "stage": "ResponseComplete",
		"requestURI": "/apis/apps/v1/namespaces/shop/deployments/web?fieldManager=kubectl-edit&fieldValidation=Strict", "verb": "patch",
		"user": map[string]any{"username": "ana@example.com", "groups": []any{"ops"}}, "sourceIPs": []any{"10.0.0.7"}, "userAgent": "kubectl/v1.34.0 (linux/amd64)",
		"objectRef":      map[string]any{"resource": "deployments", "namespace": "shop", "name": "web", "apiGroup": "apps", "apiVersion": "v1"},
		"responseStatus": map[string]any{"metadata": map[string]any{}, "code": 200}, "annotations": map[string]any{"authorization.k8s.io/decision": "allow"},
		"requestReceivedTimestamp": "2026-03-01T12:00:05.100000Z", "stageTimestamp": "2026-03-01T12:00:05.200000Z",
	}
	for i := 0; i < len(changes); i += 2 {
		e[changes[i].(string)] = changes[i+1]
	}
	return e
}

func line(t testing.TB, e map[string]any) string {
	t.Helper()
	data, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func ref(changes ...string) map[string]any {
	r := map[string]any{"resource": "deployments", "namespace": "shop", "name": "web", "apiGroup": "apps"}
	for i := 0; i < len(changes); i += 2 {
		r[changes[i]] = changes[i+1]
	}
	return r
}

var web = Ref{"apps", "deployments", "shop", "web"}

func at(second float64) time.Time {
	return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(second * float64(time.Second)))
}

func TestWhatIsKeptOfAnEvent(t *testing.T) {
	t.Parallel()
	plain := Event{
		Ref: web, Verb: "patch", User: "ana@example.com", Address: "10.0.0.7", UserAgent: "kubectl/v1.34.0 (linux/amd64)", Manager: "kubectl-edit",
		Received: at(5.1), Done: at(5.2), id: "1",
	}
	with := func(change func(*Event)) *Event { e := plain; change(&e); return &e }
	for _, tc := range []struct {
		reason  string
		changes []any
		want    *Event // nil: nothing
	}{
		{"a patch", nil, &plain},
		{"another stage", []any{"stage", "RequestReceived"}, nil},
		{"a read", []any{"verb", "get"}, nil},
		{"a request that failed", []any{"responseStatus", map[string]any{"code": 409}}, nil},
		{"nobody knows how it went", []any{"responseStatus", nil}, nil},
		{"a dry run", []any{"requestURI", "/apis/apps/v1/namespaces/shop/deployments/web?dryRun=All&fieldManager=kubectl-edit"}, nil},
		{"no object", []any{"objectRef", nil}, nil},
		{"a program run in a pod", []any{"verb", "create", "objectRef", ref("resource", "pods", "subresource", "exec")}, nil},
		{"kubectl scale", []any{"objectRef", ref("subresource", "scale")}, with(func(e *Event) { e.Subresource = "scale" })},
		{"the manager is what the user agent begins with", []any{"requestURI", "/apis/apps/v1/namespaces/shop/deployments/web"}, with(func(e *Event) { e.Manager = "kubectl" })},
		{"an update names the version that it is made from", []any{"verb", "update", "objectRef", ref("resourceVersion", "41")},
			with(func(e *Event) { e.Verb, e.Base = "update", "41" })},
		{"a patch does not", []any{"objectRef", ref("resourceVersion", "41")}, &plain},
		{"a response names the version that it led to", []any{"responseObject", map[string]any{"kind": "Deployment", "metadata": map[string]any{"resourceVersion": "42"}}},
			with(func(e *Event) { e.Version = "42" })},
		{"a status names none", []any{"verb", "delete", "responseObject", map[string]any{"kind": "Status", "metadata": map[string]any{"resourceVersion": "42"}}},
			with(func(e *Event) { e.Verb = "delete" })},
		{"a name that the server made up", []any{"verb", "create", "objectRef", ref("name", ""), "responseObject", map[string]any{"metadata": map[string]any{"name": "web"}}},
			with(func(e *Event) { e.Verb = "create" })},
		{"a collection", []any{"verb", "deletecollection", "objectRef", ref("name", "")}, with(func(e *Event) { e.Verb, e.Name = "deletecollection", "" })},
		{"impersonation", []any{"impersonatedUser", map[string]any{"username": "ana"}}, with(func(e *Event) { e.User, e.Impersonator = "ana", "ana@example.com" })},
		{"proxies", []any{"sourceIPs", []any{"203.0.113.9", "nonsense", "2001:DB8::1", "10.0.0.7"}},
			with(func(e *Event) { e.ForwardedFor = []string{"203.0.113.9", "2001:db8::1"} })},
		{"escape sequences", []any{"userAgent", "kubectl\x1b[2J/\u202e1", "user", map[string]any{"username": "a\nb"}, "requestURI", "/x?fieldManager=m%0Aanager"},
			with(func(e *Event) {
				e.UserAgent, e.User, e.Manager = "kubectl\uFFFD[2J/\uFFFD1", "a\uFFFDb", "m\uFFFDanager"
			})},
		{"a patch's fields, and no values", []any{"requestObject", map[string]any{"spec": map[string]any{"replicas": 5, "template": nil}}},
			with(func(e *Event) { e.touched = []string{"spec\x00replicas", "spec\x00template"} })},
	} {
		got := []Event{}
		n, err := ReadLines(strings.NewReader(line(t, raw(tc.changes...))), func(e Event) { got = append(got, e) })
		want, count := []Event{}, Count{Other: 1}
		if tc.want != nil {
			want, count = append(want, *tc.want), Count{Writes: 1}
		}
		if err != nil || n != count {
			t.Errorf("%s: %+v, %v", tc.reason, n, err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(Event{}), cmpopts.SortSlices(func(a, b string) bool { return a < b })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
	}
}

func TestReadLists(t *testing.T) {
	t.Parallel()
	ok := line(t, raw())
	head := `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[`
	for _, tc := range []struct {
		reason, text string
		want         Count
		err          string
	}{
		{"two", head + ok + "," + ok + "]}", Count{Writes: 2}, ""},
		{"none", head + "]}", Count{}, ""},
		{"null", `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":null}`, Count{}, ""},
		{"one of another shape does not hide the rest", head + `{"verb":7},` + ok + `,"x",` + line(t, raw("stageTimestamp", "yesterday")) + `,` + ok + "]}", Count{Writes: 2, Broken: 3}, ""},
		{"what came before the break counts", head + ok + `,{"verb":`, Count{Writes: 1}, "it ends too early"},
		{"no JSON", "kind: EventList", Count{}, "it is no valid JSON at byte 1"},
		{"broken within", head + ok + ",}", Count{Writes: 1}, "it is no valid JSON"},
		{"a list", "[]", Count{}, "this is no EventList"},
		{"one event", ok, Count{}, "this is no EventList of audit.k8s.io/v1: its kind is another"},
		{"another version", `{"kind":"EventList","apiVersion":"audit.k8s.io/v1beta1","items":[]}`, Count{}, "its apiVersion is another"},
		{"nothing", "", Count{}, "it ends too early"},
		{"no items", "{}", Count{}, "it has no items"},
	} {
		n, err := Read(strings.NewReader(tc.text), func(Event) {})
		if n != tc.want || (err == nil) != (tc.err == "") || err != nil && (!strings.Contains(err.Error(), tc.err) || fault.Of(err) != fault.Invalid) {
			t.Errorf("%s: %+v, %v", tc.reason, n, err)
		}
	}
}

func TestReadLogs(t *testing.T) {
	t.Parallel()
	ok := line(t, raw())
	text := ok + "\n\n{broken\n" + strings.Repeat("x", maxLine+1) + "\n" + ok + "\r\n" + ok[:40]
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]io.Reader{"plain": strings.NewReader(text), "gzip": &packed} {
		if n, err := ReadLines(r, func(Event) {}); err != nil || n != (Count{Writes: 2, Broken: 3}) {
			t.Errorf("%s: %+v, %v", name, n, err)
		}
	}
	if _, err := ReadLines(strings.NewReader("\x1f\x8bno gzip"), func(Event) {}); err == nil {
		t.Error("what is no gzip is read")
	}
	disk := errors.New("the disk is gone")
	if n, err := ReadLines(io.MultiReader(strings.NewReader(ok+"\n"), failing{disk}), func(Event) {}); !errors.Is(err, disk) || n.Writes != 1 {
		t.Errorf("%+v, %v", n, err)
	}
}

type failing struct{ error }

func (f failing) Read([]byte) (int, error) { return 0, f.error }

// FuzzRead holds that hostile events end nothing, and leave nothing that moves
// a cursor.
func FuzzRead(f *testing.F) {
	f.Add(line(f, raw()))
	f.Add(line(f, raw("verb", "update", "objectRef", ref("resourceVersion", "41"), "userAgent", "\x1b]0;x\a")))
	f.Add(line(f, raw("requestObject", []any{map[string]any{"op": "move", "path": "/a/0", "from": "/b~1c"}})))
	f.Add(`{"requestObject": {"$patch": 1, "$setElementOrder/a": [], "a": [[{"b": {}}], null]}, "objectRef": {}}`)
	f.Fuzz(func(t *testing.T, text string) {
		var events []Event
		n, err := ReadLines(strings.NewReader(text), func(e Event) { events = append(events, e) })
		if err == nil && n.Writes != len(events) {
			t.Errorf("%+v of %d", n, len(events))
		}
		_, _ = Read(strings.NewReader(`{"items":[`+text+`]}`), func(e Event) { events = append(events, e) })
		for _, e := range events {
			for _, s := range []string{e.User, e.Impersonator, e.UserAgent, e.Manager, e.Address, e.Base, e.Version, strings.Join(e.ForwardedFor, "")} {
				if len(s) > maxForwarded*maxText || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
					t.Errorf("kept %q", s)
				}
			}
		}
		log := NewLog(DefaultLimits())
		for _, e := range events {
			log.Add(e, e.Done)
			_ = Text(Who(Change{Path: "spec.replicas"}, log.Of(e.Ref, e.Done)))
		}
	})
}

func BenchmarkRead(b *testing.B) {
	items := make([]string, 4000)
	for i := range items {
		items[i] = line(b, raw("auditID", fmt.Sprint(i)))
	}
	body := `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[` + strings.Join(items, ",") + "]}"
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		log := NewLog(DefaultLimits())
		if n, err := Read(strings.NewReader(body), func(e Event) { log.Add(e, e.Done) }); err != nil || n.Writes != len(items) {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(len(items))*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
