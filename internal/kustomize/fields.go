package kustomize

import (
	"errors"
	"io/fs"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
)

// maxName is what the name of an object can hold.
const maxName = 253

// merging is the field that holds patches and files with patches alike.
const merging = "patchesStrategicMerge"

// absent reports a file that is not in its tree.
func (l *layout) absent(k *kustomization, file string) bool {
	if file == "" || fetched(file) {
		return false
	}
	to, err := l.within(k.dir, file)
	if err == nil {
		_, err = l.files.stat(to)
	}
	return errors.Is(err, fs.ErrNotExist)
}

// checkFiles refuses files of a kustomization that kustomize would fetch, or
// that are not in its tree.
func (l *layout) checkFiles(k *kustomization) {
	for _, field := range []struct {
		name  string
		files []string
	}{
		{"patches", patchFiles(k.Patches)},
		{"patchesJson6902", patchFiles(k.PatchesJson6902)}, //nolint:staticcheck // old files have them
		{merging, l.mergeFiles(k)},
		{"replacements", replacementFiles(k.Replacements)},
		{"crds", k.Crds},
		{"configurations", k.Configurations},
		{"openapi.path", []string{k.OpenAPI["path"]}},
	} {
		for _, file := range field.files {
			l.checkFile(k, field.name, file)
			if l.absent(k, file) && (field.name != merging || !strings.Contains(file, ":")) {
				l.fail(k, "%s: %s is not there", field.name, shown(file))
			}
		}
	}
}

// checkFile checks one.
func (l *layout) checkFile(k *kustomization, field, file string) {
	switch {
	case file == "":
	case fetched(file):
		l.fail(k, "%s: %s is a file on a web server, which nothing pins; copy it into the repository", field, shown(file))
	default:
		to, err := l.within(k.dir, file)
		if err != nil {
			l.fail(k, "%s: %w", field, err)
			return
		}
		l.weigh(k, to)
	}
}

// checkText looks at YAML that stands in the kustomization itself, and at
// what multiplies.
func (l *layout) checkText(k *kustomization) {
	var texts []string
	for _, p := range k.Patches {
		texts = append(texts, p.Patch)
	}
	for _, p := range k.PatchesJson6902 { //nolint:staticcheck // old files have them
		texts = append(texts, p.Patch)
	}
	for _, p := range k.PatchesStrategicMerge { //nolint:staticcheck // old files have them
		texts = append(texts, string(p))
	}
	for _, text := range texts {
		if err := bounded([]byte(text), nodes([]byte(text))); err != nil {
			l.fail(k, "a patch: %w", err)
		}
	}
	if len(k.NamePrefix) > maxName || len(k.NameSuffix) > maxName {
		l.fail(k, "the namePrefix or nameSuffix is longer than a name may be")
	}
	l.growth.add(l, k)
}

func patchFiles(patches []types.Patch) []string {
	var out []string
	for _, p := range patches {
		out = append(out, p.Path)
	}
	return out
}

// mergeFiles are those that are no patches themselves: the old field takes
// both, and decides by trying.
func (l *layout) mergeFiles(k *kustomization) []string {
	var out []string
	for _, p := range k.PatchesStrategicMerge { //nolint:staticcheck // old files have them
		if !strings.Contains(string(p), "\n") && !strings.HasPrefix(string(p), "{") {
			out = append(out, string(p))
		}
	}
	return out
}

func replacementFiles(replacements []types.ReplacementField) []string {
	var out []string
	for _, r := range replacements {
		out = append(out, r.Path)
	}
	return out
}
