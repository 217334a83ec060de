package helm

import (
	"container/list"
	"crypto/sha256"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/trueup-dev/trueup/internal/fault"
)

// charts keeps what was loaded last, by content: many applications are of one
// chart, and reading its YAML and its templates is most of the work.
type charts struct {
	limit int64

	mu    sync.Mutex
	size  int64
	order *list.List // of *loaded, the one used last in front
	at    map[[sha256.Size]byte]*list.Element
}

// loaded is a chart that nobody changes.
type loaded struct {
	id    [sha256.Size]byte
	chart *chart.Chart
	size  int64
	// places are the files' paths, from the chart's folder.
	places map[*chart.File]string

	mu       sync.Mutex
	programs map[string]*program
	schemas  map[*byte]*jsonschema.Schema
}

// programsPerChart bounds the combinations of dependencies that are kept.
const programsPerChart = 16

func newCharts(limit int64) *charts {
	return &charts{limit: limit, order: list.New(), at: map[[sha256.Size]byte]*list.Element{}}
}

// load parses a chart's files, unless that was done before.
func (c *charts) load(content []*loader.BufferedFile) (*loaded, error) {
	id := identity(content)
	c.mu.Lock()
	if e, ok := c.at[id]; ok {
		c.order.MoveToFront(e)
		c.mu.Unlock()
		held, _ := e.Value.(*loaded)
		return held, nil
	}
	c.mu.Unlock()
	at := map[*byte]string{}
	for _, f := range content {
		if len(f.Data) > 0 {
			at[&f.Data[0]] = f.Name // the loader changes the names
		}
	}
	parsed, err := loader.LoadFiles(content)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err)
	}
	l := &loaded{id: id, chart: parsed, programs: map[string]*program{}, schemas: map[*byte]*jsonschema.Schema{}, places: map[*chart.File]string{}}
	l.locate(parsed, at, "")
	for _, f := range content {
		l.size += int64(4*len(f.Data) + 256) // with the templates parsed
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.at[id]; !ok {
		c.at[id] = c.order.PushFront(l)
		c.size += l.size
	}
	for c.size > c.limit && c.order.Len() > 1 {
		last, _ := c.order.Remove(c.order.Back()).(*loaded)
		delete(c.at, last.id)
		c.size -= last.size
	}
	return l, nil
}

// locate finds where the files of a chart, and of those packaged in it, are.
func (l *loaded) locate(c *chart.Chart, at map[*byte]string, archive string) {
	for _, list := range [][]*chart.File{c.Templates, c.Files} {
		for _, f := range list {
			l.places[f] = archive
			if len(f.Data) > 0 && archive == "" {
				l.places[f] = at[&f.Data[0]]
			}
		}
	}
	for _, d := range c.Dependencies() {
		inside := archive
		if len(d.Raw) > 0 && inside == "" && !shares(d, at) {
			inside = "charts/" + d.Name() + "-" + d.Metadata.Version + ".tgz"
		}
		l.locate(d, at, inside)
	}
}

// shares tells a chart in a folder of its own from one in an archive.
func shares(c *chart.Chart, at map[*byte]string) bool {
	for _, f := range c.Raw {
		if len(f.Data) > 0 {
			return at[&f.Data[0]] != ""
		}
	}
	return false
}

// program gives parsed templates. Which ones take part depends on the values.
func (l *loaded) program(units []unit, compiled func() (*program, error)) (*program, error) {
	var key strings.Builder
	for _, u := range units {
		_, _ = fmt.Fprintf(&key, "%s %p ", u.name, u.file) // a builder takes everything
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if p, ok := l.programs[key.String()]; ok {
		return p, nil
	}
	p, err := compiled()
	if err != nil {
		return nil, err
	}
	if len(l.programs) >= programsPerChart {
		clear(l.programs)
	}
	l.programs[key.String()] = p
	return p, nil
}

// fork copies what rendering changes of a chart: metadata, values, and who
// depends on whom. Files are shared.
func fork(c *chart.Chart) *chart.Chart {
	out := &chart.Chart{
		Raw: c.Raw, Lock: c.Lock, Templates: c.Templates, Schema: c.Schema, Files: c.Files,
	}
	metadata := *c.Metadata
	metadata.Dependencies = nil
	for _, d := range c.Metadata.Dependencies {
		if d != nil {
			one := *d
			one.ImportValues = append([]any(nil), d.ImportValues...)
			metadata.Dependencies = append(metadata.Dependencies, &one)
		}
	}
	metadata.Annotations = maps.Clone(c.Metadata.Annotations)
	out.Metadata = &metadata
	if values, ok := clone(c.Values).(map[string]any); ok && c.Values != nil {
		out.Values = values
	}
	for _, d := range c.Dependencies() {
		out.AddDependency(fork(d))
	}
	return out
}

// clone copies maps and lists all the way down.
func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			out[key] = clone(value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = clone(value)
		}
		return out
	default:
		return v
	}
}
