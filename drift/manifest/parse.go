package manifest

import (
	"bufio"
	"bytes"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Parse reads objects from YAML documents or JSON, flattening lists. name
// stands for the input in errors, which tell every broken document by line.
func Parse(r io.Reader, name string) ([]*unstructured.Unstructured, error) {
	items, err := Locate(r, name)
	if err != nil {
		return nil, err
	}
	var objects []*unstructured.Unstructured
	for _, item := range items {
		objects = append(objects, item.Object)
	}
	return objects, nil
}

// Item is an object and where it stands.
type Item struct {
	Object *unstructured.Unstructured
	// Line is the first one of its document, from 1.
	Line int
}

// Locate is Parse that tells where objects stand.
func Locate(r io.Reader, name string) ([]Item, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	var objects []Item
	var failures []error
	for _, doc := range split(data) {
		value, line, err := doc.decode()
		if err == nil && value != nil {
			var found []*unstructured.Unstructured
			found, err = flatten(value, "")
			for _, u := range found {
				objects = append(objects, Item{u, line})
			}
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("read %s:%d: %w", name, line, err))
		}
	}
	if err := errors.Join(failures...); err != nil {
		return nil, fault.Wrap(fault.Invalid, err)
	}
	return objects, nil
}

// document is one YAML document and the line it starts at, from 1.
type document struct {
	line int
	text []byte
}

func split(data []byte) []document {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if docs, ok := splitJSON(data); ok {
		return docs
	}
	docs := []document{{line: 1}}
	lines := bufio.NewReader(bytes.NewReader(data))
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if rest, ok := bytes.CutPrefix(line, []byte("---")); ok && (len(rest) == 0 || bytes.ContainsRune([]byte(" \t\r\n"), rune(rest[0]))) {
			docs = append(docs, document{line: n})
			line = append([]byte("   "), rest...) // what follows on the line belongs to the document
		}
		last := &docs[len(docs)-1]
		last.text = append(last.text, line...)
		if err != nil {
			return docs
		}
	}
}

// splitJSON takes JSON values one after the other. A YAML document may start
// with a brace too: then this is not JSON.
func splitJSON(data []byte) ([]document, bool) {
	if start := bytes.TrimLeft(data, " \t\r\n"); len(start) == 0 || start[0] != '{' {
		return nil, false
	}
	var docs []document
	dec := stdjson.NewDecoder(bytes.NewReader(data))
	for {
		var raw stdjson.RawMessage
		from := dec.InputOffset()
		switch err := dec.Decode(&raw); {
		case errors.Is(err, io.EOF):
			return docs, true
		case err != nil:
			return nil, false
		}
		docs = append(docs, document{line: 1 + bytes.Count(data[:from], []byte("\n")), text: raw})
	}
}

// decode returns nil for a document without content, and the line of the
// error otherwise.
func (d document) decode() (any, int, error) {
	var value any
	raw, err := yaml.YAMLToJSONStrict(d.text)
	if err == nil {
		err = json.Unmarshal(raw, &value)
	}
	if err == nil {
		return value, d.firstLine(), nil
	}
	message := regexp.MustCompile(`line (\d+): `).FindStringSubmatch(err.Error())
	if message == nil {
		return nil, d.firstLine(), err
	}
	n, _ := strconv.Atoi(message[1])
	text := strings.NewReplacer("error converting YAML to JSON: ", "", message[0], "").Replace(err.Error())
	return nil, d.line + n - 1, errors.New(strings.Join(strings.Fields(text), " "))
}

// firstLine is the line of the document's first content.
func (d document) firstLine() int {
	line := d.line
	for text := range bytes.Lines(d.text) {
		if text = bytes.TrimSpace(text); len(text) > 0 && text[0] != '#' {
			break
		}
		line++
	}
	return line
}

func flatten(value any, kind string) ([]*unstructured.Unstructured, error) {
	m, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("not an object: want apiVersion, kind and metadata")
	}
	u := &unstructured.Unstructured{Object: m}
	if own := u.GetKind(); own != "" {
		kind = own
	}
	items, isList := m["items"].([]any)
	if strings.HasSuffix(kind, "List") && (isList || m["items"] == nil && u.GetName() == "") {
		return flattenList(items, strings.TrimSuffix(kind, "List"), u.GetAPIVersion())
	}
	if kind == "" || u.GetAPIVersion() == "" || u.GetName() == "" {
		return nil, fmt.Errorf("%q has no apiVersion, kind or metadata.name", strings.TrimSpace(kind+" "+u.GetName()))
	}
	u.SetKind(kind)
	return []*unstructured.Unstructured{u}, nil
}

// flattenList gives the items of a typed list its kind, which they leave out.
func flattenList(items []any, kind, version string) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	var failures []error
	for i, value := range items {
		if m, ok := value.(map[string]any); ok && kind != "" && m["apiVersion"] == nil {
			m["apiVersion"] = version
		}
		found, err := flatten(value, kind)
		if err != nil {
			failures = append(failures, fmt.Errorf("items[%d]: %w", i, err))
		}
		objects = append(objects, found...)
	}
	return objects, errors.Join(failures...)
}
