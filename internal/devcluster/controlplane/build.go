package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// batch is one run of `go build`: the packages of one module share most of
// their dependencies, so building them together costs least.
type batch struct {
	module   string            // folder of the tools module, below the source
	packages []string          // what to build
	rename   map[string]string // what `go build` calls a program -> what we call it
	names    []string
	ldflags  string
	what     string // for the person who waits
	duration string // measured on two cores with an empty build cache
}

func batches() []batch {
	stamp := func(name, value string) string { return " -X k8s.io/component-base/version." + name + "=" + value }
	major, minor, _ := strings.Cut(strings.TrimPrefix(KubernetesVersion, "v"), ".")
	minor, _, _ = strings.Cut(minor, ".")
	return []batch{
		{
			module: "components",
			packages: []string{
				"k8s.io/kubernetes/cmd/kube-apiserver", "k8s.io/kubernetes/cmd/kube-controller-manager",
				"k8s.io/kubernetes/cmd/kube-scheduler", "go.etcd.io/etcd/server/v3",
			},
			rename:   map[string]string{"server": etcd},
			names:    []string{apiserver, controllerManager, scheduler, etcd},
			ldflags:  "-s -w" + stamp("gitVersion", KubernetesVersion) + stamp("gitMajor", major) + stamp("gitMinor", minor),
			what:     "kube-apiserver, kube-controller-manager and kube-scheduler " + KubernetesVersion + " and etcd " + EtcdVersion,
			duration: "about 9 minutes",
		},
		{
			module:   "kwok",
			packages: []string{"sigs.k8s.io/kwok/cmd/kwok"},
			names:    []string{kwok},
			ldflags:  "-s -w",
			what:     "kwok " + KwokVersion,
			duration: "about 2 minutes",
		},
	}
}

// Builder makes the programs of a control plane from their Go modules, once
// per machine and set of versions.
type Builder struct {
	// Source is the folder of the devcluster module; it is needed only when
	// something must be built.
	Source string
	// Cache is the folder that keeps the binaries of all versions.
	Cache string
	// Progress is told what is built, why, and how long it took.
	Progress io.Writer
}

// CacheDir is where binaries are kept: TRUEUP_DEVCLUSTER_CACHE, or a folder in
// the user's cache.
func CacheDir() (string, error) {
	if dir := os.Getenv("TRUEUP_DEVCLUSTER_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache folder (TRUEUP_DEVCLUSTER_CACHE sets another): %w", err)
	}
	return filepath.Join(base, "trueup", "devcluster"), nil
}

// Binaries returns the folder of the programs, after building those that are
// missing. Two callers at the same time build once.
func (b Builder) Binaries(ctx context.Context) (string, error) {
	dir := filepath.Join(b.Cache, cacheKey())
	if complete(dir, Components()) {
		return dir, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make the cache of binaries: %w", err)
	}
	unlock, err := lock(ctx, dir+".lock", func() {
		fmt.Fprintln(b.Progress, "another process builds the control plane; waiting for it")
	})
	if err != nil {
		return "", err
	}
	defer unlock()
	for _, batch := range batches() {
		if complete(dir, batch.names) {
			continue
		}
		if err := b.build(ctx, batch, dir); err != nil {
			return "", err
		}
	}
	return dir, nil
}

func complete(dir string, names []string) bool {
	for _, name := range names {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode()&0o111 == 0 {
			return false
		}
	}
	return true
}

// build compiles into a folder of its own and moves the result in place, so
// that a program in the cache is always whole.
func (b Builder) build(ctx context.Context, batch batch, dir string) error {
	if b.Source == "" {
		return errors.New("build the control plane: no folder with go.mod files of its components given")
	}
	temp, err := os.MkdirTemp(b.Cache, "build-")
	if err != nil {
		return fmt.Errorf("build %s: %w", batch.what, err)
	}
	defer os.RemoveAll(temp)

	fmt.Fprintf(b.Progress, "building %s from source, because %s has no binaries of these versions yet (%s on 2 cores, once per machine) ...\n",
		batch.what, dir, batch.duration)
	started := time.Now()
	args := append([]string{"build", "-trimpath", "-ldflags", batch.ldflags, "-o", temp + string(filepath.Separator)}, batch.packages...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = filepath.Join(b.Source, batch.module)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOTOOLCHAIN=local", "GOWORK=off", "GOFLAGS=-mod=readonly")
	stop := b.tick(started)
	out, err := cmd.CombinedOutput()
	stop()
	if err != nil {
		return fmt.Errorf("build %s in %s: %w\n%s", batch.what, cmd.Dir, err, tail(out, 40))
	}
	for from, to := range batch.rename {
		if err := os.Rename(filepath.Join(temp, from), filepath.Join(temp, to)); err != nil {
			return fmt.Errorf("build %s: %w", batch.what, err)
		}
	}
	for _, name := range batch.names {
		if err := os.Rename(filepath.Join(temp, name), filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("build %s: %w", batch.what, err)
		}
	}
	fmt.Fprintf(b.Progress, "built %s in %s\n", batch.what, time.Since(started).Round(time.Second))
	return nil
}

// tick says every half minute that the build still runs: build servers end
// jobs that say nothing.
func (b Builder) tick(started time.Time) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(30 * time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				fmt.Fprintf(b.Progress, "  still building, %s so far\n", time.Since(started).Round(time.Second))
			}
		}
	}()
	return func() { close(done); <-ended }
}
