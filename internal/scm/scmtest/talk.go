package scmtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Talk is what was said and recorded of the repository "web".
type Talk struct {
	// Comments are of pull requests, by their numbers, in the order in which they
	// were made.
	Comments map[int64][]Comment
	// Statuses are of all commits, in the order in which they were set; where the
	// forge replaces one, there is the last of each name.
	Statuses    []Status
	Deployments []Deployment
	// Merge is what the forge made of merging open pull requests; empty is none.
	Merge string
	// Forked are the pull requests that come from elsewhere.
	Forked map[int64]bool
	// Writers may push to the repository.
	Writers []string
	// Version is what the server says that it is.
	Version string

	serial int64
}

// Comment is one comment.
type Comment struct {
	ID      int64
	Author  string
	Body    string
	Created time.Time
	Updated time.Time
	Version int
	// Inline is a comment on a line of code.
	Inline bool
}

// Status is a status or a check run.
type Status struct {
	ID                                             int64
	Commit, Name, State, Description, URL, Summary string
}

// Deployment is a record of one.
type Deployment struct {
	ID                       int64
	Environment, Commit, Ref string
	// States are all that it had.
	States []string
}

// Me is the user of Token.
const Me = "bot"

// Users are those that there are, with their ids.
func Users() map[string]int64 { return map[string]int64{"ana": 1, "bob": 2, "eve": 3, Me: 9} }

// Base is the commit at the end of every target branch.
const Base = "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"

// Page is the address of a pull request, the same on every forge.
func Page(number int64) string {
	return "https://forge.example.com/shop/web/pullrequest/" + text(number)
}

// from is the id of the repository that a pull request comes from.
func (t *Talk) from(number int64) int64 {
	if t.Forked[number] {
		return 77
	}
	return 11
}

// moment is a time that goes on with what happens.
func (t *Talk) moment() time.Time {
	t.serial++
	return time.Date(2026, 3, 2, 12, 0, int(t.serial), 0, time.UTC)
}

// Say makes a comment.
func (t *Talk) Say(pull int64, author, body string) *Comment {
	at := t.moment()
	if t.Comments == nil {
		t.Comments = map[int64][]Comment{}
	}
	t.Comments[pull] = append(t.Comments[pull], Comment{ID: 500 + t.serial, Author: author, Body: body, Created: at, Updated: at})
	return &t.Comments[pull][len(t.Comments[pull])-1]
}

// edit changes a comment of the token's user. It is a 403 for those of others,
// 404 where it is not there.
func (t *Talk) edit(id, body string) (*Comment, int) {
	for pull := range t.Comments {
		for i := range t.Comments[pull] {
			c := &t.Comments[pull][i]
			if text(c.ID) != id {
				continue
			}
			if c.Author != Me {
				return nil, http.StatusForbidden
			}
			c.Body, c.Updated = body, t.moment()
			c.Version++
			return c, http.StatusOK
		}
	}
	return nil, http.StatusNotFound
}

// since are the comments that were touched at a time or after it.
func (t *Talk) since(r *http.Request, key string) []Comment {
	pull, _ := strconv.ParseInt(r.PathValue("number"), 10, 64)
	at, err := time.Parse(time.RFC3339, strings.TrimPrefix(r.URL.Query().Get(key), "updated_on >= "))
	return slices.DeleteFunc(slices.Clone(t.Comments[pull]), func(c Comment) bool { return err == nil && c.Updated.Before(at) })
}

// latest is the last status of a commit and name.
func (t *Talk) latest(commit, name string) (Status, bool) {
	for _, s := range slices.Backward(t.Statuses) {
		if s.Commit == commit && s.Name == name {
			return s, true
		}
	}
	return Status{}, false
}

// set adds a status; replace takes the one of the same name away.
func (t *Talk) set(s Status, replace bool) Status {
	if replace {
		t.Statuses = slices.DeleteFunc(t.Statuses, func(old Status) bool { return old.Commit == s.Commit && old.Name == s.Name })
	}
	t.serial++
	s.ID = t.serial
	t.Statuses = append(t.Statuses, s)
	return s
}

// deployment finds one by its id.
func (t *Talk) deployment(id string) *Deployment {
	for i := range t.Deployments {
		if text(t.Deployments[i].ID) == id {
			return &t.Deployments[i]
		}
	}
	return nil
}

func (t *Talk) deploy(d Deployment) *Deployment {
	t.serial++
	d.ID = 900 + t.serial
	t.Deployments = append(t.Deployments, d)
	return &t.Deployments[len(t.Deployments)-1]
}

// whole tells the id of a commit from the start of one.
func whole(commit string) bool { return len(commit) == 40 }

// write adds an answer to what is sent: what it gives is said with a status of
// success, and nothing with 204. A number is a refusal, and so is its text.
func (s *Server) write(pattern string, answer func(r *http.Request, sent map[string]any, of *Talk) any) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		sent, err := read(r)
		var said any = http.StatusNotFound
		switch _, ok := s.world.repository(r.PathValue("repo")); {
		case err != nil:
			said = http.StatusUnprocessableEntity
		case ok || r.PathValue("repo") == "":
			said = answer(r, sent, &s.world.Talk)
		}
		switch said := said.(type) {
		case nil:
			w.WriteHeader(http.StatusNoContent)
		case int:
			w.WriteHeader(said)
			_, _ = fmt.Fprintf(w, `{"message":"%d %s"}`, said, http.StatusText(said))
		case refusal:
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(object{"message": said})
		default:
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusCreated)
			_ = json.NewEncoder(w).Encode(said)
		}
	})
}

// refusal is what a forge says of something that it does not take.
type refusal string

func read(r *http.Request) (map[string]any, error) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var sent map[string]any
	if err := json.Unmarshal(data, &sent); err != nil {
		return nil, err
	}
	if sent == nil {
		return nil, errors.New("nothing was sent")
	}
	return sent, nil
}

// str reads a string of what was sent, by its path.
func str(sent any, path ...string) string {
	for _, key := range path {
		m, ok := sent.(map[string]any)
		if !ok {
			return ""
		}
		sent = m[key]
	}
	out, _ := sent.(string)
	return out
}

func user(name string) object { return object{"id": Users()[name], "login": name, "username": name} }
