package schema

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Equal compares two scalars as the server would read them. A boolean is never
// equal to a string, nor is a number unless the scalar has both forms.
func (s Scalar) Equal(a, b any) bool {
	_, boolA := a.(bool)
	_, boolB := b.(bool)
	if boolA || boolB {
		return a == b
	}
	textA, okA := text(a)
	textB, okB := text(b)
	if !okA || !okB {
		return false
	}
	_, stringA := a.(string)
	_, stringB := b.(string)
	if stringA == stringB && textA == textB {
		return true
	}
	if !stringA && !stringB {
		x, _ := ParseNumber(a)
		y, _ := ParseNumber(b)
		return x == y && !bothIntegers(a, b)
	}
	switch s {
	case Quantity:
		return equalParsed(textA, textB, parseQuantity, func(x, y resource.Quantity) bool { return x.Cmp(y) == 0 })
	case IntOrString:
		return textA == textB
	case Duration:
		return equalParsed(textA, textB, parse(time.ParseDuration), func(x, y time.Duration) bool { return x == y })
	case Time:
		return equalParsed(textA, textB, parseTime, time.Time.Equal)
	case Byte:
		return equalParsed(textA, textB, DecodeBase64, bytes.Equal)
	default:
		return false
	}
}

func equalParsed[T any](a, b string, parse func(string) (T, bool), same func(T, T) bool) bool {
	x, okX := parse(a)
	y, okY := parse(b)
	return okX && okY && same(x, y)
}

func parse[T any](f func(string) (T, error)) func(string) (T, bool) {
	return func(s string) (T, bool) {
		v, err := f(s)
		return v, err == nil
	}
}

func parseTime(s string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339Nano, s)
	return t, err == nil
}

// parseQuantity refuses exponents that nobody means: comparing 1e999999999
// would compute that many digits.
func parseQuantity(s string) (resource.Quantity, bool) {
	if i := strings.IndexAny(s, "eE"); len(s) > 64 || i >= 0 && len(s)-i > 4 {
		return resource.Quantity{}, false
	}
	q, err := resource.ParseQuantity(s)
	return q, err == nil
}

// DecodeBase64 reads base64, broken into lines or not.
func DecodeBase64(s string) ([]byte, bool) {
	b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), ""))
	return b, err == nil
}

// ParseNumber reads any numeric type that decoders and builders produce.
func ParseNumber(v any) (float64, bool) {
	switch n := v.(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	case int:
		return float64(n), true
	case int32:
		return float64(n), true
	case json.Number:
		f, err := n.Float64()
		return f, err == nil
	}
	return 0, false
}

// bothIntegers keeps large integers from being equal because a float cannot
// tell them apart.
func bothIntegers(a, b any) bool {
	_, floatA := a.(float64)
	_, floatB := b.(float64)
	return !floatA && !floatB
}

func text(v any) (string, bool) {
	switch n := v.(type) {
	case string:
		return n, true
	case int64:
		return strconv.FormatInt(n, 10), true
	case int:
		return strconv.Itoa(n), true
	case int32:
		return strconv.FormatInt(int64(n), 10), true
	case float64:
		return strconv.FormatFloat(n, 'f', -1, 64), true
	case json.Number:
		return n.String(), true
	}
	return "", false
}

// QuantityName reports fields that hold quantities by custom, for kinds
// without a
func QuantityName(name string) bool {
	switch name {
	case "limits", "requests", "capacity", "allocatable", "hard", "overhead",
		"cpu", "memory", "storage", "ephemeral-storage", "size", "sizeLimit", "storageSize", "volumeSize":
		return true
	}
	return false
}
