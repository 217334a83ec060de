package web_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/agent/web"
	"github.com/trueup-dev/trueup/internal/history"
	"github.com/trueup-dev/trueup/internal/history/historytest"
	"github.com/trueup-dev/trueup/internal/history/sqlite"
)

// overTheWire writes to a store, and reads from it through the API.
type overTheWire struct {
	history.Store
	client web.Client
}

func (o overTheWire) Runs(ctx context.Context, q history.Query) ([]history.Run, error) {
	return o.client.Runs(ctx, q)
}

func (o overTheWire) Drifts(ctx context.Context, q history.Query) ([]history.Drift, error) {
	return o.client.Drifts(ctx, q)
}

func TestTheWireKeepsTheContract(t *testing.T) {
	t.Parallel()
	historytest.Run(t, func(t *testing.T) history.Store {
		store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "history.db"))
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(web.Handler(store))
		t.Cleanup(func() {
			server.Close()
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		})
		return overTheWire{store, web.Client{Server: server.URL, HTTP: server.Client()}}
	})
}

type broken struct{}

func (broken) Runs(context.Context, history.Query) ([]history.Run, error) {
	return nil, errors.New("the disk is full")
}
func (broken) Drifts(context.Context, history.Query) ([]history.Drift, error) { return nil, nil }

func TestErrors(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(web.Handler(broken{}))
	t.Cleanup(server.Close)
	type response struct {
		Code int
		Body string
	}
	const app = "/api/v1/applications/ns/a/"
	for name, tc := range map[string]struct {
		method, path, host string
		want               response
	}{
		"a store that fails":  {"GET", app + "syncs", "", response{500, `{"error":"the disk is full"}`}},
		"no number":           {"GET", app + "drift?limit=x", "", response{400, `{"error":"limit=\"x\" is not a positive number"}`}},
		"a negative number":   {"GET", app + "drift?before=-1", "", response{400, `{"error":"before=\"-1\" is not a positive number"}`}},
		"a number too large":  {"GET", app + "drift?limit=99999999999999999999", "", response{400, `{"error":"limit=\"99999999999999999999\" is not a positive number"}`}},
		"a page that rebinds": {"GET", app + "drift", "evil.example:80", response{421, `{"error":"this is not evil.example:80: ask for localhost"}`}},
		"a write":             {"POST", app + "drift", "", response{405, "Method Not Allowed"}},
		"another path":        {"GET", "/", "", response{404, "404 page not found"}},
		"an address":          {"GET", app + "drift", "[::1]:99", response{200, `{"items":null}`}},
		"a name":              {"GET", app + "drift", "localhost", response{200, `{"items":null}`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req, err := http.NewRequestWithContext(t.Context(), tc.method, server.URL+tc.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if tc.host != "" {
				req.Host = tc.host
			}
			resp, err := server.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, response{resp.StatusCode, strings.TrimSpace(string(body))}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheClientSaysWhatItTried(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(web.Handler(broken{}))
	t.Cleanup(server.Close)
	client := web.Client{Server: server.URL, HTTP: &http.Client{Timeout: time.Minute}}
	_, err := client.Runs(t.Context(), history.Query{App: "ns/a"})
	want := "ask the agent at " + server.URL + " for the syncs of ns/a: it answers 500 Internal Server Error: the disk is full"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	for _, address := range []string{"", "localhost:8082", "ftp://localhost", "http://"} {
		if _, err := (web.Client{Server: address, HTTP: http.DefaultClient}).Runs(t.Context(), history.Query{App: "ns/a"}); err == nil {
			t.Errorf("%q is taken for an address", address)
		}
	}
}

func TestListenRefusesTheWorld(t *testing.T) {
	t.Parallel()
	for _, address := range []string{":0", "0.0.0.0:0", "[::]:0", "example.com:1", "nonsense"} {
		if l, err := web.Listen(t.Context(), address); err == nil {
			t.Errorf("it listens on %s", address)
			_ = l.Close()
		}
	}
	l, err := web.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
}
