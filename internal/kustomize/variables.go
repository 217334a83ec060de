package kustomize

import "os"

// replaceVariables expands $NAME and ${NAME}; $$ is a dollar sign.
func replaceVariables(text string, values map[string]string) string {
	return os.Expand(text, func(name string) string {
		if name == "$" {
			return "$"
		}
		return values[name]
	})
}
