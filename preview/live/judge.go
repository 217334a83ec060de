package live

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/risk"
	"github.com/trueup-dev/trueup/preview/trial"
	"github.com/trueup-dev/trueup/reconcile"
)

// Judge is all that it takes to ask clusters about changes. It may be used by
// several goroutines.
type Judge struct {
	Clusters Clusters
	// Flow knows what of an application may differ. Its ports to clusters,
	// repositories and renderers are not used.
	Flow *reconcile.Flow
	// Known may be nil: then nothing is known but what clusters say.
	Known   Known
	MaskKey []byte
	// Risks say what is risky; nil is the built-in rules.
	Risks  *risk.Set
	Now    func() time.Time
	Limits Limits
}

// Limits bound what one preview asks. Zero values are DefaultLimits.
type Limits struct {
	// Objects bounds those asked about in one cluster, Parallel the requests to
	// it at once, Clusters those asked at once.
	Objects, Parallel, Clusters int
	// Time bounds the answers of one cluster, Request those of one object.
	Time, Request time.Duration
}

// DefaultLimits keep a preview short, and clusters at ease.
func DefaultLimits() Limits {
	return Limits{Objects: 300, Parallel: 6, Clusters: 8, Time: 30 * time.Second, Request: 10 * time.Second}
}

func (l Limits) orDefault() Limits {
	d := DefaultLimits()
	return Limits{
		cmp.Or(l.Objects, d.Objects), cmp.Or(l.Parallel, d.Parallel), cmp.Or(l.Clusters, d.Clusters), cmp.Or(l.Time, d.Time), cmp.Or(l.Request, d.Request),
	}
}

// Judge asks the clusters of a change. It never fails: what is not known says
// so. The report that was tried is not altered; its Live is for what this
// returns.
func (j Judge) Judge(ctx context.Context, tried trial.Tried) *preview.Live {
	j.Limits = j.Limits.orDefault()
	if j.Now == nil {
		j.Now = time.Now
	}
	if j.Risks == nil {
		j.Risks = risk.Default()
	}
	if j.Flow == nil {
		j.Flow = &reconcile.Flow{Now: j.Now}
	}
	places := placesOf(tried)
	out := &preview.Live{Destinations: make([]preview.Destination, len(places))}
	findings := make([][]risk.Finding, len(places))
	var all errgroup.Group
	all.SetLimit(j.Limits.Clusters)
	for i, p := range places {
		all.Go(func() error {
			out.Destinations[i], findings[i] = j.place(ctx, p)
			return nil // what fails is part of the answer
		})
	}
	_ = all.Wait()
	out.Risks = risk.Sort(slices.Concat(findings...))
	return out
}

// place is a destination with what is to be asked of it.
type place struct {
	name  string
	to    v1alpha1.ApplicationDestination
	tasks []task
	// untrusted: who wrote the change may not push.
	untrusted bool
	// world is what all applications of the change describe there.
	world *world
}

// placesOf gathers what a change does, by destination.
func placesOf(tried trial.Tried) []place {
	all := map[string]*place{}
	at := func(s *preview.Side) *place {
		p := all[s.Cluster]
		if p == nil {
			p = &place{name: s.Cluster, world: newWorld(), untrusted: tried.Report.Untrusted}
			all[s.Cluster] = p
		}
		return p
	}
	for i := range tried.Head {
		at(&tried.Head[i]).world.add(&tried.Head[i])
	}
	for i := range tried.Report.Apps {
		app := &tried.Report.Apps[i]
		base, head := sidesOf(tried, app)
		if app.Problem != nil || len(app.Objects) == 0 || base == nil && head == nil {
			continue
		}
		a := newApplication(app, base, head)
		p := at(cmp.Or(head, base))
		p.to = a.app.Spec.Destination
		p.tasks = append(p.tasks, a.tasks(app.Objects)...)
	}
	var out []place
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if p := all[name]; len(p.tasks) > 0 {
			slices.SortStableFunc(p.tasks, func(a, b task) int {
				return cmp.Or(cmp.Compare(a.app.Name, b.app.Name), cmp.Compare(a.app.Namespace, b.app.Namespace), a.key.Compare(b.key), cmp.Compare(a.action, b.action))
			})
			out = append(out, *p)
		}
	}
	return out
}

// sidesOf finds what an application of the report was on both sides.
func sidesOf(tried trial.Tried, app *preview.App) (base, head *preview.Side) {
	find := func(all []preview.Side, name string, anywhere bool) *preview.Side {
		i := slices.IndexFunc(all, func(s preview.Side) bool {
			return s.Name == name && s.Cluster == app.Cluster && (anywhere || s.Namespace == app.Namespace)
		})
		if i < 0 {
			return nil
		}
		return &all[i]
	}
	if app.Action != preview.Create {
		base = find(tried.Base, cmp.Or(app.Was, app.Name), app.Was != "")
	}
	if app.Action != preview.Delete {
		head = find(tried.Head, app.Name, false)
	}
	return base, head
}

// asking is the conversation with one cluster.
type asking struct {
	Judge
	place
	cluster Cluster
	asked   atomic.Int64
	known   knowledge

	mu     sync.Mutex
	silent error // why the cluster is asked no more
}

// place asks one cluster.
func (j Judge) place(ctx context.Context, p place) (preview.Destination, []risk.Finding) {
	out := preview.Destination{Cluster: p.name, Objects: []preview.Judged{}}
	within, cancel := context.WithTimeout(ctx, j.Limits.Time)
	defer cancel()
	cluster, err := j.rehearse(within, p)
	if err != nil {
		out.AsOf, out.Unknown, out.LeftOut = j.Now().UTC(), oneLine(reason(ctx, within, err, j.Limits.Time)), len(p.tasks)
		return out, nil
	}
	a := &asking{Judge: j, place: p, cluster: cluster}
	a.known.ask = func(app *v1alpha1.Application) ([]v1alpha1.DriftChange, error) {
		if j.Known == nil {
			return nil, nil
		}
		return j.Known.Changes(within, app.Namespace, app.Name)
	}
	verdicts := a.all(within, p.tasks[:min(len(p.tasks), j.Limits.Objects)])
	var findings []risk.Finding
	for i, v := range verdicts {
		if v == nil {
			continue
		}
		out.Objects = append(out.Objects, *v)
		findings = append(findings, a.risks(p.tasks[i], *v)...)
	}
	out.LeftOut = len(p.tasks) - len(out.Objects)
	if a.silent != nil {
		out.Unknown = oneLine(reason(ctx, within, a.silent, j.Limits.Time))
	}
	out.AsOf, out.Asked = j.Now().UTC(), int(a.asked.Load())
	return out, findings
}

// rehearse finds the cluster. None is asked what somebody may want to know who
// may not even push: answers tell of the cluster, and webhooks see the
// questions.
func (j Judge) rehearse(ctx context.Context, p place) (Cluster, error) {
	if p.untrusted {
		return Cluster{}, fault.New(fault.Denied, "not asked, because who wrote the change may not push to the repository")
	}
	return j.Clusters.Rehearse(ctx, p.to)
}

// reason words why a cluster is asked no more.
func reason(ctx, within context.Context, err error, most time.Duration) string {
	switch {
	case ctx.Err() != nil:
		return "the preview was stopped"
	case errors.Is(within.Err(), context.DeadlineExceeded):
		return fmt.Sprintf("it took more than %s", most)
	}
	return err.Error()
}

// all judges objects, several at a time. Of those that were not asked about
// the verdict is nil.
func (a *asking) all(ctx context.Context, tasks []task) []*preview.Judged {
	out := make([]*preview.Judged, len(tasks))
	var all errgroup.Group
	all.SetLimit(a.Limits.Parallel)
	for i, t := range tasks {
		all.Go(func() error {
			if a.stopped(ctx) {
				return nil
			}
			within, cancel := context.WithTimeout(ctx, a.Limits.Request)
			defer cancel()
			v, err := a.object(within, t)
			if err != nil {
				a.stop(fmt.Errorf("%s: %w", t.key.Short(), err))
				return nil // the others are judged all the same
			}
			out[i] = &v
			return nil
		})
	}
	_ = all.Wait()
	return out
}

func (a *asking) stopped(ctx context.Context) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.silent == nil && ctx.Err() != nil {
		a.silent = ctx.Err()
	}
	return a.silent != nil
}

func (a *asking) stop(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.silent == nil {
		a.silent = err
	}
}

// risks are what the rules make of a verdict.
func (a *asking) risks(t task, v preview.Judged) []risk.Finding {
	facts := &risk.Live{}
	switch v.Verdict {
	case preview.Rejected:
		facts.Rejected = words(v)
	case preview.Recreate:
		facts.Recreate = words(v)
	case preview.Overwrite, preview.NotJudged, preview.Drifted, preview.Altered, preview.Kept, preview.Later, preview.AlreadySo, preview.AsPredicted:
	}
	for _, e := range v.Overwrites {
		facts.Overwrites = append(facts.Overwrites, risk.Edit{Path: e.Path, Manager: e.Manager})
	}
	change := risk.Change{Key: v.Key(), Live: facts, Deleted: v.Action == preview.Delete, Created: v.Action == preview.Create}
	out := a.Risks.Judge(change)
	for i := range out {
		out[i].Application, out[i].Cluster = t.app.Name, a.name
	}
	return out
}

// words are why an object is refused: by whom, and what is said.
func words(v preview.Judged) string {
	switch v.Cause {
	case preview.ByWebhook, preview.ByPolicy, preview.ByQuota:
		return string(v.Cause) + " " + v.By + ": " + v.Reason
	case preview.ByValidation, preview.ByImmutable, preview.ByAdmission, preview.ByNamespace, preview.ByKind, preview.ByOwner,
		preview.ByPermission, preview.BySideEffect, preview.ByFailure:
	}
	return v.Reason
}

// knowledge remembers what is known of each application.
type knowledge struct {
	mu  sync.Mutex
	ask func(*v1alpha1.Application) ([]v1alpha1.DriftChange, error)
	all map[string][]v1alpha1.DriftChange
}

// of is what is known of an application. That nothing can be found out is no
// matter: what the cluster itself says counts.
func (k *knowledge) of(app *v1alpha1.Application) []v1alpha1.DriftChange {
	k.mu.Lock()
	defer k.mu.Unlock()
	id := app.Namespace + "/" + app.Name
	if changes, ok := k.all[id]; ok {
		return changes
	}
	changes, err := k.ask(app)
	if err != nil {
		changes = nil
	}
	if k.all == nil {
		k.all = map[string][]v1alpha1.DriftChange{}
	}
	k.all[id] = changes
	return changes
}

// specOf reads an application's spec back.
func specOf(s *preview.Side) v1alpha1.ApplicationSpec {
	var out v1alpha1.ApplicationSpec
	data, err := json.Marshal(s.Spec)
	if err == nil {
		_ = json.Unmarshal(data, &out) // it was written from one
	}
	return out
}

// answered reports a failure that says nothing about other objects.
func answered(err error) bool {
	var one *reconcile.Answered
	return errors.As(err, &one) || fault.Of(err) != fault.Transient
}
