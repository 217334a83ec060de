package audit

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/drift/ownership"
)

func TestWho(t *testing.T) {
	t.Parallel()
	// by makes an event of a user at a second.
	by := func(user string, second float64, changes ...func(*Event)) Event {
		e := Event{
			Ref: web, Verb: "patch", User: user, Address: "10.0.0.7", Manager: "kubectl-edit", UserAgent: "kubectl/v1", Received: at(second), Done: at(second + 0.1), id: user,
		}
		for _, change := range changes {
			change(&e)
		}
		return e
	}
	manager := func(name string) func(*Event) { return func(e *Event) { e.Manager = name } }
	verb := func(name string) func(*Event) { return func(e *Event) { e.Verb = name } }
	through := func(name string) func(*Event) { return func(e *Event) { e.Subresource = name } }
	version := func(v string) func(*Event) { return func(e *Event) { e.Version = v } }
	base := func(v string) func(*Event) { return func(e *Event) { e.Verb, e.Base = "update", v } }
	names := func(paths ...string) func(*Event) {
		return func(e *Event) {
			for _, p := range paths {
				e.touched = append(e.touched, strings.ReplaceAll(p, ".", between))
			}
		}
	}
	own := func(e *Event) { e.Manager, e.Own = "trueup", true }
	from := func(address string) func(*Event) { return func(e *Event) { e.Address = address } }
	collection := func(namespace string) func(*Event) {
		return func(e *Event) { e.Verb, e.Name, e.Namespace = "deletecollection", "", namespace }
	}
	five := at(5)
	edited := Change{Path: "spec.replicas", Manager: "kubectl-edit", Time: &five, Declared: true}
	within := func(c Change, w Window) Change { c.Window = w; return c }
	removed := Change{Path: "spec.replicas", Declared: true, Window: Window{From: "10", To: "12", After: at(2), Until: at(8)}}
	gone := Change{Gone: true, Window: Window{From: "10", After: at(2), Until: at(8)}}
	for _, tc := range []struct {
		reason string
		change Change
		events []Event
		want   string
	}{
		{"the request at the time of the entry", edited, []Event{by("ana", 5.3)}, "ana from 10.0.0.7"},
		{"it was under way when the entry was written", edited, []Event{by("ana", 4.9, func(e *Event) { e.Done = at(5.2) })}, "ana from 10.0.0.7"},
		{"nothing is known", edited, nil, ""},
		{"another manager", edited, []Event{by("ana", 5.3, manager("helm"))}, ""},
		{"another subresource", edited, []Event{by("ana", 5.3, through("scale"))}, ""},
		{"a later one did not", edited, []Event{by("ben", 6.1)}, ""},
		{"an earlier one alone has a gap after it", edited, []Event{by("ben", 3)}, ""},
		{"an earlier one may have", edited, []Event{by("ana", 5.3), by("ben", 3)}, "one of ana from 10.0.0.7, ben from 10.0.0.7"},
		{"in any order", edited, []Event{by("ben", 3), by("ana", 5.3)}, "one of ana from 10.0.0.7, ben from 10.0.0.7"},
		{"not one before we last applied", edited, []Event{by("ben", 3), by("", 4, own), by("ana", 5.3)}, "ana from 10.0.0.7"},
		{"what is not in Git outlives that", Change{Path: "spec.replicas", Manager: "kubectl-edit", Time: &five}, []Event{by("ben", 3), by("", 4, own), by("ana", 5.3)},
			"one of ana from 10.0.0.7, ben from 10.0.0.7"},
		{"we corrected it in the same second", edited, []Event{by("ana", 5.1), by("", 5.4, own)}, "ana from 10.0.0.7"},
		{"one user, two addresses", edited, []Event{by("ana", 3, from("10.0.0.8")), by("ana", 5.3)}, "ana from 10.0.0.7 or 10.0.0.8"},
		{"one user, acting as another", edited, []Event{by("ana", 3), by("ana", 5.3, func(e *Event) { e.Impersonator = "ci" })},
			"one of ana (impersonated by ci) from 10.0.0.7, ana from 10.0.0.7"},
		{"many", edited, []Event{by("ana", 5.3), by("ben", 3), by("cleo", 2), by("dan", 1)}, "one of ana from 10.0.0.7, ben from 10.0.0.7, cleo from 10.0.0.7 and 1 more"},
		{"a window by versions", within(edited, Window{From: "10", To: "12"}), []Event{by("ben", 3, version("10")), by("ana", 5.3, version("11"))}, "ana from 10.0.0.7"},
		{"versions count, not clocks", within(edited, Window{From: "10", To: "12", Until: at(1)}), []Event{by("ana", 5.3, version("12"))}, "ana from 10.0.0.7"},
		{"a window by time", within(edited, Window{From: "10", To: "12", After: at(4)}), []Event{by("ben", 3), by("ana", 5.3)}, "ana from 10.0.0.7"},
		{"a patch that names other fields", edited, []Event{by("ana", 5.1, names("spec.paused")), by("ben", 3, names("spec.replicas"))}, ""},
		{"a patch that names the field", edited, []Event{by("ana", 5.1, names("spec.replicas", "spec.paused")), by("ben", 3, names("metadata"))}, "ana from 10.0.0.7"},
		{"a patch that names what is around it", edited, []Event{by("ana", 5.1, names("spec"))}, "ana from 10.0.0.7"},
		{"kubectl scale leaves no time", Change{Path: "spec.replicas", Manager: "kubectl", Subresource: "scale", Declared: true, Window: Window{From: "10", To: "12", After: at(4), Until: at(8)}},
			[]Event{by("ben", 3, manager("kubectl"), through("scale")), by("ana", 5.3, manager("kubectl"), through("scale"))}, "ana from 10.0.0.7"},
		{"a removal, by time", removed, []Event{by("ana", 5), by("ben", 9), by("cleo", 1)}, "ana from 10.0.0.7"},
		{"a removal, by the version that an update is made from", removed, []Event{by("ana", 5, base("11")), by("ben", 5, base("12")), by("cleo", 5, base("9"))}, "ana from 10.0.0.7"},
		{"a removal, and two who wrote", removed, []Event{by("ana", 5), by("ben", 6, manager("helm"))}, "one of ben from 10.0.0.7, ana from 10.0.0.7"},
		{"who wrote the status removed nothing else", removed, []Event{by("ana", 5), by("kubelet", 6, through("status"))}, "ana from 10.0.0.7"},
		{"a removal is no deletion", removed, []Event{by("ana", 5, verb("delete"))}, ""},
		{"a removal, after a write that the version before tells of", within(removed, Window{From: "10", To: "12", After: at(3), Until: at(8), Written: []ownership.Foreign{{Manager: "helm", Time: at3()}}}),
			[]Event{by("ben", 3.1, manager("helm")), by("ana", 5)}, "ana from 10.0.0.7"},
		{"of two in its second either may", within(removed, Window{From: "10", To: "12", After: at(3), Until: at(8), Written: []ownership.Foreign{{Manager: "helm", Time: at3()}}}),
			[]Event{by("ben", 3.1, manager("helm")), by("ana", 3.5, manager("helm"))}, "one of ana from 10.0.0.7, ben from 10.0.0.7"},
		{"a deletion", gone, []Event{by("ana", 5, verb("delete")), by("ben", 6)}, "ana from 10.0.0.7"},
		{"an eviction", gone, []Event{by("ana", 5, verb("create"), through("eviction"))}, "ana from 10.0.0.7"},
		{"a collection", gone, []Event{by("ana", 5, collection("shop")), by("ben", 9, collection(""))}, "ana from 10.0.0.7"},
		{"a deletion of ours", gone, []Event{by("", 5, verb("delete"), own)}, ""},
		{"a deletion before the object was made again", Change{Gone: true}, []Event{by("ben", 1, verb("delete")), by("helm", 2, verb("create")), by("ana", 5, verb("delete"))}, "ana from 10.0.0.7"},
	} {
		if diff := cmp.Diff(tc.want, Text(Who(tc.change, tc.events))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
	}
}

func at3() *time.Time { t := at(3); return &t }

func TestSelf(t *testing.T) {
	t.Parallel()
	agent := "system:serviceaccount:trueup:trueup"
	apply := Event{Manager: "trueup", User: agent}
	for _, tc := range []struct {
		reason string
		self   Self
		event  Event
		want   bool
	}{
		{"an apply of ours", Self{[]string{agent}}, apply, true},
		{"in the name of a tenant", Self{[]string{agent}}, Event{Manager: "trueup", User: "tenant", Impersonator: agent}, true},
		{"a deletion of ours", Self{[]string{agent}}, Event{Manager: "trueup-agent", Verb: "delete", User: agent}, true},
		{"somebody under our name", Self{[]string{agent}}, Event{Manager: "trueup", User: "mallory"}, false},
		{"we, with kubectl", Self{[]string{agent}}, Event{Manager: "kubectl-edit", User: agent}, false},
		{"it is not known who we are", Self{}, apply, true},
	} {
		events := []Event{tc.event}
		tc.self.Mark(events)
		if events[0].Own != tc.want {
			t.Errorf("%s: %v", tc.reason, events[0].Own)
		}
	}
}

func TestJoin(t *testing.T) {
	t.Parallel()
	ana, ben := Actor{User: "ana", Time: at(1)}, Actor{User: "ben"}
	if diff := cmp.Diff([]Actor{ben, ana}, Join([]Actor{ana}, []Actor{ben})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Actor{ana}, Join([]Actor{ana}, nil)); diff != "" {
		t.Error(diff)
	}
	if got := Text([]Actor{{User: "ana", Addresses: []string{"10.0.0.7"}, ForwardedFor: []string{"203.0.113.9"}}}); got != "ana from 10.0.0.7 (for 203.0.113.9)" {
		t.Error(got)
	}
}

func TestTouches(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		patch, path string
		want        bool
	}{
		{`{"spec":{"replicas":5}}`, "spec.replicas", true},
		{`{"spec":{"replicas":5}}`, "spec.paused", false},
		{`{"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"web"}],"containers":[{"name":"web","image":"x"}]}}}}`, "spec.template.spec.containers[name=web].image", true},
		{`{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"x"}]}}}}`, "spec.template.spec.containers[name=web].env[name=A].value", false},
		{`{"metadata":{"labels":{"a/b.c":null}}}`, `metadata.labels["a/b.c"]`, true},
		{`{"spec":{"$patch":"replace"}}`, "spec.replicas", true},
		{`{"metadata":{"$deleteFromPrimitiveList/finalizers":["x"]}}`, "metadata.finalizers[0]", true},
		{`[{"op":"remove","path":"/spec/template/spec/containers/0/image"}]`, "spec.template.spec.containers[name=web].image", true},
		{`[{"op":"test","path":"/spec/replicas"},{"op":"move","path":"/data/b","from":"/data/a~1c"}]`, `data["a/c"]`, true},
		{`[{"op":"add","path":"/data/b","value":1}]`, "data.a", false},
		{`{"stringData":{"p":"x"}}`, "data.p", true},
		{`{"data":{"0":"x"}}`, `data["0"]`, true},
		{`[{"path":7}]`, "spec.replicas", true},
		{`"text"`, "spec.replicas", true},
		{``, "spec.replicas", true},
	} {
		e := Event{touched: touched([]byte(tc.patch))}
		if got := e.touches(tc.path); got != tc.want {
			t.Errorf("%s and %s: %v; it names %q", tc.patch, tc.path, got, e.touched)
		}
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	now := at(0)
	event := func(name, id string) Event {
		return Event{Ref: Ref{"apps", "deployments", "shop", name}, id: id, User: "ana", Verb: "patch", Done: at(1)}
	}
	ids := func(l *Log, ref Ref, now time.Time) (out string) {
		for _, e := range l.Of(ref, now) {
			out += e.id
		}
		return out
	}
	l := NewLog(Limits{Events: 6, Object: 2, Age: time.Minute})
	if !l.Add(event("web", "a"), now) || l.Add(event("web", "a"), now) {
		t.Error("an event that comes twice is not told from one that comes once")
	}
	other := event("web", "a")
	other.User = "mallory" // who chose the audit id of another's request
	if !l.Add(other, now) {
		t.Error("one event hides behind the id of another")
	}
	l.Add(event("web", "b"), now)
	if got := ids(l, web, now); got != "ab" {
		t.Errorf("the object has %q, want the two that came last", got)
	}
	if l.Add(event("web", "a"), now) {
		t.Error("an event that made room comes back")
	}
	for i := range 20 { // a busy status leaves the others alone
		e := event("web", string(rune('0'+i)))
		e.Subresource = "status"
		l.Add(e, now)
	}
	if got := l.Of(web, now); len(got) != 6 || got[0].id != "a" || got[1].id != "b" {
		t.Errorf("%d are left", len(got))
	}
	all := event("", "c")
	all.Verb = "deletecollection"
	l.Add(all, now)
	if got := ids(l, web, now); !strings.HasSuffix(got, "c") || l.Len() != 6 {
		t.Errorf("with its collection it has %q of %d", got, l.Len())
	}
	if got := ids(l, web, now.Add(2*time.Minute)); got != "" || l.Len() != 0 || len(l.byRef) != 0 || len(l.seen) != 0 {
		t.Errorf("too old: %q of %d", got, l.Len())
	}
	for i := range 1000 {
		l.Add(event(string(rune('a'+i%26)), string(rune(i))), now.Add(2*time.Minute))
	}
	if l.Len() != 6 || len(l.queue) > 20 || len(l.seen) > 12 {
		t.Errorf("%d events in a queue of %d, %d ids", l.Len(), len(l.queue), len(l.seen))
	}
}
