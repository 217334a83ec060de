package helm

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"helm.sh/helm/v3/pkg/chart"

	"github.com/trueup-dev/trueup/internal/fault"
)

// validate holds values against the schemas of a chart and of the charts
// below it, and reports everything that is wrong. Helm's own validation reads
// what a schema refers to from the disk and the network; this one does not.
func (l *loaded) validate(c *chart.Chart, values map[string]any, set *overrides) error {
	var failures []error
	var walk func(*chart.Chart, map[string]any, []string)
	walk = func(c *chart.Chart, values map[string]any, above []string) {
		if c.Schema != nil {
			failures = append(failures, l.against(c, values, above, set)...)
		}
		for _, sub := range c.Dependencies() {
			below := append(append([]string(nil), above...), sub.Name())
			switch v := values[sub.Name()].(type) {
			case nil:
			case map[string]any:
				walk(sub, v, below)
			default:
				failures = append(failures, fault.New(fault.Invalid, "%s: it is no map, as the values of a chart are", strings.Join(below, ".")))
			}
		}
	}
	walk(c, values, nil)
	return errors.Join(failures...)
}

func (l *loaded) against(c *chart.Chart, values map[string]any, above []string, set *overrides) []error {
	schema, err := l.schema(c)
	if err != nil {
		return []error{fault.Wrap(fault.Invalid, fmt.Errorf("the schema of the chart %s: %w", c.Name(), err))}
	}
	data, err := json.Marshal(values)
	if err != nil {
		return []error{fault.Wrap(fault.Invalid, err)}
	}
	plain, err := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
	if err != nil {
		return []error{fault.Wrap(fault.Invalid, err)}
	}
	var invalid *jsonschema.ValidationError
	if err = schema.Validate(plain); err == nil {
		return nil
	} else if !errors.As(err, &invalid) {
		return []error{fault.Wrap(fault.Invalid, err)}
	}
	var failures []error
	words := message.NewPrinter(language.English)
	var leaves func(*jsonschema.ValidationError)
	leaves = func(e *jsonschema.ValidationError) {
		if len(e.Causes) == 0 {
			path := append(append([]string(nil), above...), e.InstanceLocation...)
			from := set.from(path)
			if from == "" {
				from = "the chart's own values"
			}
			name := strings.Join(path, ".")
			if name == "" {
				name, from = "the values", "all together"
			}
			failures = append(failures, fault.New(fault.Invalid, "%s (%s): %s, says the schema of the chart %s", name, from, e.ErrorKind.LocalizedString(words), c.Name()))
		}
		for _, cause := range e.Causes {
			leaves(cause)
		}
	}
	leaves(invalid)
	return failures
}

// schema compiles a chart's schema, once.
func (l *loaded) schema(c *chart.Chart) (*jsonschema.Schema, error) {
	if len(c.Schema) == 0 {
		return nil, errors.New("it is empty")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if s, ok := l.schemas[&c.Schema[0]]; ok {
		return s, nil
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(c.Schema)))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(nowhere{})
	const name = "file:///values.schema.json"
	if err := compiler.AddResource(name, doc); err != nil {
		return nil, err
	}
	s, err := compiler.Compile(name)
	if err != nil {
		return nil, err
	}
	if len(l.schemas) < programsPerChart {
		l.schemas[&c.Schema[0]] = s
	}
	return s, nil
}

// nowhere is where schemas that others refer to are looked for.
type nowhere struct{}

// Load implements jsonschema.URLLoader.
func (nowhere) Load(url string) (any, error) {
	return nil, fmt.Errorf("it refers to %s, and nothing is fetched while rendering; set helm.skipSchemaValidation to do without the schema", url)
}
