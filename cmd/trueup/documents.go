package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/api/document"
)

// readDocuments reads a file of Applications, ApplicationSets and Projects,
// and tells the user about fields that nobody acts upon.
func readDocuments(name string, s streams) (document.Documents, error) {
	data, err := readFile(name, s.in)
	if err != nil {
		return document.Documents{}, err
	}
	docs, err := document.Decode(data, name)
	if err != nil {
		return docs, err
	}
	for _, w := range docs.Warnings {
		fmt.Fprintln(s.err, "warning:", w)
	}
	return docs, nil
}

func readFile(name string, in io.Reader) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(in)
	}
	return os.ReadFile(name)
}

// printObjects writes objects as one YAML stream, a JSON list or names.
func printObjects(w io.Writer, output string, objects []*unstructured.Unstructured) error {
	switch output {
	case "json":
		items := make([]any, len(objects))
		for i, u := range objects {
			items[i] = u.Object
		}
		return printJSON(w, map[string]any{"apiVersion": "v1", "kind": "List", "items": items})
	case "name":
		for _, u := range objects {
			name := strings.ToLower(u.GetKind())
			if group := u.GroupVersionKind().Group; group != "" {
				name += "." + group
			}
			if _, err := fmt.Fprintf(w, "%s/%s\n", name, u.GetName()); err != nil {
				return err
			}
		}
		return nil
	}
	for _, u := range objects {
		data, err := yaml.Marshal(u.Object)
		if err != nil {
			return fmt.Errorf("print %s %s: %w", u.GetKind(), u.GetName(), err)
		}
		if _, err := fmt.Fprintf(w, "---\n%s", data); err != nil {
			return err
		}
	}
	return nil
}
