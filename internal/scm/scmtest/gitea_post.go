package scmtest

import (
	"net/http"
	"slices"
)

const giteaRepo = "/api/v1/repos/{owner}/{repo}"

// gitea adds what is posted. It gives all comments at once.
func gitea(s *Server) {
	talk := &s.world.Talk
	s.get("/api/v1/user", func(http.ResponseWriter, *http.Request) (any, bool) { return user(Me), true })
	s.get("/api/v1/version", func(http.ResponseWriter, *http.Request) (any, bool) {
		return object{"version": talk.Version}, talk.Version != ""
	})
	say := func(c Comment) object {
		return object{"id": c.ID, "user": user(c.Author), "body": c.Body, "created_at": c.Created, "updated_at": c.Updated}
	}
	s.repo(giteaRepo+"/issues/{number}/comments", func(w http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		_, ok := of.pull(r.PathValue("number"))
		found := talk.since(r, "since")
		w.Header().Set("X-Total-Count", text(int64(len(found))))
		return list(found, say), ok
	})
	s.write("POST "+giteaRepo+"/issues/{number}/comments", func(r *http.Request, sent map[string]any, of *Talk) any {
		return say(*of.Say(number(r), Me, str(sent, "body")))
	})
	s.write("PATCH "+giteaRepo+"/issues/comments/{id}", func(r *http.Request, sent map[string]any, of *Talk) any {
		c, refused := of.edit(r.PathValue("id"), str(sent, "body"))
		if c == nil {
			return refused
		}
		return say(*c)
	})
	s.repo(giteaRepo+"/collaborators/{user}/permission", func(_ http.ResponseWriter, r *http.Request, _ *Repository) (any, bool) {
		name := r.PathValue("user")
		level := "read"
		if slices.Contains(talk.Writers, name) {
			level = "write"
		}
		return object{"permission": level, "user": user(name)}, Users()[name] > 0 && name != "eve"
	})
	s.repo(giteaRepo+"/commits/{sha}/status", func(_ http.ResponseWriter, r *http.Request, _ *Repository) (any, bool) {
		var shown []Status
		for _, one := range talk.Statuses {
			if last, _ := talk.latest(r.PathValue("sha"), one.Name); last == one {
				shown = append(shown, one)
			}
		}
		return object{"statuses": list(shown, func(one Status) object {
			return object{"context": one.Name, "status": one.State, "description": one.Description, "target_url": one.URL}
		})}, true
	})
	s.write("POST "+giteaRepo+"/statuses/{sha}", func(r *http.Request, sent map[string]any, of *Talk) any {
		if !slices.Contains([]string{"pending", "success", "failure", "error", "warning"}, str(sent, "state")) || !whole(r.PathValue("sha")) {
			return http.StatusUnprocessableEntity
		}
		of.set(Status{Commit: r.PathValue("sha"), Name: str(sent, "context"), State: str(sent, "state"), Description: str(sent, "description"), URL: str(sent, "target_url")}, false)
		return object{"status": sent["state"]}
	})
}
