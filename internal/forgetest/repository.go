package forgetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// User is somebody with an account.
type User struct{ Name, password string }

// Repository is one of somebody's, private.
type Repository struct {
	// URL is for cloning, over HTTP.
	URL   string
	forge *Forge
	owner User
	name  string
	dir   string // a clone to push from
}

// User makes an account.
func (f *Forge) User(name string) User {
	f.t.Helper()
	u := User{name, "a password of " + name}
	f.Call(http.MethodPost, "/admin/users", map[string]any{
		"username": u.Name, "password": u.password, "email": name + "@example.com", "must_change_password": false,
	}, nil)
	return u
}

// Token makes a token that reads and writes what a user may.
func (f *Forge) Token(u User) string {
	f.t.Helper()
	f.serial++
	var out struct {
		SHA1 string `json:"sha1"`
	}
	f.call(u, http.MethodPost, "/users/"+u.Name+"/tokens", map[string]any{
		"name": fmt.Sprintf("token-%d", f.serial), "scopes": []string{"write:repository", "write:issue", "read:user"},
	}, &out)
	return out.SHA1
}

// Repository makes a private repository with nothing in it.
func (f *Forge) Repository(owner User, name string) *Repository {
	f.t.Helper()
	f.call(owner, http.MethodPost, "/user/repos", map[string]any{"name": name, "private": true, "default_branch": "main"}, nil)
	r := &Repository{URL: f.URL + "/" + owner.Name + "/" + name + ".git", forge: f, owner: owner, name: name, dir: filepath.Join(f.t.TempDir(), name)}
	f.run("git", "init", "-q", "-b", "main", r.dir)
	return r
}

// Push commits files to the default branch and pushes them; it returns the
// commit. Empty content removes a file.
func (r *Repository) Push(message string, files map[string]string) string {
	r.forge.t.Helper()
	return r.push("main", message, files)
}

// PushTo is Push to another branch, which starts at the default one where it
// is not there yet.
func (r *Repository) PushTo(branch, message string, files map[string]string) string {
	f := r.forge
	f.t.Helper()
	known := f.runIn(r.dir, "git", "branch", "--list", branch)
	if known == "" {
		f.runIn(r.dir, "git", "branch", branch)
	}
	f.runIn(r.dir, "git", "switch", "-q", branch)
	defer f.runIn(r.dir, "git", "switch", "-q", "main")
	return r.push(branch, message, files)
}

func (r *Repository) push(branch, message string, files map[string]string) string {
	f := r.forge
	f.t.Helper()
	for name, text := range files {
		name = filepath.Join(r.dir, name)
		if text == "" {
			f.must("remove a file", os.Remove(name))
			continue
		}
		f.must("make a folder", os.MkdirAll(filepath.Dir(name), 0o755))
		f.must("write a file", os.WriteFile(name, []byte(text), 0o644))
	}
	f.runIn(r.dir, "git", "add", "-A")
	f.runIn(r.dir, "git", "commit", "-q", "-m", message)
	header := "http.extraHeader=Authorization: " + r.owner.basic()
	f.runIn(r.dir, "git", "-c", header, "push", "-q", r.URL, branch)
	return f.runIn(r.dir, "git", "rev-parse", "HEAD")
}

// path is where the API has the repository.
func (r *Repository) path() string { return "/repos/" + r.owner.Name + "/" + r.name }

// Open opens a pull request from a branch to the default one, with labels that
// are made where they are missing, and returns its number.
func (r *Repository) Open(branch, title string, labels ...string) int64 {
	r.forge.t.Helper()
	ids := []int64{}
	for _, name := range labels {
		var label struct {
			ID int64 `json:"id"`
		}
		r.forge.call(r.owner, http.MethodPost, r.path()+"/labels", map[string]any{"name": name, "color": "#00aabb"}, &label)
		ids = append(ids, label.ID)
	}
	var out struct {
		Number int64 `json:"number"`
	}
	r.forge.call(r.owner, http.MethodPost, r.path()+"/pulls", map[string]any{"head": branch, "base": "main", "title": title, "labels": ids}, &out)
	return out.Number
}

// Close closes a pull request without merging it.
func (r *Repository) Close(number int64) {
	r.forge.t.Helper()
	r.forge.call(r.owner, http.MethodPatch, fmt.Sprintf("%s/pulls/%d", r.path(), number), map[string]any{"state": "closed"}, nil)
}

// Merge merges a pull request.
func (r *Repository) Merge(number int64) {
	r.forge.t.Helper()
	r.forge.call(r.owner, http.MethodPost, fmt.Sprintf("%s/pulls/%d/merge", r.path(), number), map[string]any{"Do": "merge"}, nil)
}

// Comment comments on a pull request as somebody.
func (r *Repository) Comment(as User, number int64, text string) {
	r.forge.t.Helper()
	r.forge.call(as, http.MethodPost, fmt.Sprintf("%s/issues/%d/comments", r.path(), number), map[string]any{"body": text}, nil)
}

// Let lets somebody into the repository: to read, write or admin.
func (r *Repository) Let(who User, permission string) {
	r.forge.t.Helper()
	r.forge.call(r.owner, http.MethodPut, r.path()+"/collaborators/"+who.Name, map[string]any{"permission": permission}, nil)
}

// OpenFrom has somebody who may read fork the repository, commit files to a
// branch of the fork, and open a pull request from it. It returns its number.
func (r *Repository) OpenFrom(who User, branch, title string, files map[string]string) int64 {
	f := r.forge
	f.t.Helper()
	f.call(who, http.MethodPost, r.path()+"/forks", map[string]any{}, nil)
	fork := &Repository{URL: f.URL + "/" + who.Name + "/" + r.name + ".git", forge: f, owner: who, name: r.name, dir: filepath.Join(f.t.TempDir(), "fork")}
	f.runIn(r.dir, "git", "clone", "-q", r.dir, fork.dir)
	fork.PushTo(branch, title, files)
	var out struct {
		Number int64 `json:"number"`
	}
	f.call(who, http.MethodPost, r.path()+"/pulls", map[string]any{"head": who.Name + ":" + branch, "base": "main", "title": title}, &out)
	return out.Number
}

// Webhook has Gitea tell a URL of pushes, pull requests and what is said about
// these, signed with a secret.
func (r *Repository) Webhook(url, secret string) {
	r.forge.t.Helper()
	r.forge.call(r.owner, http.MethodPost, r.path()+"/hooks", map[string]any{
		"type": "gitea", "active": true, "events": []string{"push", "pull_request", "pull_request_sync", "issue_comment", "pull_request_comment"},
		"config": map[string]string{"url": url, "content_type": "json", "secret": secret},
	}, nil)
}

func (u User) basic() string {
	req := http.Request{Header: http.Header{}}
	req.SetBasicAuth(u.Name, u.password)
	return req.Header.Get("Authorization")
}

// Call calls the API as the administrator; what is nil is neither sent nor
// read.
func (f *Forge) Call(method, path string, body, into any) {
	f.t.Helper()
	f.call(User{admin, password}, method, path, body, into)
}

func (f *Forge) call(as User, method, path string, body, into any) {
	f.t.Helper()
	var send bytes.Buffer
	if body != nil {
		f.must("write a request", json.NewEncoder(&send).Encode(body))
	}
	req, err := http.NewRequestWithContext(f.t.Context(), method, f.URL+"/api/v1"+path, &send)
	f.must("make a request", err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", as.basic())
	res, err := http.DefaultClient.Do(req)
	f.must("call the API", err)
	defer res.Body.Close() //nolint:errcheck // all is read
	answer, err := io.ReadAll(res.Body)
	f.must("read the answer", err)
	if res.StatusCode >= 300 {
		f.t.Fatalf("%s %s: %s\n%s", method, path, res.Status, strings.TrimSpace(string(answer)))
	}
	if into != nil {
		f.must("read the answer", json.Unmarshal(answer, into))
	}
}
