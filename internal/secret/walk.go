package secret

import (
	"crypto/sha512"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash"
	"strings"
)

// errTampered is the failure of the MAC: what is in the file is not what was
// encrypted.
var errTampered = errors.New("its MAC does not fit its content: it was changed after it was encrypted")

// macOnlyEncrypted begins the MAC of files in which it is about encrypted
// values alone: the SHA-256 of the word sops.
const macOnlyEncrypted = "\x8a\x3f\xd2\xad\x54\xce\x66\x52\x7b\x10\x34\xf3\xd1\x47\xbe\x0b\x0b\x97\x5b\x3b\xf4\x4f\x72\xc6\xfd\xad\xec\x81\x76\xf2\x7d\x69"

// walker decrypts the branches of one file and computes their MAC.
type walker struct {
	key      []byte
	rules    rules
	only     bool
	mac      hash.Hash
	values   []string
	failures []error
}

// openBranches decrypts what one data key and one MAC are about.
func openBranches(branches []branch, m metadata, key []byte) ([]branch, []string, error) {
	r, err := newRules(m)
	if err != nil {
		return nil, nil, err
	}
	w := &walker{key: key, rules: r, only: m.MACOnlyEncrypted.value, mac: sha512.New()}
	if w.only {
		_, _ = w.mac.Write([]byte(macOnlyEncrypted)) // a hash never fails
	}
	out := make([]branch, len(branches))
	for i, b := range branches {
		out[i] = w.branch(b, nil, nil)
	}
	if err := errors.Join(w.failures...); err != nil {
		return nil, nil, err
	}
	modified, err := m.modified()
	if err != nil {
		return nil, nil, err
	}
	want, err := openValue(m.MAC, key, modified)
	text, ok := want.(string)
	got := fmt.Sprintf("%X", w.mac.Sum(nil))
	if err != nil || !ok || subtle.ConstantTimeCompare([]byte(got), []byte(text)) != 1 {
		return nil, nil, errTampered
	}
	return out, w.values, nil
}

func (w *walker) branch(b branch, path []string, comments [][]string) branch {
	comments = append(comments[:len(comments):len(comments)], nil)
	top := &comments[len(comments)-1]
	out := make(branch, 0, len(b))
	for _, it := range b {
		switch key := it.key.(type) {
		case comment:
			*top = append(*top, string(key))
		case string:
			value := w.value(it.value, append(path[:len(path):len(path)], key), comments)
			*top = nil
			if _, gone := value.(comment); !gone {
				out = append(out, item{key, value})
			}
		}
	}
	return out
}

func (w *walker) list(l list, path []string, comments [][]string) list {
	comments = append(comments[:len(comments):len(comments)], nil)
	top := &comments[len(comments)-1]
	out := make(list, 0, len(l))
	for _, e := range l {
		if c, ok := e.(comment); ok {
			*top = append(*top, string(c))
			continue
		}
		value := w.value(e, path, comments)
		*top = nil
		if _, gone := value.(comment); !gone {
			out = append(out, value)
		}
	}
	return out
}

func (w *walker) value(value any, path []string, comments [][]string) any {
	switch v := value.(type) {
	case branch:
		return w.branch(v, path, comments)
	case list:
		return w.list(v, path, comments)
	case nil:
		return nil
	}
	sealed := w.rules.sealed(path, comments)
	if sealed {
		text, ok := value.(string)
		err := errNotSealed
		if ok {
			value, err = openValue(text, w.key, strings.Join(path, ":")+":")
		}
		if err != nil {
			w.failures = append(w.failures, fmt.Errorf("the value at %s: %w", strings.Join(path, "."), err))
			return nil
		}
		if _, flag := value.(bool); !flag {
			w.values = append(w.values, scalarText(value))
		}
	}
	if _, ok := value.(comment); !ok && (sealed || !w.only) {
		_, _ = w.mac.Write(macText(value))
	}
	return value
}
