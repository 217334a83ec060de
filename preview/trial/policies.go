package trial

import (
	"context"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/policy"
	"github.com/trueup-dev/trueup/reconcile"
)

// Policies are read from base: from files, and from what it declares for the
// cluster of each object.
type Policies struct {
	// Paths are files, folders and globs of the repository.
	Paths []string
	// Extra hold for every cluster, such as those that are live.
	Extra []policy.Declared
	// Make compiles policies; what it cannot use is told in the strings.
	Make func(ctx context.Context, in policy.Sources) (*policy.Set, []string)
}

// declarations are what base declares that policies are made of, by cluster.
type declarations struct {
	mu  sync.Mutex
	all map[string][]policy.Declared
}

// largest bounds what is kept for policies to be given as parameters.
const largest = 16 << 10

// note keeps what policies may need of an application of base, which goes to a
// cluster.
func (d *declarations) note(p *Policies, cluster string, from *reconcile.Desired) {
	if p == nil || from == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, o := range from.Objects {
		group, kind := o.GroupVersionKind().Group, o.GetKind()
		if !policy.Concerns(group, kind) || kind == "Secret" || group != policy.AdmissionGroup && render.Size([]*unstructured.Unstructured{o}) > largest {
			continue
		}
		d.all[cluster] = append(d.all[cluster], policy.Declared{Object: o.Object, Origin: from.Origins[object.KeyOf(o)]})
	}
}

// policies makes what judges the change, nil where nobody does.
func (r *run) policies(ctx context.Context) (func(policy.Subject) policy.Verdict, error) {
	if r.Policies == nil {
		return nil, nil
	}
	files, err := policy.Files(ctx, r.base.tree.FS, r.Policies.Paths)
	if err != nil {
		return nil, fmt.Errorf("read the policies of %s: %w", r.change.Base.Commit.Short(), err)
	}
	if after, err := policy.Files(ctx, r.head.tree.FS, r.Policies.Paths); err != nil {
		r.found.Problem(preview.Problem{Message: "the change breaks the policies: " + err.Error()})
	} else if text := policy.Changed(files, after); text != "" {
		r.found.Warning("the change alters policies, of which those of base counted: " + text)
	}
	set, problems := r.Policies.Make(ctx, policy.Sources{Files: files, Extra: r.Policies.Extra, Declared: r.declared.all})
	for _, p := range problems {
		r.found.Warning(p)
	}
	if set == nil {
		return nil, nil
	}
	return func(s policy.Subject) policy.Verdict { return set.Judge(ctx, s) }, nil
}
