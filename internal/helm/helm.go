package helm

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"text/template"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
)

// Engine implements render.Engine. It may be used by several goroutines.
type Engine struct {
	charts  *charts
	bounds  Bounds
	library template.FuncMap
	benches sync.Pool // of *bench
}

// keptCharts bounds the bytes of the charts that stay loaded.
const keptCharts = 128 << 20

// New returns an Engine with DefaultBounds that holds no chart yet.
func New() *Engine { return NewWithin(DefaultBounds()) }

// NewWithin is New with other bounds.
func NewWithin(b Bounds) *Engine {
	e := &Engine{charts: newCharts(keptCharts), bounds: b, library: library()}
	e.benches.New = func() any {
		b := &bench{}
		b.funcs = bound(e.library, &b.run)
		return b
	}
	return e
}

// bench is where one rendering works: its functions count for that one.
type bench struct {
	run   *run
	funcs template.FuncMap
}

// maxRelease is the longest name of a release that Helm takes.
const maxRelease = 53

// checkRelease holds the release's name, which is the application's where none is
// given, against Helm's rule. An application's name may be longer.
func checkRelease(given, app string) error {
	err := chartutil.ValidateReleaseName(cmp.Or(given, app))
	switch {
	case err == nil:
		return nil
	case given != "":
		return fault.New(fault.Invalid, "helm.releaseName: %q: %w", given, err)
	case len(app) > maxRelease:
		return fault.New(fault.Invalid, "the release has the application's name, of %d characters, and Helm takes %d: set helm.releaseName", len(app), maxRelease)
	}
	return fault.New(fault.Invalid, "the release has the application's name, which Helm does not take: set helm.releaseName: %q: %w", app, err)
}

// Render is "helm template" of the chart at the source's path.
func (e *Engine) Render(ctx context.Context, req render.Request) ([]render.Manifest, error) {
	o := v1alpha1.ApplicationSourceHelm{}
	if req.Source.Helm != nil {
		o = *req.Source.Helm
	}
	if err := checkRelease(o.ReleaseName, req.App); err != nil {
		return nil, err
	}
	l := &loading{ctx: ctx, charts: e.charts, more: req.More, warnf: req.Warnf, origins: map[*chart.File]render.Origin{}}
	c, err := l.chart(place{files: req.Tree.FS, dir: req.Path()}, 0)
	if err != nil {
		return nil, err
	}
	if c.Metadata.Type == "library" {
		return nil, fault.New(fault.Invalid, "the chart in %s is a library: there is nothing to install", req.Path())
	}
	set, err := values(ctx, req, o)
	if err != nil {
		return nil, err
	}
	if err := compatible(c, req.Capabilities, o); err != nil {
		return nil, err
	}
	top, err := l.main.compose(req, o, c, set)
	if err != nil {
		return nil, err
	}
	out, err := e.run(ctx, l, c, asked{req, o, top})
	if err != nil || o.SkipCrds {
		return out, err
	}
	crds, err := definitions(c, l.origins)
	return append(crds, out...), err
}

// compose brings together what templates see, but for capabilities. It leaves
// the chart with the dependencies that take part.
func (l *loaded) compose(req render.Request, o v1alpha1.ApplicationSourceHelm, c *chart.Chart, set *overrides) (map[string]any, error) {
	if err := chartutil.ProcessDependenciesWithMerge(c, set.all); err != nil {
		return nil, fault.Wrap(fault.Invalid, err)
	}
	all, err := chartutil.CoalesceValues(c, set.all)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err)
	}
	if !o.SkipSchemaValidation {
		if err := l.validate(c, all, set); err != nil {
			return nil, err
		}
	}
	return map[string]any{
		"Chart": c.Metadata, "Values": all,
		"Release": map[string]any{
			"Name": cmp.Or(o.ReleaseName, req.App), "Namespace": cmp.Or(o.Namespace, req.Namespace, "default"),
			"IsUpgrade": false, "IsInstall": true, "Revision": 1, "Service": "Helm",
		},
	}, nil
}

// asked is what a rendering is about.
type asked struct {
	req     render.Request
	options v1alpha1.ApplicationSourceHelm
	top     map[string]any
}

func (e *Engine) run(ctx context.Context, l *loading, c *chart.Chart, a asked) ([]render.Manifest, error) {
	capable := mentions(units(c, a.top))
	for {
		out, late, err := e.attempt(ctx, l, c, a, capable)
		if !late {
			return out, err
		}
		capable = true // a value looks at the destination
	}
}

// attempt renders once. late tells that it must be done again with the
// destination's capabilities.
func (e *Engine) attempt(ctx context.Context, l *loading, c *chart.Chart, a asked, capable bool) (_ []render.Manifest, late bool, err error) {
	capabilities, err := capabilitiesOf(a.req.Capabilities, a.options, capable)
	if err != nil {
		return nil, false, err
	}
	// Templates may change the values that they see.
	top := map[string]any{"Capabilities": capabilities, "Chart": a.top["Chart"], "Release": clone(a.top["Release"])}
	if all, ok := a.top["Values"].(chartutil.Values); ok {
		copied, _ := clone(map[string]any(all)).(map[string]any)
		top["Values"] = chartutil.Values(copied)
	}
	parts := units(c, top)
	program, err := l.main.program(parts, func() (*program, error) { return compile(parts, e.library) })
	if err != nil {
		return nil, false, err
	}
	byName := make(map[string]unit, len(parts))
	for _, u := range parts {
		byName[u.name] = u
	}
	b, _ := e.benches.Get().(*bench)
	r := &run{ctx: ctx, max: e.bounds, capable: capable, live: a.req.Live}
	b.run = r
	set, err := program.set.Clone()
	if err != nil {
		return nil, false, fmt.Errorf("set up the templates: %w", err)
	}
	set.Option("missingkey=zero").Funcs(b.funcs).Funcs(r.special(set, e.library))
	all, err := r.execute(set, program, byName)
	b.run = nil
	e.benches.Put(b)
	if r.late || err != nil {
		return nil, r.late, err
	}
	out, err := collect(all, l.origins)
	return out, false, err
}
