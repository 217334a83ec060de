package helm

import (
	"slices"
	"strconv"
	"strings"
	"text/template/parse"
)

// Functions that instrument puts into templates.
const (
	fnMark  = "__mark"  // text of this line follows
	fnTick  = "__tick"  // another turn of a loop
	fnOut   = "__out"   // a value is about to be printed
	fnKeep  = "__keep"  // a value is given a name, or to a function
	fnEnter = "__enter" // another template is about to be run
	fnLeave = "__leave"
)

// instrument makes a template tell what it does while it runs: text/template
// has no way to stop a loop, nor to tell which line wrote what. lines is set
// for the template that a file itself is.
func instrument(tree *parse.Tree, text string, lines bool) {
	i := instrumenter{lines: lines}
	if lines {
		for at, r := range text {
			if r == '\n' {
				i.breaks = append(i.breaks, at)
			}
		}
	}
	i.list(tree.Root, false)
}

type instrumenter struct {
	lines  bool
	breaks []int // where lines end
}

// line is the one that a position is on; 0 where nobody wants to know.
func (i instrumenter) line(at parse.Pos) int {
	if !i.lines {
		return 0
	}
	n, _ := slices.BinarySearch(i.breaks, int(at))
	return n + 1
}

func (i instrumenter) list(l *parse.ListNode, loop bool) {
	if l == nil {
		return
	}
	nodes := make([]parse.Node, 0, 2*len(l.Nodes)+1)
	if loop {
		nodes = append(nodes, action(l.Pos, fnTick))
	}
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.TextNode:
			if i.lines && strings.TrimSpace(string(n.Text)) != "" {
				nodes = append(nodes, action(n.Pos, fnMark, i.line(n.Pos)))
			}
		case *parse.ActionNode:
			i.pipe(n.Pipe)
			if len(n.Pipe.Decl) > 0 {
				n.Pipe.Cmds = append(n.Pipe.Cmds, command(n.Pos, fnKeep))
			} else {
				n.Pipe.Cmds = append(n.Pipe.Cmds, command(n.Pos, fnOut, i.line(n.Pos)))
			}
		case *parse.IfNode:
			i.branch(&n.BranchNode, false)
		case *parse.WithNode:
			i.branch(&n.BranchNode, false)
		case *parse.RangeNode:
			i.branch(&n.BranchNode, true)
		case *parse.TemplateNode:
			i.pipe(n.Pipe)
			nodes = append(nodes, action(n.Pos, fnEnter, i.line(n.Pos)), n, action(n.Pos, fnLeave))
			continue
		}
		nodes = append(nodes, n)
	}
	l.Nodes = nodes
}

// pipe counts what is made between parentheses.
func (i instrumenter) pipe(p *parse.PipeNode) {
	if p == nil {
		return
	}
	for _, c := range p.Cmds {
		for _, arg := range c.Args {
			if inner, ok := arg.(*parse.PipeNode); ok {
				i.pipe(inner)
				inner.Cmds = append(inner.Cmds, command(inner.Pos, fnKeep))
			}
		}
	}
}

func (i instrumenter) branch(b *parse.BranchNode, loop bool) {
	i.pipe(b.Pipe)
	i.list(b.List, loop)
	i.list(b.ElseList, false)
}

func action(at parse.Pos, name string, args ...int) *parse.ActionNode {
	return &parse.ActionNode{NodeType: parse.NodeAction, Pos: at, Pipe: &parse.PipeNode{
		NodeType: parse.NodePipe, Pos: at, Cmds: []*parse.CommandNode{command(at, name, args...)},
	}}
}

func command(at parse.Pos, name string, args ...int) *parse.CommandNode {
	c := &parse.CommandNode{NodeType: parse.NodeCommand, Pos: at, Args: []parse.Node{parse.NewIdentifier(name).SetPos(at)}}
	for _, n := range args {
		c.Args = append(c.Args, &parse.NumberNode{NodeType: parse.NodeNumber, Pos: at, IsInt: true, Int64: int64(n), Text: strconv.Itoa(n)})
	}
	return c
}
