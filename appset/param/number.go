package param

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// Number is an integer of a document that a float64 holds exactly. To
// templates it is a float64, as all numbers are in Argo CD, so that sets keep
// their meaning; but it prints its digits, where a float64 prints 1e+06.
type Number float64

// Integer and Natural are integers that no float64 holds exactly.
type (
	Integer int64
	Natural uint64
)

// ParseNumber reads a number of JSON: a Number, Integer, Natural, or a float64
// where it is no integer or lies outside of 64 bits.
func ParseNumber(literal string) any {
	if strings.ContainsAny(literal, ".eE") || literal == "-0" {
		f, _ := strconv.ParseFloat(literal, 64) // what is too large is infinite
		return f
	}
	if i, err := strconv.ParseInt(literal, 10, 64); err == nil {
		return FromInt(i)
	}
	if u, err := strconv.ParseUint(literal, 10, 64); err == nil {
		return FromUint(u)
	}
	f, _ := strconv.ParseFloat(literal, 64)
	exact, ok := new(big.Int).SetString(literal, 10)
	if ok && len(literal) < 400 && exact.Cmp(Number(f).integer()) == 0 {
		return Number(f)
	}
	return f
}

// FromInt gives a Number, or an Integer where a float64 is too coarse.
func FromInt(i int64) any {
	if Number(i).integer().Cmp(big.NewInt(i)) == 0 {
		return Number(i)
	}
	return Integer(i)
}

// FromUint gives a Number, or a Natural where a float64 is too coarse.
func FromUint(u uint64) any {
	if Number(u).integer().Cmp(new(big.Int).SetUint64(u)) == 0 {
		return Number(u)
	}
	return Natural(u)
}

func (n Number) integer() *big.Int {
	f := big.NewFloat(float64(n))
	i, _ := f.Int(nil)
	return i
}

// String gives the digits.
func (n Number) String() string {
	if n == Number(int64(n)) && n < 1<<53 && n > -1<<53 {
		return strconv.FormatInt(int64(n), 10)
	}
	return n.integer().String()
}

// MarshalJSON gives the digits as well.
func (n Number) MarshalJSON() ([]byte, error) { return []byte(n.String()), nil }

// Format implements fmt.Formatter: an integer where an integer or text is
// asked for, else the float64.
func (n Number) Format(s fmt.State, verb rune) { format(s, verb, n.integer(), float64(n)) }

// Format implements fmt.Formatter, as Number's.
func (i Integer) Format(s fmt.State, verb rune) { format(s, verb, big.NewInt(int64(i)), float64(i)) }

// Format implements fmt.Formatter, as Number's.
func (u Natural) Format(s fmt.State, verb rune) {
	format(s, verb, new(big.Int).SetUint64(uint64(u)), float64(u))
}

func format(s fmt.State, verb rune, digits *big.Int, float float64) {
	switch verb {
	case 'v', 's', 'd':
		fmt.Fprintf(s, fmt.FormatString(s, 'd'), digits)
	default:
		fmt.Fprintf(s, fmt.FormatString(s, verb), float)
	}
}

// Plain gives a number the type that functions of templates know: float64,
// int64 or uint64. What is no Number, Integer or Natural stays; maps and lists
// are copied.
func Plain(value any) any {
	switch v := value.(type) {
	case Integer:
		return int64(v)
	case Natural:
		return uint64(v)
	}
	return converted(value, Plain)
}

// Float makes every Number, Integer and Natural the float64 that it is in
// Argo CD.
func Float(value any) any {
	switch v := value.(type) {
	case Integer:
		return float64(v)
	case Natural:
		return float64(v)
	}
	return converted(value, Float)
}

func converted(value any, each func(any) any) any {
	switch v := value.(type) {
	case Number:
		return float64(v)
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, inner := range v {
			out[key] = each(inner)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			out[i] = each(inner)
		}
		return out
	}
	return value
}
