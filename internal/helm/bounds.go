package helm

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"text/template"
)

// guards tell how large a call's result may become, from its arguments. What
// is not here makes at most a few times of what it is given.
func guards() map[string]func([]reflect.Value) int64 {
	const word = 16 // bytes of an item of a list
	text := sizeOf
	times := func(a []reflect.Value) int64 { return product(number(a[0]), text(a[1])) }
	indent := func(a []reflect.Value) int64 {
		return text(a[1]) + product(number(a[0]), int64(1+strings.Count(a[1].String(), "\n")))
	}
	replaced := func(s, by reflect.Value, per int64) int64 { return text(s) + product(text(s)/max(1, per)+1, text(by)) }
	words := func(i int) func([]reflect.Value) int64 {
		return func(a []reflect.Value) int64 { return product(word, text(a[i])) }
	}
	pairs := func(a []reflect.Value) int64 { return product(items(a[0]), items(a[0])) }
	steps := func(from, to, by int64) int64 {
		if by == 0 {
			return 0
		}
		return product(max(0, (to-from)/by+1), word)
	}
	matched := func(i, s int) func([]reflect.Value) int64 {
		return func(a []reflect.Value) int64 { return product(text(a[i]), text(a[s])) / 8 }
	}
	substituted := func(a []reflect.Value) int64 { return max(replaced(a[1], a[2], 1), matched(0, 1)(a)) }
	out := map[string]func([]reflect.Value) int64{
		"repeat": times, "indent": indent, "nindent": indent,
		"replace":  func(a []reflect.Value) int64 { return replaced(a[2], a[1], int64(a[0].Len())) },
		"wrap":     func(a []reflect.Value) int64 { return 2 * text(a[1]) },
		"wrapWith": func(a []reflect.Value) int64 { return replaced(a[2], a[1], max(1, number(a[0]))) },
		"join":     func(a []reflect.Value) int64 { return sizeOf(a[1]) + product(items(a[1]), text(a[0])) },
		"printf":   func(a []reflect.Value) int64 { return formatted(a[0].String(), a[1]) },
		"split":    words(1), "splitList": words(1), "splitn": words(2),
		"until": func(a []reflect.Value) int64 { return product(max(number(a[0]), -number(a[0])), word) },
		"untilStep": func(a []reflect.Value) int64 {
			return steps(number(a[0]), number(a[1]), number(a[2]))
		},
		"seq": func(a []reflect.Value) int64 {
			switch a[0].Len() {
			case 1:
				n := number(a[0].Index(0))
				return product(max(n, -n, 1), word)
			case 2:
				d := number(a[0].Index(1)) - number(a[0].Index(0))
				return product(max(d, -d), word)
			case 3:
				return steps(number(a[0].Index(0)), number(a[0].Index(2)), number(a[0].Index(1)))
			}
			return 0
		},
		"uniq": pairs, "mustUniq": pairs,
		"without":      func(a []reflect.Value) int64 { return product(items(a[0]), int64(a[1].Len())) },
		"regexFindAll": func(a []reflect.Value) int64 { return max(product(word, text(a[1])), matched(0, 1)(a)) },
		"regexSplit":   func(a []reflect.Value) int64 { return max(product(word, text(a[1])), matched(0, 1)(a)) },
		"regexMatch":   matched(0, 1), "regexFind": matched(0, 1),
		"regexReplaceAll": substituted, "regexReplaceAllLiteral": substituted,
	}
	for name, guard := range map[string]func([]reflect.Value) int64{
		"mustRegexFindAll": out["regexFindAll"], "mustRegexSplit": out["regexSplit"], "mustRegexMatch": out["regexMatch"], "mustRegexFind": out["regexFind"],
		"mustRegexReplaceAll": substituted, "mustRegexReplaceAllLiteral": substituted, "mustWithout": out["without"],
	} {
		out[name] = guard
	}
	addSimple(out)
	return out
}

// addSimple adds the guards that several functions share.
func addSimple(out map[string]func([]reflect.Value) int64) {
	for _, name := range strings.Fields("randAlphaNum randAlpha randNumeric randAscii randBytes") {
		out[name] = func(a []reflect.Value) int64 { return product(number(a[0]), 4) }
	}
	for _, name := range strings.Fields("fromYaml fromYamlArray fromJson fromJsonArray fromToml mustFromJson") {
		out[name] = func(a []reflect.Value) int64 { return product(costOfParsing, sizeOf(a[0])) }
	}
	// These follow references: a value that holds itself would never end.
	for _, name := range strings.Fields(`print println html js urlquery toString toStrings quote squote cat toYaml toYamlPretty toJson toPrettyJson
		toRawJson mustToJson mustToPrettyJson mustToRawJson toToml deepCopy mustDeepCopy deepEqual merge mergeOverwrite mustMerge
		mustMergeOverwrite has mustHas compact mustCompact sortAlpha concat`) {
		out[name] = sizeOfAll
	}
}

func sizeOfAll(args []reflect.Value) (n int64) {
	for _, a := range args {
		n += sizeOf(a)
	}
	return n
}

// slow are functions that work for long: they are waited for no longer than
// the rendering may take, and each costs as much as a large value.
func slow() map[string]int64 {
	out := map[string]int64{}
	for _, name := range strings.Fields(`genPrivateKey genCA genCAWithKey genSelfSignedCert genSelfSignedCertWithKey genSignedCert genSignedCertWithKey
		bcrypt htpasswd derivePassword`) {
		out[name] = 16 << 20
	}
	return out
}

// formatted bounds what a format makes: a width is as long as it says, and a
// numbered argument may come more than once.
func formatted(format string, args reflect.Value) int64 {
	const widest = 1_000_000 // fmt's own bound
	n := int64(len(format)) + sizeOf(args)
	for _, digits := range regexp.MustCompile(`\d+`).FindAllString(format, -1) {
		width, err := strconv.Atoi(digits)
		if err != nil || width > widest {
			width = widest
		}
		n += int64(width)
	}
	n += widest * int64(strings.Count(format, "*"))
	if strings.Contains(format, "[") {
		n += product(int64(strings.Count(format, "%")), sizeOf(args))
	}
	return n
}

// bound wraps what is in a library so that calls count for the rendering that
// holder stands for at the time.
func bound(all template.FuncMap, holder **run) template.FuncMap {
	guarded, takesLong := guards(), slow()
	out := make(template.FuncMap, len(all))
	for name, f := range all {
		v := reflect.ValueOf(f)
		guard, cost := guarded[name], takesLong[name]
		if guard == nil && cost == 0 && !grows(v.Type()) {
			out[name] = f
			continue
		}
		out[name] = reflect.MakeFunc(v.Type(), func(args []reflect.Value) []reflect.Value {
			r := *holder
			// A panic is what a function without an error has to stop a template:
			// text/template turns it into one.
			if err := r.step(); err != nil {
				panic(err)
			}
			if guard != nil {
				if err := r.fits(name, guard(args)); err != nil {
					panic(err)
				}
			}
			results := r.call(v, args, cost > 0)
			if err := r.charge(cost + shallow(results[0])); err != nil {
				panic(err)
			}
			return results
		}).Interface()
	}
	return out
}

// call waits for a slow function no longer than for the rendering itself. It
// ends by itself some seconds later.
func (r *run) call(f reflect.Value, args []reflect.Value, takesLong bool) []reflect.Value {
	call := f.Call
	if f.Type().IsVariadic() {
		call = f.CallSlice
	}
	if !takesLong {
		return call(args)
	}
	type outcome struct {
		results []reflect.Value
		failed  any
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() {
			o.failed = recover()
			done <- o
		}()
		o.results = call(args)
	}()
	select {
	case o := <-done:
		if o.failed != nil {
			panic(fmt.Errorf("%v", o.failed))
		}
		return o.results
	case <-r.ctx.Done():
		if r.ended == nil {
			r.ended = fmt.Errorf("stopped: %w", r.ctx.Err())
		}
		panic(r.ended)
	}
}

// grows reports functions whose results take room.
func grows(t reflect.Type) bool {
	if t.NumOut() == 0 {
		return false
	}
	switch t.Out(0).Kind() {
	case reflect.String, reflect.Slice, reflect.Map, reflect.Interface:
		return true
	default:
		return false
	}
}

// shallow is the room a value takes by itself.
func shallow(v reflect.Value) int64 {
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.String:
		return int64(v.Len())
	case reflect.Slice:
		return int64(v.Len()) * int64(v.Type().Elem().Size())
	case reflect.Map:
		return int64(v.Len()) * 32
	default:
		return 0
	}
}

func product(a, b int64) int64 {
	if a <= 0 || b <= 0 {
		return 0
	}
	if a > maxBytes || b > maxBytes {
		return maxBytes + 1
	}
	return min(a*b, maxBytes+1)
}

func items(v reflect.Value) int64 {
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map, reflect.String:
		return int64(v.Len())
	default:
		return 1
	}
}

// number reads an argument as Sprig does, as far as a bound needs it.
func number(v reflect.Value) int64 {
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	switch {
	case v.CanInt():
		return v.Int()
	case v.CanUint():
		return int64(min(v.Uint(), maxBytes)) //nolint:gosec // it is small
	case v.CanFloat():
		return int64(max(-maxBytes, min(v.Float(), maxBytes)))
	case v.Kind() == reflect.String:
		n, _ := strconv.ParseInt(v.String(), 0, 64)
		return n
	default:
		return 0
	}
}

// Bounds of following a value.
const (
	maxNodes  = 2_000_000
	maxLevels = 200
)

// sizeOf is the room that a value takes when it is written out: what it refers
// to twice counts twice. What holds itself is more than any bound.
func sizeOf(v reflect.Value) int64 {
	nodes := 0
	var walk func(reflect.Value, int) int64
	walk = func(v reflect.Value, level int) int64 {
		if nodes++; nodes > maxNodes || level > maxLevels {
			return maxBytes
		}
		n := int64(8)
		switch v.Kind() {
		case reflect.String:
			return int64(v.Len())
		case reflect.Interface, reflect.Pointer:
			if !v.IsNil() {
				return walk(v.Elem(), level+1)
			}
		case reflect.Slice, reflect.Array:
			if kind := v.Type().Elem().Kind(); kind != reflect.Interface && kind != reflect.String && kind < reflect.Array {
				return n * int64(v.Len())
			}
			for i := 0; i < v.Len() && n <= maxBytes; i++ {
				n += walk(v.Index(i), level+1)
			}
		case reflect.Map:
			for it := v.MapRange(); it.Next() && n <= maxBytes; {
				n += walk(it.Key(), level+1) + walk(it.Value(), level+1)
			}
		case reflect.Struct:
			for i := 0; i < v.NumField() && n <= maxBytes; i++ {
				n += walk(v.Field(i), level+1)
			}
		default:
		}
		return n
	}
	return walk(v, 0)
}
