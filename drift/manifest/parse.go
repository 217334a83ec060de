package manifest

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

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
	// Line is the first one of its own, from 1: of its document, or of its
	// place in a list.
	Line int
}

// failure is what is wrong with a document.
type failure struct {
	line int
	err  error
}

// Locate is Parse that tells where objects stand.
func Locate(r io.Reader, name string) ([]Item, error) {
	data, err := readAll(r)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	var in input
	if data, line := plain(data); line > 0 {
		in.fail(line, errors.New("it is not UTF-8 text"))
	} else {
		in.read(split(data))
	}
	if len(in.failures) == 0 {
		return in.items, nil
	}
	told := make([]error, 0, len(in.failures))
	for _, f := range in.failures {
		told = append(told, fmt.Errorf("read %s:%d: %w", name, f.line, f.err))
	}
	if len(in.failures) == maxFailures {
		told = append(told, fmt.Errorf("read %s: the rest was not looked at", name))
	}
	err = fault.Wrap(fault.Invalid, errors.Join(told...))
	if !in.claims {
		err = unlike{err}
	}
	return nil, err
}

// readAll is io.ReadAll that knows the size where the reader does.
func readAll(r io.Reader) ([]byte, error) {
	sized, ok := r.(interface{ Len() int })
	if !ok {
		return io.ReadAll(r)
	}
	data := make([]byte, sized.Len())
	_, err := io.ReadFull(r, data)
	return data, err
}

// Unlike reports that an error is about an input that is not meant for
// Kubernetes, as far as it was read: nothing in it names a kind, or it is not
// even YAML.
func Unlike(err error) bool {
	u, ok := err.(unlike) //nolint:errorlint // only the outermost speaks for the whole input
	return ok && u.error != nil
}

// input is what was found so far.
type input struct {
	items    []Item
	failures []failure
	// claims says that something names a kind.
	claims bool
}

func (in *input) read(docs []document) {
	n, shared := 0, words{}
	for _, doc := range docs {
		if doc.blank() {
			continue
		}
		doc.words = shared
		if n++; n > MaxDocuments {
			in.claims = true
			in.fail(doc.line, fault.New(fault.Invalid, "there are more than %d documents", MaxDocuments))
			return
		}
		if in.take(doc); len(in.failures) == maxFailures {
			return
		}
	}
}

func (in *input) take(doc document) {
	value, line, err := doc.decode()
	if err != nil {
		in.claims = in.claims || fault.Of(err) == fault.Invalid // it is over a limit
		in.fail(line, err)
		return
	}
	if value == nil {
		return
	}
	objects, err := flatten(value, "")
	if err != nil {
		_, foreign := err.(unlike) //nolint:errorlint // of the document itself, not of an item
		in.claims = in.claims || !foreign
		in.fail(line, err)
		return
	}
	in.claims = in.claims || len(objects) > 0
	var lines []int
	if len(objects) > 0 && listed(value, objects) {
		lines = doc.itemLines(len(objects), mayNest(value))
	}
	for i, u := range objects {
		at := line
		if len(lines) == len(objects) {
			at = lines[i]
		}
		in.items = append(in.items, Item{Object: u, Line: at})
	}
}

// listed reports objects that are items of the value.
func listed(value any, objects []*unstructured.Unstructured) bool {
	m, _ := value.(map[string]any)
	return len(objects) > 1 || m["items"] != nil && objects[0].Object["items"] == nil
}

// mayNest reports a list that may have lists among its items.
func mayNest(value any) bool {
	m, _ := value.(map[string]any)
	items, _ := m["items"].([]any)
	return slices.ContainsFunc(items, func(item any) bool {
		m, ok := item.(map[string]any)
		return !ok || m["items"] != nil
	})
}

func (in *input) fail(line int, err error) {
	in.failures = append(in.failures, failure{line, err})
}

// Value decodes one document that need not be an object, within the same
// limits. Errors name the line.
func Value(data []byte) (any, error) {
	text, line := plain(data)
	if line > 0 {
		return nil, fmt.Errorf("line %d: it is not UTF-8 text", line)
	}
	var found []document
	for _, doc := range split(text) {
		if !doc.blank() {
			found = append(found, doc)
		}
	}
	if len(found) == 0 {
		return nil, nil //nolint:nilnil // nothing is a value
	}
	if len(found) > 1 {
		return nil, fmt.Errorf("line %d: there is a second document", found[1].firstLine())
	}
	value, line, err := found[0].decode()
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", line, err)
	}
	return value, nil
}
