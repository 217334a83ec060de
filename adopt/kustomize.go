package adopt

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/trueup-dev/trueup/adopt/edit"
	"github.com/trueup-dev/trueup/adopt/overlay"
	"github.com/trueup-dev/trueup/adopt/value"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
)

// kustomization is the application's overlay.
type kustomization struct {
	*planner
	t    *target
	tree overlay.Tree
	dir  string
	name string // of its file
	data []byte
	all  map[string]any
}

func (p *planner) open(t *target) (*kustomization, error) {
	req := p.in.Sources[t.source]
	k := &kustomization{planner: p, t: t, tree: treeOf(req), dir: req.Path()}
	for _, base := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
		name := path.Join(k.dir, base)
		data, err := p.read(t.source, name)
		if notThere(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		v, err := edit.Value(data)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, fmt.Errorf("%s: %w", name, err))
		}
		k.name, k.data = name, data
		k.all, _ = v.(map[string]any)
		return k, nil
	}
	return nil, fault.New(fault.Invalid, "the overlay %s has no kustomization.yaml to write to", k.dir)
}

// kustomize lists the ways to change one field: what drives it in the overlay.Files,
// the file that declares it where that is the overlay's own, or a patch.
func (p *planner) kustomize(t *target, w *want) ([]*attempt, error) {
	k, err := p.open(t)
	if err != nil {
		return nil, err
	}
	if reason := k.inSpec(w); reason != "" {
		return nil, errors.New(reason)
	}
	out := k.images(w)
	out = append(out, k.replicas(w)...)
	out = append(out, k.patched(w)...)
	if k.owns(t.origin.Path) {
		out = append(out, k.own(w)...)
	}
	out = append(out, k.generated(w)...)
	if k.generatorMade() {
		return out, nil // a patch would have to guess the name that depends on the content
	}
	return append(out, k.patches(w)...), nil
}

// change edits the kustomization.
func (k *kustomization) change(changes ...edit.Change) (overlay.Files, error) {
	after, err := edit.Apply(k.data, edit.Target{}, changes...)
	if err != nil {
		return nil, err
	}
	return k.files.With(k.tree, k.name, after), nil
}

// owns reports a file in the overlay's own folder.
func (k *kustomization) owns(name string) bool {
	return k.t.origin.Tree == nil && name != "" && name != k.name && (k.dir == "." || strings.HasPrefix(name, k.dir+"/"))
}

// inSpec tells what of the Application itself drives a field.
func (k *kustomization) inSpec(w *want) string {
	o := k.in.Sources[k.t.source].Source.Kustomize
	if o == nil || w.Remove {
		return ""
	}
	have, _, _ := value.Get(k.expected[k.t.source][k.t.own], w.Path)
	switch last := w.Path[len(w.Path)-1].Field; {
	case last == "image":
		name, _, _ := splitImage(fmt.Sprint(have))
		for _, text := range o.Images {
			if to, _, _ := splitImage(string(text[strings.Index(string(text), "=")+1:])); to == name {
				return fmt.Sprintf("kustomize.images of the Application sets it: put %v there", w.Value)
			}
		}
	case w.Path.String() == "spec.replicas":
		for _, r := range o.Replicas {
			if r.Name == k.t.own.Name {
				return fmt.Sprintf("kustomize.replicas of the Application sets it: put count %v there", w.Value)
			}
		}
	}
	return ""
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// splitImage gives name, tag and digest.
func splitImage(image string) (name, tag, digest string) {
	name, digest, _ = strings.Cut(image, "@")
	if i := strings.LastIndex(name, ":"); i > strings.LastIndex(name, "/") {
		name, tag = name[:i], name[i+1:]
	}
	return name, tag, digest
}

// images changes an entry of images that names the image.
func (k *kustomization) images(w *want) []*attempt {
	text, ok := w.Value.(string)
	if w.Path[len(w.Path)-1].Field != "image" || !ok {
		return nil
	}
	have, _, _ := value.Get(k.expected[k.t.source][k.t.own], w.Path)
	was, _, _ := splitImage(fmt.Sprint(have))
	name, tag, digest := splitImage(text)
	var out []*attempt
	for i, entry := range list(k.all["images"]) {
		e, _ := entry.(map[string]any)
		of, _ := e["name"].(string)
		if to, _ := e["newName"].(string); cmp.Or(to, of) != was {
			continue
		}
		at := object.Path{}.Child("images").At(i)
		var changes []edit.Change
		if name != was {
			changes = append(changes, edit.Change{Path: at.Child("newName"), Value: name})
		}
		for _, part := range []struct{ field, value string }{{"newTag", tag}, {"digest", digest}} {
			c := edit.Change{Path: at.Child(part.field), Value: part.value, Remove: part.value == ""}
			if _, there := e[part.field]; there || !c.Remove {
				changes = append(changes, c)
			}
		}
		out = append(out, &attempt{how: "images in " + k.name, make: func() (overlay.Files, error) { return k.change(changes...) }})
	}
	return out
}

// replicas changes an entry of replicas.
func (k *kustomization) replicas(w *want) []*attempt {
	if w.Path.String() != "spec.replicas" || w.Remove {
		return nil
	}
	var out []*attempt
	for i, entry := range list(k.all["replicas"]) {
		if e, _ := entry.(map[string]any); e == nil || !strings.Contains(k.t.own.Name, fmt.Sprint(e["name"])) {
			continue
		}
		c := edit.Change{Path: object.Path{}.Child("replicas").At(i).Child("count"), Value: w.Value}
		out = append(out, &attempt{how: "replicas in " + k.name, make: func() (overlay.Files, error) { return k.change(c) }})
	}
	return out
}

// own changes the file that declares the object, or the part of it that its
// line names.
func (k *kustomization) own(w *want) []*attempt {
	key := object.Key{Group: k.t.own.Group, Kind: k.t.own.Kind}
	return []*attempt{{how: k.t.origin.Path, make: func() (overlay.Files, error) { return k.inPlace(k.t, key, []*want{w}) }}}
}

// generatorMade reports an object that the kustomization itself generates.
func (k *kustomization) generatorMade() bool {
	return k.t.origin.Path != "" && (k.t.origin.Path == k.name || path.Base(k.t.origin.Path) == path.Base(k.name)) &&
		k.t.own.Kind == "ConfigMap" && k.t.own.Group == ""
}

// generated changes what a config map is generated from.
func (k *kustomization) generated(w *want) []*attempt {
	if k.t.own.Kind != "ConfigMap" || len(w.Path) != 2 || w.Path[0].Field != "data" {
		return nil
	}
	have, there, _ := value.Get(k.expected[k.t.source][k.t.own], w.Path)
	text, isText := w.Value.(string)
	if !there || !isText {
		return nil
	}
	var out []*attempt
	key := w.Path[1].Field
	for i, entry := range list(k.all["configMapGenerator"]) {
		e, _ := entry.(map[string]any)
		at := object.Path{}.Child("configMapGenerator").At(i)
		for j, literal := range list(e["literals"]) {
			if literal == fmt.Sprintf("%s=%v", key, have) {
				c := edit.Change{Path: at.Child("literals").At(j), Value: key + "=" + text}
				out = append(out, &attempt{how: "configMapGenerator in " + k.name, make: func() (overlay.Files, error) { return k.change(c) }})
			}
		}
		for _, f := range list(e["files"]) {
			name, file, named := strings.Cut(fmt.Sprint(f), "=")
			if !named {
				name, file = path.Base(name), name
			}
			if at := path.Join(k.dir, file); name == key && k.owns(at) {
				out = append(out, &attempt{how: at, make: func() (overlay.Files, error) {
					data, err := k.read(k.t.source, at)
					if err != nil || string(data) != fmt.Sprint(have) {
						return nil, cmp.Or(err, errors.New("it holds something else"))
					}
					return k.files.With(k.tree, at, []byte(text)), nil
				}})
			}
		}
	}
	return out
}
