package kustomize

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// deprecated are the files that use a field, by what is to be said of it.
type deprecated map[string][]string

// see looks at a kustomization as it stands in the file.
func (d deprecated) see(k *kustomization, title string) {
	for _, note := range *k.CheckDeprecatedFields() {
		words := strings.Split(note, "'") // "# Warning: 'OLD' is deprecated. Please use 'NEW' instead. ..."
		const old, replacement = 1, 3
		if len(words) <= replacement {
			continue
		}
		text := fmt.Sprintf("%s is deprecated, use %s", words[old], words[replacement])
		if !slices.Contains(d[text], title) {
			d[text] = append(d[text], title)
		}
	}
}

// namedFiles is how many files a warning names.
const namedFiles = 3

// warn tells of each field once.
func (d deprecated) warn(warnf func(format string, args ...any)) {
	for _, text := range slices.Sorted(maps.Keys(d)) {
		files := d[text]
		more := ""
		if len(files) > namedFiles {
			more = fmt.Sprintf(" and %d more", len(files)-namedFiles)
			files = files[:namedFiles]
		}
		warnf(`%s ("kustomize edit fix" does it): %s%s`, text, strings.Join(files, ", "), more)
	}
}
