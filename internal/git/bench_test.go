package git_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// The size of the repository that is measured.
const (
	benchFiles = 100_000
	benchRefs  = 10_000
)

// large makes a repository of 100,000 files in 1,000 folders and 10,000 refs.
func large(b *testing.B) *repo {
	b.Helper()
	r := &repo{t: b, dir: filepath.Join(b.TempDir(), "config")}
	r.mkdir(r.dir)
	r.git("init", "-q", "-b", "main")
	r.git("config", "uploadpack.allowAnySHA1InWant", "true")
	var in strings.Builder
	in.WriteString("commit refs/heads/main\ncommitter Ana <ana@example.com> 1700000000 +0000\ndata 5\nStart\n")
	for i := range benchFiles {
		content := fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: config-%d\ndata:\n  value: %q\n", i, incompressible(i))
		fmt.Fprintf(&in, "M 100644 inline apps/%03d/%03d/%06d.yaml\ndata %d\n%s\n", i%10, i%1000, i, len(content), content)
	}
	in.WriteString("done\n")
	r.gitIn(in.String(), "fast-import", "--quiet", "--done")
	r.git("reset", "-q", "--hard")
	r.manyRefs(benchRefs)
	r.git("gc", "-q")
	return r
}

// peak measures the largest memory of this process while something runs.
func peak(b *testing.B, do func()) {
	b.Helper()
	runtime.GC()
	before := memory(b, "VmRSS")
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0o600); err != nil {
		b.Skip("this system does not tell the peak of memory")
	}
	do()
	b.ReportMetric(float64(memory(b, "VmHWM")-before)/1024, "peak-MB")
	b.ReportMetric(float64(memory(b, "VmHWM"))/1024, "rss-MB")
}

func memory(b *testing.B, field string) int {
	b.Helper()
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("this system does not tell what memory is used")
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			kb, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				b.Fatal(err)
			}
			return kb
		}
	}
	b.Fatalf("no %s", field)
	return 0
}

// program measures git doing the same.
func program(b *testing.B, dir string, args ...string) {
	b.Helper()
	for b.Loop() {
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
}

// BenchmarkLargeRepository is for -benchtime 1x: what it measures happens
// once, in order.
func BenchmarkLargeRepository(b *testing.B) {
	r := large(b)
	s := r.server()
	url := s.start(b)
	dir := b.TempDir()
	m := git.New(git.Options{Dir: dir})
	beside := b.TempDir()
	(&repo{t: b, dir: beside}).git("init", "-q", "--bare")
	at := snapshot.Location{RepoURL: url, Revision: "main"}
	open := func(b *testing.B) snapshot.Tree {
		got, err := m.Tree(b.Context(), at)
		if err != nil {
			b.Fatal(err)
		}
		return got
	}
	ours := func(name string, do func(b *testing.B)) {
		b.Run(name+"/trueup", func(b *testing.B) {
			n := len(s.since(0))
			peak(b, func() {
				for b.Loop() {
					do(b)
				}
			})
			total := 0
			for _, q := range s.since(n) {
				total += q.answered
			}
			b.ReportMetric(float64(total)/1024/float64(b.N), "net-KB")
		})
	}
	query := func(b *testing.B) {
		if _, err := m.Poll(b.Context(), url); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := m.Resolve(b.Context(), url, "main"); err != nil {
		b.Fatal(err)
	}
	ours("refs", query)
	b.Run("refs/git", func(b *testing.B) { program(b, beside, "ls-remote", url, "refs/heads/main") })
	ours("first", func(b *testing.B) { open(b) })
	b.Run("first/git", func(b *testing.B) { program(b, beside, "fetch", "-q", "--depth", "1", url, "+main:refs/heads/main") })
	r.write("apps/007/007/000007.yaml", "changed: true\n")
	r.commit("Change one file")
	query(b)
	ours("commit", func(b *testing.B) { open(b) })
	b.Run("commit/git", func(b *testing.B) { program(b, beside, "fetch", "-q", "--depth", "1", url, "+main:refs/heads/main") })
	again := git.New(git.Options{Dir: dir})
	sha := open(b).Commit.SHA
	ours("read", func(b *testing.B) {
		got, err := again.Tree(b.Context(), snapshot.Location{RepoURL: url, Revision: sha})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := got.FS.ReadFile("apps/007/007/000007.yaml"); err != nil {
			b.Fatal(err)
		}
	})
	b.Run("read/git", func(b *testing.B) { program(b, beside, "cat-file", "blob", "FETCH_HEAD:apps/007/007/000007.yaml") })
	held := open(b)
	ours("all", func(b *testing.B) {
		for i := range benchFiles {
			if _, err := held.FS.ReadFile(fmt.Sprintf("apps/%03d/%03d/%06d.yaml", i%10, i%1000, i)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("all/git", func(b *testing.B) { program(b, beside, "archive", "--format=tar", "-o", "/dev/null", "FETCH_HEAD") })
	b.Run("held/trueup", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			open(b)
		}
	})
}
