package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/origin"
	"github.com/trueup-dev/trueup/internal/object"
)

// declaredIn adds the lines at which a file of desired objects declares what
// differs.
func declaredIn(name string, desired []*unstructured.Unstructured, origins map[object.Key]string, report *drift.Report) {
	if name == "-" {
		return
	}
	files := origin.NewFiles(os.DirFS(filepath.Dir(name)))
	of := map[object.Key]*unstructured.Unstructured{}
	for _, u := range desired {
		of[object.KeyOf(u)] = u
	}
	for _, o := range report.Objects {
		_, line, _ := strings.Cut(strings.TrimPrefix(origins[o.Key()], name), ":")
		begin, err := strconv.Atoi(line)
		if err != nil {
			continue // it is not in the file
		}
		for n, f := range o.Fields {
			path, err := object.ParsePath(f.Path)
			if err != nil || f.Class != drift.Declared {
				continue
			}
			w, ok := origin.Want(o.Key(), of[o.Key()].Object, path)
			if at := origin.Plain(files, origin.At(filepath.Base(name), begin), w); ok && at.Precision == origin.Line {
				o.Fields[n].Declared = &drift.Declaration{File: name, Line: at.From, Precision: string(at.Precision)}
			}
		}
	}
}
