package kustomize

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/sync/semaphore"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
)

// Options are what an operator decides.
type Options struct {
	// Charts inflates helmCharts; nil refuses them.
	Charts Charts
}

// Engine implements render.Engine. Builds run at the same time; one with an
// OpenAPI schema of its own runs alone.
type Engine struct {
	options Options
	heavy   *semaphore.Weighted
}

// New returns an engine.
func New(o Options) *Engine { return &Engine{o, semaphore.NewWeighted(maxNodes)} }

// Render builds the kustomization at the source's path, after putting the
// source's own options into it.
func (e *Engine) Render(ctx context.Context, req render.Request) ([]render.Manifest, error) {
	l := newLayout(ctx, req, e.options)
	dir := req.Path()
	if err := l.prepare(dir); err != nil {
		return nil, err
	}
	done, err := turn(ctx, e.heavy, l.at[dir].weight)
	if err != nil {
		return nil, err
	}
	defer done()
	built, err := l.build(dir)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err != nil && l.files.failed != nil {
		return nil, l.files.failed
	}
	if err != nil {
		message := l.readable(err.Error())
		if name := l.files.title(l.at[dir].name); len(l.at) == 1 && !strings.Contains(message, name) {
			message = name + ": " + message // of several nobody tells which one it is
		}
		return nil, fault.New(fault.Invalid, "%s", message)
	}
	return l.collect(built, dir)
}

// build runs kustomize over what was prepared.
func (l *layout) build(dir string) (built resmap.ResMap, err error) {
	err = schema.during(len(l.schemas) > 0, func() (err error) {
		defer func() { // kustomize panics at names that patches make equal, and at some schemas
			if p := recover(); p != nil {
				err = fmt.Errorf("kustomize failed: %v", p)
				if len(l.schemas) > 0 {
					err = fmt.Errorf("kustomize failed with the openapi schema of %s: %v", strings.Join(l.schemas, ", "), p)
				}
			}
		}()
		built, err = build(l.files, dir, l.at[dir].SortOptions != nil)
		return err
	})
	return built, err
}

func build(files *fileSystem, dir string, sorted bool) (resmap.ResMap, error) {
	options := krusty.MakeDefaultOptions()
	if sorted {
		options.Reorder = krusty.ReorderOptionUnspecified // it complains of two orders
	}
	options.LoadRestrictions = types.LoadRestrictionsNone // the tree is the restriction
	options.PluginConfig = types.DisabledPluginConfig()
	return krusty.MakeKustomizer(options).Run(files, absolute(dir))
}

// readable puts the names of trees in the place of the folders that show them.
func (l *layout) readable(message string) string {
	for _, m := range l.files.mounts[1:] {
		folder := regexp.MustCompile(`(\.\./)*/?` + regexp.QuoteMeta(m.root) + `\b`)
		message = folder.ReplaceAllLiteralString(message, m.title()+"/")
	}
	return plainly(message)
}

func (l *layout) collect(built resmap.ResMap, dir string) ([]render.Manifest, error) {
	origins := l.origins(dir, built)
	var out []render.Manifest
	size := 0
	for i, r := range built.Resources() {
		object, err := r.Map()
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, fmt.Errorf("%s: %w", r.OrgId(), err))
		}
		u := &unstructured.Unstructured{Object: plain(object, &size)}
		l.annotated(u)
		if size > maxRead {
			return nil, fault.New(fault.Invalid, "its objects are larger than %d MiB together", maxRead>>20)
		}
		out = append(out, render.Manifest{Object: u, Origin: origins[i]})
	}
	return out, nil
}

// plain turns the numbers of YAML decoders into those that unstructured
// objects hold, and adds up the size.
func plain(object map[string]any, size *int) map[string]any {
	for key, value := range object {
		*size += len(key)
		object[key] = plainValue(value, size)
	}
	return object
}

func plainValue(value any, size *int) any {
	*size += 8
	switch v := value.(type) {
	case map[string]any:
		return plain(v, size)
	case []any:
		for i := range v {
			v[i] = plainValue(v[i], size)
		}
	case string:
		*size += len(v)
	case int:
		return int64(v)
	case uint64:
		return int64(v) //nolint:gosec // no field of an object holds more
	}
	return value
}
