package scmtest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// GitLab serves a group; its projects are named by id or by path.
func GitLab(t testing.TB, w *World) *Server {
	s := start(t, w, "Private-Token", Token)
	project := func(r Repository) object {
		return object{
			"id": r.ID, "path": r.Name, "namespace": object{"full_path": w.Owner}, "default_branch": r.Default, "topics": r.Labels, "archived": r.Archived,
			"ssh_url_to_repo": SSH(w.Owner, r.Name), "http_url_to_repo": HTTPS(w.Owner, r.Name),
		}
	}
	branch := func(b Branch) object { return object{"name": b.Name, "commit": object{"id": b.SHA}} }
	states := map[string]string{"open": "opened", "closed": "closed", "merged": "merged"}
	merge := func(p Pull) object {
		return object{
			"iid": p.Number, "title": p.Title, "state": states[p.State], "author": user(p.Author), "updated_at": p.Updated,
			"source_branch": p.Branch, "target_branch": p.Target, "sha": p.SHA, "labels": slices.Concat([]string{}, p.Labels),
			"source_project_id": w.Talk.from(p.Number), "target_project_id": 11, "web_url": Page(p.Number), "merge_commit_sha": w.Talk.Merge,
			"diff_refs": object{"base_sha": strings.Repeat("d", 40), "head_sha": p.SHA, "start_sha": Base},
		}
	}
	const at = "/api/v4/projects/{repo}"
	s.get("/api/v4/groups/{owner}/projects", func(rw http.ResponseWriter, r *http.Request) (any, bool) {
		found := slices.DeleteFunc(slices.Clone(w.Repositories), func(one Repository) bool {
			q := r.URL.Query()
			return q.Get("archived") == "false" && one.Archived || q.Get("topic") != "" && !slices.Contains(one.Labels, q.Get("topic"))
		})
		return list(numbered(rw, r, found), project), r.PathValue("owner") == w.Owner
	})
	s.repo(at, func(_ http.ResponseWriter, _ *http.Request, of *Repository) (any, bool) { return project(*of), true })
	s.repo(at+"/repository/branches", func(rw http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		return list(numbered(rw, r, of.Branches), branch), true
	})
	s.repo(at+"/repository/branches/{branch}", func(_ http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		b, ok := of.branch(r.PathValue("branch"))
		return branch(b), ok
	})
	s.repo(at+"/repository/tree", func(rw http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		b, ok := of.branch(r.URL.Query().Get("ref"))
		entries, folder := b.entries(r.URL.Query().Get("path"))
		return list(numbered(rw, r, entries), func(e string) object { return object{"path": e, "type": b.kind(e, "tree", "blob")} }), ok && folder
	})
	s.repo(at+"/merge_requests", func(rw http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		q := r.URL.Query()
		found := slices.DeleteFunc(slices.Clone(of.Pulls), func(p Pull) bool {
			for _, l := range strings.Split(q.Get("labels"), ",") {
				switch l = strings.TrimSpace(l); {
				case l == "":
				case l == "None" && len(p.Labels) > 0, l == "Any" && len(p.Labels) == 0:
					return true
				case l != "None" && l != "Any" && !slices.Contains(p.Labels, l):
					return true
				}
			}
			return q.Get("state") != "" && states[p.State] != q.Get("state")
		})
		return list(numbered(rw, r, found), merge), true
	})
	s.made(at+"/merge_requests", func(b map[string]any) Pull {
		return Pull{Title: field(b, "title"), Body: field(b, "description"), Branch: field(b, "source_branch"), Target: field(b, "target_branch")}
	}, merge)
	s.repo(at+"/merge_requests/{number}", func(_ http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		p, ok := of.pull(r.PathValue("number"))
		return merge(p), ok
	})
	gitlab(s)
	return s
}

// numbered is page, with the number of the next one in a header.
func numbered[T any](w http.ResponseWriter, r *http.Request, items []T) []T {
	part, next := page(r, items)
	if w.Header().Set("X-Next-Page", ""); next > 0 {
		w.Header().Set("X-Next-Page", strconv.Itoa(next))
	}
	return part
}
