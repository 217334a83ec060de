package fill

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/strategicpatch"
	kjson "sigs.k8s.io/json"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/param"
	"github.com/trueup-dev/trueup/appset/text"
	"github.com/trueup-dev/trueup/internal/fault"
)

// patch is a template of a strategic merge patch.
type patch struct {
	template string
	schema   strategicpatch.PatchMetaFromStruct
}

func newPatch(template string) (*patch, error) {
	schema, err := strategicpatch.NewPatchMetaFromStruct(v1alpha1.Application{})
	return &patch{template, schema}, err
}

// apply renders the patch and lays it over the application. The project
// decides what an application may do, so that a patch leaves it alone.
func (p *patch) apply(out *Filled, language *text.Language, params map[string]any) error {
	var uses []string
	rendered, err := language.Explain(p.template, params, &uses)
	if err != nil {
		return err
	}
	raw, more, err := document(language.YAML(), rendered)
	if err != nil {
		return err
	}
	if more {
		out.Warnings = append(out.Warnings, "templatePatch: it holds more than one document: only the first is read")
	}
	unknown, err := unknown(raw)
	if err != nil {
		return err
	}
	for _, field := range unknown {
		out.Warnings = append(out.Warnings, fmt.Sprintf("templatePatch: unknown field %s, without effect", field))
	}
	before, err := json.Marshal(out.Application)
	if err != nil {
		return err
	}
	after, err := strategicpatch.StrategicMergePatchUsingLookupPatchMeta(before, raw, p.schema)
	if err != nil {
		return fault.Wrap(fault.Invalid, err)
	}
	app := v1alpha1.Application{}
	if err := json.Unmarshal(after, &app); err != nil {
		return fault.Wrap(fault.Invalid, err)
	}
	if app.Spec.Project != out.Application.Spec.Project {
		out.Warnings = append(out.Warnings, fmt.Sprintf(
			"templatePatch: it changes spec.project from %q to %q, which has no effect: a patch leaves the project alone", out.Application.Spec.Project, app.Spec.Project))
		app.Spec.Project = out.Application.Spec.Project
	}
	out.Texts = changed(out.Texts, out.Application, app, text.Text{From: "templatePatch", Template: p.template, Uses: uses})
	out.Application, out.Size = app, len(after)
	return nil
}

// document is a rendered patch as JSON, read as files are: numbers keep their
// digits. Not all of JSON is YAML to the reader, a pair of surrogates is not.
func document(version param.Version, rendered string) (raw []byte, more bool, err error) {
	if json.Valid([]byte(rendered)) {
		return []byte(rendered), false, nil
	}
	value, more, err := version.YAML([]byte(rendered))
	if err != nil {
		return nil, false, fault.Wrap(fault.Invalid, fmt.Errorf("the rendered patch is no YAML: %w", err))
	}
	raw, err = json.Marshal(value)
	return raw, more, err
}

// unknown are the fields of a patch that an application does not have. Names
// in another case have an effect, as in Argo CD, and directives are for the
// merge.
func unknown(raw []byte) ([]string, error) {
	var app v1alpha1.Application
	if err := json.Unmarshal(raw, &app); err != nil {
		return nil, fault.Wrap(fault.Invalid, fmt.Errorf("the rendered patch is no part of an Application: %w", err))
	}
	strict, err := kjson.UnmarshalStrict(raw, &v1alpha1.Application{}, kjson.DisallowUnknownFields)
	if err != nil {
		return nil, nil // a name in another case hides what json.Unmarshal takes
	}
	has := map[string]string{}
	leaves(app, has)
	var out []string
	for _, err := range strict {
		var field kjson.FieldError
		if !errors.As(err, &field) {
			continue
		}
		path := field.FieldPath()
		if name := path[strings.LastIndex(path, ".")+1:]; !strings.HasPrefix(name, "$") && !among(has, path) {
			out = append(out, path)
		}
	}
	return out, nil
}

// among reports a field that is there under any case, or has something below.
func among(fields map[string]string, path string) bool {
	path = strings.ToLower(path)
	for known := range fields {
		rest, ok := strings.CutPrefix(strings.ToLower(known), path)
		if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return true
		}
	}
	return false
}

// changed adds what a patch changed to the texts that were filled.
func changed(texts []text.Text, before, after v1alpha1.Application, by text.Text) []text.Text {
	old, now := map[string]string{}, map[string]string{}
	leaves(before, old)
	leaves(after, now)
	texts = slices.DeleteFunc(texts, func(t text.Text) bool {
		value, ok := now[t.Path]
		_, was := old[t.Path]
		return was && (!ok || value != old[t.Path])
	})
	for _, path := range slices.Sorted(maps.Keys(now)) {
		if value, ok := old[path]; !ok || value != now[path] {
			entry := by
			entry.Path, entry.Value = path, now[path]
			texts = append(texts, entry)
		}
	}
	return texts
}

func leaves(app v1alpha1.Application, into map[string]string) {
	node, err := tree(app)
	if err != nil {
		return // it came from JSON
	}
	collect(node, "", into)
}

// collect takes all that is no map and no list, by its path.
func collect(node any, path string, into map[string]string) {
	switch v := node.(type) {
	case nil:
	case map[string]any:
		for key, inner := range v {
			collect(inner, text.Join(path, key), into)
		}
	case []any:
		for i, inner := range v {
			collect(inner, text.Index(path, i), into)
		}
	default:
		into[path] = fmt.Sprint(v)
	}
}
