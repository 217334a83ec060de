package render

import (
	"context"
	"slices"
	"sync"

	"github.com/trueup-dev/trueup/internal/repourl"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// Reads are the questions that rendering asked, with the answers it got: what
// gives the same answers again renders the same objects.
type Reads struct {
	// Tree is about the source's own tree, Refs about those of other sources.
	Tree snapshot.ReadSet            `json:"tree"`
	Refs map[string]snapshot.ReadSet `json:"refs,omitempty"`
	// More are further trees that files named.
	More []Opened `json:"more,omitempty"`
	// Kube and APIs are the answers of the destination; nil was not asked.
	Kube *string   `json:"kube,omitempty"`
	APIs *[]string `json:"apis,omitempty"`
	// Keys stands for the keys that could be used; nil where no file was
	// encrypted.
	Keys *string `json:"keys,omitempty"`
	// Live are the objects of the destination that were looked up, as hashes.
	Live []LookedUp `json:"live,omitempty"`
	// Commit and Target are its id and the source's targetRevision where the
	// build environment was asked for them; nil was not asked.
	Commit *string `json:"commit,omitempty"`
	Target *string `json:"target,omitempty"`
}

// Opened is a tree beyond the source's own.
type Opened struct {
	At    snapshot.Location `json:"at"`
	Reads snapshot.ReadSet  `json:"reads"`
	// Failed is why it could not be opened.
	Failed string `json:"failed,omitempty"`
}

// Changed compares with the answers that a request would get. Nothing changed
// where Why is empty.
func (r Reads) Changed(ctx context.Context, req Request) Cause {
	if r.Kube != nil && *r.Kube != req.Capabilities.kubeVersion {
		return Cause{Cluster, "Kubernetes " + req.Capabilities.kubeVersion}
	}
	if r.APIs != nil && !slices.Equal(*r.APIs, req.Capabilities.apiVersions) {
		return Cause{Cluster, "the API versions that are served"}
	}
	if !r.keysHold(ctx, req) {
		return Cause{Keys, "the keys of the project"}
	}
	if r.Commit != nil && *r.Commit != req.Tree.Commit.SHA || r.Target != nil && *r.Target != req.Source.TargetRevision {
		return Cause{Files, "the commit itself, which the build environment names"}
	}
	if path := r.Tree.Changed(req.Tree.FS); path != "" {
		return Cause{Files, path}
	}
	for name, set := range r.Refs {
		tree, ok := req.Refs[name]
		if !ok {
			return Cause{Elsewhere, "$" + name}
		}
		if path := set.Changed(tree.FS); path != "" {
			return Cause{Elsewhere, "$" + name + "/" + path}
		}
	}
	for _, more := range r.More {
		if path := more.changed(ctx, req.More); path != "" {
			return Cause{Elsewhere, path}
		}
	}
	return r.liveHolds(ctx, req) // the last, because it asks a cluster
}

func (o Opened) changed(ctx context.Context, opener Opener) string {
	name := repourl.Redact(o.At.RepoURL)
	if o.At.Chart != "" {
		name += " " + o.At.Chart
	}
	if opener == nil || o.Failed != "" {
		return name
	}
	tree, err := opener.Tree(ctx, o.At)
	if err != nil {
		return name
	}
	if path := o.Reads.Changed(tree.FS); path != "" {
		return name + " " + path
	}
	return ""
}

// secret reports a URL that holds a password, or may hold a token: no disk is
// to hold that.
func (r Reads) secret() bool {
	return slices.ContainsFunc(r.More, func(o Opened) bool { return repourl.Secret(o.At.RepoURL) })
}

// size is about the bytes that it takes.
func (r Reads) size() int {
	n := r.Tree.Size()
	for _, set := range r.Refs {
		n += set.Size()
	}
	for _, more := range r.More {
		n += more.Reads.Size()
	}
	const perLookup = 300
	return n + perLookup*len(r.Live)
}

// keysHold tells whether the same keys can be used.
func (r Reads) keysHold(ctx context.Context, req Request) bool {
	if r.Keys == nil {
		return true
	}
	if req.decrypter == nil {
		return false
	}
	keys, err := req.decrypter.Fingerprint(ctx, req.Project)
	return err == nil && keys == *r.Keys
}

// trace has a request remember what is asked of it; reads tells that.
func trace(req Request) (_ Request, reads func() Reads) {
	main := snapshot.Trace(req.Tree.FS)
	req.Tree.FS = main
	refs := map[string]*snapshot.Tracer{}
	if len(req.Refs) > 0 {
		traced := map[string]snapshot.Tree{}
		for name, tree := range req.Refs {
			refs[name] = snapshot.Trace(tree.FS)
			tree.FS = refs[name]
			traced[name] = tree
		}
		req.Refs = traced
	}
	var more *tracedOpener
	if req.More != nil {
		more = &tracedOpener{next: req.More}
		req.More = more
	}
	asked := &asked{}
	req.Capabilities.asked = asked
	return req, func() Reads {
		out := Reads{Tree: main.ReadSet()}
		asked.tell(&out, req)
		for name, t := range refs {
			if set := t.ReadSet(); !set.Empty() {
				if out.Refs == nil {
					out.Refs = map[string]snapshot.ReadSet{}
				}
				out.Refs[name] = set
			}
		}
		if more != nil {
			out.More = more.reads()
		}
		return out
	}
}

// tracedOpener remembers what it opened, each location once.
type tracedOpener struct {
	next Opener

	mu     sync.Mutex
	opened []*openedTree
}

type openedTree struct {
	at   snapshot.Location
	tree snapshot.Tree
	set  *snapshot.Tracer
	err  error
}

// Tree implements Opener.
func (t *tracedOpener) Tree(ctx context.Context, at snapshot.Location) (snapshot.Tree, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, o := range t.opened {
		if o.at == at {
			return o.tree, o.err
		}
	}
	o := &openedTree{at: at}
	o.tree, o.err = t.next.Tree(ctx, at)
	if o.err == nil {
		o.set = snapshot.Trace(o.tree.FS)
		o.tree.FS = o.set
	}
	t.opened = append(t.opened, o)
	return o.tree, o.err
}

func (t *tracedOpener) reads() []Opened {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []Opened
	for _, o := range t.opened {
		entry := Opened{At: o.at}
		if o.err != nil {
			entry.Failed = o.err.Error()
		} else {
			entry.Reads = o.set.ReadSet()
		}
		out = append(out, entry)
	}
	return out
}
