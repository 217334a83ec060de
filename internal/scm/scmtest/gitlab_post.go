package scmtest

import (
	"net/http"
	"slices"
	"strconv"
)

const gitlabProject = "/api/v4/projects/{repo}"

// gitlab adds what is posted.
func gitlab(s *Server) {
	talk := &s.world.Talk
	s.get("/api/v4/user", func(http.ResponseWriter, *http.Request) (any, bool) { return user(Me), true })
	s.get("/api/v4/version", func(http.ResponseWriter, *http.Request) (any, bool) {
		return object{"version": talk.Version}, talk.Version != ""
	})
	note := func(c Comment) object {
		kind := any(nil)
		if c.Inline {
			kind = "DiffNote"
		}
		return object{"id": c.ID, "type": kind, "author": user(c.Author), "body": c.Body, "created_at": c.Created, "updated_at": c.Updated, "system": c.Author == "system"}
	}
	s.repo(gitlabProject+"/merge_requests/{number}/notes", func(w http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		_, ok := of.pull(r.PathValue("number"))
		found := talk.since(r, "")
		slices.SortStableFunc(found, func(a, b Comment) int {
			if r.URL.Query().Get("order_by") == "updated_at" {
				return a.Updated.Compare(b.Updated)
			}
			return a.Created.Compare(b.Created)
		})
		if r.URL.Query().Get("sort") != "asc" {
			slices.Reverse(found)
		}
		return list(numbered(w, r, found), note), ok
	})
	s.write("POST "+gitlabProject+"/merge_requests/{number}/notes", func(r *http.Request, sent map[string]any, of *Talk) any {
		return note(*of.Say(number(r), Me, str(sent, "body")))
	})
	s.write("PUT "+gitlabProject+"/merge_requests/{number}/notes/{id}", func(r *http.Request, sent map[string]any, of *Talk) any {
		c, refused := of.edit(r.PathValue("id"), str(sent, "body"))
		if c == nil {
			return refused
		}
		return note(*c)
	})
	s.repo(gitlabProject+"/members/all/{id}", func(_ http.ResponseWriter, r *http.Request, _ *Repository) (any, bool) {
		for name, id := range Users() {
			if text(id) != r.PathValue("id") || name == "eve" {
				continue
			}
			level := 20
			if slices.Contains(talk.Writers, name) {
				level = 30
			}
			return object{"id": id, "state": "active", "access_level": level}, true
		}
		return nil, false
	})
	s.repo(gitlabProject+"/repository/commits/{sha}/statuses", func(w http.ResponseWriter, r *http.Request, _ *Repository) (any, bool) {
		var found []Status
		if one, ok := talk.latest(r.PathValue("sha"), r.URL.Query().Get("name")); ok {
			found = append(found, one)
		}
		return list(numbered(w, r, found), func(one Status) object {
			return object{"id": one.ID, "name": one.Name, "status": one.State, "description": one.Description, "target_url": one.URL}
		}), true
	})
	s.write("POST "+gitlabProject+"/statuses/{sha}", func(r *http.Request, sent map[string]any, of *Talk) any {
		one := Status{Commit: r.PathValue("sha"), Name: str(sent, "name"), State: str(sent, "state"), Description: str(sent, "description"), URL: str(sent, "target_url")}
		if old, ok := of.latest(one.Commit, one.Name); ok && old.State == one.State {
			return refusal(`Cannot transition status via :run from :running (Reason(s): Status cannot transition via "run")`)
		}
		if !slices.Contains([]string{"pending", "running", "success", "failed", "canceled"}, one.State) || !whole(one.Commit) {
			return http.StatusBadRequest
		}
		of.set(one, true)
		return object{"status": one.State}
	})
	gitlabDeployments(s)
}

func gitlabDeployments(s *Server) {
	talk := &s.world.Talk
	say := func(d Deployment) object {
		return object{"id": d.ID, "sha": d.Commit, "ref": d.Ref, "status": d.States[len(d.States)-1]}
	}
	s.repo(gitlabProject+"/deployments", func(w http.ResponseWriter, r *http.Request, _ *Repository) (any, bool) {
		found := slices.DeleteFunc(slices.Clone(talk.Deployments), func(d Deployment) bool { return d.Environment != r.URL.Query().Get("environment") })
		slices.Reverse(found)
		return list(numbered(w, r, found), say), true
	})
	s.write("POST "+gitlabProject+"/deployments", func(_ *http.Request, sent map[string]any, of *Talk) any {
		d := Deployment{Environment: str(sent, "environment"), Commit: str(sent, "sha"), Ref: str(sent, "ref"), States: []string{str(sent, "status")}}
		if d.Environment == "" || !whole(d.Commit) || d.Ref == "" || sent["tag"] != false {
			return http.StatusBadRequest
		}
		return say(*of.deploy(d))
	})
	s.write("PUT "+gitlabProject+"/deployments/{id}", func(r *http.Request, sent map[string]any, of *Talk) any {
		d := of.deployment(r.PathValue("id"))
		if d == nil {
			return http.StatusNotFound
		}
		d.States = append(d.States, str(sent, "status"))
		return say(*d)
	})
}

// number is that of the pull request in the path.
func number(r *http.Request) int64 {
	n, _ := strconv.ParseInt(r.PathValue("number"), 10, 64)
	return n
}
