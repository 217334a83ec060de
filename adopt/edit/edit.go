package edit

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"

	"github.com/trueup-dev/trueup/adopt/value"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
)

// Change is what becomes of one path.
type Change = value.Change

// Target picks what of a file is changed: an object by its key, or, with the
// zero value, the only document.
type Target struct {
	// Key may leave the namespace out, and the name where Line is known. An
	// object without a namespace in the file is taken for one of any.
	Key object.Key
	// Line tells objects of one key apart; 0 is not known.
	Line int
}

// Apply makes changes, one after the other. Errors are fault.Invalid, and the
// data is never changed in place.
func Apply(data []byte, at Target, changes ...Change) ([]byte, error) {
	for _, c := range changes {
		var err error
		if data, err = applyOne(data, at, c); err != nil {
			return nil, fault.Wrap(fault.Invalid, err)
		}
	}
	return data, nil
}

var bom = []byte("\xef\xbb\xbf") //nolint:gochecknoglobals // a constant

func applyOne(data []byte, at Target, c Change) ([]byte, error) {
	s, doc, err := open(data, at)
	if err != nil {
		return nil, err
	}
	path := append(doc.prefix[:len(doc.prefix):len(doc.prefix)], c.Path...)
	have, there, err := value.Get(s.values[doc.index], path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Path, err)
	}
	steps := []Change{{Path: path, Value: value.Normal(c.Value), Remove: c.Remove}}
	if !c.Remove && there {
		steps = value.Between(path, have, value.Normal(c.Value))
	}
	for _, step := range steps {
		if data, err = primitive(data, doc.index, step); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Path, err)
		}
	}
	return data, nil
}

// primitive makes one change to the document of an index, and proves it.
func primitive(data []byte, index int, c Change) ([]byte, error) {
	s, err := parse(data)
	if err != nil {
		return nil, err
	}
	want, err := value.With(s.values[index], c)
	if err != nil {
		return nil, err
	}
	if reflect.DeepEqual(want, s.values[index]) {
		return data, nil
	}
	splice, err := s.change(s.docs[index], c)
	if err != nil {
		return nil, err
	}
	out := s.apply(splice)
	now, err := parse(out)
	if err != nil {
		return nil, fmt.Errorf("the file could not be read after the change: %w", err)
	}
	if len(now.values) != len(s.values) {
		return nil, errors.New("the change would make other documents of the file")
	}
	for i := range now.values {
		expected := s.values[i]
		if i == index {
			expected = want
		}
		if !reflect.DeepEqual(expected, now.values[i]) {
			return nil, errors.New("the change would reach further than this value: it stands behind an anchor, an alias or a merge key, or in a form that is not understood")
		}
	}
	return out, nil
}

// RemoveObject takes a whole object out of a file. Nothing is left where it
// was the only one.
func RemoveObject(data []byte, at Target) ([]byte, error) {
	s, doc, err := open(data, at)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err)
	}
	if len(doc.prefix) > 0 {
		return Apply(data, at, Change{Remove: true})
	}
	left := 0
	for i, v := range s.values {
		if i != doc.index && v != nil {
			left++
		}
	}
	if left == 0 {
		return nil, nil
	}
	from, to := s.extent(doc.index)
	out := s.apply(splice{from, to, ""})
	now, err := parse(out)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, fmt.Errorf("the file could not be read after the change: %w", err))
	}
	if !reflect.DeepEqual(present(s.values, doc.index), present(now.values, -1)) {
		return nil, fault.New(fault.Invalid, "the object does not stand in a document of its own")
	}
	return out, nil
}

// present are the documents that hold something, without one of them.
func present(values []any, but int) []any {
	var out []any
	for i, v := range values {
		if i != but && v != nil {
			out = append(out, v)
		}
	}
	return out
}

// Value decodes the only document of a file.
func Value(data []byte) (any, error) {
	s, doc, err := open(data, Target{})
	if err != nil {
		return nil, err
	}
	return s.values[doc.index], nil
}

// Find decodes the object that a target picks.
func Find(data []byte, at Target) (map[string]any, error) {
	s, doc, err := open(data, at)
	if err != nil {
		return nil, err
	}
	found, _, err := value.Get(s.values[doc.index], doc.prefix)
	m, _ := found.(map[string]any)
	return m, err
}

// splice replaces a part of a text.
type splice struct {
	from, to int
	text     string
}

func (s *source) apply(p splice) []byte {
	var b bytes.Buffer
	if s.bom {
		b.Write(bom)
	}
	b.Write(s.data[:p.from])
	b.WriteString(p.text)
	b.Write(s.data[p.to:])
	return b.Bytes()
}
