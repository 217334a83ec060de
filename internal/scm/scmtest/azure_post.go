package scmtest

import (
	"net/http"
	"slices"
)

func azureUser(name string) object {
	return object{"id": "guid-" + name, "uniqueName": name + "@example.com", "displayName": name}
}

// azure adds what is posted. A comment is the first of a thread.
func azure(s *Server) {
	talk := &s.world.Talk
	const at = "/{owner}/store/_apis/git/repositories/{repo}/pullrequests/{number}"
	s.get("/{owner}/_apis/connectionData", func(http.ResponseWriter, *http.Request) (any, bool) {
		return object{"authenticatedUser": object{"id": "guid-" + Me, "providerDisplayName": Me}}, true
	})
	thread := func(c Comment) object {
		kind := "text"
		if c.Author == "system" {
			kind = "system"
		}
		out := object{"id": c.ID, "comments": []object{{"id": 1, "content": c.Body, "commentType": kind, "author": azureUser(c.Author), "publishedDate": c.Created}}}
		if c.Inline {
			out["threadContext"] = object{"filePath": "/x"}
		}
		return out
	}
	s.repo(at+"/threads", func(_ http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		_, ok := of.pull(r.PathValue("number"))
		return object{"value": list(talk.since(r, ""), thread)}, ok
	})
	s.write("POST "+at+"/threads", func(r *http.Request, sent map[string]any, of *Talk) any {
		comments, _ := sent["comments"].([]any)
		if str(sent, "status") != "closed" || len(comments) != 1 || r.URL.Query().Get("api-version") == "" {
			return http.StatusBadRequest
		}
		return thread(*of.Say(number(r), Me, str(comments[0], "content")))
	})
	s.write("PATCH "+at+"/threads/{id}/comments/1", func(r *http.Request, sent map[string]any, of *Talk) any {
		c, refused := of.edit(r.PathValue("id"), str(sent, "content"))
		if c == nil {
			return refused
		}
		return object{"id": 1, "content": c.Body}
	})
	// Statuses are of the pull request; whose head it is makes them comparable.
	head := func(r *http.Request) string {
		of, _ := s.world.repository(r.PathValue("repo"))
		p, _ := of.pull(r.PathValue("number"))
		return p.SHA
	}
	s.repo(at+"/statuses", func(_ http.ResponseWriter, r *http.Request, _ *Repository) (any, bool) {
		found := slices.DeleteFunc(slices.Clone(talk.Statuses), func(one Status) bool { return one.Commit != head(r) })
		return object{"value": list(found, func(one Status) object {
			return object{"id": one.ID, "state": one.State, "description": one.Description, "targetUrl": one.URL, "context": object{"genre": "trueup", "name": "preview"}}
		})}, true
	})
	s.write("POST "+at+"/statuses", func(r *http.Request, sent map[string]any, of *Talk) any {
		if !slices.Contains([]string{"pending", "succeeded", "failed"}, str(sent, "state")) {
			return http.StatusBadRequest
		}
		name := str(sent, "context", "genre") + "/" + str(sent, "context", "name")
		one := of.set(Status{Commit: head(r), Name: name, State: str(sent, "state"), Description: str(sent, "description"), URL: str(sent, "targetUrl")}, false)
		return object{"id": one.ID}
	})
}
