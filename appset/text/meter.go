package text

import (
	"reflect"
	"regexp"
	"strings"
)

// meter counts what a template takes. It stops templates by panicking with an
// error, which text/template makes the error of the call.
type meter struct {
	stop         func() error
	steps, bytes int
	total, asked int
	written      int
	depth        int
}

func (m *meter) reset() { m.steps, m.bytes, m.depth = 0, 0, 0 }

// step takes n steps.
func (m *meter) step(n int) {
	m.steps += n
	m.total += n
	if m.steps > maxSteps || m.total > maxTotal {
		panic(errTooMuch)
	}
	const often = 10_000
	if m.stop != nil && m.total-m.asked > often {
		m.asked = m.total
		if err := m.stop(); err != nil {
			panic(err)
		}
	}
}

// made takes what a function gave.
func (m *meter) made(results []reflect.Value) {
	for _, r := range results {
		n := size(r, maxArgs)
		m.step(n >> 12)
		if m.bytes += n; n > maxArgs || m.bytes > maxBytes {
			panic(errTooLong)
		}
		if r.Kind() == reflect.String && r.Len() > maxText {
			panic(errTooLong)
		}
	}
}

// given takes what a function is given.
func (m *meter) given(name string, args []reflect.Value) {
	total := 0
	for _, arg := range args {
		total += size(arg, maxArgs-total)
		if total > maxArgs {
			panic(errTooLong)
		}
	}
	m.step(1 + total>>12 + price(name, args))
	if grown(name, args) > maxText {
		panic(errTooLong)
	}
}

// price is what slow functions take besides.
func price(name string, args []reflect.Value) int {
	switch name {
	case "genPrivateKey", "genCA", "genCAWithKey", "genSelfSignedCert", "genSelfSignedCertWithKey", "genSignedCert", "genSignedCertWithKey":
		return maxSteps / 2
	case "bcrypt", "htpasswd", "derivePassword", "buildCustomCert":
		return maxSteps / 10
	}
	if strings.Contains(strings.ToLower(name), "regex") && len(args) > 1 && args[1].Kind() == reflect.String {
		return args[0].Len() * args[1].Len() >> 6
	}
	return 0
}

// grown is about how long the result of a function that can multiply will be.
func grown(name string, args []reflect.Value) int {
	text := func(i int) string { return args[i].String() }
	number := func() int { return max(0, int(min(args[0].Int(), maxText+1))) }
	switch name {
	case "repeat":
		return number() * len(text(1))
	case "indent", "nindent":
		return number()*(strings.Count(text(1), "\n")+1) + len(text(1))
	case "replace":
		return strings.Count(text(2), text(0))*len(text(1)) + len(text(2))
	case "wrapWith":
		return (len(text(2))/max(1, number())+1)*len(text(1)) + len(text(2))
	case "join":
		list := args[1]
		for list.Kind() == reflect.Interface && !list.IsNil() {
			list = list.Elem()
		}
		if list.Kind() == reflect.Slice {
			return list.Len()*len(text(0)) + size(list, maxText)
		}
	case "regexReplaceAll", "regexReplaceAllLiteral", "mustRegexReplaceAll", "mustRegexReplaceAllLiteral":
		expression, err := regexp.Compile(text(0))
		if err != nil {
			return 0 // the function says so itself
		}
		found := len(expression.FindAllStringIndex(text(1), -1))
		return found*len(text(2)) + (strings.Count(text(2), "$")+1)*len(text(1))
	case "randAlphaNum", "randAlpha", "randAscii", "randNumeric", "randBytes":
		return number()
	case "printf":
		return printed(text(0), args[1])
	case "until":
		return span(0, int(args[0].Int()), 1) * perItem
	case "untilStep":
		return span(int(args[0].Int()), int(args[1].Int()), int(args[2].Int())) * perItem
	case "seq":
		return counted(args[0]) * perItem
	}
	return 0
}

// perItem makes lists of 10,000 numbers the longest.
const perItem = maxText / 10_000

// span is how many numbers there are from one to another.
func span(from, to, step int) int {
	if step == 0 {
		return 0
	}
	n := (float64(to) - float64(from)) / float64(step)
	if n < 0 {
		n = -n
	}
	return int(min(n, maxText))
}

// counted is span for the arguments of seq.
func counted(args reflect.Value) int {
	at := func(i int) int { return int(args.Index(i).Int()) }
	switch args.Len() {
	case 1:
		return span(1, at(0), 1)
	case 2:
		return span(at(0), at(1), 1)
	case 3:
		return span(at(0), at(2), at(1))
	}
	return 0
}

var digits = regexp.MustCompile(`[0-9]{4,}|\*`)

// printed bounds what verbs of printf can repeat, and pad.
func printed(format string, args reflect.Value) int {
	verbs := strings.Count(format, "%")
	wide := 0
	if digits.MatchString(format) {
		wide = 1 << 16 // a width that nobody needs: a few of them fill the bound
	}
	longest := 0
	for i := range args.Len() {
		longest = max(longest, size(args.Index(i), maxText))
	}
	if verbs <= args.Len() && wide == 0 {
		return 0 // each argument once
	}
	return verbs * (wide + longest)
}

// size is about the bytes in a value, as far as they matter: at most a little
// more than most. What contains itself is larger than everything.
func size(v reflect.Value, most int) int { return sized(v, most, 0) }

func sized(v reflect.Value, most, depth int) int {
	const deepest, each = 200, 16
	if depth > deepest {
		return most + 1
	}
	total := each
	switch v.Kind() { //nolint:exhaustive // all others are small
	case reflect.String:
		return each + v.Len()
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			return each
		}
		return sized(v.Elem(), most, depth+1)
	case reflect.Slice, reflect.Array:
		if k := v.Type().Elem().Kind(); k == reflect.Int || k == reflect.Uint8 {
			return each + v.Len()*8
		}
		for i := 0; i < v.Len() && total <= most; i++ {
			total += sized(v.Index(i), most-total, depth+1)
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next() && total <= most; {
			total += sized(it.Key(), most-total, depth+1) + sized(it.Value(), most-total, depth+1)
		}
	}
	return total
}
