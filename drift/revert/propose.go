package revert

import (
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/drift/ignore"
	"github.com/trueup-dev/trueup/internal/object"
)

// Propose is the rule that explains one difference of one object, as the part
// of an Application's spec that it is, in YAML.
func Propose(key object.Key, path string) string {
	text, err := yaml.Marshal(map[string][]ignore.Rule{"ignoreDifferences": {{
		Group: key.Group, Kind: key.Kind, Object: key.Name, Namespace: key.Namespace, Paths: []string{path},
	}}})
	if err != nil {
		return "" // cannot be: strings only
	}
	return string(text)
}
