package drift

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/trueup-dev/trueup/drift/schema"
)

// equal compares two scalars as the server would read them.
func (c *comparison) equal(p *place, desired, live any) bool {
	kind := schema.Any
	if p.typ != nil {
		kind = p.typ.Scalar
	}
	if kind == schema.Any && p.quantity {
		kind = schema.Quantity
	}
	return equalScalars(kind, desired, live)
}

func equalScalars(kind schema.Scalar, a, b any) bool {
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
		x, _ := number(a)
		y, _ := number(b)
		return x == y && !bothIntegers(a, b)
	}
	switch kind {
	case schema.Quantity:
		return equalParsed(textA, textB, parseQuantity, func(x, y resource.Quantity) bool { return x.Cmp(y) == 0 })
	case schema.IntOrString:
		return textA == textB
	case schema.Duration:
		return equalParsed(textA, textB, parse(time.ParseDuration), func(x, y time.Duration) bool { return x == y })
	case schema.Time:
		return equalParsed(textA, textB, parseTime, time.Time.Equal)
	case schema.Byte:
		return equalParsed(textA, textB, decodeBase64, bytes.Equal)
	}
	return false
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

func decodeBase64(s string) ([]byte, bool) {
	b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), ""))
	return b, err == nil
}

// number reads any numeric type that decoders and builders produce.
func number(v any) (float64, bool) {
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

// quantityName reports fields that hold quantities by custom, for kinds
// without a schema.
func quantityName(name string) bool {
	switch name {
	case "limits", "requests", "capacity", "allocatable", "hard", "overhead",
		"cpu", "memory", "storage", "ephemeral-storage", "size", "sizeLimit", "storageSize", "volumeSize":
		return true
	}
	return false
}
