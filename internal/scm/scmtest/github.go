package scmtest

import (
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
)

// GitHub serves below /api/v3, as GitHub Enterprise does. Unchanged answers
// cost nothing of the rate limit.
func GitHub(t testing.TB, w *World) *Server {
	s := start(t, w, "Authorization", "Bearer "+Token)
	s.etags = true
	repository := func(r Repository) object {
		return object{
			"id": r.ID, "name": r.Name, "owner": object{"login": w.Owner}, "default_branch": r.Default, "archived": r.Archived, "topics": r.Labels,
			"ssh_url": SSH(w.Owner, r.Name), "clone_url": HTTPS(w.Owner, r.Name),
		}
	}
	branch := func(b Branch) object { return object{"name": b.Name, "commit": object{"sha": b.SHA}} }
	pull := func(p Pull) object {
		state := p.State
		if state == "merged" {
			state = "closed"
		}
		out := object{
			"number": p.Number, "title": p.Title, "state": state, "user": user(p.Author), "updated_at": p.Updated, "html_url": Page(p.Number),
			"head": object{"ref": p.Branch, "sha": p.SHA, "repo": object{"id": w.Talk.from(p.Number)}}, "base": object{"ref": p.Target, "sha": Base, "repo": object{"id": 11}},
			"labels": list(p.Labels, func(l string) object { return object{"name": l} }), "merge_commit_sha": w.Talk.Merge,
		}
		if p.State == "merged" {
			out["merged_at"] = p.Updated
		}
		return out
	}
	const at = "/api/v3/repos/{owner}/{repo}"
	s.get("/api/v3/orgs/{owner}/repos", func(rw http.ResponseWriter, r *http.Request) (any, bool) {
		return list(linked(rw, r, w.Repositories), repository), r.PathValue("owner") == w.Owner
	})
	s.repo(at, func(_ http.ResponseWriter, _ *http.Request, of *Repository) (any, bool) { return repository(*of), true })
	s.repo(at+"/branches", func(rw http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		return list(linked(rw, r, of.Branches), branch), true
	})
	s.repo(at+"/branches/{branch}", func(_ http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		b, ok := of.branch(r.PathValue("branch"))
		return branch(b), ok
	})
	s.repo(at+"/git/trees/{sha}", func(_ http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		sha, folder, below := strings.Cut(r.PathValue("sha"), ".") // trees have the commit's id and their path in hexadecimal
		path, err := hex.DecodeString(folder)
		b, ok := of.branch(sha)
		entries, found := b.entries(string(path))
		return object{"sha": r.PathValue("sha"), "truncated": false, "tree": list(entries, func(e string) object {
			return object{"path": e[strings.LastIndex(e, "/")+1:], "type": b.kind(e, "tree", "blob"), "sha": sha + "." + hex.EncodeToString([]byte(e))}
		})}, ok && found && err == nil && (below || folder == "")
	})
	s.repo(at+"/pulls", func(rw http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		return list(linked(rw, r, of.open()), pull), r.URL.Query().Get("state") == "open"
	})
	s.made(at+"/pulls", func(b map[string]any) Pull {
		return Pull{Title: field(b, "title"), Body: field(b, "body"), Branch: field(b, "head"), Target: field(b, "base")}
	}, pull)
	s.repo(at+"/pulls/{number}", func(_ http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		p, ok := of.pull(r.PathValue("number"))
		return pull(p), ok
	})
	github(s)
	return s
}
