package trial

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/trueup-dev/trueup/internal/snapshot"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/search"
)

// searched is what files of one side describe.
type searched struct {
	found described
	// byFile is the same, file by file; failed are the files of which some
	// document cannot be read.
	byFile map[string]described
	failed map[string]error
	// unknown are the fields that nobody knows, with their file and line, by file
	// and field.
	unknown map[string]string
	// missing are paths to search that are not there.
	missing []string
}

func searchIn(ctx context.Context, files snapshot.FS, paths []string) (*searched, error) {
	found, missing, err := search.In(ctx, files, paths)
	if err != nil {
		return nil, err
	}
	s := &searched{byFile: map[string]described{}, failed: map[string]error{}, unknown: map[string]string{}, missing: missing}
	for _, f := range found {
		if f.Err != nil {
			s.failed[f.Name] = f.Err
		}
		for _, w := range f.Docs.Warnings {
			if _, field, ok := strings.Cut(w, ": unknown field "); ok {
				s.unknown[f.Name+": "+field] = w
			}
		}
		var in described
		in.documents(f.Docs, f.Name)
		s.byFile[f.Name] = in
		s.found.add(in)
	}
	return s, nil
}

// broken tells of documents that cannot be read. What the other side describes
// in such a file may be there as well: on head it is kept, for it is not known
// to go away. Where nobody said what to read, and nothing was described there,
// it is a warning, and no news if base has the same.
func (r *run) broken(was, is *searched) {
	for _, name := range slices.Sorted(maps.Keys(is.failed)) {
		err := is.failed[name]
		before := was.failed[name] != nil
		lost := was.byFile[name].without(is.found)
		is.found.add(lost)
		switch {
		case r.roots.Strict || len(lost.apps)+len(lost.sets) > 0:
			r.found.Problem(preview.Problem{Message: err.Error(), Before: before})
		case !r.roots.Live || !before || was.failed[name].Error() != err.Error():
			r.found.Warning("not read: " + err.Error())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(was.failed)) {
		if is.found.maybe(name, was.found) && is.failed[name] == nil {
			r.found.Problem(preview.Problem{Message: was.failed[name].Error(), Only: true})
		}
	}
}

// unknown tells of fields that nobody knows, and that base does not have: they
// are passed over, by an API server too.
func (r *run) unknown(was, is *searched) {
	for _, field := range slices.Sorted(maps.Keys(is.unknown)) {
		if was.unknown[field] == "" {
			r.found.Warning(is.unknown[field] + " has no effect")
		}
	}
}

// names are those of what is described.
func (d described) names() (apps, sets map[id]bool) {
	apps, sets = map[id]bool{}, map[id]bool{}
	for _, u := range d.apps {
		apps[id{Namespace: u.app.Namespace, Name: u.app.Name}] = true
	}
	for _, s := range d.sets {
		sets[id{Namespace: s.set.Namespace, Name: s.set.Name}] = true
	}
	return apps, sets
}

// maybe marks what a file describes and base does not as far as it can be read,
// and tells whether there is any.
func (d *described) maybe(file string, base described) bool {
	apps, sets := base.names()
	found := false
	for i := range d.apps {
		if u := &d.apps[i]; u.file == file && !apps[id{Namespace: u.app.Namespace, Name: u.app.Name}] {
			u.maybe, found = true, true
		}
	}
	for i := range d.sets {
		if s := &d.sets[i]; s.File == file && !sets[id{Namespace: s.set.Namespace, Name: s.set.Name}] {
			s.maybe, found = true, true
		}
	}
	return found
}

// without is what is described under names that something else does not use.
func (d described) without(other described) described {
	apps, sets := other.names()
	var out described
	for _, u := range d.apps {
		if !apps[id{Namespace: u.app.Namespace, Name: u.app.Name}] {
			out.apps = append(out.apps, u)
		}
	}
	for _, s := range d.sets {
		if !sets[id{Namespace: s.set.Namespace, Name: s.set.Name}] {
			out.sets = append(out.sets, s)
		}
	}
	return out
}
