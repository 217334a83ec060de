package scmtest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Azure serves the team project "store" of the organization that owns the
// world.
func Azure(t testing.TB, w *World) *Server {
	s := start(t, w, "Authorization", basic(""))
	repository := func(r Repository) object {
		out := object{"id": text(r.ID), "name": r.Name, "remoteUrl": HTTPS(w.Owner, r.Name), "isDisabled": r.Archived}
		if len(r.Branches) > 0 {
			out["defaultBranch"] = "refs/heads/" + r.Default
		}
		return out
	}
	states := map[string]string{"open": "active", "closed": "abandoned", "merged": "completed"}
	pull := func(p Pull) object {
		out := object{
			"pullRequestId": p.Number, "title": p.Title, "status": states[p.State], "createdBy": azureUser(p.Author),
			"lastMergeTargetCommit": object{"commitId": Base}, "repository": object{"webUrl": strings.TrimSuffix(Page(p.Number), "/pullrequest/"+text(p.Number))},
			"creationDate": p.Updated.Add(-240 * 3600e9), "sourceRefName": "refs/heads/" + p.Branch, "targetRefName": "refs/heads/" + p.Target,
			"lastMergeSourceCommit": object{"commitId": p.SHA}, "labels": list(p.Labels, func(l string) object { return object{"name": l} }),
		}
		if w.Talk.Merge != "" {
			out["lastMergeCommit"], out["mergeStatus"] = object{"commitId": w.Talk.Merge}, "succeeded"
		}
		if w.Talk.Forked[p.Number] {
			out["forkSource"] = object{"name": "refs/heads/" + p.Branch}
		}
		return out
	}
	of := func(path string) string { return "/{owner}/store/_apis/git/repositories" + path }
	s.get(of(""), func(_ http.ResponseWriter, r *http.Request) (any, bool) {
		return object{"value": list(w.Repositories, repository)}, r.PathValue("owner") == w.Owner
	})
	s.repo(of("/{repo}"), func(_ http.ResponseWriter, _ *http.Request, of *Repository) (any, bool) { return repository(*of), true })
	s.repo(of("/{repo}/refs"), func(rw http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		q := r.URL.Query()
		found := slices.DeleteFunc(slices.Clone(of.Branches), func(b Branch) bool { return !strings.HasPrefix("heads/"+b.Name, q.Get("filter")) })
		from, _ := strconv.Atoi(q.Get("continuationToken"))
		to := min(from+perPage, len(found))
		if to < len(found) {
			rw.Header().Set("X-Ms-Continuationtoken", strconv.Itoa(to))
		}
		return object{"value": list(found[from:to], func(b Branch) object { return object{"name": "refs/heads/" + b.Name, "objectId": b.SHA} })}, true
	})
	s.repo(of("/{repo}/items"), func(_ http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		q := r.URL.Query()
		b, ok := of.branch(q.Get("versionDescriptor.version"))
		return object{"path": q.Get("path")}, ok && b.has(strings.TrimPrefix(q.Get("path"), "/")) && q.Get("versionDescriptor.versionType") == "commit"
	})
	s.repo(of("/{repo}/commits/{sha}"), func(_ http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		i := slices.IndexFunc(of.Pulls, func(p Pull) bool { return p.SHA == r.PathValue("sha") })
		if i < 0 {
			return nil, false
		}
		return object{"committer": object{"date": of.Pulls[i].Updated}}, true
	})
	s.repo(of("/{repo}/pullrequests"), func(_ http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		q := r.URL.Query()
		open := of.open()
		from, _ := strconv.Atoi(q.Get("$skip"))
		from = min(from, len(open))
		return object{"value": list(open[from:min(from+perPage, len(open))], pull)}, q.Get("searchCriteria.status") == "active"
	})
	s.made(of("/{repo}/pullrequests"), func(b map[string]any) Pull {
		return Pull{Title: field(b, "title"), Body: field(b, "description"), Branch: field(b, "sourceRefName"), Target: field(b, "targetRefName")}
	}, pull)
	s.repo(of("/{repo}/pullrequests/{number}"), func(_ http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		p, ok := of.pull(r.PathValue("number"))
		return pull(p), ok
	})
	azure(s)
	return s
}
