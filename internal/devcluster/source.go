package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/trueup-dev/trueup/internal/devcluster/controlplane"
)

// builder knows where binaries are kept, and what to build them from.
func builder(source string, progress io.Writer) (controlplane.Builder, error) {
	cache, err := controlplane.CacheDir()
	if err != nil {
		return controlplane.Builder{}, err
	}
	if source == "" {
		source = findSource()
	} else if !isSource(source) {
		return controlplane.Builder{}, errors.New("--source " + source + ": no components/go.mod in it")
	}
	return controlplane.Builder{Source: source, Cache: cache, Progress: progress}, nil
}

// findSource looks for this module upwards from the working directory and from
// the program itself. It returns "" when there is none: with binaries in the
// cache, none is needed.
func findSource() string {
	var starts []string
	if wd, err := os.Getwd(); err == nil {
		starts = append(starts, wd)
	}
	if exe, err := os.Executable(); err == nil {
		starts = append(starts, filepath.Dir(exe))
	}
	for _, dir := range starts {
		for {
			for _, candidate := range []string{dir, filepath.Join(dir, "internal", "devcluster")} {
				if isSource(candidate) {
					return candidate
				}
			}
			parent := filepath.Dir(dir)
			if parent == dir {
				break
			}
			dir = parent
		}
	}
	return ""
}

func isSource(dir string) bool {
	for _, module := range []string{"components", "kwok"} {
		if _, err := os.Stat(filepath.Join(dir, module, "tools.go")); err != nil {
			return false
		}
	}
	return true
}
