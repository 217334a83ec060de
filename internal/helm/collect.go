package helm

import (
	"bytes"
	"encoding/base64"
	"errors"
	"path"
	"regexp"
	"slices"
	"sort"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/drift/manifest"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// definitions reads the CRDs that charts bring beside their templates.
func definitions(c *chart.Chart, origins map[*chart.File]render.Origin) ([]render.Manifest, error) {
	var out []render.Manifest
	var failures []error
	for _, crd := range c.CRDObjects() {
		origin := origins[crd.File]
		items, err := manifest.Locate(bytes.NewReader(crd.File.Data), origin.Path)
		failures = append(failures, err)
		for _, item := range items {
			at := origin
			at.Line = item.Line
			out = append(out, render.Manifest{Object: item.Object, Origin: at})
		}
	}
	return out, errors.Join(failures...)
}

// collect reads the objects out of what the templates wrote. Tests are left
// out: a sync is no place for them.
func collect(all []written, origins map[*chart.File]render.Origin) ([]render.Manifest, error) {
	slices.SortFunc(all, func(a, b written) int { return strings.Compare(a.unit.name, b.unit.name) })
	var out []render.Manifest
	var failures []error
	for _, w := range all {
		if strings.HasSuffix(path.Base(w.unit.name), "NOTES.txt") || strings.TrimSpace(w.text) == "" {
			continue
		}
		if pointsElsewhere(w.text) {
			failures = append(failures, fault.New(fault.Invalid,
				"%s puts a file into an object that is a Git LFS pointer; LFS is not supported: commit the file itself", w.unit.name))
			continue
		}
		w = w.apart()
		items, err := manifest.Locate(strings.NewReader(w.text), w.unit.name+" as rendered")
		failures = append(failures, err)
		for _, item := range items {
			if test(item.Object) {
				continue
			}
			at := origins[w.unit.file]
			if path.Ext(at.Path) != ".tgz" {
				at.Line = w.line(item.Line)
			}
			out = append(out, render.Manifest{Object: item.Object, Origin: at})
		}
	}
	if err := errors.Join(failures...); err != nil {
		return nil, fault.Wrap(fault.Invalid, err)
	}
	return out, nil
}

// pointsElsewhere finds the pointer of Git LFS in what a template wrote, as it
// is or as the value of a Secret.
func pointsElsewhere(text string) bool {
	header := strings.TrimSpace(snapshot.LFSHeader)
	whole := len(header) / 3 * 3 // what follows does not change how it is encoded
	return strings.Contains(text, header) || strings.Contains(text, base64.StdEncoding.EncodeToString([]byte(header[:whole])))
}

// apart puts what follows a separator on its line on a line of its own.
// Templates trim until "---# a comment" is left, which is a separator to Helm
// and text to YAML.
func (w written) apart() written {
	at := trimmed.FindAllStringIndex(w.text, -1)
	if len(at) == 0 {
		return w
	}
	out := written{unit: w.unit, marks: slices.Clone(w.marks)}
	from := 0
	for i, found := range at {
		end := found[0] + len("---")
		out.text += w.text[from:end] + "\n"
		from = end
		for j, m := range w.marks {
			if m.offset >= end {
				out.marks[j].offset = m.offset + i + 1
			}
		}
	}
	out.text += w.text[from:]
	return out
}

var trimmed = regexp.MustCompile(`(?m)^---[^\s-]`)

// line is the template's for a line of its output, as near as marks tell: the
// text's own line, or that of the action that wrote it.
func (w written) line(of int) int {
	offset := 0
	for ; of > 1; of-- {
		next := strings.IndexByte(w.text[offset:], '\n')
		if next < 0 {
			return 0
		}
		offset += next + 1
	}
	i := sort.Search(len(w.marks), func(i int) bool { return w.marks[i].offset > offset })
	if i == 0 {
		return 0
	}
	m := w.marks[i-1]
	if !m.text {
		return m.line
	}
	return m.line + strings.Count(w.text[m.offset:offset], "\n")
}

// test reports the objects that "helm test" runs.
func test(u *unstructured.Unstructured) bool {
	for hook := range strings.SplitSeq(u.GetAnnotations()["helm.sh/hook"], ",") {
		if hook = strings.TrimSpace(hook); hook == "test" || hook == "test-success" || hook == "test-failure" {
			return true
		}
	}
	return false
}
