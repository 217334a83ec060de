package manifest

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v2"
	strictjson "sigs.k8s.io/json"

	"github.com/trueup-dev/trueup/internal/fault"
)

var anchor = regexp.MustCompile(`unknown anchor '[^']*' referenced`)

// decode returns the document's value and the line of its content, or of the
// error.
func (d document) decode() (any, int, error) {
	value, err := d.value()
	if err == nil && deep(value, MaxDepth) {
		err = fault.New(fault.Invalid, "its values are nested deeper than %d", MaxDepth)
	}
	if err == nil {
		return value, d.firstLine(), nil
	}
	message := regexp.MustCompile(`line (\d+): `).FindStringSubmatch(err.Error())
	if message == nil {
		return nil, d.firstLine(), err
	}
	n, _ := strconv.Atoi(message[1])
	text := strings.NewReplacer(message[0], "").Replace(err.Error())
	return nil, d.line + n - 1, errors.New(strings.Join(strings.Fields(text), " "))
}

// value reads numbers, booleans and keys as Kubernetes does: YAML by the
// rules of YAML 1.1, where yes and on are true.
func (d document) value() (any, error) {
	var value any
	if d.json {
		strict, err := strictjson.UnmarshalStrict(d.text, &value, strictjson.DisallowDuplicateFields)
		return value, errors.Join(append(strict, err)...)
	}
	if err := bound(d.text); err != nil {
		return nil, err
	}
	if err := yaml.UnmarshalStrict(d.text, &value); err != nil {
		if anchor.MatchString(err.Error()) {
			// An unquoted password may begin with *.
			err = errors.New(anchor.ReplaceAllString(err.Error(), "an alias without an anchor; texts that begin with * are written in quotes"))
		}
		return nil, err
	}
	return d.words.asJSON(value)
}

// asJSON turns what YAML gives into what JSON of it would be read as, in place
// where that can be: JSON itself would be most of the memory that a document
// takes.
func (w words) asJSON(value any) (any, error) {
	switch v := value.(type) {
	case nil, bool, int64:
		return v, nil
	case string:
		return w.known(valid(v)), nil
	case int:
		return int64(v), nil
	case uint64:
		if v <= math.MaxInt64 {
			return int64(v), nil
		}
		return float64(v), nil
	case float64:
		return number(v)
	case []any:
		for i, child := range v {
			var err error
			if v[i], err = w.asJSON(child); err != nil {
				return nil, err
			}
		}
		return v, nil
	case map[any]any:
		out := make(map[string]any, len(v))
		for key, child := range v {
			name, err := keyName(key)
			if err != nil {
				return nil, err
			}
			name, _ = w.known(name).(string)
			if out[name], err = w.asJSON(child); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return nil, fmt.Errorf("a value of type %T", value)
}

// words are texts that were read before: manifests repeat most of theirs, and
// each would have memory of its own. nil keeps none.
type words map[string]any

// Words are short, and only the first ones are kept: what does not repeat is not
// to be held by a table as well.
const (
	maxWord  = 32
	maxWords = 10_000
)

// known is the text as a value, the same one where it was read before.
func (w words) known(text string) any {
	if w == nil || len(text) > maxWord {
		return text
	}
	if word, ok := w[text]; ok {
		return word
	}
	var word any = text
	if len(w) < maxWords {
		w[text] = word
	}
	return word
}

// number is a fraction as JSON has it: a whole number is none.
func number(f float64) (any, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, fmt.Errorf("%v is no value that JSON has", f)
	}
	if f == math.Trunc(f) {
		if i, err := strconv.ParseInt(strconv.FormatFloat(f, 'f', -1, 64), 10, 64); err == nil {
			return i, nil
		}
	}
	return f, nil
}

// keyName is a key as sigs.k8s.io/yaml, and with it kubectl, spells it.
func keyName(key any) (string, error) {
	switch k := key.(type) {
	case string:
		return valid(k), nil
	case int:
		return strconv.Itoa(k), nil
	case int64:
		return strconv.FormatInt(k, 10), nil
	case bool:
		return strconv.FormatBool(k), nil
	case float64:
		switch {
		case math.IsNaN(k):
			return ".nan", nil
		case math.IsInf(k, 1):
			return ".inf", nil
		case math.IsInf(k, -1):
			return "-.inf", nil
		}
		return strconv.FormatFloat(k, 'g', -1, 32), nil
	case nil:
		return "", errors.New("null is no key")
	}
	return "", fmt.Errorf("a key of type %T", key)
}

// valid is a text as JSON can hold it: binary ones are not always UTF-8.
func valid(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return string([]rune(text))
}
