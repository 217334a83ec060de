package git_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/forgetest"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// gitAs runs git as somebody, at a time.
func (r *repo) gitAs(who string, at int, args ...string) {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = r.dir
	date := strconv.Itoa(1_700_000_000+at*60) + " +0000"
	cmd.Env = append(cmd.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_AUTHOR_DATE="+date, "GIT_COMMITTER_DATE="+date,
		"GIT_AUTHOR_NAME="+who, "GIT_AUTHOR_EMAIL=x@example.com", "GIT_COMMITTER_NAME="+who, "GIT_COMMITTER_EMAIL=x@example.com")
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// origin is where git itself says that a line comes from.
type origin struct {
	SHA, Path string
	Line      int
}

// blamed asks git where every line comes from.
func (r *repo) blamed(at, path string) []origin {
	r.t.Helper()
	var out []origin
	current := origin{}
	files := map[string]string{}
	for line := range strings.Lines(r.git("blame", "--porcelain", at, "--", path)) {
		line = strings.TrimSuffix(line, "\n")
		fields := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, "\t"):
			current.Path = files[current.SHA]
			out = append(out, current)
		case strings.HasPrefix(line, "filename "):
			files[current.SHA] = strings.TrimPrefix(line, "filename ")
		case len(fields) >= 3 && len(fields[0]) == 40:
			n, err := strconv.Atoi(fields[1])
			if err != nil {
				r.t.Fatal(err)
			}
			current = origin{SHA: fields[0], Line: n}
		}
	}
	if len(out) < 6 {
		r.t.Fatalf("git blames %d lines of %s only", len(out), path)
	}
	return out
}

// past makes a random history of a file, with branches, merges and renames,
// and returns where the file is in the end.
func past(r *repo, random *rand.Rand, commits int) (path string) {
	r.t.Helper()
	path = "apps/web.yaml"
	next := 0
	fresh := func() string { next++; return fmt.Sprintf("line-%d: %d", next, random.IntN(1000)) }
	var lines []string
	for range 20 {
		lines = append(lines, fresh())
	}
	edit := func(lines []string, from, to int) []string {
		out := append([]string{}, lines...)
		i := from + random.IntN(max(to-from, 1))
		switch i = min(i, len(out)-1); random.IntN(3) {
		case 0:
			out[i] = fresh()
		case 1:
			out = append(out[:i], append([]string{fresh()}, out[i:]...)...)
		default:
			if len(out) > 6 {
				out = append(out[:i], out[i+1:]...)
			}
		}
		return out
	}
	put := func(lines []string) { r.write(path, strings.Join(lines, "\n")+"\n") }
	clock := 0
	commit := func(who, message string) {
		clock++
		r.gitAs(who, clock, "add", "-A")
		r.gitAs(who, clock, "commit", "-q", "--allow-empty", "-m", message)
	}
	put(lines)
	r.write("README.md", "x\n")
	commit("Ana", "Start")
	for i := range commits {
		switch random.IntN(6) {
		case 0: // both sides change, each its half
			half := len(lines) / 2
			r.gitAs("Ben", clock, "checkout", "-q", "-b", fmt.Sprintf("side-%d", i))
			side := append(append([]string{}, lines[:half]...), edit(lines[half:], 1, len(lines)-half)...)
			put(side)
			commit("Ben", "Side")
			r.gitAs("Ben", clock, "checkout", "-q", "main")
			first := edit(lines[:half], 0, half-1)
			put(append(append([]string{}, first...), lines[half:]...))
			commit("Ana", "Main")
			clock++
			r.gitAs("Cleo", clock, "merge", "-q", "--no-ff", "--no-commit", "-s", "ours", fmt.Sprintf("side-%d", i))
			lines = append(first, side[half:]...)
			put(lines)
			commit("Cleo", "Merge")
		case 1:
			to := fmt.Sprintf("apps/%d/web.yaml", i)
			r.mkdir(r.dir + fmt.Sprintf("/apps/%d", i))
			r.gitAs("Dan", clock, "mv", path, to)
			path = to
			commit("Dan", "Move")
		case 2:
			r.write("README.md", fmt.Sprintln(i))
			commit("Ben", "Another file")
		default:
			lines = edit(lines, 0, len(lines))
			put(lines)
			commit("Ana", "Edit")
		}
	}
	return path
}

// TestBlameAsGitDoes holds every line of random histories against git blame.
func TestBlameAsGitDoes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		for how, set := range map[string]func(*repo, *server){
			"filtered": func(r *repo, _ *server) { r.git("config", "uploadpack.allowFilter", "true") },
			"whole":    func(*repo, *server) {},
			"old":      func(_ *repo, s *server) { s.old = true },
			"file":     nil,
		} {
			t.Run(fmt.Sprintf("%s/%d", how, seed), func(t *testing.T) {
				t.Parallel()
				r := newRepo(t)
				path := past(r, rand.New(rand.NewPCG(seed, 1)), 30)
				url := r.fileURL()
				if set != nil {
					s := r.server()
					set(r, s)
					url = s.start(t)
				}
				m := mirrors(t, nil)
				head := r.git("rev-parse", "HEAD")
				for i, want := range r.blamed(head, path) {
					touch, err := m.Blame(t.Context(), snapshot.Lines{At: snapshot.Location{RepoURL: url}, Commit: head, Path: path, From: i + 1, To: i + 1})
					if err != nil {
						t.Fatal(err)
					}
					got := origin{touch.Commit.SHA, touch.Path, touch.Line}
					if diff := cmp.Diff(want, got); diff != "" || touch.Beyond {
						t.Errorf("line %d (-git +trueup), beyond: %v\n%s%s", i+1, touch.Beyond, diff, r.git("log", "--graph", "--format=%h %s %an"))
					}
				}
			})
		}
	}
}

// story makes the history of a value that Ana set and Ben wrote around.
func story(t *testing.T) (r *repo, ana string) {
	t.Helper()
	r = newRepo(t)
	r.write("apps/web.yaml", "kind: Deployment\nspec:\n  replicas: 2\n  paused: false\n")
	r.write("README.md", "0\n")
	r.gitAs("Cleo", 0, "add", "-A")
	r.gitAs("Cleo", 0, "commit", "-q", "-m", "Start")
	r.write("apps/web.yaml", "kind: Deployment\nspec:\n  replicas: 3\n  paused: false\n")
	r.gitAs("Ana", 1, "commit", "-q", "-a", "-m", "Scale web to 3\n\nBecause of the sale.")
	ana = r.git("rev-parse", "HEAD")
	r.write("apps/web.yaml", "# web\nkind: Deployment\nspec:\n  replicas: 3\n  paused: true\n")
	r.gitAs("Ben", 2, "commit", "-q", "-a", "-m", "Pause")
	return r, ana
}

func (r *repo) more(commits int) {
	r.t.Helper()
	head := r.git("rev-parse", "HEAD")
	var in strings.Builder
	for i := range commits {
		fmt.Fprintf(&in, "commit refs/heads/main\ncommitter Ben <ben@example.com> %d +0000\ndata 4\nMore\n", 1_710_000_000+i)
		if i == 0 {
			fmt.Fprintf(&in, "from %s\n", head)
		}
		text := fmt.Sprintf("%d\n", i)
		fmt.Fprintf(&in, "M 100644 inline README.md\ndata %d\n%s\n", len(text), text)
	}
	in.WriteString("done\n")
	r.gitIn(in.String(), "fast-import", "--quiet", "--done", "--force")
	r.git("reset", "-q", "--hard")
}

func TestBlameTellsCommitAndPlace(t *testing.T) {
	t.Parallel()
	r, ana := story(t)
	head := r.git("rev-parse", "HEAD")
	m, url := mirrors(t, nil), r.fileURL()
	ask := func(from, to int) snapshot.Touch {
		t.Helper()
		got, err := m.Blame(t.Context(), snapshot.Lines{At: snapshot.Location{RepoURL: url}, Commit: head, Path: "apps/web.yaml", From: from, To: to})
		if err != nil {
			t.Fatal(err)
		}
		got.Commit.Time = got.Commit.Time.UTC()
		return got
	}
	at := func(minute int) time.Time { return time.Unix(1_700_000_000+int64(minute)*60, 0).UTC() }
	byAna := snapshot.Touch{Commit: snapshot.Commit{Repo: url, SHA: ana, Author: "Ana", Subject: "Scale web to 3", Time: at(1)}, Path: "apps/web.yaml", Line: 3}
	byBen := snapshot.Touch{Commit: snapshot.Commit{Repo: url, SHA: head, Author: "Ben", Subject: "Pause", Time: at(2)}, Path: "apps/web.yaml"}
	if diff := cmp.Diff(byAna, ask(4, 4)); diff != "" {
		t.Errorf("one line (-want +got)\n%s", diff)
	}
	byAna.Line = 2 // the first of those that were asked for
	if diff := cmp.Diff(byAna, ask(3, 4)); diff != "" {
		t.Errorf("two lines: the later of their commits (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(byBen, ask(0, 0)); diff != "" {
		t.Errorf("the file (-want +got)\n%s", diff)
	}
	_, err := m.Blame(t.Context(), snapshot.Lines{At: snapshot.Location{RepoURL: url}, Commit: head, Path: "apps/api.yaml", From: 1, To: 1})
	if fault.Of(err) != fault.Missing || !strings.Contains(err.Error(), "apps/api.yaml") {
		t.Errorf("a file that is not there: %v", err)
	}
}

// TestALineThatWentIsATouch: taking a line from between others changes them.
func TestALineThatWentIsATouch(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("a", "args:\n- one\n- two\n- three\n")
	r.gitAs("Ana", 0, "add", "-A")
	r.gitAs("Ana", 0, "commit", "-q", "-m", "Start")
	r.write("a", "args:\n- one\n- three\n")
	r.gitAs("Ben", 1, "commit", "-q", "-a", "-m", "Drop two")
	m := mirrors(t, nil)
	got, err := m.Blame(t.Context(), snapshot.Lines{At: snapshot.Location{RepoURL: r.fileURL()}, Commit: r.git("rev-parse", "HEAD"), Path: "a", From: 1, To: 3})
	if err != nil || got.Commit.Author != "Ben" {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestHistoryIsFetchedAsFarAsNeeded: in steps, without the files that nobody
// compares, and once.
func TestHistoryIsFetchedAsFarAsNeeded(t *testing.T) {
	t.Parallel()
	r, ana := story(t)
	r.git("config", "uploadpack.allowFilter", "true")
	r.more(400)
	s := r.server()
	url := s.start(t)
	dir := t.TempDir()
	m := git.New(git.Options{Dir: dir})
	t.Cleanup(m.Close)
	at := tree(t, m, url, "main")
	ask := func(m *git.Mirrors, commit string) snapshot.Touch {
		t.Helper()
		got, err := m.Blame(t.Context(), snapshot.Lines{At: snapshot.Location{RepoURL: url}, Commit: commit, Path: "apps/web.yaml", From: 4, To: 4})
		if err != nil {
			t.Fatal(err)
		}
		if got.Commit.SHA != ana || got.Beyond {
			t.Errorf("the line is by %+v", got)
		}
		return got
	}
	before := len(s.since(0))
	ask(m, at.Commit.SHA)
	asked := fetches(s.since(before))
	if len(asked) != 3 || !strings.Contains(asked[0].body, "deepen 50\n") || !strings.Contains(asked[1].body, "deepen 500\n") ||
		!strings.Contains(asked[0].body, "filter blob:none") || strings.Contains(asked[2].body, "deepen") {
		t.Errorf("two steps and the contents were to be asked for: %+v", asked)
	}
	before = len(s.since(0))
	ask(m, at.Commit.SHA)
	again := git.New(git.Options{Dir: dir}) // another process
	t.Cleanup(again.Close)
	ask(again, at.Commit.SHA)
	if asked := s.since(before); len(asked) > 0 {
		t.Errorf("what is known was asked for again: %+v", asked)
	}
	// One commit more is one small question.
	r.write("README.md", "again\n")
	next := r.commit("Again")
	before = len(s.since(0))
	ask(again, next)
	if asked := fetches(s.since(before)); len(asked) != 1 || asked[0].answered > 1500 {
		t.Errorf("one commit more was to be one small question: %d, %+v", len(asked), asked)
	}
}

// TestHistoryOfAShallowCloneIsHonest: who knows no more says so.
func TestHistoryOfAShallowCloneIsHonest(t *testing.T) {
	t.Parallel()
	r, _ := story(t)
	r.more(10)
	clone := &repo{t: t, dir: t.TempDir() + "/clone"}
	r.git("clone", "-q", "--depth", "5", r.fileURL(), clone.dir)
	m := mirrors(t, nil)
	got, err := m.Blame(t.Context(), snapshot.Lines{At: snapshot.Location{RepoURL: clone.fileURL()}, Commit: clone.git("rev-parse", "HEAD"), Path: "apps/web.yaml", From: 4, To: 4})
	if err != nil {
		t.Fatal(err)
	}
	oldest := clone.git("rev-list", "--max-parents=0", "HEAD")
	if !got.Beyond || got.Commit.SHA != oldest {
		t.Errorf("got %+v, want what is older than %s", got, oldest)
	}
}

// TestHistoryThatIsDamagedIsFetchedAgain, and one whose mirror was removed.
func TestHistoryThatIsDamagedIsFetchedAgain(t *testing.T) {
	t.Parallel()
	r, ana := story(t)
	url := r.server().start(t)
	dir := t.TempDir()
	for _, damage := range []string{"state", "packs", "mirror"} {
		m := git.New(git.Options{Dir: dir})
		t.Cleanup(m.Close)
		for i, head := range []string{r.git("rev-parse", "HEAD"), r.commit("Another")} {
			got, err := m.Blame(t.Context(), snapshot.Lines{At: snapshot.Location{RepoURL: url}, Commit: head, Path: "apps/web.yaml", From: 4, To: 4})
			if err != nil || got.Commit.SHA != ana {
				t.Fatalf("%s, %d: %+v, %v", damage, i, got, err)
			}
			if i > 0 {
				break
			}
			if damage == "mirror" {
				m.Forget(url)
			}
		}
		damaged(t, dir, damage)
	}
}

func damaged(t *testing.T, dir, what string) {
	t.Helper()
	script := map[string]string{
		"state":  `for f in "$0"/*.git/trueup-history.json; do echo '{' > "$f"; done`,
		"packs":  `for f in "$0"/*.git/trueup-history/objects/pack/*.pack; do rm -f "$f"; done`,
		"mirror": `rm -rf "$0"/*.git`,
	}[what]
	var out bytes.Buffer
	cmd := exec.Command("sh", "-c", script, dir)
	cmd.Stderr = &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
}

// TestHistoryOverSSH: there a conversation has a state.
func TestHistoryOverSSH(t *testing.T) {
	t.Parallel()
	r, ana := story(t)
	r.git("config", "uploadpack.allowFilter", "true")
	r.more(100)
	host, _ := key(t)
	user, private := key(t)
	url := "ssh://git@" + r.serveSSH(host, user.PublicKey()) + r.dir
	m := mirrors(t, auth(git.Auth{SSHPrivateKey: private, Insecure: true}))
	got, err := m.Blame(t.Context(), snapshot.Lines{At: snapshot.Location{RepoURL: url}, Commit: r.git("rev-parse", "HEAD"), Path: "apps/web.yaml", From: 4, To: 4})
	if err != nil || got.Commit.SHA != ana {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestHistoryOfAForge asks a real Gitea, with the credentials of the source:
// what the server refuses without them is told.
func TestHistoryOfAForge(t *testing.T) {
	t.Parallel()
	f := forgetest.Start(t)
	owner := f.User("shop")
	r := f.Repository(owner, "config")
	r.Push("Start", map[string]string{"web.yaml": "spec:\n  replicas: 2\n"})
	want := r.Push("Scale web to 3", map[string]string{"web.yaml": "spec:\n  replicas: 3\n"})
	head := r.Push("Another", map[string]string{"other": "x"})
	q := snapshot.Lines{At: snapshot.Location{RepoURL: r.URL}, Commit: head, Path: "web.yaml", From: 2, To: 2}
	if _, err := mirrors(t, nil).Blame(t.Context(), q); fault.Of(err) != fault.Denied {
		t.Errorf("without credentials: %v", err)
	}
	got, err := mirrors(t, auth(git.Auth{Username: "shop", Password: f.Token(owner)})).Blame(t.Context(), q)
	if err != nil || got.Commit.SHA != want || got.Commit.Subject != "Scale web to 3" || got.Beyond {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestBlameOfALineThatTheFileHasNot(t *testing.T) {
	t.Parallel()
	r, _ := story(t)
	m := mirrors(t, nil)
	for _, lines := range [][2]int{{6, 6}, {1, 99}, {3, 2}} {
		_, err := m.Blame(t.Context(), snapshot.Lines{At: snapshot.Location{RepoURL: r.fileURL()}, Commit: r.git("rev-parse", "HEAD"), Path: "apps/web.yaml", From: lines[0], To: lines[1]})
		if err == nil || !strings.Contains(err.Error(), "it has 5") {
			t.Errorf("lines %v: %v", lines, err)
		}
	}
	_, err := m.Blame(t.Context(), snapshot.Lines{At: snapshot.Location{RepoURL: r.fileURL()}, Commit: "main", Path: "apps/web.yaml"})
	if fault.Of(err) != fault.Invalid {
		t.Errorf("a branch in place of a commit: %v", err)
	}
}
