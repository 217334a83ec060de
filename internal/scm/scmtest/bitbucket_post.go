package scmtest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

func cloudUser(name string) object {
	return object{"uuid": "{" + text(Users()[name]) + "}", "nickname": name, "display_name": strings.ToUpper(name)}
}

func serverUser(name string) object { return object{"id": Users()[name], "name": name, "slug": name} }

const maxBitbucket = 32_768

func isBuild(sent map[string]any) bool {
	return str(sent, "url") != "" && str(sent, "key") != "" && len(str(sent, "key")) <= 40 && slices.Contains([]string{"INPROGRESS", "SUCCESSFUL", "FAILED", "STOPPED"}, str(sent, "state"))
}

func build(r *http.Request, sent map[string]any) Status {
	return Status{Commit: r.PathValue("sha"), Name: str(sent, "key"), State: str(sent, "state"), Description: str(sent, "description"), URL: str(sent, "url")}
}

// bitbucketCloud adds what is posted.
func bitbucketCloud(s *Server) {
	talk := &s.world.Talk
	const at = "/2.0/repositories/{owner}/{repo}"
	s.get("/2.0/user", func(http.ResponseWriter, *http.Request) (any, bool) { return cloudUser(Me), true })
	s.repo(at+"/commit/{sha}", func(_ http.ResponseWriter, r *http.Request, _ *Repository) (any, bool) {
		return object{"hash": Base}, strings.HasPrefix(Base, r.PathValue("sha"))
	})
	say := func(c Comment) object {
		out := object{"id": c.ID, "user": cloudUser(c.Author), "content": object{"raw": c.Body}, "created_on": c.Created, "updated_on": c.Updated, "deleted": c.Author == "deleted"}
		if c.Inline {
			out["inline"] = object{"path": "x"}
		}
		return out
	}
	s.repo(at+"/pullrequests/{number}/comments", func(_ http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		_, ok := of.pull(r.PathValue("number"))
		return values(r, talk.since(r, "q"), say), ok
	})
	s.write("POST "+at+"/pullrequests/{number}/comments", func(r *http.Request, sent map[string]any, of *Talk) any {
		body := str(sent, "content", "raw")
		if body == "" || utf8.RuneCountInString(body) > maxBitbucket {
			return http.StatusBadRequest
		}
		return say(*of.Say(number(r), Me, body))
	})
	s.write("PUT "+at+"/pullrequests/{number}/comments/{id}", func(r *http.Request, sent map[string]any, of *Talk) any {
		c, refused := of.edit(r.PathValue("id"), str(sent, "content", "raw"))
		if c == nil {
			return refused
		}
		return say(*c)
	})
	s.write("POST "+at+"/commit/{sha}/statuses/build", func(r *http.Request, sent map[string]any, of *Talk) any {
		if !isBuild(sent) || !whole(r.PathValue("sha")) {
			return http.StatusBadRequest
		}
		of.set(build(r, sent), true)
		return object{"key": sent["key"]}
	})
	s.get("/2.0/workspaces/{owner}/permissions/repositories/{repo}", func(_ http.ResponseWriter, r *http.Request) (any, bool) {
		var found []object
		for name, id := range Users() {
			if r.URL.Query().Get("q") == fmt.Sprintf(`user.uuid="{%d}"`, id) && name != "eve" {
				level := "read"
				if slices.Contains(talk.Writers, name) {
					level = "write"
				}
				found = append(found, object{"permission": level, "user": cloudUser(name)})
			}
		}
		return values(r, found, func(o object) object { return o }), true
	})
}

// bitbucketServer adds what is posted.
func bitbucketServer(s *Server) {
	talk := &s.world.Talk
	const at = "/rest/api/1.0/projects/{owner}/repos/{repo}"
	s.get("/rest/api/1.0/application-properties", func(w http.ResponseWriter, _ *http.Request) (any, bool) {
		w.Header().Set("X-AUSERNAME", Me)
		w.Header().Set("X-AUSERID", text(Users()[Me]))
		return object{"version": "9.4.0"}, true
	})
	say := func(c Comment) object {
		return object{"id": c.ID, "version": c.Version, "text": c.Body, "author": serverUser(c.Author), "createdDate": c.Created.UnixMilli(), "updatedDate": c.Updated.UnixMilli()}
	}
	s.repo(at+"/pull-requests/{number}/activities", func(_ http.ResponseWriter, r *http.Request, of *Repository) (any, bool) {
		_, ok := of.pull(r.PathValue("number"))
		found := []object{{"action": "OPENED"}}
		for _, c := range talk.since(r, "") {
			one := object{"action": "COMMENTED", "commentAction": "ADDED", "comment": say(c)}
			if c.Inline {
				one["commentAnchor"] = object{"path": "x"}
			}
			found = append(found, one)
		}
		slices.Reverse(found) // the latest first
		return started(r, found, func(o object) object { return o }), ok
	})
	find := func(id string) (Comment, bool) {
		for _, all := range talk.Comments {
			for _, c := range all {
				if text(c.ID) == id {
					return c, true
				}
			}
		}
		return Comment{}, false
	}
	s.repo(at+"/pull-requests/{number}/comments/{id}", func(_ http.ResponseWriter, r *http.Request, _ *Repository) (any, bool) {
		c, ok := find(r.PathValue("id"))
		return say(c), ok
	})
	s.write("POST "+at+"/pull-requests/{number}/comments", func(r *http.Request, sent map[string]any, of *Talk) any {
		body := str(sent, "text")
		if body == "" || utf8.RuneCountInString(body) > maxBitbucket {
			return http.StatusBadRequest
		}
		return say(*of.Say(number(r), Me, body))
	})
	s.write("PUT "+at+"/pull-requests/{number}/comments/{id}", func(r *http.Request, sent map[string]any, of *Talk) any {
		now, ok := find(r.PathValue("id"))
		if version, sentOne := sent["version"].(float64); ok && (!sentOne || int(version) != now.Version) {
			return http.StatusConflict
		}
		c, refused := of.edit(r.PathValue("id"), str(sent, "text"))
		if c == nil {
			return refused
		}
		return say(*c)
	})
	s.write("POST "+at+"/commits/{sha}/builds", func(r *http.Request, sent map[string]any, of *Talk) any {
		if !isBuild(sent) || !whole(r.PathValue("sha")) {
			return http.StatusBadRequest
		}
		of.set(build(r, sent), true)
		return nil
	})
	s.get("/rest/api/1.0/users", func(_ http.ResponseWriter, r *http.Request) (any, bool) {
		q := r.URL.Query()
		var found []string
		for _, name := range append([]string{"ana-2"}, talk.Writers...) {
			if strings.Contains(name, q.Get("filter")) {
				found = append(found, name)
			}
		}
		return started(r, found, serverUser), q.Get("permission.1") == "REPO_WRITE" && q.Get("permission.1.repositorySlug") == "web" && q.Get("permission.1.projectKey") == s.world.Owner
	})
}
