package text

import (
	"maps"
	"slices"
	"strings"
	"text/template/parse"
)

// visitor collects the parameters that a template names.
type visitor struct {
	uses    map[string]bool
	changes bool
	// dots is what . stands for, from the outside in; "?" where it is not a
	// parameter of a name.
	dots []string
}

func (v *visitor) names() []string { return slices.Sorted(maps.Keys(v.uses)) }

// changers are the functions that change what they are given.
func changers() []string {
	return []string{"set", "unset", "merge", "mergeOverwrite", "mustMerge", "mustMergeOverwrite", "tpl"}
}

func (v *visitor) list(list *parse.ListNode, root bool) {
	dot := "?"
	if root {
		dot = ""
	}
	v.within(dot, list)
}

func (v *visitor) within(dot string, list *parse.ListNode) {
	if list == nil {
		return
	}
	v.dots = append(v.dots, dot)
	for _, node := range list.Nodes {
		v.node(node)
	}
	v.dots = v.dots[:len(v.dots)-1]
}

func (v *visitor) dot() string { return v.dots[len(v.dots)-1] }

func (v *visitor) node(node parse.Node) {
	switch n := node.(type) {
	case *parse.ActionNode:
		v.pipe(n.Pipe)
	case *parse.IfNode:
		v.pipe(n.Pipe)
		v.within(v.dot(), n.List)
		v.within(v.dot(), n.ElseList)
	case *parse.WithNode:
		v.pipe(n.Pipe)
		v.within(v.subject(n.Pipe, ""), n.List)
		v.within(v.dot(), n.ElseList)
	case *parse.RangeNode:
		v.pipe(n.Pipe)
		v.within(v.subject(n.Pipe, "[]"), n.List)
		v.within(v.dot(), n.ElseList)
	case *parse.TemplateNode:
		v.pipe(n.Pipe)
	}
}

// subject is the parameter that a pipeline is, with a suffix, or "?".
func (v *visitor) subject(pipe *parse.PipeNode, suffix string) string {
	if len(pipe.Cmds) != 1 || len(pipe.Cmds[0].Args) != 1 {
		return "?"
	}
	name := v.named(pipe.Cmds[0].Args[0])
	if name == "" {
		return "?"
	}
	return name + suffix
}

func (v *visitor) pipe(pipe *parse.PipeNode) {
	if pipe == nil {
		return
	}
	for _, command := range pipe.Cmds {
		v.command(command)
	}
}

func (v *visitor) command(command *parse.CommandNode) {
	args := command.Args
	// index .metadata.labels "team" names one key of it.
	if id, ok := args[0].(*parse.IdentifierNode); ok {
		v.changes = v.changes || slices.Contains(changers(), id.Ident)
		if id.Ident == "index" && len(args) == 3 {
			key, isText := args[2].(*parse.StringNode)
			if name := v.named(args[1]); isText && name != "" {
				v.uses[Join(name, key.Text)] = true
				return
			}
		}
	}
	for _, arg := range args {
		if pipe, ok := arg.(*parse.PipeNode); ok {
			v.pipe(pipe)
			continue
		}
		if chain, ok := arg.(*parse.ChainNode); ok {
			if pipe, ok := chain.Node.(*parse.PipeNode); ok {
				v.pipe(pipe)
			}
		}
		if name := v.named(arg); name != "" {
			v.uses[name] = true
		}
	}
}

// named is the parameter that a node stands for; empty where it is none, or
// none that can be told.
func (v *visitor) named(node parse.Node) string {
	switch n := node.(type) {
	case *parse.FieldNode:
		return v.below(n.Ident)
	case *parse.VariableNode:
		if n.Ident[0] == "$" && len(n.Ident) > 1 {
			return path(n.Ident[1:])
		}
	case *parse.DotNode:
		if v.dot() != "?" {
			return v.dot()
		}
	}
	return ""
}

func (v *visitor) below(names []string) string {
	switch dot := v.dot(); dot {
	case "?":
		return ""
	case "":
		return path(names)
	default:
		return dot + "." + path(names)
	}
}

func path(names []string) string { return strings.Join(names, ".") }
