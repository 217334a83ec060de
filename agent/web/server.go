package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/trueup-dev/trueup/internal/history"
)

// list is the body of every answer that holds entries.
type list[T any] struct {
	Items []T `json:"items"`
}

type failure struct {
	Error string `json:"error"`
}

// Handler answers, for the application {namespace}/{name}:
//
//	GET /api/v1/applications/{namespace}/{name}/syncs?before=ID&limit=N
//	GET /api/v1/applications/{namespace}/{name}/drift?before=ID&limit=N
//	    &kind=KIND&object=NAME&path=PATH&manager=NAME&since=RFC3339
//
// where * is every name, for drift only,
// with {"items": [...]}, the newest first, and errors with {"error": "..."}.
func Handler(past history.Reader) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/applications/{namespace}/{name}/syncs", entries(past.Runs))
	mux.HandleFunc("GET /api/v1/applications/{namespace}/{name}/drift", entries(past.Drifts))
	return local(mux)
}

func entries[T any](read func(context.Context, history.Query) ([]T, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q, err := query(r)
		if err != nil {
			answer(w, http.StatusBadRequest, failure{err.Error()})
			return
		}
		items, err := read(r.Context(), q)
		if err != nil {
			answer(w, http.StatusInternalServerError, failure{err.Error()})
			return
		}
		answer(w, http.StatusOK, list[T]{items})
	}
}

func query(r *http.Request) (history.Query, error) {
	values := r.URL.Query()
	q := history.Query{
		App:  r.PathValue("namespace") + "/" + r.PathValue("name"),
		Kind: values.Get("kind"), Name: values.Get("object"), Path: values.Get("path"), Manager: values.Get("manager"), User: values.Get("user"),
	}
	if text := values.Get("since"); text != "" {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return q, fmt.Errorf("since=%q is no time such as 2026-03-01T12:00:00Z", text)
		}
		q.Since = at
	}
	for name, set := range map[string]func(int64){
		"before": func(n int64) { q.Before = n },
		"limit":  func(n int64) { q.Limit = int(min(n, history.MaxLimit)) },
	} {
		text := values.Get(name)
		if text == "" {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 {
			return q, fmt.Errorf("%s=%q is not a positive number", name, text)
		}
		set(n)
	}
	return q, nil
}

func answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // who asked is gone
}

// local refuses requests that name another host than this one. A page in a
// browser on this machine could else make its own name point here, and read
// what we answer.
func local(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		if !isLoopback(host) {
			answer(w, http.StatusMisdirectedRequest, failure{fmt.Sprintf("this is not %s: ask for localhost", r.Host)})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// Listen opens a loopback address such as 127.0.0.1:8082. Others are refused:
// the API asks nobody who they are, so reaching it must need an account on
// the machine, or the right to forward a port to the pod.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", address, err)
	}
	if !isLoopback(host) {
		return nil, fmt.Errorf("listen on %s: the API has no authentication, so it listens on a loopback address only, such as 127.0.0.1:8082; reach it in a pod with kubectl port-forward", address)
	}
	var config net.ListenConfig
	return config.Listen(ctx, "tcp", address)
}

// NewServer returns a server with timeouts.
func NewServer(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute}
}
