package text

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"text/template"
	"text/template/parse"

	"github.com/trueup-dev/trueup/appset/param"
	"github.com/trueup-dev/trueup/internal/fault"
)

// compiled is a parsed template.
type compiled struct {
	template *template.Template
	// uses are the parameters that it names.
	uses []string
	// changes says that it may change the parameters that it is given.
	changes bool
}

// maxCompiled bounds the templates that are kept parsed.
const maxCompiled = 10_000

func (l *Language) goText(s string, data any, used func(name string)) (result string, err error) {
	c, err := l.compile(s)
	if err != nil {
		return "", err
	}
	for _, name := range c.uses {
		used(name)
	}
	if params, ok := data.(map[string]any); ok && c.changes {
		data = param.Clone(params)
	}
	out := bounded{}
	if err := c.template.Execute(&out, data); err != nil {
		for _, bound := range []error{errTooLong, errTooMuch} {
			if errors.Is(err, bound) {
				return "", bound
			}
		}
		if l.options.Stop != nil && l.options.Stop() != nil {
			return "", l.options.Stop()
		}
		return "", fault.Wrap(fault.Invalid, fmt.Errorf("failed to execute go template %s: %w", s, err))
	}
	return out.String(), nil
}

func (l *Language) compile(s string) (*compiled, error) {
	if known, ok := l.compiled[s]; ok {
		return known, nil
	}
	t, err := template.New("base").Option(l.options.Templates...).Funcs(l.funcs).Parse(s)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, fmt.Errorf("failed to parse template %s: %w", s, err))
	}
	c := &compiled{template: t}
	v := visitor{uses: map[string]bool{}}
	for _, each := range t.Templates() {
		if each.Tree != nil && each.Root != nil {
			v.list(each.Root, each.Name() == t.Name())
		}
	}
	c.uses, c.changes = v.names(), v.changes
	for _, each := range t.Templates() {
		if each.Tree != nil && each.Root != nil {
			metered(each.Root)
		}
	}
	if len(l.compiled) < maxCompiled {
		l.compiled[s] = c
	}
	return c, nil
}

// metered puts a step of the meter at the beginning of every list of nodes:
// the bodies of loops and of templates that call others are among them, and
// whatever goes round takes steps.
func metered(list *parse.ListNode) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.RangeNode:
			metered(n.List)
			metered(n.ElseList)
		case *parse.IfNode:
			metered(n.List)
			metered(n.ElseList)
		case *parse.WithNode:
			metered(n.List)
			metered(n.ElseList)
		}
	}
	list.Nodes = append([]parse.Node{step(list)}, list.Nodes...)
}

const stepName = "trueupStep"

// step is the node of {{trueupStep}}.
func step(list *parse.ListNode) parse.Node {
	name := parse.NewIdentifier(stepName).SetPos(list.Pos)
	command := &parse.CommandNode{NodeType: parse.NodeCommand, Pos: list.Pos, Args: []parse.Node{name}}
	pipe := &parse.PipeNode{NodeType: parse.NodePipe, Pos: list.Pos, Cmds: []*parse.CommandNode{command}}
	return &parse.ActionNode{NodeType: parse.NodeAction, Pos: list.Pos, Pipe: pipe}
}

// maxTpl is how deep tpl may be in tpl.
const maxTpl = 3

// tpl renders a text that is itself a parameter.
func (l *Language) tpl(s string, data any) (string, error) {
	if l.meter.depth++; l.meter.depth > maxTpl {
		l.meter.depth--
		return "", fmt.Errorf("maximum recursion depth %d exceeded in tpl function", maxTpl)
	}
	defer func() { l.meter.depth-- }()
	out, err := l.goText(s, data, func(string) {})
	return strings.ReplaceAll(out, "<no value>", ""), err
}

// bounded stops a template that writes without end.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(data []byte) (int, error) {
	if b.Len()+len(data) > maxText {
		return 0, errTooLong
	}
	return b.Buffer.Write(data)
}
