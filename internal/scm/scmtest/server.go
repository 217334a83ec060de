package scmtest

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Token opens every server here.
const Token = "token-of-the-test"

// Server is a forge that tests may look at and break.
type Server struct {
	URL string
	// World may be changed under Change.
	world *World

	mu        sync.Mutex
	mux       *http.ServeMux
	header    string // that Token comes in
	value     string
	etags     bool
	isApp     bool // the request came with AppToken
	remaining int
	requests  int
	broken    func(w http.ResponseWriter, r *http.Request) bool
	lost      func(r *http.Request) bool
}

// perPage is small, so that everything has pages.
const perPage = 2

func start(t testing.TB, w *World, header, value string) *Server {
	t.Helper()
	s := &Server{world: w, mux: http.NewServeMux(), header: header, value: value, remaining: 5000}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Change changes the world between two requests.
func (s *Server) Change(change func(*World)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s.world)
}

// Break has a function answer in the forge's place; it says whether it did.
func (s *Server) Break(with func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = with
}

// Lose has the server do what requests ask for, and break before its answer.
func (s *Server) Lose(which func(r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = which
}

// Remaining is what is left of the rate limit, where the forge has one.
func (s *Server) Remaining() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.remaining
}

// Requests counts them.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// ServeHTTP implements http.Handler: one request at a time.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if s.broken != nil && s.broken(w, r) {
		return
	}
	s.isApp = s.etags && r.Header.Get("Authorization") == "Bearer "+AppToken
	if r.Header.Get(s.header) != s.value && !s.isApp {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = fmt.Fprint(w, `{"message":"401 Unauthorized"}`)
		return
	}
	if s.lost != nil && s.lost(r) {
		s.mux.ServeHTTP(httptest.NewRecorder(), r)
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// get adds an answer. What says no is a 404, as forges say it.
func (s *Server) get(pattern string, answer func(w http.ResponseWriter, r *http.Request) (any, bool)) {
	s.mux.HandleFunc("GET "+pattern, func(w http.ResponseWriter, r *http.Request) {
		said, ok := answer(w, r)
		if !ok {
			s.remaining-- // as GitHub counts
			w.WriteHeader(http.StatusNotFound)
			_, _ = fmt.Fprint(w, `{"message":"404 Not Found"}`)
			return
		}
		body, err := json.Marshal(said)
		if err != nil {
			panic(err)
		}
		w.Header().Set("Content-Type", "application/json")
		if s.etags {
			etag := fmt.Sprintf(`W/"%x"`, sha256.Sum256(body))
			w.Header().Set("ETag", etag)
			unchanged := r.Header.Get("If-None-Match") == etag
			if !unchanged {
				s.remaining--
			}
			w.Header().Set("X-RateLimit-Remaining", strconv.Itoa(s.remaining))
			w.Header().Set("X-RateLimit-Reset", "4000000000")
			if unchanged {
				w.WriteHeader(http.StatusNotModified)
				return
			}
		}
		_, _ = w.Write(body)
	})
}

// repo adds an answer about a repository.
func (s *Server) repo(pattern string, answer func(w http.ResponseWriter, r *http.Request, of *Repository) (any, bool)) {
	s.get(pattern, func(w http.ResponseWriter, r *http.Request) (any, bool) {
		of, ok := s.world.repository(r.PathValue("repo"))
		if owner := r.PathValue("owner"); !ok || owner != "" && owner != s.world.Owner {
			return nil, false
		}
		return answer(w, r, of)
	})
}

// made adds an answer that makes a pull request of what read says of the body.
// One that is open already, or whose branches are not there, is refused.
func (s *Server) made(pattern string, read func(body map[string]any) Pull, say func(Pull) object) {
	s.mux.HandleFunc("POST "+pattern, func(w http.ResponseWriter, r *http.Request) {
		of, ok := s.world.repository(r.PathValue("repo"))
		if owner := r.PathValue("owner"); !ok || owner != "" && owner != s.world.Owner {
			w.WriteHeader(http.StatusNotFound)
			_, _ = fmt.Fprint(w, `{"message":"404 Not Found"}`)
			return
		}
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		p := read(body)
		_, from := of.branch(p.Branch)
		_, to := of.branch(p.Target)
		same := func(o Pull) bool { return o.State == "open" && o.Branch == p.Branch && o.Target == p.Target }
		if p.Title == "" || !from || !to || slices.ContainsFunc(of.Pulls, same) {
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = fmt.Fprint(w, `{"message":"Validation Failed"}`)
			return
		}
		p.Number, p.State, p.Author = int64(len(of.Pulls)+1), "open", "ana"
		b, _ := of.branch(p.Branch)
		p.SHA = b.SHA
		of.Pulls = append(of.Pulls, p)
		answer, err := json.Marshal(say(p))
		if err != nil {
			panic(err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(answer)
	})
}

// field reads a text out of what was sent.
func field(body map[string]any, path ...string) string {
	var at any = body
	for _, name := range path {
		m, _ := at.(map[string]any)
		at = m[name]
	}
	text, _ := at.(string)
	return strings.TrimPrefix(text, "refs/heads/")
}

// page cuts the page out that a query's number asks for; next is 0 after the
// last one.
func page[T any](r *http.Request, items []T) (part []T, next int) {
	number, err := strconv.Atoi(r.URL.Query().Get("page"))
	if err != nil || number < 1 {
		number = 1
	}
	from, to := min((number-1)*perPage, len(items)), min(number*perPage, len(items))
	if to < len(items) {
		next = number + 1
	}
	return items[from:to], next
}

// linked is page, with the next one in a Link header.
func linked[T any](w http.ResponseWriter, r *http.Request, items []T) []T {
	part, next := page(r, items)
	if next > 0 {
		u := *r.URL
		q := u.Query()
		q.Set("page", strconv.Itoa(next))
		u.RawQuery, u.Host, u.Scheme = q.Encode(), r.Host, "http"
		w.Header().Set("Link", fmt.Sprintf(`<%s>; rel="next"`, u.String()))
	}
	return part
}

// list makes what a forge says of each item; never null.
func list[T, U any](items []T, say func(T) U) []U {
	out := make([]U, 0, len(items))
	for _, i := range items {
		out = append(out, say(i))
	}
	return out
}

func text(n int64) string { return strconv.FormatInt(n, 10) }

type object = map[string]any
