package text

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/internal/fault"
)

// maxText bounds what one string of a template may grow to.
const maxText = 1 << 20

// fastText replaces {{ name }} by the parameter of that name, in one pass.
// What is no parameter, or not a text, stays as it is.
func fastText(s string, p map[string]any) (string, error) {
	var b strings.Builder
	for {
		open := strings.Index(s, "{{")
		if open < 0 {
			b.WriteString(s)
			break
		}
		length := strings.Index(s[open:], "}}")
		if length < 0 {
			return "", fault.New(fault.Invalid, "%q: {{ is not closed", s)
		}
		name := strings.TrimSpace(s[open+2 : open+length])
		b.WriteString(s[:open])
		if value, ok := p[name].(string); ok {
			b.WriteString(value)
		} else {
			b.WriteString(s[open : open+length+2])
		}
		s = s[open+length+2:]
		if b.Len() > maxText {
			return "", errTooLong
		}
	}
	return b.String(), nil
}

var errTooLong = fault.New(fault.Invalid, "a template's text grows beyond %d MiB", maxText>>20)

func goText(s string, p map[string]any, options []string) (result string, err error) {
	defer func() {
		// Options that the library does not know make it panic.
		if r := recover(); r != nil {
			err = fault.New(fault.Invalid, "the template %q: %v", s, r)
		}
	}()
	t, err := template.New("").Option(options...).Funcs(functions()).Parse(s)
	if err != nil {
		return "", fault.Wrap(fault.Invalid, fmt.Errorf("failed to parse template %s: %w", s, err))
	}
	out := bounded{}
	if err := t.Execute(&out, p); err != nil {
		if errors.Is(err, errTooLong) {
			return "", errTooLong
		}
		return "", fault.Wrap(fault.Invalid, fmt.Errorf("failed to execute go template %s: %w", s, err))
	}
	return out.String(), nil
}

// bounded stops a template that writes without end.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(data []byte) (int, error) {
	if b.Len()+len(data) > maxText {
		return 0, errTooLong
	}
	return b.Buffer.Write(data)
}

// functions are sprig's without those that reach outside, without those that
// can be made to fill the memory, and with Argo CD's.
func functions() template.FuncMap {
	f := sprig.TxtFuncMap()
	for _, name := range []string{"env", "expandenv", "getHostByName", "genPrivateKey", "genCA", "genSelfSignedCert", "genSignedCert"} {
		delete(f, name)
	}
	const most = 10_000
	f["repeat"] = func(n int, s string) (string, error) {
		if n < 0 || n > most || n*len(s) > maxText {
			return "", fmt.Errorf("repeat %d times is too much", n)
		}
		return strings.Repeat(s, n), nil
	}
	f["until"] = func(n int) ([]int, error) {
		if n > most || n < -most {
			return nil, fmt.Errorf("until %d is too much", n)
		}
		return steps(0, n, sign(n)), nil
	}
	f["untilStep"] = func(from, to, step int) ([]int, error) {
		if step == 0 || math.Abs(float64(to-from)/float64(step)) > most {
			return nil, fmt.Errorf("untilStep %d %d %d is too much", from, to, step)
		}
		return steps(from, to, step), nil
	}
	delete(f, "seq")
	f["normalize"] = Normalize
	f["slugify"] = slugify
	f["toYaml"] = func(v any) (string, error) {
		data, err := yaml.Marshal(v)
		return strings.TrimSuffix(string(data), "\n"), err
	}
	f["fromYaml"] = func(s string) (map[string]any, error) {
		out := map[string]any{}
		return out, yaml.Unmarshal([]byte(s), &out)
	}
	f["fromYamlArray"] = func(s string) ([]any, error) {
		var out []any
		return out, yaml.Unmarshal([]byte(s), &out)
	}
	return f
}

func sign(n int) int {
	if n < 0 {
		return -1
	}
	return 1
}

func steps(from, to, step int) []int {
	var out []int
	for i := from; step > 0 && i < to || step < 0 && i > to; i += step {
		out = append(out, i)
	}
	return out
}

var notInName = regexp.MustCompile(`[^-a-z0-9.]`)

var notInSlug = regexp.MustCompile(`[^a-z0-9]+`)

// Normalize makes a name that objects can have.
func Normalize(name string) string {
	name = notInName.ReplaceAllString(strings.ToLower(name), "-")
	if len(name) > 253 {
		name = name[:253]
	}
	return strings.Trim(name, "-.")
}

// slugify [max [smart]] text is Slugify for templates: max is 50 and smart is
// true where they are not given.
func slugify(args ...any) (string, error) {
	limit, smart := 50, true
	if len(args) == 0 || len(args) > 3 {
		return "", fmt.Errorf("slugify takes [max] [smart] text")
	}
	name, ok := args[len(args)-1].(string)
	if len(args) > 1 {
		var okMax bool
		limit, okMax = args[0].(int)
		ok = ok && okMax && limit >= 0
	}
	if len(args) > 2 {
		var okSmart bool
		smart, okSmart = args[1].(bool)
		ok = ok && okSmart
	}
	if !ok {
		return "", fmt.Errorf("slugify takes [max] [smart] text")
	}
	return Slugify(name, limit, smart), nil
}

// Slugify makes a short name of lower-case letters, digits and single dashes,
// at most limit characters. Smart cuts between words, and only where limit is
// not 0.
func Slugify(name string, limit int, smart bool) string {
	slug := Normalize(name)
	if !smart && len(slug) >= limit {
		slug = slug[:limit]
	}
	slug = strings.Trim(notInSlug.ReplaceAllString(slug, "-"), "-")
	if !smart || limit == 0 || len(slug) <= limit {
		return slug
	}
	if at := strings.LastIndexByte(slug[:limit+1], '-'); at >= 0 {
		return slug[:at]
	}
	return slug[:limit]
}
