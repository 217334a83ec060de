package scmtest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// BitbucketCloud serves below /2.0; the user is "ana".
func BitbucketCloud(t testing.TB, w *World) *Server {
	s := start(t, w, "Authorization", basic("ana"))
	repository := func(r Repository) object {
		var main any
		if len(r.Branches) > 0 {
			main = object{"name": r.Default}
		}
		return object{"uuid": "{" + text(r.ID) + "}", "slug": r.Name, "mainbranch": main, "links": object{"clone": []object{
			{"name": "https", "href": HTTPS(w.Owner, r.Name)}, {"name": "ssh", "href": SSH(w.Owner, r.Name)},
		}}}
	}
	states := map[string]string{"open": "OPEN", "closed": "DECLINED", "merged": "MERGED"}
	pull := func(p Pull) object {
		out := object{
			"id": p.Number, "title": p.Title, "state": states[p.State], "author": cloudUser(p.Author), "updated_on": p.Updated,
			"source":      object{"branch": object{"name": p.Branch}, "commit": object{"hash": p.SHA}, "repository": object{"uuid": text(w.Talk.from(p.Number))}},
			"destination": object{"branch": object{"name": p.Target}, "commit": object{"hash": Base[:12]}, "repository": object{"uuid": "11"}},
			"links":       object{"html": object{"href": Page(p.Number)}},
		}
		if w.Talk.Merge != "" {
			out["merge_commit"] = object{"hash": w.Talk.Merge}
		}
		return out
	}
	const at = "/2.0/repositories/{owner}/{repo}"
	s.get("/2.0/repositories/{owner}", func(_ http.ResponseWriter, r *http.Request) (any, bool) {
		return values(r, w.Repositories, repository), r.PathValue("owner") == w.Owner && r.URL.Query().Get("role") == "member"
	})
	s.repo(at, func(_ http.ResponseWriter, _ *http.Request, of *Repository) (any, bool) { return repository(*of), true })
	s.repo(at+"/refs/branches", func(_ http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		found := of.Branches
		if q := r.URL.Query().Get("q"); q != "" {
			found = slices.DeleteFunc(slices.Clone(found), func(b Branch) bool { return fmt.Sprintf("name=%q", b.Name) != q })
		}
		return values(r, found, func(b Branch) object { return object{"name": b.Name, "target": object{"hash": b.SHA}} }), true
	})
	s.repo(at+"/src/{sha}/{path...}", func(_ http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		b, ok := of.branch(r.PathValue("sha"))
		return object{"path": r.PathValue("path")}, ok && b.has(r.PathValue("path")) && r.URL.Query().Get("format") == "meta"
	})
	s.repo(at+"/pullrequests", func(_ http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		return values(r, of.open(), pull), r.URL.Query().Get("state") == "OPEN"
	})
	s.made(at+"/pullrequests", func(b map[string]any) Pull {
		return Pull{Title: field(b, "title"), Body: field(b, "description"), Branch: field(b, "source", "branch", "name"), Target: field(b, "destination", "branch", "name")}
	}, pull)
	s.repo(at+"/pullrequests/{number}", func(_ http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		p, ok := of.pull(r.PathValue("number"))
		return pull(p), ok
	})
	bitbucketCloud(s)
	return s
}

// values is a page of Bitbucket Cloud, which names the next one.
func values[T any](r *http.Request, items []T, say func(T) object) object {
	part, next := page(r, items)
	out := object{"values": list(part, say), "pagelen": perPage}
	if next > 0 {
		u := *r.URL
		q := u.Query()
		q.Set("page", strconv.Itoa(next))
		u.RawQuery, u.Host, u.Scheme = q.Encode(), r.Host, "http"
		out["next"] = u.String()
	}
	return out
}

func basic(user string) string {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, Token)
	return r.Header.Get("Authorization")
}

// BitbucketServer serves below /rest/api/1.0. Names of repositories are in
// capitals, and slugs are not. Modern has it tell the default branch in the
// way of new servers only.
func BitbucketServer(t testing.TB, w *World, modern bool) *Server {
	s := start(t, w, "Authorization", "Bearer "+Token)
	repository := func(r Repository) object {
		return object{"id": r.ID, "slug": r.Name, "name": strings.ToUpper(r.Name), "project": object{"key": w.Owner}, "links": object{"clone": []object{
			{"name": "http", "href": HTTPS(w.Owner, r.Name)}, {"name": "ssh", "href": SSH(w.Owner, r.Name)},
		}}}
	}
	branch := func(b Branch) object {
		return object{"id": "refs/heads/" + b.Name, "displayId": b.Name, "latestCommit": b.SHA}
	}
	states := map[string]string{"open": "OPEN", "closed": "DECLINED", "merged": "MERGED"}
	pull := func(p Pull) object {
		return object{
			"id": p.Number, "title": p.Title, "state": states[p.State], "author": object{"user": serverUser(p.Author)}, "updatedDate": p.Updated.UnixMilli(),
			"fromRef": object{"id": "refs/heads/" + p.Branch, "displayId": p.Branch, "latestCommit": p.SHA, "repository": object{"id": w.Talk.from(p.Number)}},
			"toRef":   object{"id": "refs/heads/" + p.Target, "displayId": p.Target, "latestCommit": Base, "repository": object{"id": 11}},
			"links":   object{"self": []object{{"href": Page(p.Number)}}}, "properties": object{"mergeCommit": object{"id": w.Talk.Merge}},
		}
	}
	const at = "/rest/api/1.0/projects/{owner}/repos/{repo}"
	s.get("/rest/api/1.0/projects/{owner}/repos", func(_ http.ResponseWriter, r *http.Request) (any, bool) {
		return started(r, w.Repositories, repository), r.PathValue("owner") == w.Owner
	})
	s.repo(at, func(_ http.ResponseWriter, _ *http.Request, of *Repository) (any, bool) { return repository(*of), true })
	s.repo(at+"/branches", func(_ http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		found := slices.DeleteFunc(slices.Clone(of.Branches), func(b Branch) bool { return !strings.Contains(b.Name, r.URL.Query().Get("filterText")) })
		return started(r, found, branch), true
	})
	s.repo(at+"/branches/default", func(_ http.ResponseWriter, _ *http.Request, of *Repository) (any, bool) {
		b, ok := of.branch(of.Default)
		return branch(b), ok && !modern
	})
	s.repo(at+"/default-branch", func(_ http.ResponseWriter, _ *http.Request, of *Repository) (any, bool) {
		b, ok := of.branch(of.Default)
		return object{"id": "refs/heads/" + b.Name, "displayId": b.Name, "type": "BRANCH"}, ok
	})
	for _, path := range []string{"/browse", "/browse/{path...}"} {
		s.repo(at+path, func(_ http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
			b, ok := of.branch(r.URL.Query().Get("at"))
			return object{"type": "FILE"}, ok && b.has(r.PathValue("path")) && r.URL.Query().Get("type") == "true"
		})
	}
	s.repo(at+"/pull-requests", func(_ http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		return started(r, of.open(), pull), r.URL.Query().Get("state") == "OPEN"
	})
	s.made(at+"/pull-requests", func(b map[string]any) Pull {
		return Pull{Title: field(b, "title"), Body: field(b, "description"), Branch: field(b, "fromRef", "id"), Target: field(b, "toRef", "id")}
	}, pull)
	s.repo(at+"/pull-requests/{number}", func(_ http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		p, ok := of.pull(r.PathValue("number"))
		return pull(p), ok
	})
	bitbucketServer(s)
	return s
}

// started is a page of Bitbucket Server, which says where the next one starts.
func started[T any](r *http.Request, items []T, say func(T) object) object {
	from, _ := strconv.Atoi(r.URL.Query().Get("start"))
	from = min(max(from, 0), len(items))
	to := min(from+perPage, len(items))
	out := object{"values": list(items[from:to], say), "isLastPage": to == len(items)}
	if to < len(items) {
		out["nextPageStart"] = to
	}
	return out
}
