package git_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

const benchCommits = 10_000

// long makes a repository of 1,000 files in 100 folders, of which 10,000
// commits change one each, or the very first line of one at a time. The line
// that is asked for was last touched by one of the first commits.
func long(b *testing.B) *repo {
	b.Helper()
	r := &repo{t: b, dir: filepath.Join(b.TempDir(), "config")}
	r.mkdir(r.dir)
	r.git("init", "-q", "-b", "main")
	r.git("config", "uploadpack.allowAnySHA1InWant", "true")
	var in strings.Builder
	put := func(i, version int) {
		content := fmt.Sprintf("# version %d\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: config-%d\ndata:\n  value: %q\n", version, i, incompressible(i))
		fmt.Fprintf(&in, "M 100644 inline apps/%03d/%06d.yaml\ndata %d\n%s\n", i%100, i, len(content), content)
	}
	for c := range benchCommits {
		fmt.Fprintf(&in, "commit refs/heads/main\ncommitter Ana <ana@example.com> %d +0000\ndata 6\nChange\n", 1_700_000_000+c)
		if c == 0 {
			for i := range 1000 {
				put(i, 0)
			}
			continue
		}
		put(c%1000, c)
	}
	in.WriteString("done\n")
	r.gitIn(in.String(), "fast-import", "--quiet", "--done")
	r.git("gc", "-q")
	return r
}

// BenchmarkBlame is for -benchtime 1x: what it measures happens once, in order.
func BenchmarkBlame(b *testing.B) {
	for _, filtered := range []bool{true, false} {
		r := long(b)
		r.git("config", "uploadpack.allowFilter", fmt.Sprint(filtered))
		s := r.server()
		url := s.start(b)
		dir := b.TempDir()
		m := git.New(git.Options{Dir: dir})
		defer m.Close()
		head := r.git("rev-parse", "refs/heads/main")
		if _, err := m.Tree(b.Context(), snapshot.Location{RepoURL: url, Revision: "main"}); err != nil {
			b.Fatal(err)
		}
		ask := func(b *testing.B, file, line int) {
			q := snapshot.Lines{At: snapshot.Location{RepoURL: url}, Commit: head, Path: fmt.Sprintf("apps/%03d/%06d.yaml", file%100, file), From: line, To: line}
			if got, err := m.Blame(b.Context(), q); err != nil || got.Beyond {
				b.Fatalf("%+v, %v", got, err)
			}
		}
		for _, question := range []struct {
			name       string
			file, line int
		}{{"young", 999, 1}, {"oldest", 500, 7}, {"second", 501, 7}, {"again", 500, 7}} {
			b.Run(fmt.Sprintf("filtered=%v/%s", filtered, question.name), func(b *testing.B) {
				n := len(s.since(0))
				peak(b, func() {
					for b.Loop() {
						ask(b, question.file, question.line)
					}
				})
				total := 0
				for _, q := range s.since(n) {
					total += q.answered
				}
				b.ReportMetric(float64(total)/1024/float64(b.N), "net-KB")
				b.ReportMetric(onDisk(b, dir, "objects"), "mirror-KB")
				b.ReportMetric(onDisk(b, dir, "trueup-history"), "history-KB")
			})
		}
		b.Run(fmt.Sprintf("filtered=%v/git", filtered), func(b *testing.B) {
			program(b, r.dir, "blame", "--porcelain", "-L7,7", "main", "--", "apps/000/000500.yaml")
		})
	}
}

// onDisk is what a folder of the mirror takes, in KB.
func onDisk(b *testing.B, dir, folder string) float64 {
	b.Helper()
	out, err := exec.Command("sh", "-c", `du -sk "$0"/*.git/`+folder+` | cut -f1`, dir).Output()
	if err != nil {
		b.Fatal(err)
	}
	kb, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		b.Fatal(err)
	}
	return float64(kb)
}
