package appset

import (
	"encoding/json"
	"fmt"
	"reflect"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
)

// Finalizer has an application's objects deleted with it. Argo CD's name is
// taken, so that sets move between the two without a change.
const Finalizer = "resources-finalizer.argocd.argoproj.io"

// application renders the template with one parameter set: every text in it,
// keys of maps included.
func (g *generation) application(t v1alpha1.ApplicationSetTemplate, p params) (v1alpha1.Application, error) {
	app := v1alpha1.Application{
		ObjectMeta: metav1.ObjectMeta{Name: t.Name, Labels: t.Labels, Annotations: t.Annotations, Finalizers: t.Finalizers},
		Spec:       t.Spec,
	}
	if len(p) > 0 {
		var err error
		if app, err = renderedApplication(g, app, p); err != nil {
			return app, err
		}
	}
	if g.set.Spec.TemplatePatch != nil {
		var err error
		if app, err = g.patched(app, *g.set.Spec.TemplatePatch, p); err != nil {
			return app, fmt.Errorf("templatePatch: %w", err)
		}
	}
	app.APIVersion, app.Kind = v1alpha1.GroupVersion().String(), "Application"
	app.Namespace = g.set.Namespace
	if len(app.Finalizers) == 0 && !g.preserves() {
		app.Finalizers = []string{Finalizer}
	}
	return app, nil
}

func (g *generation) preserves() bool {
	return g.set.Spec.SyncPolicy != nil && g.set.Spec.SyncPolicy.PreserveResourcesOnDeletion
}

func renderedApplication(g *generation, app v1alpha1.Application, p params) (v1alpha1.Application, error) {
	var out v1alpha1.Application
	data, err := json.Marshal(app)
	if err != nil {
		return out, err
	}
	var tree any
	if err := json.Unmarshal(data, &tree); err != nil {
		return out, err
	}
	rendered, err := g.text.Tree(tree, p, "template")
	if err != nil {
		return out, err
	}
	if data, err = json.Marshal(rendered); err != nil {
		return out, err
	}
	if err := json.Unmarshal(data, &out); err != nil {
		return out, fault.Wrap(fault.Invalid, fmt.Errorf("the rendered template: %w", err))
	}
	return out, nil
}

// patched applies a rendered strategic merge patch. The project decides what
// an application may do, so that a patch must leave it alone.
func (g *generation) patched(app v1alpha1.Application, patch string, p params) (v1alpha1.Application, error) {
	if !g.set.Spec.GoTemplate {
		return app, fault.New(fault.Invalid, "it needs goTemplate: true")
	}
	text, err := g.text.Render(patch, p)
	if err != nil {
		return app, err
	}
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		return app, fault.Wrap(fault.Invalid, err)
	}
	data, err := json.Marshal(app)
	if err != nil {
		return app, err
	}
	merged, err := strategicpatch.StrategicMergePatch(data, raw, v1alpha1.Application{})
	if err != nil {
		return app, fault.Wrap(fault.Invalid, err)
	}
	var out v1alpha1.Application
	if err := json.Unmarshal(merged, &out); err != nil {
		return app, fault.Wrap(fault.Invalid, err)
	}
	if out.Spec.Project != app.Spec.Project {
		return app, fault.New(fault.Invalid, "it changes spec.project from %q to %q", app.Spec.Project, out.Spec.Project)
	}
	return out, nil
}

// overridden puts a generator's own template over the set's: what it leaves
// empty stays.
func overridden(base, over v1alpha1.ApplicationSetTemplate) (v1alpha1.ApplicationSetTemplate, error) {
	if reflect.ValueOf(over).IsZero() {
		return base, nil
	}
	var all, part map[string]any
	for _, side := range []struct {
		from v1alpha1.ApplicationSetTemplate
		into *map[string]any
	}{{base, &all}, {over, &part}} {
		data, err := json.Marshal(side.from)
		if err != nil {
			return base, err
		}
		if err := json.Unmarshal(data, side.into); err != nil {
			return base, err
		}
	}
	mergeFilled(all, part)
	data, err := json.Marshal(all)
	if err != nil {
		return base, err
	}
	var out v1alpha1.ApplicationSetTemplate
	return out, json.Unmarshal(data, &out)
}

// mergeFilled copies what is not empty.
func mergeFilled(into, from map[string]any) {
	for key, value := range from {
		switch v := value.(type) {
		case map[string]any:
			if under, ok := into[key].(map[string]any); ok {
				mergeFilled(under, v)
				continue
			}
			if len(v) > 0 {
				into[key] = v
			}
		case string:
			if v != "" {
				into[key] = v
			}
		case nil:
		default:
			into[key] = v
		}
	}
}
