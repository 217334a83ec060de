package orphan

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	runtimeschema "k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trueup-dev/trueup/internal/object"
)

func of(group, kind, name string, changes ...func(*Object)) Object {
	o := Object{Key: object.Key{Group: group, Kind: kind, Namespace: "shop", Name: name}}
	for _, change := range changes {
		change(&o)
	}
	return o
}

func annotated(name, value string) func(*Object) {
	return func(o *Object) { o.Annotations = map[string]string{name: value} }
}

func labelled(name, value string) func(*Object) {
	return func(o *Object) { o.Labels = map[string]string{name: value} }
}

func owned(o *Object) { o.Owned = true }

func TestFind(t *testing.T) {
	t.Parallel()
	set := of("apps", "StatefulSet", "db", owned)
	tests := map[string]struct {
		object Object
		ignore []Ignore
		found  bool
	}{
		"what somebody made by hand":                        {object: of("", "ConfigMap", "notes"), found: true},
		"a workload of nobody":                              {object: of("apps", "Deployment", "debug"), found: true},
		"what has an owner goes with it":                    {object: of("apps", "ReplicaSet", "web-1", owned)},
		"tracked, by whatever application":                  {object: of("", "ConfigMap", "a", annotated(object.TrackingAnnotation, "other:/ConfigMap:shop/a"))},
		"a copy of what is tracked":                         {object: of("", "ConfigMap", "b", annotated(object.TrackingAnnotation, "other:/ConfigMap:shop/a"))},
		"tracked by Argo CD":                                {object: of("", "ConfigMap", "a", annotated("argocd.argoproj.io/tracking-id", "x:/ConfigMap:shop/a"))},
		"tracked by Flux":                                   {object: of("", "ConfigMap", "a", labelled("kustomize.toolkit.fluxcd.io/name", "x"))},
		"a label that anybody may set is no mark":           {object: of("", "ConfigMap", "a", labelled("app.kubernetes.io/managed-by", "Helm")), found: true},
		"our label without an id is no mark":                {object: of("", "ConfigMap", "a", labelled(object.ManagedLabel, "true")), found: true},
		"the account of every namespace":                    {object: of("", "ServiceAccount", "default")},
		"another account":                                   {object: of("", "ServiceAccount", "robot"), found: true},
		"the CA of every namespace":                         {object: of("", "ConfigMap", "kube-root-ca.crt")},
		"an event":                                          {object: of("events.k8s.io", "Event", "x")},
		"endpoints, made of a Service":                      {object: of("discovery.k8s.io", "EndpointSlice", "x")},
		"a Helm release's history":                          {object: of("", "Secret", "sh.helm.release.v1.web.v3")},
		"another secret":                                    {object: of("", "Secret", "password"), found: true},
		"a token":                                           {object: of("", "Secret", "t", annotated("kubernetes.io/service-account.name", "robot"))},
		"an old lock":                                       {object: of("", "ConfigMap", "lock", annotated("control-plane.alpha.kubernetes.io/leader", "{}"))},
		"the claim of a StatefulSet":                        {object: of("", "PersistentVolumeClaim", "data-db-0")},
		"the claim of a set that is gone":                   {object: of("", "PersistentVolumeClaim", "data-cache-0"), found: true},
		"a claim named like no set's":                       {object: of("", "PersistentVolumeClaim", "data-db"), found: true},
		"ignored by kind":                                   {object: of("apps", "Deployment", "debug"), ignore: []Ignore{{Group: "apps", Kind: "Deployment"}}},
		"ignored by globs":                                  {object: of("apps", "Deployment", "debug-1"), ignore: []Ignore{{Group: "*", Kind: "D*", Name: "debug-*"}}},
		"an empty group is the core group":                  {object: of("apps", "Deployment", "debug"), ignore: []Ignore{{Kind: "Deployment"}}, found: true},
		"an empty kind is any":                              {object: of("", "ConfigMap", "notes"), ignore: []Ignore{{Name: "notes"}}},
		"another name":                                      {object: of("", "ConfigMap", "notes"), ignore: []Ignore{{Kind: "ConfigMap", Name: "other"}}, found: true},
		"what is no glob matches itself, and nothing fails": {object: of("", "ConfigMap", "[a"), ignore: []Ignore{{Kind: "ConfigMap", Name: "[a"}}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want []object.Key
			if tc.found {
				want = append(want, tc.object.Key)
			}
			if diff := cmp.Diff(want, Find([]Object{set, tc.object}, tc.ignore)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSkips(t *testing.T) {
	t.Parallel()
	for gk, want := range map[runtimeschema.GroupKind]bool{
		{Kind: "Event"}: true, {Group: "coordination.k8s.io", Kind: "Lease"}: true, {Group: "metrics.k8s.io", Kind: "PodMetrics"}: true,
		{Kind: "Secret"}: false, {Kind: "ConfigMap"}: false, {Group: "apps", Kind: "Deployment"}: false,
	} {
		if got := Skips(gk); got != want {
			t.Errorf("%s: %v, want %v", gk, got, want)
		}
	}
	for _, c := range Copies() {
		if c.Says == "" {
			t.Errorf("nothing says why a %s/%s %s is no orphan", c.Group, c.Kind, c.Name)
		}
	}
}
