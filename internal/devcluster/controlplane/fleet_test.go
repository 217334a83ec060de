package controlplane

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func newFleet(t *testing.T, dir string) Fleet {
	t.Helper()
	return Fleet{Dir: dir, Progress: t.Output(), Now: time.Now}
}

var errNoBinaries = errors.New("no binaries here")

// refused fails a test in which something would be started.
func refused(context.Context) (string, error) { return "", errNoBinaries }

func TestAForeignFolderIsNeitherUsedNorRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	precious := filepath.Join(dir, "precious")
	if err := os.WriteFile(precious, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f := newFleet(t, dir)
	if _, err := f.Up(t.Context(), Start{Names: []string{"hub"}, Binaries: refused, Timeout: time.Minute}); err == nil || errors.Is(err, errNoBinaries) {
		t.Errorf("up: %v", err)
	}
	if err := f.Down(t.Context()); err != nil {
		t.Errorf("down: %v", err)
	}
	if err := f.Purge(); err == nil {
		t.Error("purge removed a folder of another")
	}
	if _, err := os.Stat(precious); err != nil {
		t.Error(err)
	}
}

func TestNamesOfClustersStayInsideTheFolder(t *testing.T) {
	t.Parallel()
	f := newFleet(t, filepath.Join(t.TempDir(), "d"))
	for _, name := range []string{"", ".", "..", "../x", "a/b", "A", "-a", "a-", strings.Repeat("a", 33)} {
		_, err := f.Up(t.Context(), Start{Names: []string{"hub", name}, Binaries: refused, Timeout: time.Minute})
		if err == nil || errors.Is(err, errNoBinaries) {
			t.Errorf("name %q: %v", name, err)
		}
	}
	if _, err := os.Stat(f.Dir); err == nil {
		t.Error("a refused name left a folder")
	}
}

func TestDownAndPurgeOfNothing(t *testing.T) {
	t.Parallel()
	f := newFleet(t, filepath.Join(t.TempDir(), "never"))
	if err := errors.Join(f.Down(t.Context()), f.Purge()); err != nil {
		t.Error(err)
	}
	rows, err := f.Status(t.Context())
	if err != nil || len(rows) != 0 {
		t.Errorf("status: %v, %v", rows, err)
	}
}

func TestAProgramThatEndsFailsTheStartWithItsLog(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	script := "#!/bin/sh\necho listen failed: no such luck\nexit 1\n"
	if err := os.WriteFile(filepath.Join(bin, etcd), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	f := newFleet(t, filepath.Join(t.TempDir(), "d"))
	_, err := f.Up(t.Context(), Start{
		Names: []string{"hub"}, Timeout: time.Minute,
		Binaries: func(context.Context) (string, error) { return bin, nil },
	})
	if err == nil {
		t.Fatal("a cluster without etcd started")
	}
	for _, want := range []string{"start cluster hub", "etcd ended: exit status 1", "listen failed: no such luck"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not mention %q", err, want)
		}
	}
	if err := f.Down(t.Context()); err != nil {
		t.Error(err)
	}
	if log, err := os.ReadFile(f.layout("hub").log(etcd)); err != nil || len(log) == 0 {
		t.Errorf("the log is gone: %v", err)
	}
	if err := f.Purge(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(f.Dir); !os.IsNotExist(err) {
		t.Errorf("purge left the folder: %v", err)
	}
}

func TestFreePortsDiffer(t *testing.T) {
	t.Parallel()
	ports, err := freePorts(20)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for _, p := range ports {
		if p == 0 || seen[p] {
			t.Errorf("port %d in %v", p, ports)
		}
		seen[p] = true
	}
}

func TestALockIsHeldByOneAtATime(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(t.Context(), path, func() { t.Error("nobody holds it yet") })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := lock(ctx, path, cancel); !errors.Is(err, context.Canceled) {
		t.Errorf("got the lock twice: %v", err)
	}
	unlock()
	unlock, err = lock(t.Context(), path, func() { t.Error("it is free again") })
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

func TestACompleteCacheBuildsNothing(t *testing.T) {
	t.Parallel()
	cache := t.TempDir()
	b := Builder{Cache: cache, Progress: io.Discard}
	if _, err := b.Binaries(t.Context()); err == nil {
		t.Fatal("built without source")
	}
	dir := filepath.Join(cache, cacheKey())
	for _, name := range Components() {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	got, err := b.Binaries(t.Context())
	if err != nil || got != dir {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestVersionsAreThoseOfTheModules(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ module, requirement string }{
		{"components", "\tk8s.io/kubernetes " + KubernetesVersion},
		{"components", "\tgo.etcd.io/etcd/server/v3 " + EtcdVersion},
		{"components", "\tk8s.io/component-base => k8s.io/component-base v0" + strings.TrimPrefix(KubernetesVersion, "v1")},
		{"kwok", "require sigs.k8s.io/kwok " + KwokVersion},
	} {
		data, err := os.ReadFile(filepath.Join("..", test.module, "go.mod"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(data), "\n"+test.requirement+"\n") {
			t.Errorf("%s/go.mod does not have %q", test.module, test.requirement)
		}
	}
}
