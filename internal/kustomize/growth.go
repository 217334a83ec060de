package kustomize

import (
	"path"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/internal/fault"
)

// maxTargets bounds the fields that replacements name.
const maxTargets = 20_000

// growth estimates how much text replacements and vars can make of a little:
// a replacement whose source another one wrote to may double what it copies,
// each time it does so.
type growth struct {
	targets int
	written map[string]bool
	sources []string
	vars    bool
}

func (g *growth) add(l *layout, k *kustomization) {
	g.vars = g.vars || len(k.Vars) > 0 //nolint:staticcheck // old files have them
	for _, field := range k.Replacements {
		replacements := []types.Replacement{field.Replacement}
		if field.Path != "" && !fetched(field.Path) {
			replacements = l.replacements(k, field.Path)
		}
		for _, r := range replacements {
			g.replacement(r)
		}
	}
}

func (g *growth) replacement(r types.Replacement) {
	if r.Source == nil {
		return
	}
	if g.written == nil {
		g.written = map[string]bool{}
	}
	g.sources = append(g.sources, field(r.Source.FieldPath))
	for _, t := range r.Targets {
		if t == nil {
			continue
		}
		g.targets += max(1, len(t.FieldPaths))
		if t.Options == nil || t.Options.Delimiter == "" {
			continue // replaces all of it
		}
		for _, p := range t.FieldPaths {
			g.written[field(p)] = true
		}
	}
}

// field is the last name in a path; an element of a list goes by the list.
func field(p string) string {
	if p == "" {
		return "name"
	}
	list := ""
	for {
		last := p[strings.LastIndexByte(p, '.')+1:]
		if last == p || strings.Trim(last, "0123456789*-") != "" && !strings.HasPrefix(last, "[") {
			return last + list
		}
		p, list = strings.TrimSuffix(p, "."+last), "[]"
	}
}

// check says how often a value may double, and whether that is too much.
func (g *growth) check() (doubling int, err error) {
	if g.targets > maxTargets {
		return 0, fault.New(fault.Invalid, "the replacements name %d fields, more than %d", g.targets, maxTargets)
	}
	for _, s := range g.sources {
		if g.written[s] {
			doubling++
		}
	}
	if doubling > 20 {
		return 0, fault.New(fault.Invalid, "%d replacements copy from fields that replacements change in part: the result could double each time", doubling)
	}
	return doubling, nil
}

// replacements reads a file of them; what is wrong with it kustomize tells.
func (l *layout) replacements(k *kustomization, file string) []types.Replacement {
	to, err := l.within(k.dir, file)
	if err != nil {
		return nil
	}
	data, err := l.files.ReadFile(path.Clean(to))
	if err != nil {
		return nil
	}
	var many []types.Replacement
	if yaml.Unmarshal(data, &many) == nil {
		return many
	}
	var one types.Replacement
	if yaml.Unmarshal(data, &one) == nil {
		return []types.Replacement{one}
	}
	return nil
}
