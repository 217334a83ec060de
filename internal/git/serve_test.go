package git_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// question is a request to a server and the size of what it answered.
type question struct {
	path, body, protocol, authorization string
	answered                            int
}

// server is git itself, serving over HTTP as forges do.
type server struct {
	handler http.Handler
	// old has it speak the protocol before version 2.
	old bool
	// enter, where it is set, is called before each answer.
	enter func(*http.Request)

	mu    sync.Mutex
	asked []question
}

func (r *repo) server() *server {
	r.t.Helper()
	return &server{handler: &cgi.Handler{
		Path: filepath.Join(r.git("--exec-path"), "git-http-backend"),
		Env: []string{"GIT_PROJECT_ROOT=" + filepath.Dir(r.dir), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1",
			"GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"},
	}}
}

func (s *server) start(t testing.TB) (url string) {
	t.Helper()
	http := httptest.NewServer(s)
	t.Cleanup(http.Close)
	return http.URL + "/config"
}

type counted struct {
	http.ResponseWriter
	n int
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.n += n
	return n, err
}

func (s *server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if s.enter != nil {
		s.enter(req)
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	req.ContentLength = int64(len(body))
	q := question{path: req.URL.Path, body: string(body), protocol: req.Header.Get("Git-Protocol"), authorization: req.Header.Get("Authorization")}
	if s.old {
		req.Header.Del("Git-Protocol")
	}
	c := &counted{ResponseWriter: w}
	s.handler.ServeHTTP(c, req)
	q.answered = c.n
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, q)
}

// since returns the questions from the nth on.
func (s *server) since(n int) []question {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]question{}, s.asked[n:]...)
}

// fetches are the questions for packs.
func fetches(all []question) []question {
	var packs []question
	for _, q := range all {
		if strings.HasSuffix(q.path, "/git-upload-pack") && !strings.Contains(q.body, "command=ls-refs") {
			packs = append(packs, q)
		}
	}
	return packs
}
