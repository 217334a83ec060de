package policy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// Default is where policies of a repository are when nobody says where.
const Default = ".trueup/policies"

// Bounds of what is read.
const (
	maxFiles = 1000
	maxBytes = 4 << 20
)

// Files reads policies: Rego, and YAML or JSON with objects. A pattern is a
// file, a folder with all below it, or a glob with **; one that matches
// nothing is no error. Tests of policies (_test.rego) are left out.
func Files(ctx context.Context, files snapshot.FS, patterns []string) ([]File, error) {
	var names []string
	for _, pattern := range patterns {
		pattern = path.Clean(strings.TrimPrefix(pattern, "/"))
		found := []string{pattern}
		if strings.ContainsAny(pattern, "*?[{") {
			var err error
			if found, err = doublestar.Glob(files, pattern, doublestar.WithNoFollow()); err != nil {
				return nil, fault.New(fault.Invalid, "policies %s: %w", pattern, err)
			}
		}
		for _, name := range found {
			below, err := below(ctx, files, name)
			if err != nil {
				return nil, fmt.Errorf("read policies %s: %w", pattern, err)
			}
			names = append(names, below...)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) > maxFiles {
		return nil, fault.New(fault.Invalid, "there are %d files of policies, more than %d", len(names), maxFiles)
	}
	var out []File
	size := 0
	for _, name := range names {
		data, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read policies: %w", err)
		}
		if size += len(data); size > maxBytes {
			return nil, fault.New(fault.Invalid, "policies are more than %d MiB together", maxBytes>>20)
		}
		out = append(out, File{name, data})
	}
	return out, nil
}

func below(ctx context.Context, files snapshot.FS, root string) ([]string, error) {
	var out []string
	err := fs.WalkDir(files, root, func(name string, e fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case e.IsDir() || strings.HasSuffix(name, "_test.rego"):
			return nil
		}
		switch path.Ext(name) {
		case ".rego", ".yaml", ".yml", ".json":
			out = append(out, name)
		}
		if len(out) > maxFiles {
			return fault.New(fault.Invalid, "there are more than %d files", maxFiles)
		}
		return nil
	})
	return out, err
}

// Declared is an object, and where it is described.
type Declared struct {
	Object map[string]any
	Origin string
}

// Sources are what policies are made of.
type Sources struct {
	Files []File
	// Extra hold everywhere, Declared for objects that go to one cluster.
	Extra    []Declared
	Declared map[string][]Declared
}

// AdmissionGroup is the API group of Kubernetes' own policies.
const AdmissionGroup = "admissionregistration.k8s.io"

// Concerns tells whether objects of a kind may be policies, or what these are
// given: namespaces, definitions, and what parameters are in.
func Concerns(group, kind string) bool {
	switch group {
	case AdmissionGroup:
		return strings.HasPrefix(kind, "ValidatingAdmissionPolicy")
	case "":
		return kind == "Namespace" || kind == "ConfigMap"
	case "apiextensions.k8s.io":
		return kind == "CustomResourceDefinition"
	}
	return strings.Contains(group, ".") && !strings.HasSuffix(group, ".k8s.io")
}
