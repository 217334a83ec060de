package pick

import (
	"path"
	"regexp"
	"strings"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Pathspec is a pattern of git ls-files.
type Pathspec struct {
	// text is the cleaned pattern; literal is what it begins with before any
	// wildcard, and glob is nil where there is none.
	text, literal string
	glob          *regexp.Regexp
	fold, not     bool
	// dir: a trailing slash asks for a folder.
	dir bool
}

// ParsePathspec reads a pathspec, with git's magic words top, literal, glob,
// icase and exclude.
func ParsePathspec(pattern string) (Pathspec, error) {
	var s Pathspec
	words, rest, err := magic(pattern)
	if err != nil {
		return s, err
	}
	literal, slashes := false, false
	for _, word := range words {
		switch word {
		case "", "top":
		case "literal":
			literal = true
		case "glob":
			slashes = true
		case "icase":
			s.fold = true
		case "exclude":
			s.not = true
		default:
			return s, fault.New(fault.Invalid, "git's magic word %q has no effect here", word)
		}
	}
	if literal && slashes {
		return s, fault.New(fault.Invalid, "literal and glob exclude each other")
	}
	if rest == "" && len(words) == 0 {
		return s, fault.New(fault.Invalid, "an empty pattern matches nothing: write . for all files")
	}
	if s.text, s.dir, err = cleaned(rest); err != nil {
		return s, err
	}
	s.literal = s.text
	if at := strings.IndexAny(s.text, `*?[\`); at >= 0 && !literal {
		s.literal = s.text[:at]
		s.glob = translated(s.text, slashes, s.fold)
	}
	return s, nil
}

// magic takes the words before a pattern: :(top,glob), or short :/ and :!.
func magic(pattern string) (words []string, rest string, err error) {
	rest, ok := strings.CutPrefix(pattern, ":")
	if !ok {
		return nil, pattern, nil
	}
	if long, ok := strings.CutPrefix(rest, "("); ok {
		list, after, closed := strings.Cut(long, ")")
		if !closed {
			return nil, "", fault.New(fault.Invalid, "the magic words are not closed by )")
		}
		return strings.Split(list, ","), after, nil
	}
	for rest != "" {
		switch rest[0] {
		case '/':
			words = append(words, "top")
		case '!', '^':
			words = append(words, "exclude")
		case ':':
			return append(words, ""), rest[1:], nil
		default:
			if strings.IndexByte(`#%&,-;<=>@_`+"`~'\"", rest[0]) >= 0 {
				return nil, "", fault.New(fault.Invalid, "git knows no magic %q", rest[:1])
			}
			return append(words, ""), rest, nil
		}
		rest = rest[1:]
	}
	return append(words, ""), "", nil
}

// cleaned takes . and .. and doubled slashes out of a pattern.
func cleaned(text string) (clean string, dir bool, err error) {
	if strings.HasPrefix(text, "/") {
		return "", false, fault.New(fault.Invalid, "it must not begin with a slash: paths are relative to the repository's root")
	}
	if text == "" {
		return "", false, nil
	}
	clean = path.Clean(text)
	switch {
	case clean == ".." || strings.HasPrefix(clean, "../"):
		return "", false, fault.New(fault.Invalid, "it leads out of the repository")
	case clean == ".":
		return "", false, nil
	}
	last := path.Base(text)
	return clean, strings.HasSuffix(text, "/") || last == "." || last == "..", nil
}

// Match tells whether a file is picked.
func (s Pathspec) Match(name string) bool { return s.match(name) != s.not }

func (s Pathspec) match(name string) bool {
	if s.text == "" {
		return true
	}
	if len(name) >= len(s.text) {
		head, tail := name[:len(s.text)], name[len(s.text):]
		same := head == s.text || s.fold && strings.EqualFold(head, s.text)
		if same && (tail == "" && !s.dir || strings.HasPrefix(tail, "/")) {
			return true
		}
	}
	return s.glob != nil && !s.dir && s.glob.MatchString(name)
}

// root is the folder, or the file, outside of which nothing is picked.
func (s Pathspec) root() string {
	switch {
	case s.fold || s.not || s.text == "":
		return "."
	case s.glob == nil:
		return s.text
	}
	return path.Dir(s.literal + "x")
}

// translated makes a regular expression of a wildcard pattern, which takes
// linear time whatever the pattern is. With slashes, * and ? stop at one, and
// ** between slashes does not. A malformed pattern matches nothing.
func translated(pattern string, slashes, fold bool) *regexp.Regexp {
	var b strings.Builder
	b.WriteString("(?s")
	if fold {
		b.WriteString("i")
	}
	b.WriteString(")^")
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '*':
			i = stars(&b, pattern, i, slashes)
		case '?':
			if slashes {
				b.WriteString("[^/]")
			} else {
				b.WriteString(".")
			}
		case '[':
			class, end := bracket(pattern, i, slashes)
			if end < 0 {
				return nil
			}
			b.WriteString(class)
			i = end
		case '\\':
			if i++; i == len(pattern) {
				return nil
			}
			b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		default:
			b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		}
	}
	b.WriteString("$")
	expression, err := regexp.Compile(b.String())
	if err != nil {
		return nil
	}
	return expression
}

// stars translates a run of * that begins at i, and gives its last index.
func stars(b *strings.Builder, pattern string, i int, slashes bool) int {
	end := i
	for end+1 < len(pattern) && pattern[end+1] == '*' {
		end++
	}
	before := i == 0 || pattern[i-1] == '/'
	after := pattern[end+1:]
	switch {
	case !slashes:
		b.WriteString(".*")
	case end > i && before && strings.HasPrefix(after, "/"):
		b.WriteString("(?:.*/)?")
		return end + 1
	case end > i && before && after == "":
		b.WriteString(".*")
	default:
		b.WriteString("[^/]*")
	}
	return end
}

// bracket translates the class that begins at i, and gives the index of its
// end, -1 where it has none.
func bracket(pattern string, i int, slashes bool) (string, int) {
	var b strings.Builder
	b.WriteString("[")
	i++
	if i < len(pattern) && (pattern[i] == '!' || pattern[i] == '^') {
		b.WriteString("^")
		if slashes {
			b.WriteString("/")
		}
		i++
	}
	for first := true; i < len(pattern); first = false {
		c := pattern[i]
		switch {
		case c == ']' && !first:
			return b.String() + "]", i
		case c == '[' && strings.HasPrefix(pattern[i:], "[:"):
			end := strings.Index(pattern[i:], ":]")
			if end < 0 {
				return "", -1
			}
			b.WriteString(pattern[i : i+end+2])
			i += end + 2
			continue
		case c == '\\':
			if i++; i == len(pattern) {
				return "", -1
			}
			c = pattern[i]
		}
		i++
		low := c
		if i+1 < len(pattern) && pattern[i] == '-' && pattern[i+1] != ']' {
			i++
			high := pattern[i]
			if high == '\\' {
				if i++; i == len(pattern) {
					return "", -1
				}
				high = pattern[i]
			}
			i++
			c = max(high, low) // of an empty range the first character counts
		}
		b.WriteString(span(low, c, slashes))
	}
	return "", -1
}

// span is a range in a class; with slashes it leaves them out.
func span(low, high byte, slashes bool) string {
	if slashes && low <= '/' && '/' <= high {
		out := ""
		if low < '/' {
			out += span(low, '/'-1, false)
		}
		if high > '/' {
			out += span('/'+1, high, false)
		}
		return out
	}
	return quoted(low) + "-" + quoted(high)
}

func quoted(c byte) string {
	if strings.IndexByte(`\]^-[:&~`, c) >= 0 {
		return `\` + string(rune(c))
	}
	return string(rune(c))
}
