package render

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"runtime/debug"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// Type is what a source is made of, in the words of status.sourceType.
type Type string

// The types of source.
const (
	Directory Type = "Directory"
	Kustomize Type = "Kustomize"
	Helm      Type = "Helm"
)

// Request is one source to be rendered.
type Request struct {
	Tree snapshot.Tree
	// App is the application's name, Namespace the destination's.
	App, Namespace, Project string
	// ID is the application's name among those of all namespaces, as tracking
	// ids have it; empty is App.
	ID           string
	Source       v1alpha1.ApplicationSource
	Capabilities Capabilities
	// Refs are the trees of the application's sources that have a ref, by it.
	Refs map[string]snapshot.Tree
	// More opens what files of the source name beyond their own tree: bases in
	// other repositories, charts that a chart depends on, files on web servers.
	// nil opens nothing.
	More Opener
	// Live reads objects of the destination; nil is for applications that may
	// not look at them: all is absent.
	Live Live
	// Warn, where it is set, hears what does not keep the source from being
	// rendered, and people should know.
	Warn func(warning string)

	decrypter Decrypter // the Renderer's, for Reads.Changed
}

// Warnf tells a warning; format and args are fmt.Sprintf's.
func (r Request) Warnf(format string, args ...any) {
	if r.Warn != nil {
		r.Warn(fmt.Sprintf(format, args...))
	}
}

// Opener opens trees.
type Opener interface {
	Tree(ctx context.Context, at snapshot.Location) (snapshot.Tree, error)
}

// Path is the source's folder in the tree. A chart is all of its tree.
func (r Request) Path() string {
	if r.Source.Chart != "" {
		return "."
	}
	p := path.Clean(strings.Trim(r.Source.Path, "/"))
	if p == "" || p == "/" {
		return "."
	}
	return p
}

// Engine renders one type of source. It reads files of req.Tree, req.Refs and
// of what req.More opens only, asks req.Capabilities only for what the result
// depends on, and returns the items of lists in place of these.
type Engine interface {
	Render(ctx context.Context, req Request) ([]Manifest, error)
}

// Manifest is an object and where it is described.
type Manifest struct {
	Object *unstructured.Unstructured
	Origin Origin
}

// Origin is a place in a tree.
type Origin struct {
	// Tree is the tree's location where it is not the source's own.
	Tree *snapshot.Location `json:"tree,omitempty"`
	// Path is a file, from the tree's root.
	Path string `json:"path,omitempty"`
	// Line is where the object's document begins, from 1; 0 is not known.
	Line int `json:"line,omitempty"`
}

// String reads path:line.
func (o Origin) String() string {
	if o.Line == 0 {
		return o.Path
	}
	return fmt.Sprintf("%s:%d", o.Path, o.Line)
}

// Result is what a source describes.
type Result struct {
	Objects []*unstructured.Unstructured
	Type    Type
	// Reads are the questions whose answers the result depends on.
	Reads    Reads
	Warnings []string
	// Origins tell where objects are described, as far as it is known.
	Origins map[object.Key]Origin
	// Sensitive says that encrypted files were opened, or objects of the
	// destination looked up: the objects stay in memory.
	Sensitive bool
	// Cause tells why they were made, or not; only a Cache fills it.
	Cause Cause
}

// Renderer renders sources of all types.
type Renderer struct {
	engines   map[Type]Engine
	limits    Limits
	decrypter Decrypter // may be nil
}

// New returns a Renderer with these engines, and with one for plain directories
// where none is given.
func New(engines map[Type]Engine, limits Limits) *Renderer {
	all := map[Type]Engine{Directory: NewDirectory(nil)}
	for t, e := range engines {
		all[t] = e
	}
	return &Renderer{engines: all, limits: limits.orDefault()}
}

// Render renders a source. Objects are in the order of their keys.
func (r *Renderer) Render(ctx context.Context, req Request) (Result, error) {
	spent, cancel := r.limits.budget(ctx)
	defer cancel()
	req, reads := trace(spent.waiting(req))
	req, looked := look(req)
	req, opened := unlock(ctx, r.decrypter, req)
	result, err := r.render(ctx, spent, req)
	result.Reads = reads()
	err = looked.tell(&result, opened.tell(&result, err))
	if err != nil {
		return result, fmt.Errorf("render %s%s: %w", req.Path(), at(req.Tree.Commit), err)
	}
	return result, nil
}

func at(c snapshot.Commit) string {
	if c.SHA == "" {
		return ""
	}
	return " at " + c.Short()
}

// tooLong is the error of a rendering that ran out of its own time. On a busy
// machine, or a slow network, that says little about the source.
type tooLong struct{ limit time.Duration }

func (t *tooLong) Error() string { return fmt.Sprintf("it takes longer than %s", t.limit) }

func (r *Renderer) render(asking context.Context, spent *budget, req Request) (Result, error) {
	var result Result
	req.Warn = func(warning string) { result.Warnings = append(result.Warnings, warning) }
	req, err := override(spent.bind(req))
	if err != nil {
		return result, err
	}
	t, err := Detect(req)
	if err != nil {
		return result, err
	}
	result.Type = t
	engine, ok := r.engines[t]
	if !ok {
		return result, fault.New(fault.Invalid, "sources of type %s are not supported", t)
	}
	manifests, err := guarded(spent.ctx, engine, req)
	if over := spent.exceeded(); over != nil {
		err = over // also where the engine made nothing of it
	}
	if err != nil {
		if asking.Err() == nil && spent.ctx.Err() != nil && !errors.Is(err, snapshot.ErrPending) {
			err = fault.Wrap(fault.Transient, &tooLong{r.limits.Time})
		}
		return result, err
	}
	if err := r.limits.check(manifests); err != nil {
		return result, err
	}
	return result, result.take(manifests)
}

// guarded turns a panic of an engine into an error: no repository may stop
// the agent.
func guarded(ctx context.Context, e Engine, req Request) (manifests []Manifest, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.New(fault.Invalid, "the engine failed: %v\n%s", p, debug.Stack())
		}
	}()
	return e.Render(ctx, req)
}

// Detect tells the type of a source, by the same rules as Argo CD: a block in
// the spec decides, then the files that are there.
func Detect(req Request) (Type, error) {
	s, dir := req.Source, req.Path()
	switch {
	case s.Chart != "":
		return Helm, nil
	case s.Plugin != nil:
		return "", unsupported(s.Plugin)
	case !fs.ValidPath(dir):
		return "", fault.New(fault.Invalid, "the path %q leaves the repository", s.Path)
	}
	info, err := fs.Stat(req.Tree.FS, dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fault.New(fault.Missing, "the path %s is not in the repository", dir)
	case err != nil:
		return "", err
	case !info.IsDir():
		return "", fault.New(fault.Invalid, "the path %s is a file, not a folder", dir)
	}
	if several := explicit(s); len(several) > 1 {
		return "", fault.New(fault.Invalid, "the source has options of several types, of which it can be one: %s", strings.Join(several, ", "))
	}
	switch {
	case s.Helm != nil:
		return Helm, nil
	case s.Kustomize != nil:
		return Kustomize, nil
	case s.Directory != nil:
		return Directory, nil
	}
	for _, rule := range []struct {
		file string
		is   Type
	}{
		{"Chart.yaml", Helm},
		{"kustomization.yaml", Kustomize}, {"kustomization.yml", Kustomize}, {"Kustomization", Kustomize},
	} {
		info, err := fs.Stat(req.Tree.FS, path.Join(dir, rule.file))
		if err == nil && !info.IsDir() {
			return rule.is, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return Directory, nil
}

// explicit are the types that a source has options of.
func explicit(s v1alpha1.ApplicationSource) []string {
	var out []string
	for _, block := range []struct {
		name  string
		given bool
	}{{"helm", s.Helm != nil}, {"kustomize", s.Kustomize != nil}, {"directory", s.Directory != nil}} {
		if block.given {
			out = append(out, block.name)
		}
	}
	return out
}

// unsupported says what to do about a plugin.
func unsupported(p *v1alpha1.ApplicationSourcePlugin) error {
	name := "a config management plugin"
	if p.Name != "" {
		name = fmt.Sprintf("the config management plugin %q", p.Name)
	}
	return fault.New(fault.Invalid, "the source is rendered by %s, and plugins are not supported: nothing that a repository brings is run here. "+
		"Use helm, kustomize or directory (with Jsonnet) in its place, or have a pipeline commit what the plugin generates and sync that folder", name)
}
