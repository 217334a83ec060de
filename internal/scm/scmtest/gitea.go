package scmtest

import (
	"net/http"
	"strconv"
	"testing"
)

// Gitea serves an organization.
func Gitea(t testing.TB, w *World) *Server {
	s := start(t, w, "Authorization", "token "+Token)
	repository := func(r Repository) object {
		return object{
			"id": r.ID, "name": r.Name, "owner": object{"login": w.Owner}, "default_branch": r.Default, "archived": r.Archived, "empty": len(r.Branches) == 0,
			"ssh_url": SSH(w.Owner, r.Name), "html_url": HTTPS(w.Owner, r.Name),
		}
	}
	named := func(l string) object { return object{"name": l} }
	branch := func(b Branch) object { return object{"name": b.Name, "commit": object{"id": b.SHA}} }
	pull := func(p Pull) object {
		state := p.State
		if state == "merged" {
			state = "closed"
		}
		return object{
			"number": p.Number, "title": p.Title, "state": state, "merged": p.State == "merged", "user": user(p.Author), "updated_at": p.Updated,
			"head": object{"ref": p.Branch, "sha": p.SHA, "repo_id": w.Talk.from(p.Number)}, "base": object{"ref": p.Target, "sha": Base, "repo_id": 11},
			"labels": list(p.Labels, named), "html_url": Page(p.Number), "merge_commit_sha": w.Talk.Merge,
		}
	}
	const at = "/api/v1/repos/{owner}/{repo}"
	s.get("/api/v1/orgs/{owner}/repos", func(rw http.ResponseWriter, r *http.Request) (any, bool) {
		return list(counted(rw, r, w.Repositories), repository), r.PathValue("owner") == w.Owner
	})
	s.repo(at, func(_ http.ResponseWriter, _ *http.Request, of *Repository) (any, bool) { return repository(*of), true })
	s.repo(at+"/labels", func(rw http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		return list(counted(rw, r, of.Labels), named), true
	})
	s.repo(at+"/branches", func(rw http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		if len(of.Branches) == 0 {
			return nil, true // as Gitea does
		}
		return list(counted(rw, r, of.Branches), branch), true
	})
	s.repo(at+"/branches/{branch...}", func(_ http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		b, ok := of.branch(r.PathValue("branch"))
		return branch(b), ok
	})
	contents := func(_ http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		b, ok := of.branch(r.URL.Query().Get("ref"))
		path := r.PathValue("path")
		if entries, folder := b.entries(path); folder {
			return list(entries, func(e string) object { return object{"path": e, "type": b.kind(e, "dir", "file")} }), ok
		}
		return object{"path": path, "type": "file"}, ok && b.has(path)
	}
	s.repo(at+"/contents/{path...}", contents)
	s.repo(at+"/pulls", func(rw http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		return list(counted(rw, r, of.open()), pull), r.URL.Query().Get("state") == "open"
	})
	s.made(at+"/pulls", func(b map[string]any) Pull {
		return Pull{Title: field(b, "title"), Body: field(b, "body"), Branch: field(b, "head"), Target: field(b, "base")}
	}, pull)
	s.repo(at+"/pulls/{number}", func(_ http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		p, ok := of.pull(r.PathValue("number"))
		return pull(p), ok
	})
	gitea(s)
	return s
}

// counted is page, with the number of all items in a header.
func counted[T any](w http.ResponseWriter, r *http.Request, items []T) []T {
	w.Header().Set("X-Total-Count", strconv.Itoa(len(items)))
	return linked(w, r, items)
}
