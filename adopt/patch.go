package adopt

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/trueup-dev/trueup/adopt/edit"
	"github.com/trueup-dev/trueup/adopt/overlay"
	"github.com/trueup-dev/trueup/adopt/value"
	"github.com/trueup-dev/trueup/internal/object"
)

// patched changes a patch of the overlay that sets the field already.
func (k *kustomization) patched(w *want) []*attempt {
	var out []*attempt
	for _, listed := range []string{"patches", "patchesStrategicMerge", "patchesJson6902"} {
		for i, entry := range list(k.all[listed]) {
			at := object.Path{}.Child(listed).At(i)
			e, isMap := entry.(map[string]any)
			file, _ := e["path"].(string)
			inline, _ := e["patch"].(string)
			if text, ok := entry.(string); ok && !isMap {
				if strings.Contains(text, "\n") {
					inline = text
				} else {
					file = text
				}
			} else {
				at = at.Child("patch")
			}
			if inline != "" {
				out = append(out, k.rewrite(w, []byte(inline), k.name, func(after []byte) (overlay.Files, error) {
					return k.change(edit.Change{Path: at, Value: string(after)})
				})...)
				continue
			}
			name := path.Join(k.dir, file)
			if file == "" || !k.owns(name) {
				continue
			}
			data, err := k.read(k.t.source, name)
			if err != nil {
				continue // a build would say so
			}
			out = append(out, k.rewrite(w, data, name, func(after []byte) (overlay.Files, error) {
				return k.files.With(k.tree, name, after), nil
			})...)
		}
	}
	return out
}

// rewrite changes the value in a patch that has one for the path.
func (k *kustomization) rewrite(w *want, data []byte, how string, keep func([]byte) (overlay.Files, error)) []*attempt {
	v, err := edit.Value(data)
	if err != nil {
		key := object.Key{Group: k.t.own.Group, Kind: k.t.own.Kind, Name: k.t.own.Name}
		if m, err := edit.Find(data, edit.Target{Key: key}); err == nil && has(m, w.Path) {
			return []*attempt{attemptAt(how, data, edit.Target{Key: key}, w.Change, keep)}
		}
		return nil
	}
	switch v := v.(type) {
	case map[string]any:
		if kind, _ := v["kind"].(string); (kind == "" || kind == k.t.own.Kind) && has(v, w.Path) {
			return []*attempt{attemptAt(how, data, edit.Target{}, w.Change, keep)}
		}
	case []any:
		pointer, err := pointerOf(k.expected[k.t.source][k.t.own], w.Path)
		if err != nil || w.Remove {
			return nil
		}
		var out []*attempt
		for i, op := range v {
			if o, _ := op.(map[string]any); o["path"] == pointer && o["value"] != nil {
				c := edit.Change{Path: object.Path{}.At(i).Child("value"), Value: w.Value}
				out = append(out, attemptAt(how, data, edit.Target{}, c, keep))
			}
		}
		return out
	}
	return nil
}

func has(v any, path object.Path) bool {
	_, there, err := value.Get(v, path)
	return err == nil && there
}

func attemptAt(how string, data []byte, at edit.Target, c edit.Change, keep func([]byte) (overlay.Files, error)) *attempt {
	return &attempt{how: how, make: func() (overlay.Files, error) {
		after, err := edit.Apply(data, at, c)
		if err != nil {
			return nil, err
		}
		return keep(after)
	}}
}

// pointerOf is a path as a JSON pointer into an object.
func pointerOf(o map[string]any, at object.Path) (string, error) {
	var b strings.Builder
	var here any = o
	for i, step := range at {
		if value.IsField(step) {
			b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(step.Field))
		} else {
			l, _ := here.([]any)
			n, err := value.IndexOf(l, step)
			if err != nil {
				return "", err
			}
			if n < 0 {
				return b.String() + "/-", nil
			}
			b.WriteString("/" + strconv.Itoa(n))
		}
		here, _, _ = value.Get(o, at[:i+1])
	}
	return b.String(), nil
}

// patches writes a patch of our own: one that is merged, or else operations.
func (k *kustomization) patches(w *want) []*attempt {
	base := strings.ToLower("adopted-" + k.t.own.Kind + "-" + k.t.own.Name)
	base = strings.NewReplacer(":", "-", "/", "-").Replace(base)
	var out []*attempt
	for _, id := range k.ids() {
		merge := &attempt{how: path.Join(k.dir, base+".yaml")}
		merge.make = func() (overlay.Files, error) { return k.merging(w, id, base+".yaml") }
		ops := &attempt{how: path.Join(k.dir, base+"-ops.yaml")}
		ops.make = func() (overlay.Files, error) { return k.operations(w, id, base+"-ops.yaml") }
		out = append(out, merge, ops)
	}
	return out
}

// ids are the names by which a patch may know the object: prefixes and the
// namespace of the overlay come after patches.
func (k *kustomization) ids() []object.Key {
	var out []object.Key
	add := func(key object.Key) {
		if key.Name != "" && !slices.Contains(out, key) {
			out = append(out, key)
		}
	}
	if k.t.origin.Tree == nil && k.t.origin.Path != "" {
		data, err := k.read(k.t.source, k.t.origin.Path)
		if err == nil {
			if m, err := edit.Find(data, edit.Target{Key: object.Key{Group: k.t.own.Group, Kind: k.t.own.Kind}, Line: k.t.origin.Line}); err == nil {
				meta, _ := m["metadata"].(map[string]any)
				name, _ := meta["name"].(string)
				namespace, _ := meta["namespace"].(string)
				add(object.Key{Group: k.t.own.Group, Kind: k.t.own.Kind, Namespace: namespace, Name: name})
			}
		}
	}
	own := k.t.own
	add(own)
	own.Namespace = ""
	add(own)
	prefix, _ := k.all["namePrefix"].(string)
	suffix, _ := k.all["nameSuffix"].(string)
	own.Name = strings.TrimSuffix(strings.TrimPrefix(own.Name, prefix), suffix)
	add(own)
	return out
}

const heading = "# Changed in the cluster, and adopted into Git.\n"

// merging adds a change to the strategic merge patch.
func (k *kustomization) merging(w *want, id object.Key, file string) (overlay.Files, error) {
	c := w.Change
	switch last := c.Path[len(c.Path)-1]; {
	case c.Remove && value.IsField(last):
		c.Remove, c.Value = false, nil
	case c.Remove && len(last.Keys) > 0:
		item := map[string]any{"$patch": "delete"}
		for _, kv := range last.Keys {
			item[kv.Name] = kv.Value
		}
		c.Remove, c.Value = false, item
	}
	return k.merge(id, file, c)
}

// merge makes the patch file, or adds to the one that is there, and has the
// kustomization name it.
func (k *kustomization) merge(id object.Key, file string, c edit.Change) (overlay.Files, error) {
	name := path.Join(k.dir, file)
	data, err := k.read(k.t.source, name)
	if notThere(err) {
		meta := map[string]any{"name": id.Name}
		if id.Namespace != "" {
			meta["namespace"] = id.Namespace
		}
		version, _ := k.expected[k.t.source][k.t.own]["apiVersion"].(string)
		after, err := edit.Apply([]byte(heading+"{}\n"), edit.Target{}, edit.Change{Value: map[string]any{"apiVersion": version, "kind": id.Kind, "metadata": meta}})
		if err != nil {
			return nil, err
		}
		data = after
	} else if err != nil {
		return nil, err
	}
	after, err := edit.Apply(data, edit.Target{}, c)
	if err != nil {
		return nil, err
	}
	return k.list(file, map[string]any{"path": file}, k.files.With(k.tree, name, after))
}

// list has the kustomization name a patch.
func (k *kustomization) list(file string, entry map[string]any, files overlay.Files) (overlay.Files, error) {
	patches := list(k.all["patches"])
	named := slices.ContainsFunc(patches, func(p any) bool { m, _ := p.(map[string]any); return m["path"] == file })
	if named {
		return files, nil
	}
	c := edit.Change{Path: object.Path{}.Child("patches"), Value: []any{entry}}
	if len(patches) > 0 {
		c = edit.Change{Path: c.Path.At(len(patches)), Value: entry}
	}
	after, err := edit.Apply(k.data, edit.Target{}, c)
	if err != nil {
		return nil, err
	}
	return files.With(k.tree, k.name, after), nil
}

// operations adds a change to the JSON patch, for lists without names.
func (k *kustomization) operations(w *want, id object.Key, file string) (overlay.Files, error) {
	op, err := operation(k.expected[k.t.source][k.t.own], w)
	if err != nil {
		return nil, err
	}
	name := path.Join(k.dir, file)
	data, err := k.read(k.t.source, name)
	if notThere(err) {
		data = []byte(heading + "[]\n")
	} else if err != nil {
		return nil, err
	}
	v, err := edit.Value(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	ops := list(v)
	c := edit.Change{Path: object.Path{}.At(len(ops)), Value: op}
	if i := slices.IndexFunc(ops, func(o any) bool { m, _ := o.(map[string]any); return m["path"] == op["path"] && !w.Remove }); i >= 0 {
		c = edit.Change{Path: object.Path{}.At(i).Child("value"), Value: op["value"]}
	} else if len(ops) == 0 {
		c = edit.Change{Value: []any{op}}
	}
	after, err := edit.Apply(data, edit.Target{}, c)
	if err != nil {
		return nil, err
	}
	where := map[string]any{"kind": id.Kind, "name": id.Name}
	if id.Group != "" {
		where["group"] = id.Group
	}
	if id.Namespace != "" {
		where["namespace"] = id.Namespace
	}
	return k.list(file, map[string]any{"path": file, "target": where}, k.files.With(k.tree, name, after))
}

// operation is a change of an object as a JSON patch has it.
func operation(have map[string]any, w *want) (map[string]any, error) {
	at := w.Path
	to := w.Value
	there := has(have, at)
	for !there && len(at) > 1 && !has(have, at[:len(at)-1]) {
		at, to = at[:len(at)-1], value.Nested(at[len(at)-1:], to)
	}
	pointer, err := pointerOf(have, at)
	if err != nil {
		return nil, err
	}
	op := map[string]any{"op": "add", "path": pointer, "value": to}
	switch {
	case w.Remove && !there:
		return nil, errors.New("there is nothing to remove")
	case w.Remove:
		op = map[string]any{"op": "remove", "path": pointer}
	case there:
		op["op"] = "replace"
	}
	return op, nil
}

// kustomizeDrop takes an object out of the overlay: its document, or by a
// patch.
func (p *planner) kustomizeDrop(t *target) []*attempt {
	k, err := p.open(t)
	if err != nil {
		return []*attempt{{how: p.in.Sources[t.source].Path(), make: func() (overlay.Files, error) { return nil, err }}}
	}
	var out []*attempt
	if k.owns(t.origin.Path) {
		remove := p.removal(t, object.Key{Group: t.own.Group, Kind: t.own.Kind})
		out = append(out, &attempt{how: t.origin.Path, make: func() (overlay.Files, error) {
			next, err := remove.make()
			if err != nil || next[k.tree][t.origin.Path] != nil {
				return next, err
			}
			for i, r := range list(k.all["resources"]) {
				if path.Join(k.dir, fmt.Sprint(r)) == t.origin.Path {
					after, err := edit.Apply(k.data, edit.Target{}, edit.Change{Path: object.Path{}.Child("resources").At(i), Remove: true})
					if err != nil {
						return nil, err
					}
					return next.With(k.tree, k.name, after), nil
				}
			}
			return next, nil
		}})
	}
	base := strings.ToLower("adopted-" + t.own.Kind + "-" + t.own.Name + ".yaml")
	for _, id := range k.ids() {
		out = append(out, &attempt{how: path.Join(k.dir, base), make: func() (overlay.Files, error) {
			return k.merge(id, base, edit.Change{Path: object.Path{}.Child("$patch"), Value: "delete"})
		}})
	}
	return out
}
