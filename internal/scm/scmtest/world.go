package scmtest

import (
	"slices"
	"strings"
	"time"
)

// World is one owner with repositories.
type World struct {
	Owner        string
	Repositories []Repository
	Talk         Talk
}

// Repository is one, with all that forges tell of it.
type Repository struct {
	ID       int64
	Name     string
	Default  string
	Labels   []string
	Archived bool
	Branches []Branch
	Pulls    []Pull
}

// Branch is a branch, and the files at its end.
type Branch struct {
	Name, SHA string
	Files     []string
}

// Pull is a pull request. State is open, closed or merged.
type Pull struct {
	Number                     int64
	Title, Author              string
	Branch, Target, SHA, State string
	Labels                     []string
	Updated                    time.Time
	Body                       string
}

// Shop is a world with a bit of everything, more than one page of each.
func Shop() *World {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	sha := func(c string) string { return strings.Repeat(c, 40) }
	return &World{Owner: "shop", Repositories: []Repository{
		{ID: 11, Name: "web", Default: "main", Labels: []string{"deploy", "go"}, Branches: []Branch{
			{"feat/login", sha("1"), nil},
			{"main", sha("2"), []string{"README.md", "chart/Chart.yaml", "chart/templates/all.yaml", "path with space/ü.yaml"}},
			{"main-2", sha("3"), nil},
		}, Pulls: []Pull{
			{1, "first", "ana", "feat/login", "main", sha("1"), "open", []string{"preview", "go"}, at, ""},
			{2, "it is done", "ana", "done", "main", sha("4"), "merged", []string{"preview"}, at, ""},
			{3, "never mind", "bob", "never", "main", sha("5"), "closed", []string{"preview"}, at, ""},
			{4, "no label", "bob", "plain", "main-2", sha("6"), "open", nil, at.Add(time.Hour), ""},
			{5, "hostile \"title\" {{.x}} <b>", "eve", "x", "main", sha("7"), "open", []string{"preview"}, at.Add(2 * time.Hour), ""},
			{6, "sixth", "bob", "six", "main", sha("8"), "open", []string{"preview"}, at, ""},
			{7, "seventh", "bob", "seven", "main", sha("9"), "open", []string{"preview", "x"}, at, ""},
		}},
		{ID: 12, Name: "api", Default: "trunk/main", Labels: []string{"deploy"}, Branches: []Branch{{"trunk/main", sha("a"), []string{"chart/Chart.yaml"}}}},
		{ID: 13, Name: "empty", Default: "main"},
		{ID: 14, Name: "old", Default: "main", Archived: true, Branches: []Branch{{"main", sha("b"), nil}}},
		{ID: 15, Name: "docs", Default: "main", Branches: []Branch{{"main", sha("c"), []string{"index.md"}}}},
	}}
}

// HTTPS and SSH are the URLs of a repository, the same on every forge.
func HTTPS(owner, name string) string {
	return "https://forge.example.com/" + owner + "/" + name + ".git"
}

// SSH is HTTPS for that protocol.
func SSH(owner, name string) string { return "git@forge.example.com:" + owner + "/" + name + ".git" }

// repository finds one by its name or id.
func (w *World) repository(name string) (*Repository, bool) {
	for i := range w.Repositories {
		if r := &w.Repositories[i]; r.Name == name || text(r.ID) == name || w.Owner+"/"+r.Name == name {
			return r, true
		}
	}
	return nil, false
}

func (r *Repository) branch(nameOrSHA string) (Branch, bool) {
	i := slices.IndexFunc(r.Branches, func(b Branch) bool { return b.Name == nameOrSHA || b.SHA == nameOrSHA })
	if i < 0 {
		return Branch{}, false
	}
	return r.Branches[i], true
}

func (r *Repository) pull(number string) (Pull, bool) {
	i := slices.IndexFunc(r.Pulls, func(p Pull) bool { return text(p.Number) == number })
	if i < 0 {
		return Pull{}, false
	}
	return r.Pulls[i], true
}

func (r *Repository) open() []Pull {
	return slices.DeleteFunc(slices.Clone(r.Pulls), func(p Pull) bool { return p.State != "open" })
}

// entries are the files and folders right below a folder; ok is false where
// there is no such folder.
func (b Branch) entries(folder string) (out []string, ok bool) {
	prefix := folder
	if prefix != "" {
		prefix += "/"
	}
	for _, f := range b.Files {
		rest, below := strings.CutPrefix(f, prefix)
		if !below {
			continue
		}
		first, _, _ := strings.Cut(rest, "/")
		if one := prefix + first; !slices.Contains(out, one) {
			out = append(out, one)
		}
	}
	return out, len(out) > 0 || folder == ""
}

// has tells whether there is a file or folder; the root is there.
func (b Branch) has(path string) bool {
	return path == "" || slices.ContainsFunc(b.Files, func(f string) bool { return f == path || strings.HasPrefix(f, path+"/") })
}

// kind is one of two words for a path: the one for a folder or for a file.
func (b Branch) kind(path, folder, file string) string {
	if below, ok := b.entries(path); ok && len(below) > 0 {
		return folder
	}
	return file
}
