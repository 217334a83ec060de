package adopt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"reflect"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/trueup-dev/trueup/adopt/edit"
	"github.com/trueup-dev/trueup/adopt/overlay"
	"github.com/trueup-dev/trueup/adopt/value"
	"github.com/trueup-dev/trueup/adopt/values"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
)

// maxTrials bounds the values that are tried for one field.
const maxTrials = 60

// gather reads the values of a source as Helm merges them.
func (p *planner) gather(t *target) (*values.Values, error) {
	req := p.in.Sources[t.source]
	v := &values.Values{All: map[string]any{}}
	own := t.source
	if req.Source.Chart != "" {
		own = -1 // a published chart is not ours to change
	}
	if err := p.file(v, t.source, own, path.Join(req.Path(), "values.yaml"), true); err != nil {
		return nil, err
	}
	helm := v1alpha1.ApplicationSourceHelm{}
	if req.Source.Helm != nil {
		helm = *req.Source.Helm
	}
	for _, written := range helm.ValueFiles {
		source, name, err := p.valueFile(t.source, written)
		if err != nil {
			continue // rendering would say so; here it is only no place to write to
		}
		at := source
		if source == t.source {
			at = own
		}
		for _, one := range p.matching(source, name) {
			if err := p.file(v, source, at, one, true); err != nil {
				return nil, err
			}
		}
	}
	inline := map[string]any{}
	if helm.ValuesObject != nil {
		_ = json.Unmarshal(helm.ValuesObject.Raw, &inline)
	} else if helm.Values != "" {
		if found, err := edit.Value([]byte(helm.Values)); err == nil {
			inline, _ = found.(map[string]any)
		}
	}
	v.Add(values.Layer{What: "helm.values of the Application", Source: -1, Data: inline})
	for _, param := range helm.Parameters {
		if at, err := parameter(param.Name); err == nil && len(at) > 0 {
			v.Set(values.Layer{What: "helm.parameters of the Application", Source: -1}, value.Change{Path: at, Value: param.Value})
		}
	}
	return v, nil
}

// parameter reads the name of a parameter, where a backslash goes before a dot
// that is part of a key.
func parameter(name string) (object.Path, error) {
	at, err := object.ParsePath(strings.ReplaceAll(name, `\.`, "\x00"))
	for i := range at {
		at[i].Field = strings.ReplaceAll(at[i].Field, "\x00", ".")
	}
	return at, err
}

// valueFile finds what the name of a value file stands for.
func (p *planner) valueFile(source int, written string) (int, string, error) {
	req := p.in.Sources[source]
	base, name := req.Path(), written
	if after, ok := strings.CutPrefix(written, "$"); ok && !strings.HasPrefix(after, "{") {
		ref, rest, _ := strings.Cut(after, "/")
		if i := p.ref(ref); i >= 0 {
			source, base, name = i, ".", rest
		}
	}
	name = req.Expand(name)
	if strings.Contains(name, "://") {
		return 0, "", errors.New("it is on a web server")
	}
	if rooted, ok := strings.CutPrefix(name, "/"); ok {
		base, name = ".", rooted
	}
	if name = path.Join(base, name); !fs.ValidPath(name) {
		return 0, "", errors.New("it leaves the repository")
	}
	return source, name, nil
}

func (p *planner) matching(source int, name string) []string {
	if !strings.ContainsAny(name, "*?[") {
		return []string{name}
	}
	found, err := fs.Glob(p.over(source, p.files).Tree.FS, name)
	if err != nil {
		return nil
	}
	return found
}

func (p *planner) file(v *values.Values, source, owner int, name string, optional bool) error {
	data, err := p.over(source, p.files).Tree.FS.ReadFile(name)
	if err != nil {
		if optional && notThere(err) {
			return nil
		}
		return err
	}
	found, err := edit.Value(data)
	m, _ := found.(map[string]any)
	if err != nil && len(strings.TrimSpace(string(data))) > 0 {
		m = nil // anchors that cannot be followed, or nothing but comments
	}
	v.Add(values.Layer{What: name, Source: owner, Path: name, Data: m})
	return nil
}

// helm finds the one value that drives a field, and changes it where it counts.
func (p *planner) helm(ctx context.Context, t *target, w *want) ([]*attempt, error) {
	v, err := p.gather(t)
	if err != nil {
		return nil, err
	}
	candidates := v.Candidates(p.expected[t.source][t.own], w.Change)
	tried := min(len(candidates), maxTrials)
	var drives []values.Trial
	for _, c := range candidates[:tried] {
		ok, err := p.try(ctx, t, w, c)
		if err != nil {
			return nil, err
		}
		if ok {
			drives = append(drives, c)
		}
	}
	switch {
	case len(drives) == 0 && tried < len(candidates):
		return nil, fault.New(fault.Invalid, "%d of the chart's values could drive it, and of the first %d none does alone", len(candidates), tried)
	case len(drives) == 0:
		return nil, fault.New(fault.Invalid, "no single value of the chart drives it alone: change its template or values by hand, or accept the difference")
	case len(drives) > 1:
		var names []string
		for _, d := range drives {
			names = append(names, d.Path.String())
		}
		return nil, fault.New(fault.Invalid, "several values drive it, and which is meant is not known: %s", strings.Join(names, ", "))
	}
	return p.writes(v, drives[0])
}

// try renders with another value over all others. What comes of it must be
// what is wanted, and a third value must have its own effect.
func (p *planner) try(ctx context.Context, t *target, w *want, c values.Trial) (bool, error) {
	results := func(to any) (map[object.Key]map[string]any, error) {
		if p.budget--; p.budget < 0 {
			return nil, errors.New("rendering was tried too often")
		}
		req := p.over(t.source, p.files)
		helm := v1alpha1.ApplicationSourceHelm{}
		if req.Source.Helm != nil {
			helm = *req.Source.Helm
		}
		set, err := value.With(p.inline(helm), value.Change{Path: c.Path, Value: to})
		if err != nil {
			return nil, err
		}
		raw, err := json.Marshal(set)
		if err != nil {
			return nil, err
		}
		helm.Parameters = slices.DeleteFunc(slices.Clone(helm.Parameters), func(o v1alpha1.HelmParameter) bool {
			at, err := parameter(o.Name)
			return err == nil && at.String() == c.Path.String()
		})
		helm.ValuesObject, helm.Values = &apiextensionsv1.JSON{Raw: raw}, ""
		req.Source.Helm = &helm
		result, err := p.in.Renderer.Render(ctx, req)
		return normal(result.Objects), err
	}
	to := c.To
	if c.Drop {
		to = nil // which takes a value away
	}
	got, err := results(to)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if err != nil || !came(got[t.own], w) {
		return false, nil //nolint:nilerr // a value that cannot be drives nothing
	}
	all := slices.Clone(p.expected)
	all[t.source] = got
	if !p.would(t, w, all) {
		return false, nil
	}
	if c.Again == nil {
		return true, nil
	}
	got, err = results(c.Again)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if err != nil {
		return true, nil //nolint:nilerr // the chart takes some values only
	}
	found, _, _ := value.Get(got[t.own], w.Path)
	return reflect.DeepEqual(found, c.Then), nil
}

// inline are the values that the Application itself gives.
func (p *planner) inline(helm v1alpha1.ApplicationSourceHelm) map[string]any {
	out := map[string]any{}
	if helm.ValuesObject != nil {
		_ = json.Unmarshal(helm.ValuesObject.Raw, &out)
	} else if found, err := edit.Value([]byte(helm.Values)); err == nil {
		if m, ok := found.(map[string]any); ok {
			out = m
		}
	}
	return value.Normal(out).(map[string]any)
}

// would is settle without effect.
func (p *planner) would(t *target, w *want, got []map[object.Key]map[string]any) bool {
	kept := p.expected
	var marks []bool
	for _, o := range p.targets {
		for _, x := range o.wants {
			marks = append(marks, x.done)
		}
	}
	ok, _, _ := p.settle(t, []*want{w}, got)
	p.expected = kept
	i := 0
	for _, o := range p.targets {
		for _, x := range o.wants {
			x.done = marks[i]
			i++
		}
	}
	return ok
}

// writes puts a value where it counts.
func (p *planner) writes(v *values.Values, d values.Trial) ([]*attempt, error) {
	if l, ok := v.Setting(d.Path); ok && l.Inline() {
		return nil, fault.New(fault.Invalid, "%s sets %s: put %v there", l.What, d.Path, d.To)
	}
	places := v.Places(d.Path)
	if len(places) == 0 {
		return nil, fault.New(fault.Invalid, "the value %s drives it, and the application has no value file in Git: set helm.valuesObject of the Application, %s: %v", d.Path, d.Path, d.To)
	}
	var out []*attempt
	for _, l := range places {
		out = append(out, &attempt{how: d.Path.String() + " in " + l.Path, make: func() (overlay.Files, error) {
			data, err := p.read(l.Source, l.Path)
			if err != nil {
				return nil, err
			}
			c, part, err := l.Change(d)
			if err != nil {
				return nil, err
			}
			if !part {
				if data = bytes.TrimRight(bytes.Clone(data), "\n"); len(data) > 0 {
					data = append(data, '\n')
				}
				data = append(data, "{}\n"...)
			}
			after, err := edit.Apply(data, edit.Target{}, c)
			if err != nil {
				return nil, err
			}
			return p.files.With(treeOf(p.in.Sources[l.Source]), l.Path, after), nil
		}})
	}
	return out, nil
}
