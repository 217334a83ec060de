package agent_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/lifecycle"
	"github.com/trueup-dev/trueup/appset/rollout"
	"github.com/trueup-dev/trueup/internal/kube"
)

// listSet is a set with an application for each name, of the folder of that
// name, labelled with it. Nothing is synced.
func (w *world) listSet(name string, elements ...string) *v1alpha1.ApplicationSet {
	set := &v1alpha1.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.namespace}}
	set.Spec.GoTemplate = true
	set.Spec.Generators = elementsOf(elements...)
	set.Spec.Template.Name = name + "-{{ .name }}"
	set.Spec.Template.Labels = map[string]string{"env": "{{ .name }}"}
	set.Spec.Template.Spec = v1alpha1.ApplicationSpec{
		Source:      &v1alpha1.ApplicationSource{RepoURL: "file://" + w.repo, Path: "sets/{{ .name }}", TargetRevision: "main"},
		Destination: v1alpha1.ApplicationDestination{Name: "in-cluster", Namespace: w.namespace + "-" + name + "-{{ .name }}"},
		SyncPolicy:  &v1alpha1.SyncPolicy{SyncOptions: v1alpha1.SyncOptions{"CreateNamespace=true"}},
	}
	return set
}

func elementsOf(names ...string) []v1alpha1.ApplicationSetGenerator {
	list := &v1alpha1.ListGenerator{}
	for _, n := range names {
		list.Elements = append(list.Elements, apiextensionsv1.JSON{Raw: fmt.Appendf(nil, `{"name": %q}`, n)})
	}
	return []v1alpha1.ApplicationSetGenerator{{List: list}}
}

// edit changes a set as a person does.
func (w *world) edit(set *v1alpha1.ApplicationSet, change func(*v1alpha1.ApplicationSet)) {
	w.t.Helper()
	w.until("the set is edited", func(ctx context.Context) bool {
		w.must(w.client.Get(ctx, client.ObjectKeyFromObject(set), set))
		change(set)
		err := w.client.Update(ctx, set)
		if !apierrors.IsConflict(err) {
			w.must(err)
		}
		return err == nil
	})
}

// awaitSet waits until a set is as wanted.
func (w *world) awaitSet(set *v1alpha1.ApplicationSet, what string, ok func(*v1alpha1.ApplicationSet) bool) {
	w.t.Helper()
	err := wait.PollUntilContextTimeout(w.t.Context(), 50*time.Millisecond, 120*time.Second, true, func(ctx context.Context) (bool, error) {
		err := w.client.Get(ctx, client.ObjectKeyFromObject(set), set)
		return err == nil && ok(set), err
	})
	if err != nil {
		w.t.Fatalf("the set %s is not %s: %v\nstatus: %+v", set.Name, what, err, set.Status)
	}
}

// names are the applications of the agent's namespace with a prefix.
func (w *world) names(prefix string) []string {
	w.t.Helper()
	var list v1alpha1.ApplicationList
	w.must(w.client.List(w.t.Context(), &list, client.InNamespace(w.namespace)))
	var out []string
	for _, app := range list.Items {
		if name, ok := strings.CutPrefix(app.Name, prefix); ok {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func (w *world) awaitNames(prefix string, want ...string) {
	w.t.Helper()
	w.until(fmt.Sprintf("the applications %s* are %v", prefix, want), func(context.Context) bool { return slices.Equal(w.names(prefix), want) })
}

func setSays(kind, text string) func(*v1alpha1.ApplicationSet) bool {
	return func(set *v1alpha1.ApplicationSet) bool {
		c := apimeta.FindStatusCondition(set.Status.Conditions, kind)
		return c != nil && strings.Contains(c.Message, text)
	}
}

// upToDate reports a set that has looked at its latest document and is done.
func upToDate(set *v1alpha1.ApplicationSet) bool {
	c := apimeta.FindStatusCondition(set.Status.Conditions, lifecycle.ResourcesUpToDate)
	return c != nil && c.Status == metav1.ConditionTrue && c.ObservedGeneration == set.Generation
}

func (w *world) folders(names ...string) {
	for _, name := range names {
		w.write("sets/"+name+"/all.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {name: "+name+"}\n")
	}
	w.commit("Add folders")
}

// TestSetLifecycle: applications are created, updated and deleted as their set
// says; what people changed on purpose stays.
func TestSetLifecycle(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.folders("a", "b", "c")
	set := w.listSet("life", "a", "b", "c")
	set.Spec.PreservedFields = &v1alpha1.ApplicationPreservedFields{Labels: []string{"team"}}
	set.Spec.IgnoreApplicationDifferences = []v1alpha1.ApplicationSetIgnoreDifferences{{JSONPointers: []string{"/spec/source/targetRevision"}}}
	w.must(w.client.Create(t.Context(), set))
	w.awaitNames("life-", "a", "b", "c")
	w.awaitSet(set, "up to date", upToDate)
	if set.Status.ResourcesCount != 3 || len(set.Status.Generators) != 1 || set.Status.Generators[0].ParameterSets != 3 {
		t.Errorf("the status reads %+v", set.Status)
	}

	// A person pins one application, labels it, and changes what the set decides.
	app := w.await("life-a", "there", func(*v1alpha1.Application) bool { return true })
	pinned := app.DeepCopy()
	pinned.Spec.Source.TargetRevision, pinned.Spec.Source.Path = "HEAD", "elsewhere"
	pinned.Labels = map[string]string{"team": "blue", "env": "wrong"}
	w.must(w.client.Patch(t.Context(), pinned, client.MergeFrom(app)))
	w.await("life-a", "as the set wants it", func(a *v1alpha1.Application) bool {
		return a.Spec.Source.Path == "sets/a" && a.Spec.Source.TargetRevision == "HEAD" && a.Labels["team"] == "blue" && a.Labels["env"] == "a"
	})

	// An application of a project that is not there is rejected alone, and stays.
	w.edit(set, func(s *v1alpha1.ApplicationSet) {
		s.Spec.Template.Spec.Project = `{{ if eq .name "b" }}nobody{{ else }}default{{ end }}`
		s.Spec.Template.Labels["tier"] = "web"
	})
	w.awaitSet(set, "telling of the project", setSays(lifecycle.ErrorOccurred, `application life-b: spec.project: there is no Project "nobody"`))
	w.await("life-c", "updated all the same", func(a *v1alpha1.Application) bool { return a.Labels["tier"] == "web" })
	if got := w.names("life-"); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("there are %v", got)
	}

	// Policies: nothing but creating, until it may delete.
	w.edit(set, func(s *v1alpha1.ApplicationSet) {
		s.Spec.SyncPolicy = &v1alpha1.ApplicationSetSyncPolicy{ApplicationsSync: new(lifecycle.CreateUpdate)}
		s.Spec.Template.Spec.Project = ""
		s.Spec.Generators = elementsOf("a", "b", "d")
	})
	w.awaitNames("life-", "a", "b", "c", "d")
	w.awaitSet(set, "telling what it keeps", setSays(lifecycle.ResourcesUpToDate, "not deleted: life-c (spec.syncPolicy.applicationsSync is create-update)"))
	w.edit(set, func(s *v1alpha1.ApplicationSet) { s.Spec.SyncPolicy = nil })
	w.awaitNames("life-", "a", "b", "d")
	w.awaitSet(set, "up to date", upToDate)
}

// TestSetInDoubt: what fails deletes nothing, what would delete much waits for
// a person.
func TestSetInDoubt(t *testing.T) {
	t.Parallel()
	w := start(t)
	all := []string{"a", "b", "c", "d", "e", "f"}
	w.folders(all...)
	set := w.listSet("held", all...)
	w.must(w.client.Create(t.Context(), set))
	broken := w.listSet("broken")
	broken.Spec.Generators = []v1alpha1.ApplicationSetGenerator{{Git: &v1alpha1.GitGenerator{
		RepoURL: "file://" + w.repo, Revision: "main", Directories: []v1alpha1.GitDirectoryItem{{Path: "sets/*"}},
	}}}
	broken.Spec.Template.Name = "broken-{{ .path.basename }}"
	broken.Spec.Template.Labels = nil
	broken.Spec.Template.Spec.Source.Path = "{{ .path.path }}"
	broken.Spec.Template.Spec.Destination.Namespace = w.namespace
	w.must(w.client.Create(t.Context(), broken))
	w.awaitNames("held-", all...)
	w.awaitNames("broken-", all...)
	w.awaitSet(set, "up to date", upToDate)

	// Five of six are too many to go without a question; a new one comes.
	w.edit(set, func(s *v1alpha1.ApplicationSet) { s.Spec.Generators = elementsOf("a", "new") })
	w.awaitSet(set, "holding", func(s *v1alpha1.ApplicationSet) bool { return s.Status.Held != nil && s.Status.Held.Count == 5 })
	w.awaitNames("held-", "a", "b", "c", "d", "e", "f", "new")
	w.awaitSet(set, "telling how to confirm", setSays(lifecycle.DeletionHeld, "trueup appset confirm held -n "+w.namespace))
	w.until("held deletions are counted", func(context.Context) bool { return w.gauge("trueup_applicationset_held_deletions", "held") == 5 })
	digest := set.Status.Held.Digest
	w.edit(set, func(s *v1alpha1.ApplicationSet) {
		s.Annotations = map[string]string{v1alpha1.ConfirmDeletion: "0123456789abcdef"}
	})
	w.awaitSet(set, "without the wrong confirmation", func(s *v1alpha1.ApplicationSet) bool { return s.Annotations[v1alpha1.ConfirmDeletion] == "" })
	if got := w.names("held-"); len(got) != 7 {
		t.Errorf("a wrong confirmation leaves %v", got)
	}
	w.edit(set, func(s *v1alpha1.ApplicationSet) { s.Annotations = map[string]string{v1alpha1.ConfirmDeletion: digest} })
	w.awaitNames("held-", "a", "new")
	w.awaitSet(set, "at rest, its confirmation taken off", func(s *v1alpha1.ApplicationSet) bool {
		return upToDate(s) && s.Status.Held == nil && s.Annotations[v1alpha1.ConfirmDeletion] == ""
	})

	// The repository goes away, and with it every folder: the applications stay.
	w.must(os.Rename(w.repo, w.repo+".gone"))
	w.edit(broken, func(s *v1alpha1.ApplicationSet) { s.Spec.Generators[0].Git.Directories[0].Path = "sets/[ab]" })
	w.edit(broken, func(s *v1alpha1.ApplicationSet) { s.Spec.Generators[0].Git.Revision = "other" })
	w.awaitSet(broken, "failing", setSays(lifecycle.ErrorOccurred, "other"))
	if got := w.names("broken-"); !slices.Equal(got, all) {
		t.Errorf("without a repository there are %v", got)
	}
	w.must(os.Rename(w.repo+".gone", w.repo))
	w.edit(broken, func(s *v1alpha1.ApplicationSet) {
		s.Spec.Generators[0].Git.Revision = "main"
		s.Spec.Generators[0].Git.Directories[0].Path = "sets/[a-e]"
	})
	w.awaitNames("broken-", "a", "b", "c", "d", "e")
}

// gauge reads a metric about one object.
func (w *world) gauge(metric, name string) float64 {
	w.t.Helper()
	families, err := w.metrics.Gather()
	w.must(err)
	for _, family := range families {
		if family.GetName() != metric {
			continue
		}
		for _, m := range family.Metric {
			for _, l := range m.GetLabel() {
				if l.GetName() == "name" && l.GetValue() == name {
					return m.GetGauge().GetValue()
				}
			}
		}
	}
	return -1
}

const rollingManifest = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {%s containers: [{name: web, image: "ghcr.io/acme/web:%s"}]}
`

// TestRollingSync: three steps go one after the other; a step that is not
// healthy holds the next one until it recovers; the applications of the set go
// in the reverse order.
func TestRollingSync(t *testing.T) {
	t.Parallel()
	w := start(t)
	envs := []string{"dev", "stage", "prod"}
	release := func(version, stage string) {
		for _, env := range envs {
			extra := ""
			if env == "stage" {
				extra = stage
			}
			w.write("sets/"+env+"/all.yaml", fmt.Sprintf(rollingManifest, extra, version))
		}
		w.commit("Release " + version)
	}
	release("1", "")
	set := w.listSet("roll", envs...)
	set.Spec.Template.Spec.SyncPolicy.Automated = &v1alpha1.SyncPolicyAutomated{Prune: true}
	set.Spec.Strategy = &v1alpha1.ApplicationSetStrategy{Type: lifecycle.RollingSync, DeletionOrder: "Reverse", RollingSync: &v1alpha1.ApplicationSetRolloutStrategy{}}
	for _, env := range envs {
		set.Spec.Strategy.RollingSync.Steps = append(set.Spec.Strategy.RollingSync.Steps, v1alpha1.ApplicationSetRolloutStep{
			MatchExpressions: []v1alpha1.ApplicationMatchExpression{{Key: "env", Operator: "In", Values: []string{env}}}, MaxUpdate: new(intstr.FromString("50%")),
		})
	}
	w.must(w.client.Create(t.Context(), set))
	image := func(env string) string {
		d := &appsv1.Deployment{}
		err := w.client.Get(t.Context(), client.ObjectKey{Namespace: w.namespace + "-roll-" + env, Name: "web"}, d)
		if apierrors.IsNotFound(err) {
			return ""
		}
		w.must(err)
		return d.Spec.Template.Spec.Containers[0].Image
	}
	complete := func(s *v1alpha1.ApplicationSet) bool {
		for _, a := range s.Status.ApplicationStatus {
			if a.Status != string(rollout.Healthy) {
				return false
			}
		}
		return len(s.Status.ApplicationStatus) == 3 && apimeta.IsStatusConditionFalse(s.Status.Conditions, lifecycle.RolloutProgressing)
	}
	w.awaitSet(set, "rolled out", complete)
	began := func(env string) time.Time {
		app := w.await("roll-"+env, "synced", good)
		if p := app.Spec.SyncPolicy; p.IsAutomated() || !p.Automated.Prune {
			t.Errorf("the policy of %s reads %+v", env, p.Automated)
		}
		if got := app.Status.History[0].InitiatedBy; got.Username != "applicationset-controller" || !got.Automated {
			t.Errorf("%s was synced by %+v", env, got)
		}
		return app.Status.OperationState.StartedAt.Time
	}
	if dev, stage, prod := began("dev"), began("stage"), began("prod"); stage.Before(dev) || prod.Before(stage) {
		t.Errorf("the steps began at %s, %s and %s", dev, stage, prod)
	}

	// No node is as stage wants it: stage does not get healthy, prod waits.
	release("2", `nodeSelector: {moon: "true"},`)
	w.awaitSet(set, "held by stage", func(s *v1alpha1.ApplicationSet) bool {
		return stateOf(s, "roll-dev") == rollout.Healthy && stateOf(s, "roll-stage") == rollout.Progressing && image("stage") == "ghcr.io/acme/web:2" &&
			setSays(lifecycle.RolloutProgressing, "step 2 of 3: 0 of 1 applications are healthy")(s)
	})
	w.await("roll-prod", "out of sync", func(a *v1alpha1.Application) bool { return a.Status.Sync.Status == v1alpha1.SyncStatusCodeOutOfSync })
	w.awaitSet(set, "keeping prod waiting", func(s *v1alpha1.ApplicationSet) bool { return stateOf(s, "roll-prod") == rollout.Waiting })
	if got := image("prod"); got != "ghcr.io/acme/web:1" {
		t.Errorf("prod runs %s", got)
	}

	// Stage is mended: prod follows.
	release("2", "")
	w.awaitSet(set, "rolled out again", func(s *v1alpha1.ApplicationSet) bool { return complete(s) && image("prod") == "ghcr.io/acme/web:2" })

	// The set goes: prod first, dev last.
	scheme, err := kube.NewScheme()
	w.must(err)
	watcher, err := client.NewWithWatch(w.config, client.Options{Scheme: scheme})
	w.must(err)
	ctx, stop := context.WithTimeout(t.Context(), 90*time.Second)
	defer stop()
	events, err := watcher.Watch(ctx, &v1alpha1.ApplicationList{}, client.InNamespace(w.namespace))
	w.must(err)
	defer events.Stop()
	w.must(w.client.Delete(t.Context(), set))
	var order []string
	for event := range events.ResultChan() {
		if app, ok := event.Object.(*v1alpha1.Application); ok && event.Type == watch.Deleted {
			order = append(order, app.Name)
		}
		if len(order) == len(envs) {
			break
		}
	}
	if want := []string{"roll-prod", "roll-stage", "roll-dev"}; !slices.Equal(order, want) {
		t.Errorf("they went in the order %v", order)
	}
	w.until("the set is gone", func(ctx context.Context) bool {
		return apierrors.IsNotFound(w.client.Get(ctx, client.ObjectKeyFromObject(set), set))
	})
}

func stateOf(set *v1alpha1.ApplicationSet, app string) rollout.State {
	for _, a := range set.Status.ApplicationStatus {
		if a.Application == app {
			return rollout.State(a.Status)
		}
	}
	return ""
}
