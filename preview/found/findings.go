package found

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/preview"
)

// Findings collects problems and warnings. It is safe for concurrent use; the
// zero value is empty.
type Findings struct {
	mu       sync.Mutex
	problems []preview.Problem
	warnings []string
	// sets are the problems of sets, by what they are without the line.
	sets map[string]int
}

// Problem adds one.
func (f *Findings) Problem(p preview.Problem) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.problems = append(f.problems, p)
}

// Warning adds one.
func (f *Findings) Warning(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.warnings = append(f.warnings, text)
}

// Any tells whether there are problems.
func (f *Findings) Any() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.problems) > 0
}

// Unexpanded tells of all that keeps an ApplicationSet from being expanded, each
// with its place. A set that is found in a file, and among what an application
// describes, is told once: of the latter only the line is known that it begins
// at.
func (f *Findings) Unexpanded(from Source, name string, err error, as preview.Problem) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range appset.Problems(err) {
		text, field := strings.TrimPrefix(p.Err.Error(), "expand ApplicationSet "+name+": "), ""
		if p.Place != "" {
			text, field = p.Place+": "+text, "spec."+p.Place
		} else if at, _, ok := strings.Cut(text, ": "); ok && strings.HasPrefix(at, "spec.") {
			field = at // it says it itself
		}
		text = "ApplicationSet " + name + ": " + text
		as.Message = from.Says(field, text)
		file, line := place(as.Message)
		key := fmt.Sprintf("%q %q %t %t", file, text, as.Before, as.Only)
		if known, again := f.sets[key]; again {
			if _, other := place(f.problems[known].Message); line > other {
				f.problems[known] = as
			}
			continue
		}
		if f.sets == nil {
			f.sets = map[string]int{}
		}
		f.sets[key] = len(f.problems)
		f.problems = append(f.problems, as)
	}
}

// Sorted gives each once: problems by file and line, then warnings.
func (f *Findings) Sorted() ([]preview.Problem, []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	problems, warnings := slices.Clone(f.problems), slices.Clone(f.warnings)
	slices.SortFunc(problems, func(a, b preview.Problem) int {
		fileA, lineA := place(a.Message)
		fileB, lineB := place(b.Message)
		return cmp.Or(cmp.Compare(fileA, fileB), cmp.Compare(lineA, lineB), cmp.Compare(a.Message, b.Message))
	})
	slices.Sort(warnings)
	return slices.Compact(problems), slices.Compact(warnings)
}
