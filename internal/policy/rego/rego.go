package rego

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/trueup-dev/trueup/preview/policy"
)

// Engine implements policy.Engine. It may be used by several goroutines; one
// evaluates at a time, so that memory can be watched.
type Engine struct {
	rules  []rule
	bounds Bounds
	turn   chan struct{}
}

// rule is one that gives messages.
type rule struct {
	name   string // package and rule
	suffix string // by which exceptions name it
	level  policy.Level
	origin string
	change bool // it sees the change
	query  rego.PreparedEvalQuery
	except *rego.PreparedEvalQuery
}

var named = regexp.MustCompile(`^(deny|violation|warn)(?:_([a-zA-Z0-9_]+))?$`)

// banned are functions that reach the world outside, or tell of it.
func banned() []string {
	return []string{"http.send", "net.lookup_ip_addr", "opa.runtime", "providers.aws.sign_req"}
}

// New compiles policies. Those that cannot be used are the problems; the
// others count all the same.
func New(ctx context.Context, files []policy.File, b Bounds) (*Engine, []string) {
	e := &Engine{bounds: b.orDefault(), turn: make(chan struct{}, 1)}
	modules, problems := parse(files)
	compiler, failed := compile(modules)
	problems = append(problems, failed...)
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		problems = append(problems, e.take(ctx, compiler, modules[name])...)
	}
	slices.SortFunc(e.rules, func(a, b rule) int { return cmp.Compare(a.name, b.name) })
	return e, problems
}

// Empty tells that there is no rule.
func (e *Engine) Empty() bool { return len(e.rules) == 0 }

// capabilities are those of a policy that asks nobody.
func capabilities() *ast.Capabilities {
	c := ast.CapabilitiesForThisVersion()
	c.Builtins = slices.DeleteFunc(c.Builtins, func(b *ast.Builtin) bool { return slices.Contains(banned(), b.Name) })
	c.AllowNet = []string{}
	return c
}

// parse reads modules as Rego of version 1, or else of version 0.
func parse(files []policy.File) (map[string]*ast.Module, []string) {
	modules := map[string]*ast.Module{}
	var problems []string
	for _, f := range files {
		if path.Ext(f.Name) != ".rego" {
			continue
		}
		options := ast.ParserOptions{ProcessAnnotation: true, Capabilities: capabilities(), RegoVersion: ast.RegoV1}
		m, err := ast.ParseModuleWithOpts(f.Name, string(f.Data), options)
		if err != nil {
			options.RegoVersion = ast.RegoV0
			var older error
			if m, older = ast.ParseModuleWithOpts(f.Name, string(f.Data), options); older != nil {
				problems = append(problems, policy.Problem(f.Name, err))
				continue
			}
		}
		modules[f.Name] = m
	}
	return modules, problems
}

// compile drops modules with errors until the others compile.
func compile(modules map[string]*ast.Module) (*ast.Compiler, []string) {
	var problems []string
	for {
		c := ast.NewCompiler().WithCapabilities(capabilities())
		c.Compile(copied(modules))
		if !c.Failed() {
			return c, problems
		}
		dropped := false
		for _, err := range c.Errors {
			if err.Location == nil || modules[err.Location.File] == nil {
				continue
			}
			problems = append(problems, policy.Problem(fmt.Sprintf("%s:%d", err.Location.File, err.Location.Row), fmt.Errorf("%s: %s", err.Code, err.Message)))
			delete(modules, err.Location.File)
			dropped = true
		}
		if !dropped {
			problems = append(problems, policy.Problem("of all files", c.Errors))
			clear(modules)
		}
	}
}

// copied are modules that a compiler may change.
func copied(modules map[string]*ast.Module) map[string]*ast.Module {
	out := make(map[string]*ast.Module, len(modules))
	for name, m := range modules {
		out[name] = m.Copy()
	}
	return out
}

// take prepares the rules of a module that give messages.
func (e *Engine) take(ctx context.Context, c *ast.Compiler, m *ast.Module) []string {
	var problems []string
	pkg := strings.TrimPrefix(m.Package.Path.String(), "data.")
	prepare := func(name string) (rego.PreparedEvalQuery, error) {
		return rego.New(rego.Query(m.Package.Path.String()+"."+name), rego.Compiler(c), rego.Capabilities(capabilities()), rego.StrictBuiltinErrors(false)).PrepareForEval(ctx)
	}
	for _, r := range m.Rules {
		name := r.Head.Name.String()
		if len(r.Head.Ref()) > 0 {
			name = strings.Trim(fmt.Sprint(r.Head.Ref()[0].Value), `"`)
		}
		match := named.FindStringSubmatch(name)
		full := pkg + "." + name
		if match == nil || slices.ContainsFunc(e.rules, func(have rule) bool { return have.name == full }) {
			continue
		}
		query, err := prepare(name)
		if err != nil {
			problems = append(problems, policy.Problem(full, err))
			continue
		}
		made := rule{name: full, suffix: match[2], level: policy.Deny, origin: fmt.Sprintf("%s:%d", r.Location.File, r.Location.Row), query: query}
		made.change = pkg == "change" || strings.HasPrefix(pkg, "change.")
		if match[1] == "warn" {
			made.level = policy.Warn
		}
		if word := severity(c, r); word != "" {
			if level, ok := policy.LevelOf(word); ok {
				made.level = level
			} else {
				problems = append(problems, fmt.Sprintf("the policy %s names the severity %q; want critical, warning or notice; it counts as %s", made.origin, word, made.level))
			}
		}
		if exceptions, err := prepare("exception"); err == nil {
			made.except = &exceptions
		}
		e.rules = append(e.rules, made)
	}
	return problems
}

// severity is what the metadata of a rule, or of its package, names.
func severity(c *ast.Compiler, r *ast.Rule) string {
	set := c.GetAnnotationSet()
	if set == nil {
		return ""
	}
	for _, ref := range set.Chain(r) {
		if ref == nil || ref.Annotations == nil {
			continue
		}
		if word, ok := ref.Annotations.Custom["severity"].(string); ok {
			return word
		}
	}
	return ""
}
