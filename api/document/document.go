package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/api/misfit"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
)

// Documents are the objects of one file, in the order they were read.
type Documents struct {
	Applications    []v1alpha1.Application
	ApplicationSets []v1alpha1.ApplicationSet
	Projects        []v1alpha1.Project
	// Warnings name what was read past: file, line and field or kind.
	Warnings []string

	// apps and sets are where those were read; shorter, or with empty names, for
	// what comes from elsewhere.
	apps []string
	sets []part
}

// AppPlace is the file and line of Applications[i]; empty where it was not
// read from a file.
func (d *Documents) AppPlace(i int) string {
	if i < 0 || i >= len(d.apps) {
		return ""
	}
	return d.apps[i]
}

// SetPlace is the file and line of a field of ApplicationSets[i], as
// spec.generators[0].git; where there is no such field, of as much of its path
// as there is. It is empty where the set was not read from a file.
func (d *Documents) SetPlace(i int, path string) string {
	if i < 0 || i >= len(d.sets) || d.sets[i].root == nil {
		return ""
	}
	return d.sets[i].placeOf(path)
}

// Append adds the Applications and ApplicationSets of others, with their
// places.
func (d *Documents) Append(others Documents) {
	d.apps = append(sized(d.apps, len(d.Applications)), sized(others.apps, len(others.Applications))...)
	d.sets = append(sized(d.sets, len(d.ApplicationSets)), sized(others.sets, len(others.ApplicationSets))...)
	d.Applications = append(d.Applications, others.Applications...)
	d.ApplicationSets = append(d.ApplicationSets, others.ApplicationSets...)
}

func sized[T any](list []T, n int) []T { return append(slices.Clone(list), make([]T, n-len(list))...) }

// Decode reads the YAML or JSON documents of one file; name is only for
// messages. Documents of Argo CD's group become ours: AppProject is read as
// Project, and the status, which is Argo CD's to know, is dropped. Fields and
// kinds that are not known are warnings. The error, of kind Invalid, names
// every document that is broken, with its line; what could be read is returned
// beside it.
func Decode(data []byte, name string) (Documents, error) {
	var docs Documents
	var errs []error
	for _, p := range split(data) {
		p.name = name
		errs = append(errs, docs.add(p))
	}
	return docs, fault.Wrap(fault.Invalid, errors.Join(errs...))
}

// part is one document and the line of the file it begins on.
type part struct {
	name string
	line int
	text []byte
	root *yamlv3.Node
}

// split cuts at the lines that YAML reserves: --- and ... in the first column.
func split(data []byte) []part {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	var parts []part
	cur := part{line: 1}
	n := 0
	for line := range bytes.Lines(data) {
		n++
		if !isMarker(line) {
			cur.text = append(cur.text, line...)
			continue
		}
		parts = append(parts, cur)
		// What follows the marker on its line belongs to the next document;
		// spaces in its place keep the columns.
		cur = part{line: n, text: append([]byte("   "), line[3:]...)}
	}
	return append(parts, cur)
}

func isMarker(line []byte) bool {
	if !bytes.HasPrefix(line, []byte("---")) && !bytes.HasPrefix(line, []byte("...")) {
		return false
	}
	return len(line) == 3 || strings.IndexByte(" \t\r\n", line[3]) >= 0
}

func (d *Documents) add(p part) error {
	var root yamlv3.Node
	if err := yamlv3.Unmarshal(p.text, &root); err != nil {
		return p.broken(err)
	}
	if root.Kind == 0 {
		return nil
	}
	p.root = &root
	raw, err := yaml.YAMLToJSONStrict(p.text)
	if err != nil {
		return p.broken(err)
	}
	if string(raw) == "null" {
		return nil
	}
	var meta metav1.TypeMeta
	if err := json.Unmarshal(raw, &meta); err != nil {
		return fmt.Errorf("%s:%d: read a document: want an object with apiVersion and kind: %w", p.name, p.lineOf(""), err)
	}
	if meta.Kind == "" || meta.APIVersion == "" {
		return fmt.Errorf("%s:%d: read a document: apiVersion or kind is missing", p.name, p.lineOf(""))
	}
	return d.decode(p, raw, meta)
}

func (d *Documents) decode(p part, raw []byte, meta metav1.TypeMeta) error {
	if meta.APIVersion == "v1" && meta.Kind == "List" {
		return d.list(p, raw)
	}
	argo := meta.APIVersion == v1alpha1.ArgoGroup+"/"+v1alpha1.Version
	if !argo && meta.APIVersion != v1alpha1.GroupVersion().String() {
		d.skip(p, meta)
		return nil
	}
	if argo {
		var err error
		if raw, err = withoutStatus(raw); err != nil {
			return p.broken(err)
		}
	}
	ours := metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion().String(), Kind: meta.Kind}
	switch meta.Kind {
	case "Application":
		app, err := read[v1alpha1.Application](d, p, raw)
		if err != nil {
			return err
		}
		app.TypeMeta = ours
		d.Applications, d.apps = append(d.Applications, *app), append(d.apps, p.placeOf(""))
	case "ApplicationSet":
		whole, err := read[v1alpha1.ApplicationSetDocument](d, p, raw)
		if err != nil {
			return err
		}
		set := (*v1alpha1.ApplicationSet)(whole)
		set.TypeMeta = ours
		d.ApplicationSets, d.sets = append(d.ApplicationSets, *set), append(d.sets, p)
	case "Project", "AppProject":
		project, err := read[v1alpha1.Project](d, p, raw)
		if err != nil {
			return err
		}
		ours.Kind = "Project"
		project.TypeMeta = ours
		d.Projects = append(d.Projects, *project)
	default:
		d.skip(p, meta)
	}
	return nil
}

// list reads what "kubectl get -o yaml" prints of several objects.
func (d *Documents) list(p part, raw []byte) error {
	var list struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return fmt.Errorf("%s:%d: read a list: %w", p.name, p.lineOf("items"), err)
	}
	var errs []error
	for i, item := range list.Items {
		one := p
		if _, node := p.find("items[" + strconv.Itoa(i) + "]"); node != nil {
			one.root = &yamlv3.Node{Kind: yamlv3.DocumentNode, Content: []*yamlv3.Node{node}}
		}
		var meta metav1.TypeMeta
		if err := json.Unmarshal(item, &meta); err != nil || meta.Kind == "" || meta.APIVersion == "" {
			errs = append(errs, fmt.Errorf("%s:%d: read items[%d] of a list: want an object with apiVersion and kind", p.name, one.lineOf(""), i))
			continue
		}
		errs = append(errs, d.decode(one, item, meta))
	}
	return errors.Join(errs...)
}

func (d *Documents) skip(p part, meta metav1.TypeMeta) {
	d.Warnings = append(d.Warnings, fmt.Sprintf("%s:%d: %s %s is not read", p.name, p.lineOf("kind"), meta.APIVersion, meta.Kind))
}

func read[T any](d *Documents, p part, raw []byte) (*T, error) {
	out := new(T)
	strict, err := kjson.UnmarshalStrict(raw, out)
	if err != nil {
		var errs []error
		for _, m := range misfit.Of[T](raw) {
			errs = append(errs, fault.New(fault.Invalid, "%s:%d: read a document: %s", p.name, p.lineOf(m.Path), m.Error()))
		}
		if len(errs) == 0 {
			return nil, p.broken(err)
		}
		return nil, errors.Join(errs...)
	}
	for _, e := range strict {
		field := ""
		var fe kjson.FieldError
		if errors.As(e, &fe) {
			field = fe.FieldPath()
		}
		d.Warnings = append(d.Warnings, fmt.Sprintf("%s:%d: unknown field %s", p.name, p.lineOf(field), field))
	}
	return out, nil
}

func withoutStatus(raw []byte) ([]byte, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, err
	}
	delete(fields, "status")
	return json.Marshal(fields)
}

// broken names the line of the file in place of the document's own. The YAML
// parser, unlike its scanner, counts lines from zero.
func (p part) broken(err error) error {
	offset := p.line - 1
	if regexp.MustCompile(`did not find expected ('|<|key|node)`).MatchString(err.Error()) {
		offset++
	}
	line := p.line
	text := regexp.MustCompile(`line \d+`).ReplaceAllStringFunc(err.Error(), func(s string) string {
		n, convErr := strconv.Atoi(strings.TrimPrefix(s, "line "))
		if convErr != nil {
			return s
		}
		if line == p.line {
			line = n + offset
		}
		return "line " + strconv.Itoa(n+offset)
	})
	return fault.New(fault.Invalid, "%s:%d: read a document: %s", p.name, line, text)
}

// LineOf finds the line of a field, such as helm.parameters[0].value, in the
// only document of a text, or of as much of the path as there is. 0 is not
// known.
func LineOf(data []byte, path string) int {
	var root yamlv3.Node
	if err := yamlv3.Unmarshal(data, &root); err != nil || len(root.Content) == 0 {
		return 0
	}
	return part{root: &root, line: 1}.lineOf(path)
}

func (p part) placeOf(path string) string { return p.name + ":" + strconv.Itoa(p.lineOf(path)) }

// lineOf finds a field such as spec.sources[0].path, or as much of the path
// as there is.
func (p part) lineOf(path string) int {
	line, _ := p.find(path)
	return line
}

// find is lineOf with what is there; nil where the path is not there in whole.
func (p part) find(path string) (int, *yamlv3.Node) {
	node := p.root
	if node == nil || len(node.Content) == 0 {
		return p.line, nil
	}
	node = node.Content[0]
	line := node.Line
	for _, step := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		if node.Kind == yamlv3.AliasNode {
			node = node.Alias
		}
		at, next := child(node, step)
		if next == nil {
			return p.line + line - 1, nil
		}
		line, node = at, next
	}
	return p.line + line - 1, node
}

func child(node *yamlv3.Node, step string) (int, *yamlv3.Node) {
	if node.Kind == yamlv3.SequenceNode {
		i, err := strconv.Atoi(step)
		if err != nil || i < 0 || i >= len(node.Content) {
			return 0, nil
		}
		return node.Content[i].Line, node.Content[i]
	}
	if node.Kind != yamlv3.MappingNode {
		return 0, nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == step {
			return node.Content[i].Line, node.Content[i+1]
		}
	}
	return 0, nil
}
