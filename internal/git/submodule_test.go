package git_test

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// beside makes another repository that the same server serves.
func (r *repo) beside(name string) *repo {
	r.t.Helper()
	other := &repo{t: r.t, dir: filepath.Join(filepath.Dir(r.dir), name)}
	other.mkdir(other.dir)
	other.git("init", "-q", "-b", "main")
	return other
}

// submodule pins a commit of another repository; url empty leaves out where
// it is from.
func (r *repo) submodule(at, url, sha string) {
	r.t.Helper()
	r.mkdir(filepath.Join(r.dir, at))
	if url != "" {
		r.git("config", "-f", ".gitmodules", "submodule."+at+".path", at)
		r.git("config", "-f", ".gitmodules", "submodule."+at+".url", url)
	}
	r.git("update-index", "--add", "--cacheinfo", "160000,"+sha+","+at)
}

func TestSubmodules(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	inner := r.beside("inner")
	inner.write("deep.yaml", "deep")
	innerSHA := inner.commit("Deep")
	lib := r.beside("lib")
	lib.write("base/web.yaml", "pinned")
	lib.submodule("inner", "../inner", innerSHA)
	libSHA := lib.commit("Pinned")
	lib.write("base/web.yaml", "later")
	lib.commit("Later")
	r.write("apps/a.yaml", "a")
	r.submodule("vendor/lib", "./../lib", libSHA)
	r.submodule("vendor/gone", "../gone", strings.Repeat("1", 40))
	r.submodule("vendor/local", "file://"+lib.dir, libSHA)
	r.submodule("vendor/program", "ext::sh -c id", libSHA)
	r.submodule("vendor/unnamed", "", libSHA)
	r.commit("Use the library")
	url, _ := r.serve("")
	got := tree(t, mirrors(t, nil), url, "main")

	for name, want := range map[string]string{"apps/a.yaml": "a", "vendor/lib/base/web.yaml": "pinned", "vendor/lib/inner/deep.yaml": "deep"} {
		if content := read(t, got, name); content != want {
			t.Errorf("%s holds %q", name, content)
		}
	}
	var walked []string
	err := fs.WalkDir(got.FS, "vendor/lib", func(name string, d fs.DirEntry, err error) error {
		walked = append(walked, name)
		return err
	})
	if want := "vendor/lib vendor/lib/.gitmodules vendor/lib/base vendor/lib/base/web.yaml vendor/lib/inner vendor/lib/inner/deep.yaml"; err != nil || strings.Join(walked, " ") != want {
		t.Errorf("walked %v, %v", walked, err)
	}
	hasher := got.FS.(snapshot.Hasher)
	if id, err := hasher.Hash("vendor/lib/base/web.yaml"); err != nil || id != lib.git("rev-parse", libSHA+":base/web.yaml") {
		t.Errorf("the id of a file in a submodule: %s, %v", id, err)
	}
	if id, err := hasher.Hash("vendor/lib"); err != nil || id != libSHA {
		t.Errorf("the id of a submodule: %s, %v", id, err)
	}
	sealed := snapshot.Seal(got.FS)
	if data, err := sealed.ReadFile("apps/a.yaml"); err != nil || string(data) != "a" {
		t.Errorf("a file of a sealed tree: %q, %v", data, err)
	}
	if id, err := sealed.(snapshot.Hasher).Hash("vendor/lib"); err != nil || id != libSHA {
		t.Errorf("the id of a submodule of a sealed tree: %s, %v", id, err)
	}
	for _, name := range []string{"vendor/lib/base/web.yaml", "vendor/gone/x"} {
		if _, err := sealed.ReadFile(name); fault.Of(err) != fault.Denied {
			t.Errorf("%s of a sealed tree: %v", name, err)
		}
	}
	if _, err := sealed.ReadDir("vendor/lib"); fault.Of(err) != fault.Denied {
		t.Errorf("a submodule of a sealed tree is listed: %v", err)
	}
	// Those that cannot be read bother nobody who does not read them.
	if list, err := got.FS.ReadDir("vendor"); err != nil || len(list) != 5 {
		t.Errorf("vendor: %v, %v", list, err)
	}
	for _, tc := range []struct {
		reason, name string
		kind         fault.Kind
		says         string
	}{
		{"a repository that is not there", "vendor/gone/x", fault.Missing, "not found"},
		{"a repository on our disk", "vendor/local/base/web.yaml", fault.Invalid, "not file"},
		{"a URL that would run a program", "vendor/program/x", fault.Invalid, "not ext"},
		{"a submodule from nowhere", "vendor/unnamed/x", fault.Invalid, "does not name it"},
	} {
		_, err := got.FS.ReadFile(tc.name)
		if fault.Of(err) != tc.kind || !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), tc.name) {
			t.Errorf("%s: got %v (%s)", tc.reason, err, fault.Of(err))
		}
		if _, err := got.FS.ReadDir(strings.TrimSuffix(tc.name, "/x")); tc.name != "vendor/local/base/web.yaml" && err == nil {
			t.Errorf("%s: it was listed", tc.reason)
		}
	}
	if _, err := got.FS.ReadFile("vendor/lib/nothing"); err == nil || fault.Of(err) != fault.Transient || !strings.Contains(err.Error(), "not exist") {
		t.Errorf("an absent file in a submodule: %v", err)
	}
}

// TestRestrictedSubmodules: whoever may not open a submodule's repository gets
// nothing of it, wherever it is named, and others lose nothing by that.
func TestRestrictedSubmodules(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	private := r.beside("private")
	private.write("secret.yaml", "secret")
	secret := private.commit("Secret")
	lib := r.beside("lib")
	lib.write("web.yaml", "web")
	lib.submodule("within", "../private", secret)
	libSHA := lib.commit("Use it, too")
	r.write("own.yaml", "own")
	r.commit("Without submodules")
	url, _ := r.serve("")
	m := mirrors(t, nil)
	plain := tree(t, m, url, "main")
	r.submodule("lib", "../lib", libSHA)
	r.submodule("private", "../private", secret)
	r.write("base/x.yaml", "x")
	if err := os.Symlink("../private/secret.yaml", filepath.Join(r.dir, "base/link.yaml")); err != nil {
		t.Fatal(err)
	}
	r.commit("Use both")
	all := tree(t, m, url, r.git("rev-parse", "HEAD"))

	var asked []string
	may := func(_ context.Context, url string) error {
		asked = append(asked, path.Base(url))
		if strings.HasSuffix(url, "/private") {
			return fault.New(fault.Denied, "not for team-a: %s", url)
		}
		return nil
	}
	if snapshot.Restrict(plain.FS, may) != plain.FS {
		t.Error("a tree that opens nothing is another one when it is restricted")
	}
	restricted := snapshot.Tree{FS: snapshot.Restrict(all.FS, may)}
	twice := snapshot.Tree{FS: snapshot.Restrict(restricted.FS, func(context.Context, string) error { return nil })}
	for range 2 { // the second time all is known
		for _, name := range []string{"private/secret.yaml", "lib/within/secret.yaml", "base/link.yaml"} {
			if content := read(t, all, name); content != "secret" {
				t.Errorf("%s holds %q for who may read it", name, content)
			}
			for _, of := range []snapshot.Tree{restricted, twice} {
				if data, err := of.FS.ReadFile(name); fault.Of(err) != fault.Denied || !strings.Contains(err.Error(), "not for team-a: "+strings.TrimSuffix(url, "config")+"private") {
					t.Errorf("%s: %q, %v", name, data, err)
				}
				if _, err := of.FS.Stat(name); fault.Of(err) != fault.Denied {
					t.Errorf("stat %s: %v", name, err)
				}
				if _, err := of.FS.(snapshot.Hasher).Hash(name); fault.Of(err) != fault.Denied {
					t.Errorf("the id of %s: %v", name, err)
				}
			}
		}
		if list, err := restricted.FS.ReadDir("private"); fault.Of(err) != fault.Denied {
			t.Errorf("private was listed: %v, %v", list, err)
		}
		for name, want := range map[string]string{"lib/web.yaml": "web", "own.yaml": "own"} {
			if content := read(t, restricted, name); content != want {
				t.Errorf("%s holds %q", name, content)
			}
		}
	}
	slices.Sort(asked)
	if got := slices.Compact(asked); !slices.Equal(got, []string{"lib", "private"}) {
		t.Errorf("asked about %v", got)
	}
	if _, ok := restricted.FS.(snapshot.Differ).Since(plain.Commit.SHA); !ok {
		t.Error("a restricted tree cannot tell what changed")
	}
}

// TestModulesFileIsALink: one that leads into the submodule whose place it
// would tell must not be waited for.
func TestModulesFileIsALink(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	lib := r.beside("lib")
	lib.write("m", "[submodule \"lib\"]\n\tpath = lib\n\turl = ../lib\n")
	pinned := lib.commit("Start")
	if err := os.Symlink("lib/m", filepath.Join(r.dir, "link")); err != nil {
		t.Fatal(err)
	}
	r.commit("A link")
	// git itself adds no such link.
	mktree := exec.Command("git", "mktree", "--missing")
	mktree.Dir = r.dir
	mktree.Stdin = strings.NewReader("120000 blob " + r.git("rev-parse", "HEAD:link") + "\t.gitmodules\n160000 commit " + pinned + "\tlib\n")
	made, err := mktree.Output()
	if err != nil {
		t.Fatal(err)
	}
	r.git("update-ref", "refs/heads/main", r.git("commit-tree", "-m", "A circle", strings.TrimSpace(string(made))))
	url, _ := r.serve("")
	if _, err := tree(t, mirrors(t, nil), url, "main").FS.ReadFile("lib/m"); fault.Of(err) != fault.Invalid || !strings.Contains(err.Error(), ".gitmodules is no plain file") {
		t.Errorf("got %v", err)
	}
}

func TestSubmodulesWithinEachOther(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	last := r.beside("m0")
	last.write("f", "f")
	sha := last.commit("Start")
	for i := range 10 {
		next := r.beside("m" + string(rune('1'+i)))
		next.submodule("s", "../"+filepath.Base(last.dir), sha)
		sha, last = next.commit("Wrap"), next
	}
	r.submodule("s", "../"+filepath.Base(last.dir), sha)
	r.commit("Use it")
	url, _ := r.serve("")
	_, err := tree(t, mirrors(t, nil), url, "main").FS.ReadFile(strings.Repeat("s/", 11) + "f")
	if fault.Of(err) != fault.Invalid || !strings.Contains(err.Error(), "within each other") {
		t.Errorf("got %v", err)
	}
}

func TestLFSPointer(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("big.yaml", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
	r.commit("Start")
	_, err := tree(t, mirrors(t, nil), r.fileURL(), "").FS.ReadFile("big.yaml")
	if fault.Of(err) != fault.Invalid || !strings.Contains(err.Error(), "read big.yaml: the file is a Git LFS pointer; LFS is not supported") {
		t.Errorf("got %v", err)
	}
}
