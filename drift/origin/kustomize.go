package origin

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/trueup-dev/trueup/internal/object"
)

// Overlaid finds what a kustomization puts over an object that is described at
// base, a place in the same files. The last of what kustomize applies counts:
// images, replicas, patches and labels of the kustomization itself, then those
// of its components and of what it builds upon.
//
// Where something sets the path to another value, and nothing after it is found
// to set the one that was rendered, only the object's place is known.
func Overlaid(files *Files, dir string, base Place, w Wanted) Place {
	o := overlay{files: files, want: w, names: []string{w.Object.Name}}
	manifest, _ := files.read(base.File) // what cannot be read describes nothing
	if n := manifest.described(base.From, w.Object); n != nil {
		o.names = append(o.names, text(child(child(n, "metadata"), "name")))
	}
	if len(w.Path) > 0 {
		o.visit(dir, 0)
	}
	switch {
	case o.found:
		return o.place
	case o.hidden:
		base.Hidden = true
		return base
	}
	return manifest.place(base, w)
}

// Plain finds a value of an object that a file describes as it is.
func Plain(files *Files, base Place, w Wanted) Place {
	f, _ := files.read(base.File) // what cannot be read describes nothing
	return f.place(base, w)
}

func (f file) place(base Place, w Wanted) Place {
	if from, to, ok := f.in(base.From, w); ok {
		return Place{File: base.File, From: from, To: to, Precision: Line}
	}
	return base
}

// overlay looks through kustomizations for the one that sets a value last.
type overlay struct {
	files *Files
	want  Wanted
	// names are the object's, as rendered and as described.
	names []string
	seen  []string
	place Place
	found bool
	// hidden: something sets another value.
	hidden bool
}

// maxOverlays bounds kustomizations that build upon each other.
const maxOverlays = 64

// visit looks into a kustomization, from what it applies last to what it
// builds upon.
func (o *overlay) visit(dir string, depth int) {
	if o.done() || depth > maxOverlays || slices.Contains(o.seen, dir) {
		return
	}
	o.seen = append(o.seen, dir)
	for _, name := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
		at := path.Join(dir, name)
		f, ok := o.files.read(at)
		if !ok {
			continue
		}
		if len(f.docs) == 0 {
			return
		}
		k := kustomization{o, f, f.docs[0], dir, at}
		k.images()
		k.replicas()
		k.patches("patchesJson6902")
		k.labels()
		k.patches("patches")
		k.strategic()
		k.made()
		for _, more := range []string{"components", "resources", "bases"} {
			for _, r := range slices.Backward(items(k.top, more)) {
				if to := path.Join(dir, text(target(r))); !strings.Contains(text(target(r)), "://") {
					o.visit(to, depth+1)
				}
			}
		}
		return
	}
}

func (o *overlay) done() bool { return o.found || o.hidden }

// says notes lines that set the value, or another one.
func (o *overlay) says(file string, from, to int, value bool) {
	if o.done() {
		return
	}
	if !value {
		o.hidden = true
		return
	}
	o.found, o.place = true, Place{File: file, From: from, To: to, Precision: Line}
}

// kustomization is one file of that name.
type kustomization struct {
	*overlay
	file file
	top  *yaml.Node
	dir  string
	name string
}

func items(n *yaml.Node, name string) []*yaml.Node {
	if n = child(n, name); n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

// leaf is the last field of the path, with the one above it.
func (o *overlay) leaf() (above, name string) {
	n := len(o.want.Path)
	name = o.want.Path[n-1].Field
	if n > 1 {
		above = o.want.Path[n-2].Field
	}
	return above, name
}

func (k kustomization) images() {
	value, ok := k.want.Value.(string)
	if _, name := k.leaf(); !ok || name != "image" {
		return
	}
	for _, n := range slices.Backward(items(k.top, "images")) {
		image := text(child(n, "newName"))
		if image == "" {
			image = text(child(n, "name"))
		}
		last := "newName"
		for _, part := range []struct{ field, sign string }{{"newTag", ":"}, {"digest", "@"}} {
			if value := text(child(n, part.field)); value != "" {
				image += part.sign + value
				last = part.field
			}
		}
		if key, _ := entry(n, last, 0); image == value && key != nil {
			k.says(k.name, key.Line, key.Line, true)
		}
	}
}

func (k kustomization) replicas() {
	if k.want.Path.String() != "spec.replicas" {
		return
	}
	for _, n := range slices.Backward(items(k.top, "replicas")) {
		if !slices.Contains(k.names, text(child(n, "name"))) {
			continue
		}
		if key, count := entry(n, "count", 0); count != nil {
			k.says(k.name, key.Line, key.Line, spot{key, count}.holds(k.want.Value))
		}
	}
}

// labels looks for labels and annotations that are put on everything.
func (k kustomization) labels() {
	above, name := k.leaf()
	var sets []*yaml.Node
	switch above {
	case "labels", "selector", "matchLabels":
		for _, n := range slices.Backward(items(k.top, "labels")) {
			sets = append(sets, child(n, "pairs"))
		}
		sets = append(sets, child(k.top, "commonLabels"))
	case "annotations":
		sets = append(sets, child(k.top, "commonAnnotations"))
	}
	for _, set := range sets {
		if key, value := entry(set, name, 0); value != nil && (spot{key, value}).holds(k.want.Value) {
			k.says(k.name, key.Line, key.Line, true)
		}
	}
}

// strategic looks into patchesStrategicMerge: files, or patches in place.
func (k kustomization) strategic() {
	for _, n := range slices.Backward(items(k.top, "patchesStrategicMerge")) {
		if n = target(n); n == nil || n.Kind != yaml.ScalarNode {
			continue
		}
		if strings.Contains(n.Value, "\n") {
			k.inline(n, nil)
			continue
		}
		k.patchFile(n.Value, nil)
	}
}

// patches looks into a list of patches with their targets.
func (k kustomization) patches(list string) {
	for _, n := range slices.Backward(items(k.top, list)) {
		aim := child(n, "target")
		if aim != nil && !k.aimed(aim) {
			continue
		}
		if name := text(child(n, "path")); name != "" {
			k.patchFile(name, aim)
		} else if patch := child(n, "patch"); patch != nil {
			k.inline(patch, aim)
		}
	}
}

// aimed tells whether a target selects the object. One that selects by labels
// is not followed.
func (k kustomization) aimed(aim *yaml.Node) bool {
	if text(child(aim, "labelSelector")) != "" || text(child(aim, "annotationSelector")) != "" {
		return false
	}
	matches := func(field string, any ...string) bool {
		pattern := text(child(aim, field))
		if pattern == "" {
			return true
		}
		re, err := regexp.Compile("^(?:" + pattern + ")$")
		return err == nil && slices.ContainsFunc(any, re.MatchString)
	}
	return matches("group", k.want.Object.Group) && matches("kind", k.want.Object.Kind) && matches("name", k.names...)
}

func (k kustomization) patchFile(name string, aim *yaml.Node) {
	at := path.Join(k.dir, name)
	if f, ok := k.files.read(at); ok {
		k.patch(patch{file: f, name: at}, aim)
	}
}

// inline looks into a patch that is a text of the kustomization. Where it is no
// block its lines are not known, and the one where it begins stands for them.
func (k kustomization) inline(n *yaml.Node, aim *yaml.Node) {
	k.patch(patch{read([]byte(n.Value)), k.name, n.Line, n.Style&yaml.LiteralStyle == 0}, aim)
}

// patch is the text of one, which begins after a line of a file; flat is in
// that line.
type patch struct {
	file
	name  string
	after int
	flat  bool
}

func (p patch) lines(s spot) (from, to int) {
	if p.flat {
		return p.after, p.after
	}
	return p.after + s.from(), p.after + p.end(s)
}

// patch looks into a patch of either form.
func (k kustomization) patch(p patch, aim *yaml.Node) {
	for _, doc := range slices.Backward(p.docs) {
		if doc.Kind == yaml.SequenceNode {
			if aim != nil {
				k.operations(p, doc)
			}
			continue
		}
		named := slices.Contains(k.names, text(child(child(doc, "metadata"), "name")))
		if aim == nil && (!named || text(child(doc, "kind")) != k.want.Object.Kind) {
			continue
		}
		if s, ok := find(doc, k.want.Path); ok {
			from, to := p.lines(s)
			k.says(p.name, from, to, s.holds(k.want.Value))
		}
	}
}

// operations looks into a JSON patch.
func (k kustomization) operations(p patch, doc *yaml.Node) {
	for _, op := range slices.Backward(doc.Content) {
		rest, ok := k.want.below(text(child(op, "path")))
		key, value := entry(op, "value", 0)
		if !ok || value == nil {
			continue
		}
		s := spot{key, value}
		if len(rest) > 0 {
			if s, ok = find(value, rest); !ok {
				continue
			}
		}
		from, to := p.lines(s)
		k.says(p.name, from, to, s.holds(k.want.Value))
	}
}

// below tells what is left of the path below a JSON pointer.
func (w Wanted) below(pointer string) (object.Path, bool) {
	if !strings.HasPrefix(pointer, "/") {
		return nil, false
	}
	parts := strings.Split(pointer[1:], "/")
	if len(parts) > len(w.Path) {
		return nil, false
	}
	for i, part := range parts {
		step := w.Path[i]
		if step.Index == nil && len(step.Keys) == 0 {
			if step.Field != strings.NewReplacer("~1", "/", "~0", "~").Replace(part) {
				return nil, false
			}
			continue
		}
		// An item that is put at the end could be any.
		if part != "-" && part != strconv.Itoa(w.index[i]) {
			return nil, false
		}
	}
	return w.Path[len(parts):], true
}
