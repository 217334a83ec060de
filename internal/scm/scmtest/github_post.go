package scmtest

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// AppToken opens a GitHub as the installation of an app: it has no user, and
// may make check runs.
const AppToken = "token-of-the-app"

const githubRepo = "/api/v3/repos/{owner}/{repo}"

// github adds what is posted. A body has at most 65,536 characters there.
func github(s *Server) {
	githubComments(s)
	githubStatuses(s)
	githubDeployments(s)
}

func githubComments(s *Server) {
	talk := &s.world.Talk
	say := func(c Comment) object {
		name := c.Author
		if name == Me && s.isApp {
			name += "[bot]"
		}
		u := user(c.Author)
		u["login"] = name
		return object{"id": c.ID, "user": u, "body": c.Body, "created_at": c.Created, "updated_at": c.Updated}
	}
	s.mux.HandleFunc("GET /api/v3/user", func(w http.ResponseWriter, _ *http.Request) {
		if s.isApp {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"message":"Resource not accessible by integration"}`))
			return
		}
		_, _ = w.Write([]byte(`{"id":9,"login":"` + Me + `"}`))
	})
	s.write("POST /api/graphql", func(_ *http.Request, sent map[string]any, _ *Talk) any {
		if str(sent, "query") != "{viewer{login}}" || !s.isApp {
			return http.StatusBadRequest
		}
		return object{"data": object{"viewer": object{"login": Me + "[bot]"}}}
	})
	s.repo(githubRepo+"/issues/{number}/comments", func(w http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		_, ok := of.pull(r.PathValue("number"))
		return list(linked(w, r, talk.since(r, "since")), say), ok
	})
	s.write("POST "+githubRepo+"/issues/{number}/comments", func(r *http.Request, sent map[string]any, of *Talk) any {
		body := str(sent, "body")
		if body == "" || utf8.RuneCountInString(body) > 65_536 {
			return http.StatusUnprocessableEntity
		}
		return say(*of.Say(number(r), Me, body))
	})
	s.write("PATCH "+githubRepo+"/issues/comments/{id}", func(r *http.Request, sent map[string]any, of *Talk) any {
		c, refused := of.edit(r.PathValue("id"), str(sent, "body"))
		if c == nil {
			return refused
		}
		return say(*c)
	})
	s.repo(githubRepo+"/collaborators/{user}/permission", func(_ http.ResponseWriter, r *http.Request, _ *Repository) (any, bool) {
		name := r.PathValue("user")
		level := "read"
		if slices.Contains(talk.Writers, name) {
			level = "write"
		}
		return object{"permission": level, "user": user(name)}, Users()[name] > 0 && name != "eve"
	})
}

func githubStatuses(s *Server) {
	talk := &s.world.Talk
	s.repo(githubRepo+"/commits/{sha}/status", func(w http.ResponseWriter, r *http.Request, _ *Repository) (any, bool) {
		var shown []Status
		for i, one := range talk.Statuses {
			if last, _ := talk.latest(r.PathValue("sha"), one.Name); last == talk.Statuses[i] {
				shown = append(shown, one)
			}
		}
		return object{"statuses": list(linked(w, r, shown), func(one Status) object {
			return object{"context": one.Name, "state": one.State, "description": one.Description, "target_url": one.URL}
		})}, true
	})
	s.write("POST "+githubRepo+"/statuses/{sha}", func(r *http.Request, sent map[string]any, of *Talk) any {
		description := str(sent, "description")
		if utf8.RuneCountInString(description) > 140 || !whole(r.PathValue("sha")) || !slices.Contains([]string{"pending", "success", "failure", "error"}, str(sent, "state")) {
			return http.StatusUnprocessableEntity
		}
		of.set(Status{Commit: r.PathValue("sha"), Name: str(sent, "context"), State: str(sent, "state"), Description: description, URL: str(sent, "target_url")}, false)
		return object{"state": sent["state"]}
	})
	run := func(one Status) object {
		state, conclusion, _ := strings.Cut(one.State, "/")
		out := object{
			"id": one.ID, "name": one.Name, "status": state, "conclusion": nil, "details_url": one.URL,
			"output": object{"title": one.Description, "summary": one.Summary},
		}
		if conclusion != "" {
			out["conclusion"] = conclusion
		}
		return out
	}
	s.repo(githubRepo+"/commits/{sha}/check-runs", func(_ http.ResponseWriter, r *http.Request, _ *Repository) (any, bool) {
		var found []Status
		if one, ok := talk.latest(r.PathValue("sha"), r.URL.Query().Get("check_name")); ok {
			found = append(found, one)
		}
		return object{"total_count": len(found), "check_runs": list(found, run)}, s.isApp
	})
	sentRun := func(sent map[string]any) (Status, bool) {
		one := Status{
			Commit: str(sent, "head_sha"), Name: str(sent, "name"), State: str(sent, "status"), URL: str(sent, "details_url"),
			Description: str(sent, "output", "title"), Summary: str(sent, "output", "summary"),
		}
		conclusion := str(sent, "conclusion")
		if conclusion != "" {
			one.State += "/" + conclusion
		}
		return one, s.isApp && len(one.Summary) <= 65_535 && one.Summary != "" && one.Description != "" && (conclusion != "") == strings.HasPrefix(one.State, "completed")
	}
	s.write("POST "+githubRepo+"/check-runs", func(_ *http.Request, sent map[string]any, of *Talk) any {
		one, ok := sentRun(sent)
		if !ok || !whole(one.Commit) {
			return http.StatusUnprocessableEntity
		}
		return run(of.set(one, false))
	})
	s.write("PATCH "+githubRepo+"/check-runs/{id}", func(r *http.Request, sent map[string]any, of *Talk) any {
		one, ok := sentRun(sent)
		i := slices.IndexFunc(of.Statuses, func(old Status) bool { return text(old.ID) == r.PathValue("id") })
		if !ok || i < 0 {
			return http.StatusUnprocessableEntity
		}
		one.ID, one.Commit = of.Statuses[i].ID, of.Statuses[i].Commit
		of.Statuses[i] = one
		return run(one)
	})
}

func githubDeployments(s *Server) {
	talk := &s.world.Talk
	s.repo(githubRepo+"/deployments", func(w http.ResponseWriter, r *http.Request, _ *Repository) (any, bool) {
		q := r.URL.Query()
		found := slices.DeleteFunc(slices.Clone(talk.Deployments), func(d Deployment) bool { return d.Commit != q.Get("sha") || d.Environment != q.Get("environment") })
		return list(linked(w, r, found), func(d Deployment) object { return object{"id": d.ID, "sha": d.Commit} }), q.Get("task") == "deploy:trueup"
	})
	s.write("POST "+githubRepo+"/deployments", func(_ *http.Request, sent map[string]any, of *Talk) any {
		contexts, ok := sent["required_contexts"].([]any)
		if sent["auto_merge"] != false || !ok || len(contexts) > 0 || str(sent, "task") != "deploy:trueup" {
			return http.StatusConflict // as where a status of the commit is not a success
		}
		return object{"id": of.deploy(Deployment{Environment: str(sent, "environment"), Commit: str(sent, "ref"), Ref: str(sent, "ref")}).ID}
	})
	s.repo(githubRepo+"/deployments/{id}/statuses", func(w http.ResponseWriter, r *http.Request, _ *Repository) (any, bool) {
		d := talk.deployment(r.PathValue("id"))
		if d == nil {
			return nil, false
		}
		states := slices.Clone(d.States)
		slices.Reverse(states) // the latest first
		return list(linked(w, r, states), func(state string) object {
			state, description, _ := strings.Cut(state, ": ")
			return object{"state": state, "description": description}
		}), true
	})
	s.write("POST "+githubRepo+"/deployments/{id}/statuses", func(r *http.Request, sent map[string]any, of *Talk) any {
		d := of.deployment(r.PathValue("id"))
		if d == nil {
			return http.StatusNotFound
		}
		d.States = append(d.States, str(sent, "state")+": "+str(sent, "description"))
		return object{"id": 1}
	})
}
