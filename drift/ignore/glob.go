package ignore

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// maxAlternatives bounds what braces stand for.
const maxAlternatives = 64

// alternatives writes out {a,b}, once or several times but not one inside
// another, and checks the globs. Each takes time linear in what it is held
// against, whatever it looks like.
func alternatives(glob string) ([]string, error) {
	if len(glob) > maxGlob {
		return nil, fmt.Errorf("is longer than %d characters", maxGlob)
	}
	out := []string{""}
	for glob != "" {
		before, rest, found := strings.Cut(glob, "{")
		inside, after, closed := strings.Cut(rest, "}")
		switch {
		case strings.Contains(before, "}") || strings.Contains(inside, "{"):
			return nil, fmt.Errorf("%q: braces must not be inside one another", glob)
		case found && !closed:
			return nil, fmt.Errorf("%q: a brace is not closed", glob)
		}
		var next []string
		for _, head := range out {
			if !found {
				next = append(next, head+before)
				continue
			}
			for _, word := range strings.Split(inside, ",") {
				next = append(next, head+before+word)
			}
		}
		if len(next) > maxAlternatives {
			return nil, fmt.Errorf("stands for more than %d globs", maxAlternatives)
		}
		out, glob = next, after
	}
	for _, one := range out {
		if _, err := path.Match(one, ""); err != nil {
			return nil, errors.New("is no glob: it has a bracket or backslash too many or too few")
		}
	}
	return out, nil
}

func matches(globs []string, text string) bool {
	for _, glob := range globs {
		if glob == "*" {
			return true
		}
		if ok, err := path.Match(glob, text); ok && err == nil {
			return true
		}
	}
	return false
}
