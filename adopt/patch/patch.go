package patch

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/pmezard/go-difflib/difflib"
)

// File is what becomes of one; nil is that it is not there.
type File struct {
	Path          string
	Before, After []byte
}

// context is how many lines around a change are shown.
const context = 3

// Write writes one diff for all files.
func Write(w io.Writer, files []File) error {
	var b strings.Builder
	for _, f := range files {
		f.write(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (f File) write(b *strings.Builder) {
	from, to := quoted("a/"+f.Path), quoted("b/"+f.Path)
	fmt.Fprintf(b, "diff --git %s %s\n", from, to)
	switch {
	case f.Before == nil:
		b.WriteString("new file mode 100644\n")
		from = "/dev/null"
	case f.After == nil:
		b.WriteString("deleted file mode 100644\n")
		to = "/dev/null"
	}
	fmt.Fprintf(b, "--- %s\n+++ %s\n", from, to)
	before, after := lines(f.Before), lines(f.After)
	for _, group := range difflib.NewMatcher(before, after).GetGroupedOpCodes(context) {
		first, last := group[0], group[len(group)-1]
		fmt.Fprintf(b, "@@ -%s +%s @@\n", extent(first.I1, last.I2), extent(first.J1, last.J2))
		for _, op := range group {
			if op.Tag == 'e' {
				mark(b, " ", before[op.I1:op.I2])
				continue
			}
			mark(b, "-", before[op.I1:op.I2])
			mark(b, "+", after[op.J1:op.J2])
		}
	}
}

// extent is where lines are: the first, from 1, and how many.
func extent(from, to int) string {
	switch n := to - from; n {
	case 0:
		return fmt.Sprintf("%d,0", from)
	case 1:
		return strconv.Itoa(from + 1)
	default:
		return fmt.Sprintf("%d,%d", from+1, n)
	}
}

// lines are those of a file, with their ends; the last may have none.
func lines(data []byte) []string {
	all := strings.SplitAfter(string(data), "\n")
	if all[len(all)-1] == "" {
		all = all[:len(all)-1]
	}
	return all
}

func mark(b *strings.Builder, sign string, lines []string) {
	for _, line := range lines {
		b.WriteString(sign + line)
		if !strings.HasSuffix(line, "\n") {
			b.WriteString("\n\\ No newline at end of file\n")
		}
	}
}

// quoted is a name as git writes it, where it holds more than plain characters.
func quoted(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r == 0x7f }) {
		return strconv.Quote(name)
	}
	return name
}
