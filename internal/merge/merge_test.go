package merge_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/merge"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

func TestLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, base, ours, theirs, want string }{
		{"nobody", "a\nb\n", "a\nb\n", "a\nb\n", "a\nb\n"},
		{"one side", "a\nb\nc\n", "a\nB\nc\n", "a\nb\nc\n", "a\nB\nc\n"},
		{"both, far apart", "a\nb\nc\nd\n", "A\nb\nc\nd\n", "a\nb\nc\nD\n", "A\nb\nc\nD\n"},
		{"both the same", "a\nb\n", "a\nX\n", "a\nX\n", "a\nX\n"},
		{"one deletes, one adds elsewhere", "a\nb\nc\nd\n", "b\nc\nd\n", "a\nb\nc\nd\ne\n", "b\nc\nd\ne\n"},
		{"the same line", "a\n", "b\n", "c\n", ""},
		{"neighbours", "a\nb\n", "A\nb\n", "a\nB\n", ""},
		{"no text", "a\x00\n", "b\x00\n", "a\x00\n", ""},
		{"no line end", "a\nb\nc", "A\nb\nc", "a\nb\nC", "A\nb\nC"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, ok := merge.Lines([]byte(c.base), []byte(c.ours), []byte(c.theirs))
			if ok != (c.want != "") || string(got) != c.want {
				t.Errorf("got %q, %v", got, ok)
			}
		})
	}
}

// repo is a repository made with the git program.
type repo struct {
	t   *testing.T
	dir string
}

func newRepo(t *testing.T) repo {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("there is no git program to compare with")
	}
	r := repo{t, t.TempDir()}
	r.git("init", "-q", "-b", "main")
	return r
}

func (r repo) git(args ...string) string {
	r.t.Helper()
	out, err := r.try(args...)
	if err != nil {
		r.t.Fatalf("git %v: %v", args, err)
	}
	return out
}

func (r repo) try(args ...string) (string, error) {
	cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "merge.renames=false", "-c", "merge.directoryRenames=false"}, args...)...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}

func (r repo) commit() string {
	r.git("add", "-A")
	r.git("commit", "-q", "--allow-empty", "-m", "change")
	return r.git("rev-parse", "HEAD")
}

// nested are files whose submodules somebody asked to be restricted.
type nested struct {
	fstest.MapFS
	may func(ctx context.Context, url string) error
}

// Restricted implements snapshot.Restricter.
func (n nested) Restricted(may func(ctx context.Context, url string) error) snapshot.FS {
	return nested{n.MapFS, may}
}

func (n nested) ReadFile(name string) ([]byte, error) {
	if n.may != nil {
		return nil, n.may(context.Background(), name)
	}
	return n.MapFS.ReadFile(name)
}

// Hash implements snapshot.Hasher.
func (n nested) Hash(name string) (string, error) {
	if _, err := n.Stat(name); err != nil {
		return "", err
	}
	return fmt.Sprint(n.MapFS), nil
}

func TestMergeIsRestricted(t *testing.T) {
	t.Parallel()
	empty := nested{MapFS: fstest.MapFS{}}
	side := func(name string) nested { return nested{MapFS: fstest.MapFS{name: {Data: []byte(name)}}} }
	merged, err := merge.Trees(empty, side("ours"), side("theirs"))
	if err != nil {
		t.Fatal(err)
	}
	denied := errors.New("denied")
	restricted := snapshot.Restrict(merged.FS, func(context.Context, string) error { return denied })
	for _, name := range []string{"ours", "theirs"} {
		if data, err := merged.FS.ReadFile(name); err != nil || string(data) != name {
			t.Errorf("%s: %q, %v", name, data, err)
		}
		if _, err := restricted.ReadFile(name); !errors.Is(err, denied) {
			t.Errorf("%s of a restricted merge: %v", name, err)
		}
	}
}

// TestTreesAsGitDoes merges random changes, and holds the result against what
// git makes of them.
func TestTreesAsGitDoes(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(7, 7))
	conflicts, clean := 0, 0
	for round := range 25 {
		r := newRepo(t)
		for i := range 12 {
			r.write(rnd, fmt.Sprintf("d%d/e%d/f%d", i%3, i%2, i))
		}
		base := r.commit()
		r.git("checkout", "-q", "-b", "ours")
		r.change(rnd)
		ours := r.commit()
		r.git("checkout", "-q", "-b", "theirs", base)
		r.change(rnd)
		theirs := r.commit()

		mirrors := git.New(git.Options{Dir: t.TempDir(), Files: true})
		tree := func(sha string) snapshot.FS {
			got, err := mirrors.Tree(context.Background(), snapshot.Location{RepoURL: "file://" + r.dir, Revision: sha})
			if err != nil {
				t.Fatal(err)
			}
			return got.FS
		}
		got, err := merge.Trees(tree(base), tree(ours), tree(theirs))
		if err != nil {
			t.Fatal(err)
		}
		out, err := r.try("merge-tree", "--write-tree", "--name-only", "--no-messages", ours, theirs)
		var failed *exec.ExitError
		if err != nil && (!errors.As(err, &failed) || failed.ExitCode() != 1) {
			t.Fatal(err)
		}
		lines := strings.Split(out, "\n")
		if err != nil {
			conflicts++
			want := slices.Compact(slices.Sorted(slices.Values(lines[1:])))
			if diff := cmp.Diff(want, got.Conflicts); diff != "" {
				t.Errorf("round %d: conflicts (-git +trueup): %s", round, diff)
			}
			continue
		}
		clean++
		if len(got.Conflicts) > 0 {
			t.Errorf("round %d: conflicts %v, git has none", round, got.Conflicts)
		}
		if diff := cmp.Diff(r.tree(lines[0]), contents(t, got.FS)); diff != "" {
			t.Errorf("round %d (-git +trueup): %s", round, diff)
		}
		var names []string
		for name := range contents(t, got.FS) {
			names = append(names, name)
		}
		if err := fstest.TestFS(got.FS, names...); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
	}
	if conflicts == 0 || clean == 0 {
		t.Errorf("%d with conflicts, %d without: both kinds are wanted", conflicts, clean)
	}
}

func (r repo) write(rnd *rand.Rand, name string) {
	var b strings.Builder
	for i := range 12 + rnd.IntN(8) {
		fmt.Fprintf(&b, "line %d %d\n", i, rnd.IntN(1000))
	}
	full := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(b.String()), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// change edits, adds and deletes files.
func (r repo) change(rnd *rand.Rand) {
	for range 1 + rnd.IntN(4) {
		i := rnd.IntN(12)
		name := fmt.Sprintf("d%d/e%d/f%d", i%3, i%2, i)
		full := filepath.Join(r.dir, name)
		data, err := os.ReadFile(full)
		switch {
		case err != nil || rnd.IntN(8) == 0:
			r.write(rnd, fmt.Sprintf("d%d/new%d", rnd.IntN(4), rnd.IntN(30)))
		case rnd.IntN(12) == 0:
			_ = os.Remove(full)
		default:
			lines := strings.Split(string(data), "\n")
			at := rnd.IntN(len(lines))
			lines[at] = fmt.Sprintf("changed %d", rnd.IntN(1000))
			if rnd.IntN(3) == 0 {
				lines = slices.Insert(lines, rnd.IntN(len(lines)), "more")
			}
			if err := os.WriteFile(full, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
				r.t.Fatal(err)
			}
		}
	}
}

func (r repo) tree(id string) map[string]string {
	out := map[string]string{}
	for line := range strings.SplitSeq(r.git("ls-tree", "-r", "--name-only", id), "\n") {
		if line != "" {
			cmd := exec.Command("git", "cat-file", "blob", id+":"+line)
			cmd.Dir = r.dir
			data, err := cmd.Output()
			if err != nil {
				r.t.Fatal(err)
			}
			out[line] = string(data)
		}
	}
	return out
}

func contents(t *testing.T, files snapshot.FS) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := fs.WalkDir(files, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := files.ReadFile(name)
		out[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
