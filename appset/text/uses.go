package text

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"text/template/parse"
)

// All stands among names for every parameter there is: a text that gives all of
// them to a function or a loop may use any.
const All = "."

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
	for i, command := range pipe.Cmds {
		args := command.Args
		if len(args) == 1 && i+1 < len(pipe.Cmds) {
			next := pipe.Cmds[i+1].Args
			if keys, _ := keyed(append(next[:len(next):len(next)], args[0])); keys != nil {
				continue // it is the last argument of the next one
			}
		}
		if i > 0 && len(pipe.Cmds[i-1].Args) == 1 {
			with := append(args[:len(args):len(args)], pipe.Cmds[i-1].Args[0])
			if keys, _ := keyed(with); keys != nil {
				args = with
			}
		}
		v.command(args)
	}
}

// keyed takes apart what picks a key out of a map, or keys out of one map in
// another: index . "a" "b", get . "a", hasKey . "a", dig "a" "b" "default" .,
// and pluck "a" .x .y, which has several maps.
func keyed(args []parse.Node) (keys, maps []parse.Node) {
	id, ok := args[0].(*parse.IdentifierNode)
	switch n := len(args); {
	case !ok || n < 3:
	case id.Ident == "index", n == 3 && (id.Ident == "get" || id.Ident == "hasKey"):
		return args[2:], args[1:2]
	case id.Ident == "dig" && n > 3:
		return args[1 : n-2], args[n-1:]
	case id.Ident == "pluck":
		return args[1:2], args[2:]
	}
	return nil, nil
}

func (v *visitor) command(args []parse.Node) {
	if id, ok := args[0].(*parse.IdentifierNode); ok {
		v.changes = v.changes || slices.Contains(changers(), id.Ident)
	}
	keys, from := keyed(args)
	for _, arg := range args {
		if !slices.Contains(from, arg) {
			v.argument(arg)
		}
	}
	for _, node := range from {
		name, ok := v.base(node)
		if !ok {
			v.argument(node)
			continue
		}
		for _, key := range keys {
			text, isText := key.(*parse.StringNode)
			if !isText {
				break
			}
			name = Join(name, text.Text)
		}
		v.uses[cmp.Or(name, All)] = true
	}
}

func (v *visitor) argument(arg parse.Node) {
	if pipe, ok := arg.(*parse.PipeNode); ok {
		v.pipe(pipe)
		return
	}
	if chain, ok := arg.(*parse.ChainNode); ok {
		if pipe, ok := chain.Node.(*parse.PipeNode); ok {
			v.pipe(pipe)
		}
	}
	if name, ok := v.base(arg); ok {
		v.uses[cmp.Or(name, All)] = true
	}
}

// base is like named, and has an empty name for all parameters together.
func (v *visitor) base(node parse.Node) (string, bool) {
	if variable, ok := node.(*parse.VariableNode); ok && len(variable.Ident) == 1 && variable.Ident[0] == "$" {
		return "", true
	}
	if _, ok := node.(*parse.DotNode); ok && v.dot() == "" {
		return "", true
	}
	name := v.named(node)
	return name, name != ""
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
