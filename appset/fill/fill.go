package fill

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"

	"dario.cat/mergo"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/place"
	"github.com/trueup-dev/trueup/appset/text"
	"github.com/trueup-dev/trueup/internal/fault"
)

// Finalizer has an application's objects deleted with it. Argo CD's name is
// taken, so that sets move between the two without a change.
const Finalizer = "resources-finalizer.argocd.argoproj.io"

// Template is a set's template, made ready for many parameter sets.
type Template struct {
	language *text.Language
	set      *v1alpha1.ApplicationSet
	app      v1alpha1.Application
	tree     any
	// own has the places that a generator's own template fills, and where is
	// that template.
	own   map[string]bool
	where string
	patch *patch
	// Literals has what is no template explained as well.
	Literals bool
}

// New puts a generator's own template over the set's: what it leaves empty,
// zero or false stays the set's. Where is the place of the generator.
func New(language *text.Language, set *v1alpha1.ApplicationSet, own v1alpha1.ApplicationSetTemplate, where string) (*Template, error) {
	t := &Template{language: language, set: set, where: where, own: map[string]bool{}}
	merged := *own.DeepCopy()
	if err := mergo.Merge(&merged, *set.Spec.Template.DeepCopy()); err != nil {
		return nil, err
	}
	if reflect.ValueOf(merged).IsZero() && set.Spec.TemplatePatch == nil {
		return nil, &place.Error{Place: "template", Err: fault.New(fault.Invalid, "the template is missing")}
	}
	t.app = application(merged)
	var err error
	if t.tree, err = tree(t.app); err != nil {
		return nil, err
	}
	mine, err := tree(application(own))
	if err != nil {
		return nil, err
	}
	filled(mine, "", t.own)
	if set.Spec.TemplatePatch != nil {
		t.patch, err = newPatch(*set.Spec.TemplatePatch)
	}
	return t, err
}

func application(t v1alpha1.ApplicationSetTemplate) v1alpha1.Application {
	return v1alpha1.Application{
		ObjectMeta: metav1.ObjectMeta{Name: t.Name, Namespace: t.Namespace, Labels: t.Labels, Annotations: t.Annotations, Finalizers: t.Finalizers},
		Spec:       t.Spec,
	}
}

// tree is the JSON of something, numbers as they are written.
func tree(of any) (any, error) {
	data, err := json.Marshal(of)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var out any
	return out, decoder.Decode(&out)
}

// filled collects the places of what is not empty, zero or false.
func filled(node any, path string, into map[string]bool) {
	switch v := node.(type) {
	case string:
		into[path] = v != ""
	case json.Number:
		into[path] = v != "0"
	case bool:
		into[path] = v
	case []any:
		for i, inner := range v {
			filled(inner, text.Index(path, i), into)
		}
	case map[string]any:
		for key, inner := range v {
			filled(inner, text.Join(path, key), into)
		}
	}
}

// Filled is an application and how it came about.
type Filled struct {
	Application v1alpha1.Application
	// Texts are those that a template or patch filled, and with Literals all
	// others; From is a place in the set's document.
	Texts []text.Text
	// Size is of the application as JSON, where it is one of its own.
	Size int
	// Warnings tell of what was left out on purpose.
	Warnings []string
	// Unfit is why no such application can be, where parameters made it so: a
	// label, name or namespace that no object can have. The application has no
	// name then if the name is one of them.
	Unfit error
}

// Fill renders the template with one parameter set: every text in it, keys of
// maps and free JSON included. An empty parameter set leaves the template as
// it is, without a finalizer, as in Argo CD. Errors are of kind Invalid, and
// place.Error names the place in the set's spec.
func (t *Template) Fill(params map[string]any) (Filled, error) {
	out := Filled{Application: *t.app.DeepCopy()}
	var all place.Problems
	if len(params) > 0 {
		all.Add("", t.render(&out, params))
	} else if t.Literals {
		t.asItIs(&out)
	}
	if t.patch != nil { // also over a template that cannot be filled: its errors are its own
		all.Add("templatePatch", t.patch.apply(&out, t.language, params))
	}
	all.Add("", t.named(&out))
	if all.Err() != nil {
		all.Add("", out.Unfit)
		return out, all.Err()
	}
	out.Application.APIVersion, out.Application.Kind = v1alpha1.GroupVersion().String(), "Application"
	out.Application.Namespace = t.set.Namespace
	return out, nil
}

func (t *Template) render(out *Filled, params map[string]any) error {
	rendered, err := t.language.Tree(t.tree, params, func(seen text.Text) {
		if seen.Template == "" && !t.Literals {
			return
		}
		seen.From = t.from(seen.From)
		out.Texts = append(out.Texts, seen)
	})
	data, jsonErr := json.Marshal(rendered)
	app := v1alpha1.Application{}
	if jsonErr == nil {
		jsonErr = json.Unmarshal(data, &app)
	}
	switch {
	case err != nil:
		if jsonErr == nil { // for what is wrong with the rest of it
			out.Application = app
		}
		return t.placed(err)
	case jsonErr != nil:
		return &place.Error{Place: "template", Err: fault.Wrap(fault.Invalid, jsonErr)}
	}
	if p := t.set.Spec.SyncPolicy; len(app.Finalizers) == 0 && (p == nil || !p.PreserveResourcesOnDeletion) {
		app.Finalizers = []string{Finalizer}
		if t.Literals {
			out.Texts = append(out.Texts, text.Text{Path: "metadata.finalizers[0]", From: "syncPolicy.preserveResourcesOnDeletion", Value: Finalizer,
				Note: "put there: the objects are deleted with the application, unless preserveResourcesOnDeletion is set"})
		}
	}
	out.Application, out.Size = app, len(data)
	return nil
}

// Check tells what can be told without parameters: which texts are no
// templates. Errors are of kind Invalid, placed as those of Fill.
func (t *Template) Check() error {
	var all place.Problems
	t.check(&all, t.tree, "")
	if t.patch != nil {
		all.Add("templatePatch", t.language.Check(t.patch.template))
	}
	return all.Err()
}

// Idle is what Check tells, as warnings, of a template that no parameter set
// fills: its mistakes wait for the first.
func (t *Template) Idle(sets int) []string {
	var out []string
	if joined, ok := t.Check().(interface{ Unwrap() []error }); ok && sets == 0 {
		for _, err := range joined.Unwrap() {
			out = append(out, err.Error())
		}
	}
	return out
}

func (t *Template) check(all *place.Problems, node any, path string) {
	switch v := node.(type) {
	case string:
		all.Add(t.from(path), t.language.Check(v))
	case []any:
		for i, inner := range v {
			t.check(all, inner, text.Index(path, i))
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			all.Add(t.from(text.Join(path, key)+text.KeySuffix), t.language.Check(key))
			t.check(all, v[key], text.Join(path, key))
		}
	}
}

// asItIs explains a template that nothing fills.
func (t *Template) asItIs(out *Filled) {
	leaves := map[string]string{}
	collect(t.tree, "", leaves)
	for path, value := range leaves {
		out.Texts = append(out.Texts, text.Text{Path: path, From: t.from(path), Value: value, Note: "as it is written: the generator gave no parameter"})
	}
}

// from is the place in the document that a text of the merged template has.
func (t *Template) from(place string) string {
	if t.own[strings.TrimSuffix(place, text.KeySuffix)] {
		return text.Join(t.where, "template") + "." + place
	}
	return "template." + place
}

// placed puts failures into the document.
func (t *Template) placed(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var out []error
		for _, e := range joined.Unwrap() {
			out = append(out, t.placed(e))
		}
		return errors.Join(out...)
	}
	if failure, ok := err.(*place.Error); ok { //nolint:errorlint // only the error itself
		return &place.Error{Place: t.from(failure.Place), Err: failure.Err}
	}
	return err
}
