package jq

import (
	"cmp"
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"

	"github.com/itchyny/gojq"
)

// Limits of an expression. What passes the check runs in time that the
// interpreter can cut short, and in memory of the order of the object's size.
const (
	maxNodes = 256
	// maxGrowing bounds the operations whose result may be larger than what
	// they are given.
	maxGrowing = 4
	maxRegexp  = 300 // instructions
)

// argument is what a function may be given.
type argument int

const (
	anything   argument = iota
	literal             // the work depends on its size too
	expression          // a regular expression, and flags
	each                // is collected into a list
	growing             // takes none or literals; its result may be larger than its input
)

// functions are those that may be used. Others build values without bound,
// loop without bound, or reach outside the object.
func functions() map[string]argument {
	out := map[string]argument{}
	for kind, names := range map[argument][]string{
		anything: {
			"empty", "not", "length", "keys", "type", "recurse", "first", "last", "any", "all", "values", "nulls", "booleans", "numbers", "strings",
			"arrays", "objects", "iterables", "scalars", "paths", "tonumber", "ascii_downcase", "ascii_upcase", "trim", "ltrim", "rtrim", "floor", "abs",
			"select", "path", "isempty", "has", "IN", "getpath", "limit", "nth", "from_entries",
		},
		literal:    {"startswith", "endswith", "ltrimstr", "rtrimstr", "contains", "inside", "index", "rindex", "indices"},
		expression: {"test"},
		each:       {"map", "map_values", "with_entries"},
		growing:    {"tostring", "tojson", "fromjson", "to_entries", "split", "explode"},
	} {
		for _, name := range names {
			out[name] = kind
		}
	}
	return out
}

// checker walks an expression.
type checker struct {
	allowed map[string]argument
	nodes   int
	grows   int
	// collecting: the results are put into a list, which must not be larger
	// than the object.
	collecting bool
}

func check(q *gojq.Query) error {
	return (&checker{allowed: functions()}).query(q)
}

func refused(what string) error {
	return fmt.Errorf("uses %s, which rules must not: it could take any time or memory, or reaches outside the object", what)
}

func (c *checker) count() error {
	if c.nodes++; c.nodes > maxNodes {
		return fmt.Errorf("has more than %d parts", maxNodes)
	}
	return nil
}

func (c *checker) grow(what string) error {
	if c.grows++; c.grows > maxGrowing {
		return fmt.Errorf("uses %s and the like more than %d times", what, maxGrowing)
	}
	return nil
}

func (c *checker) query(q *gojq.Query) error {
	if q == nil {
		return nil
	}
	if err := c.count(); err != nil {
		return err
	}
	if q.Meta != nil || len(q.Imports) > 0 || len(q.FuncDefs) > 0 {
		return refused("modules or functions of its own")
	}
	if q.Term != nil {
		return c.term(q.Term)
	}
	if q.Left == nil || q.Right == nil {
		return errors.New("is empty")
	}
	for _, p := range q.Patterns {
		if p.Name == "" {
			return refused("destructuring")
		}
	}
	switch q.Op {
	case gojq.OpPipe, gojq.OpEq, gojq.OpNe, gojq.OpGt, gojq.OpLt, gojq.OpGe, gojq.OpLe, gojq.OpAnd, gojq.OpOr, gojq.OpAlt:
	case gojq.OpComma:
		if c.collecting {
			return refused("a comma inside a list that is collected")
		}
	case gojq.OpAdd, gojq.OpSub:
		if !isLiteral(q.Left) && !isLiteral(q.Right) {
			return refused(q.Op.String() + " between two values of the object")
		}
	default:
		return refused(q.Op.String())
	}
	return c.queries(q.Left, q.Right)
}

func (c *checker) queries(all ...*gojq.Query) error {
	for _, q := range all {
		if err := c.query(q); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) term(t *gojq.Term) error {
	if err := cmp.Or(c.count(), c.head(t)); err != nil {
		return err
	}
	for _, s := range t.SuffixList {
		if err := cmp.Or(c.count(), c.index(s.Index)); err != nil {
			return err
		}
	}
	return nil
}

// head checks a term without what is behind it.
func (c *checker) head(t *gojq.Term) error {
	switch t.Type {
	case gojq.TermTypeIdentity, gojq.TermTypeNull, gojq.TermTypeTrue, gojq.TermTypeFalse, gojq.TermTypeNumber:
		return nil
	case gojq.TermTypeRecurse:
		if c.collecting {
			return refused(".. inside a list that is collected")
		}
		return nil
	case gojq.TermTypeIndex:
		return c.index(t.Index)
	case gojq.TermTypeFunc:
		return c.call(t.Func)
	case gojq.TermTypeString:
		return c.text(t.Str)
	case gojq.TermTypeUnary:
		return c.term(t.Unary.Term)
	case gojq.TermTypeIf:
		err := c.queries(t.If.Cond, t.If.Then, t.If.Else)
		for _, elif := range t.If.Elif {
			err = cmp.Or(err, c.queries(elif.Cond, elif.Then))
		}
		return err
	case gojq.TermTypeTry:
		return c.queries(t.Try.Body, t.Try.Catch)
	case gojq.TermTypeQuery:
		return c.query(t.Query)
	default:
		return c.making(t)
	}
}

// making checks terms that make values.
func (c *checker) making(t *gojq.Term) error {
	switch t.Type {
	case gojq.TermTypeObject:
		if !isLiteralTerm(t) {
			return refused("{} around values of the object")
		}
		return nil
	case gojq.TermTypeArray:
		if t.Array.Query == nil || isLiteral(t.Array.Query) {
			return nil
		}
		return c.collect("[]", t.Array.Query)
	case gojq.TermTypeFormat:
		if t.Format != "@base64d" || t.Str != nil {
			return refused(t.Format)
		}
		return c.grow(t.Format)
	case gojq.TermTypeReduce, gojq.TermTypeForeach:
		return refused("reduce or foreach")
	default:
		return refused("label or break")
	}
}

func (c *checker) index(i *gojq.Index) error {
	if i == nil {
		return nil
	}
	return cmp.Or(c.text(i.Str), c.queries(i.Start, i.End))
}

func (c *checker) text(s *gojq.String) error {
	if s == nil || len(s.Queries) == 0 {
		return nil
	}
	for _, q := range s.Queries {
		if isLiteral(q) {
			continue // the text between
		}
		if err := c.grow(`\( )`); err != nil {
			return err
		}
	}
	return c.queries(s.Queries...)
}

// collect checks what is made into a list: parts of the value at hand, each
// at most once, so that the list is no larger than the object.
func (c *checker) collect(what string, q *gojq.Query) error {
	if c.collecting {
		return refused(what + " inside a list that is collected")
	}
	c.collecting = true
	defer func() { c.collecting = false }()
	return cmp.Or(c.grow(what), c.query(q))
}

func (c *checker) call(f *gojq.Func) error {
	if f.Name != "" && f.Name[0] == '$' {
		if f.Name == "$ENV" || f.Name == "$__loc__" {
			return refused(f.Name)
		}
		if c.collecting {
			return refused("variables inside a list that is collected")
		}
		return nil
	}
	kind, ok := c.allowed[f.Name]
	if !ok || f.Name == "recurse" && len(f.Args) > 0 {
		return refused(f.Name)
	}
	switch kind {
	case anything:
	case literal, growing, expression:
		for _, arg := range f.Args {
			if !isLiteral(arg) {
				return fmt.Errorf("%s takes a literal in rules", f.Name)
			}
		}
		if kind == growing {
			return c.grow(f.Name)
		}
		if kind == expression {
			return checkRegexp(f.Args)
		}
		return nil
	case each:
		if len(f.Args) != 1 {
			return refused(f.Name)
		}
		return c.collect(f.Name, f.Args[0])
	}
	if c.collecting && slices.Contains([]string{"recurse", "getpath", "paths", "path", "IN"}, f.Name) {
		return refused(f.Name + " inside a list that is collected")
	}
	return c.queries(f.Args...)
}

func checkRegexp(args []*gojq.Query) error {
	if len(args) == 0 || args[0].Term == nil || args[0].Term.Str == nil {
		return errors.New("test takes a regular expression")
	}
	parsed, err := syntax.Parse(args[0].Term.Str.Str, syntax.Perl)
	if err != nil {
		return fmt.Errorf("test: %w", err)
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return fmt.Errorf("test: %w", err)
	}
	if len(program.Inst) > maxRegexp {
		return fmt.Errorf("test: the regular expression has more than %d steps", maxRegexp)
	}
	return nil
}

// isLiteral reports constants, lists and maps of them, and several with
// commas between.
func isLiteral(q *gojq.Query) bool {
	if q == nil || len(q.FuncDefs) > 0 || len(q.Patterns) > 0 {
		return false
	}
	if q.Term != nil {
		return isLiteralTerm(q.Term)
	}
	return q.Op == gojq.OpComma && isLiteral(q.Left) && isLiteral(q.Right)
}

func isLiteralTerm(t *gojq.Term) bool {
	if len(t.SuffixList) > 0 {
		return false
	}
	switch t.Type {
	case gojq.TermTypeNull, gojq.TermTypeTrue, gojq.TermTypeFalse, gojq.TermTypeNumber:
		return true
	case gojq.TermTypeString:
		return len(t.Str.Queries) == 0
	case gojq.TermTypeUnary:
		return isLiteralTerm(t.Unary.Term)
	case gojq.TermTypeArray:
		return t.Array.Query == nil || isLiteral(t.Array.Query)
	case gojq.TermTypeObject:
		for _, kv := range t.Object.KeyVals {
			if kv.KeyQuery != nil || kv.KeyString != nil && len(kv.KeyString.Queries) > 0 || kv.Key != "" && kv.Key[0] == '$' || kv.Val == nil || !isLiteral(kv.Val) {
				return false
			}
		}
		return true
	default:
		return false
	}
}
