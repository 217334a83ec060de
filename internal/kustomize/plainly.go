package kustomize

import (
	"regexp"
	"strings"
)

var (
	// configured is how kustomize begins the errors of its own plugins: with all of
	// their configuration, as YAML, of which no line of its own can begin with `.
	configured = regexp.MustCompile("(?s)trouble configuring builtin (\\w+) with config: `.*?\n`: ")
	// unnamed are the parts of an object's id that are not given.
	unnamed = regexp.MustCompile(`\.?\[no(Grp|Ver|Ns|Kind)\]`)
	// anchor is how the YAML library tells of a value that begins with *.
	anchor = regexp.MustCompile(`unknown anchor '[^']*' referenced`)
	// assigned is a name in an error about a kustomization's form, with what it is
	// to be set to: a literal where a field is expected.
	assigned = regexp.MustCompile(`(?s)"([^"=]*)=.*"`)
)

const aliased = "an alias without an anchor; a text that begins with * wants quotes"

// quotes are the errors that hold patches, objects and values of theirs, which
// may be a Secret's, and what is told of them.
var quotes = []struct { //nolint:gochecknoglobals // a table that nobody writes
	pattern *regexp.Regexp
	plain   string
}{
	{anchor, aliased},
	{regexp.MustCompile(`merging from generator &\{[^}]*\}: `), ""}, // where it is in memory
	{regexp.MustCompile(`\[patch: "(?:[^"\\]|\\.)*"\]`), "the text of an entry"},
	{regexp.MustCompile(`(?s)decoding [^\w].*: `), ""},
	{regexp.MustCompile(`(?s)(must specify one of patch and path|patch and path can't be set at the same time).*`), "$1"},
	{regexp.MustCompile(`(?s)open [^\n{]*[\n{].*: file does not exist`), "the text of an entry is neither YAML with a kind and a name nor a file"},
	{regexp.MustCompile(`(?s): node contents:\n.*`), ""},
	{regexp.MustCompile(`(?s)(out of bounds for) value .*`), "$1 the value"},
	{regexp.MustCompile(`(?s)(missing (?:kind|metadata\.name)) in object \{\{.*\}\}`), "$1"}, // with its annotations
	{regexp.MustCompile(`(?s)(for the following resource):\n.*`), "$1"},
}

// withoutValues is what is wrong with the form of a kustomization.
func withoutValues(err error) string {
	return anchor.ReplaceAllLiteralString(assigned.ReplaceAllString(err.Error(), `"$1=..."`), aliased)
}

// plainly says an error of kustomize's without what only its authors know, and
// without the values that it quotes.
func plainly(message string) string {
	message = configured.ReplaceAllStringFunc(message, func(all string) string {
		switch name := configured.FindStringSubmatch(all)[1]; name {
		case "PatchTransformer":
			return "patches: "
		case "PatchJson6902Transformer":
			return "patchesJson6902: "
		case "PatchStrategicMergeTransformer":
			return "patchesStrategicMerge: "
		case "ReplacementTransformer":
			return "replacements: "
		default:
			return strings.TrimSuffix(strings.TrimSuffix(name, "Transformer"), "Generator") + ": "
		}
	})
	for _, q := range quotes {
		message = q.pattern.ReplaceAllString(message, q.plain)
	}
	return unnamed.ReplaceAllString(message, "")
}
