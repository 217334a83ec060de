package pick_test

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
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/appset/pick"
	"github.com/trueup-dev/trueup/internal/fault"
)

func tree(names ...string) fstest.MapFS {
	out := fstest.MapFS{}
	for _, name := range names {
		out[name] = &fstest.MapFile{}
	}
	return out
}

func TestFolders(t *testing.T) {
	t.Parallel()
	repo := tree("apps/web/a", "apps/web/sub/a", "apps/api/a", "apps/.secret/a", ".github/a", "lib/a", "a/b/c/d", "apps-old/web/a")
	for _, tc := range []struct {
		reason   string
		patterns []pick.Pattern
		want     string
	}{
		{"a star stops at a slash", []pick.Pattern{{Path: "apps/*"}}, "apps/api apps/web"},
		{"two stars are one", []pick.Pattern{{Path: "apps/**"}}, "apps/api apps/web"},
		{"stars in the middle", []pick.Pattern{{Path: "*/*/sub"}}, "apps/web/sub"},
		{"an exclude beats an include that follows", []pick.Pattern{{Path: "apps/web", Exclude: true}, {Path: "apps/*"}}, "apps/api"},
		{"hidden folders do not count, even by name", []pick.Pattern{{Path: ".github"}, {Path: "apps/.secret"}, {Path: "*"}}, "a apps apps-old lib"},
		{"the root is no candidate", []pick.Pattern{{Path: "."}, {Path: ""}}, ""},
		{"a slash at either end matches nothing", []pick.Pattern{{Path: "/apps"}, {Path: "lib/"}}, ""},
		{"a malformed pattern matches nothing, and stops no other", []pick.Pattern{{Path: "a[", Exclude: true}, {Path: "li[b"}, {Path: "lib"}}, "lib"},
		{"excludes alone pick nothing", []pick.Pattern{{Path: "lib", Exclude: true}}, ""},
		{"a class", []pick.Pattern{{Path: "[a-b]/[b]/c"}}, "a/b/c"},
		{"in the order of a walk: what is in a folder before the next folder", []pick.Pattern{{Path: "*/web"}, {Path: "apps*"}}, "apps apps/web apps-old apps-old/web"},
	} {
		got, err := pick.Folders(t.Context(), repo, tc.patterns)
		if err != nil {
			t.Fatal(err)
		}
		// A walk of a file system sorts each folder on its own.
		want := strings.Fields(tc.want)
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); len(want)+len(got) > 0 && diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
	}
}

// looked remembers which folders were listed.
type looked struct {
	fstest.MapFS
	names map[string]bool
}

func (l looked) ReadDir(name string) ([]fs.DirEntry, error) {
	l.names[name] = true
	return l.MapFS.ReadDir(name)
}

func TestOnlyWhatCanMatchIsLookedAt(t *testing.T) {
	t.Parallel()
	repo := tree("apps/web/deep/er/a", "apps/api/a", "lib/deep/a", "x/y/z/a")
	for _, tc := range []struct {
		reason string
		find   func(fs.FS) ([]string, error)
		want   string
	}{
		{"folders of one level", func(f fs.FS) ([]string, error) {
			return pick.Folders(context.Background(), f, []pick.Pattern{{Path: "apps/*"}})
		}, ". apps"},
		{"files below a folder", func(f fs.FS) ([]string, error) {
			return pick.Files(context.Background(), f, []pick.Pattern{{Path: "apps/*/a"}, {Path: "apps/api/a"}, {Path: "x/y/z/a"}})
		}, "apps apps/api apps/web apps/web/deep apps/web/deep/er"},
	} {
		l := looked{repo, map[string]bool{}}
		if _, err := tc.find(l); err != nil {
			t.Fatal(err)
		}
		var got []string
		for name := range l.names {
			got = append(got, name)
		}
		slices.Sort(got)
		if diff := cmp.Diff(tc.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
	}
}

// TestFilesAreThoseOfGit compares with git itself.
func TestFilesAreThoseOfGit(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("there is no git to compare with")
	}
	names := []string{
		"config.json", "apps/config.json", "apps/web/config.json", "apps/web/prod/config.json", "apps/web/prod/values.yaml", "Apps/x.json",
		".github/config.json", "apps/a[b]/c.json", "apps/ab/c.json", "apps/a-b/c.json", "apps/a]b/c.json", "lib/a.json", "library/a.json",
		"apps/*/literal.json", "a/b", "a.b/c", "apps/web.json", "x\\y", "apps/b/1.json", "apps/b/z.json",
	}
	root := t.TempDir()
	git := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		out, err := cmd.Output()
		return string(out), err
	}
	for _, name := range names {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "-A"}} {
		if _, err := git(args...); err != nil {
			t.Fatal(err)
		}
	}
	for _, pattern := range []string{
		"*", "*.json", "apps/*", "apps/*/config.json", "**/config.json", "apps/**/config.json", "apps/web", "apps/web/", "lib", "lib/", "lib*",
		"apps/?b/c.json", "apps/a?b/c.json", "apps/a[b]/c.json", "apps/a[-b]*", "apps/a[!-]b/*", "apps/a[]-]b/c.json", "apps/[[:alpha:]]b/c.json",
		"apps/[[:alpha:]/c.json", "apps/[", "apps/a\\[b\\]/c.json", ".", "./apps/*.json", "apps/../lib/*", "apps//web/*", "config.json/", "/apps/*", "../x",
		"", ":(glob)apps/*/config.json", ":(glob)**/config.json", ":(glob)apps/**", ":(glob)apps/a**b/*", ":(glob)**", ":(icase)APPS/X.JSON", ":(icase)apps/*.json",
		":(literal)apps/*/literal.json", "apps/*/literal.json", ":/apps/web", ":!apps", ":(exclude)*.json", ":(top,glob)apps/?b/c.json", ":(nosuch)x", ":(glob",
		"apps/[0-9a]/*.json", "apps/[z-a]/*", "apps/[a-]b/*", "apps/b/[1-z].json", "apps/a[\\]]b/*", "x\\\\y", "x\\", "nothing", "Apps*", "a*b", "a*c", ":", ":;x", "::x",
		":(glob,literal)x", "*/", "apps/*/", "apps/we*b", "apps/web/.", "a?b", ":(glob)a?b", "apps[/]web*", ":(glob)apps[/]web*", ":(glob)apps[!x]web*",
	} {
		out, gitErr := git("ls-files", "--full-name", "-z", "--", pattern)
		want := strings.FieldsFunc(out, func(r rune) bool { return r == 0 })
		slices.Sort(want)
		got, err := pick.Files(t.Context(), os.DirFS(root), []pick.Pattern{{Path: pattern}})
		if (err != nil) != (gitErr != nil) {
			t.Errorf("%q: git says %v, we %v", pattern, gitErr, err)
		}
		if err != nil && fault.Of(err) != fault.Invalid {
			t.Errorf("%q: the error has the kind %s: %v", pattern, fault.Of(err), err)
		}
		if diff := cmp.Diff(want, got); len(want)+len(got) > 0 && diff != "" {
			t.Errorf("%q (-git +ours):\n%s", pattern, diff)
		}
	}
}

func TestExcludesTakeOutOfAllIncludes(t *testing.T) {
	t.Parallel()
	repo := tree("a/1.json", "a/2.json", "b/1.json", "b/deep/1.json")
	got, err := pick.Files(t.Context(), repo, []pick.Pattern{{Path: "*/2.json", Exclude: true}, {Path: "b"}, {Path: "a/*.json"}, {Path: "b/deep", Exclude: true}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a/1.json", "b/1.json"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzPathspec(f *testing.F) {
	for _, seed := range []string{"a*b", "[!a-z]**/x", ":(glob)**/a", "\\", "[[:alpha:]]", ":!x", "a/../b"} {
		f.Add(seed, "apps/web/config.json")
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		spec, err := pick.ParsePathspec(pattern)
		if err != nil {
			return
		}
		spec.Match(name)
		if !strings.ContainsAny(pattern, `*?[\:`) && !spec.Match(path.Clean(pattern)+"/x") {
			t.Errorf("%q does not pick what is in it", pattern)
		}
	})
}
