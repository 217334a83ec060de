package text

import (
	"fmt"
	"reflect"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/appset/param"
)

// functions are those of Argo CD: sprig's without what looks at the machine,
// and a few more. All are metered.
func (l *Language) functions() template.FuncMap {
	f := sprig.TxtFuncMap()
	for _, name := range []string{"env", "expandenv", "getHostByName"} {
		delete(f, name)
	}
	// Those that are built in make texts as well.
	f["print"], f["println"], f["printf"] = fmt.Sprint, fmt.Sprintln, fmt.Sprintf
	f["html"], f["js"], f["urlquery"] = template.HTMLEscaper, template.JSEscaper, template.URLQueryEscaper
	f["normalize"] = Normalize
	f["slugify"] = slugify
	f["without"], f["mustWithout"] = without, without
	l.documents(f)
	for name, function := range f {
		f[name] = l.metered(name, function)
	}
	f["tpl"] = l.metered("tpl", l.tpl)
	f[stepName] = func() string {
		l.meter.step(1)
		return ""
	}
	return f
}

// documents adds what reads and writes YAML and JSON, without losing digits.
func (l *Language) documents(f template.FuncMap) {
	f["toYaml"] = func(v any) (string, error) {
		data, err := yaml.Marshal(v)
		return strings.TrimSuffix(string(data), "\n"), err
	}
	f["fromYaml"] = func(s string) (map[string]any, error) {
		value, _, err := l.options.YAML.YAML([]byte(s))
		out, ok := value.(map[string]any)
		if err == nil && !ok && value != nil {
			err = fmt.Errorf("fromYaml wants a map")
		}
		return out, err
	}
	f["fromYamlArray"] = func(s string) ([]any, error) {
		value, _, err := l.options.YAML.YAML([]byte(s))
		out, ok := value.([]any)
		if err == nil && !ok && value != nil {
			err = fmt.Errorf("fromYamlArray wants a list")
		}
		return out, err
	}
	f["mustFromJson"] = func(s string) (any, error) { return param.JSON([]byte(s)) }
	f["fromJson"] = func(s string) any {
		value, err := param.JSON([]byte(s))
		if err != nil {
			return nil
		}
		return value
	}
}

// converted says how a function wants numbers: those that calculate know plain
// ones only, those that compare types and values know float64.
func converted(name string) func(any) any {
	switch name {
	case "int", "int64", "float64", "add", "add1", "sub", "div", "mod", "mul", "add1f", "addf", "subf", "divf", "mulf",
		"biggest", "max", "min", "maxf", "minf", "ceil", "floor", "round":
		return param.Plain
	case "typeOf", "typeIs", "typeIsLike", "kindOf", "kindIs", "deepEqual", "has", "mustHas", "toDecimal":
		return param.Float
	}
	return nil
}

// metered wraps a function: same type, but what it is given and gives counts,
// and numbers are as it knows them.
func (l *Language) metered(name string, function any) any {
	f := reflect.ValueOf(function)
	convert := converted(name)
	return reflect.MakeFunc(f.Type(), func(args []reflect.Value) []reflect.Value {
		l.meter.given(name, args)
		if convert != nil {
			for i := range args {
				args[i] = plain(args[i], convert)
			}
		}
		var out []reflect.Value
		if f.Type().IsVariadic() {
			out = f.CallSlice(args)
		} else {
			out = f.Call(args)
		}
		l.meter.made(out)
		return out
	}).Interface()
}

// plain converts what an interface holds, and the items of a list of them.
func plain(arg reflect.Value, convert func(any) any) reflect.Value {
	switch {
	case arg.Kind() == reflect.Interface && !arg.IsNil():
		out := reflect.New(arg.Type()).Elem()
		out.Set(reflect.ValueOf(convert(arg.Interface())))
		return out
	case arg.Kind() == reflect.Slice && arg.Type().Elem().Kind() == reflect.Interface:
		out := reflect.MakeSlice(arg.Type(), arg.Len(), arg.Len())
		for i := range arg.Len() {
			out.Index(i).Set(plain(arg.Index(i), convert))
		}
		return out
	}
	return arg
}

// without gives the items of a list that are none of those to omit, numbers by
// their value.
func without(list any, omit ...any) ([]any, error) {
	items := reflect.ValueOf(list)
	if items.Kind() != reflect.Slice && items.Kind() != reflect.Array {
		return nil, fmt.Errorf("cannot find without on type %T", list)
	}
	out := []any{}
	for i := range items.Len() {
		item := items.Index(i).Interface()
		keep := true
		for _, o := range omit {
			keep = keep && !reflect.DeepEqual(param.Float(o), param.Float(item))
		}
		if keep {
			out = append(out, item)
		}
	}
	return out, nil
}
