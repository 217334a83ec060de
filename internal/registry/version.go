package registry

import (
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/trueup-dev/trueup/internal/fault"
)

// candidate is a version as it is published, and as it is compared.
type candidate struct {
	name    string
	version *semver.Version
}

// parse reads a published name as a version. Tags of OCI registries cannot
// hold a plus sign: Helm writes an underscore in its place. What is left of a
// name after the prefix counts; names that are no version are nil.
func parse(name, prefix string, tag bool) *semver.Version {
	text, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return nil
	}
	if tag {
		text = strings.ReplaceAll(text, "_", "+")
	}
	v, err := semver.NewVersion(text)
	if err != nil {
		return nil
	}
	return v
}

// isExact tells a version that names one thing from a range. Helm and Argo CD
// take "1.2" for a range.
func isExact(revision string) bool {
	_, err := semver.StrictNewVersion(strings.TrimPrefix(revision, "v"))
	return err == nil
}

// pick chooses among published names, as Helm does: the name itself, else the
// newest version in the range. Prereleases count where the range names one.
func pick(names []string, revision, prefix string, tag bool) (string, error) {
	wanted := strings.TrimPrefix(revision, prefix)
	for _, name := range names {
		if name == revision || tag && name == strings.ReplaceAll(revision, "+", "_") {
			return name, nil
		}
	}
	if wanted == "" || revision == "*" {
		wanted = "*"
	}
	constraint, err := semver.NewConstraint(wanted)
	if err != nil {
		return "", fault.New(fault.Missing, "there is no version %q, and it is no range of versions: %w", revision, err)
	}
	var best *candidate
	for _, name := range names {
		v := parse(name, prefix, tag)
		if v == nil || !constraint.Check(v) {
			continue
		}
		if best == nil || v.GreaterThan(best.version) {
			best = &candidate{name, v}
		}
	}
	if best == nil {
		return "", fault.New(fault.Missing, "none of its %d versions is in the range %q%s", len(names), wanted, hint(names, prefix, tag))
	}
	return best.name, nil
}

// hint names the newest version there is, which is what a person looks for next.
func hint(names []string, prefix string, tag bool) string {
	var best *candidate
	for _, name := range names {
		if v := parse(name, prefix, tag); v != nil && (best == nil || v.GreaterThan(best.version)) {
			best = &candidate{name, v}
		}
	}
	if best == nil {
		return ""
	}
	return "; the newest is " + best.name
}
