package web_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/trueup-dev/trueup/agent/web"
	"github.com/trueup-dev/trueup/drift/audit"
)

const (
	auditList  = `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[`
	auditEvent = `{"auditID":"1","stage":"ResponseComplete","verb":"patch","user":{"username":"ana"},"objectRef":{"resource":"configmaps","namespace":"shop","name":"limits"},` +
		`"responseStatus":{"code":200},"requestReceivedTimestamp":"2026-03-01T12:00:05.100000Z","stageTimestamp":"2026-03-01T12:00:05.200000Z"}`
)

// auditDesk takes what comes.
type auditDesk struct {
	result  string
	taken   []string
	counted audit.Count
}

func (d *auditDesk) handler(tokens func(string) ([]string, error)) http.Handler {
	return web.Audit(web.AuditOptions{
		Tokens: func(_ context.Context, cluster string) ([]string, error) { return tokens(cluster) },
		Known: func(_ context.Context, cluster string) (bool, error) {
			if cluster == "broken" {
				return false, errors.New("the cache of node-7 is not filled")
			}
			return cluster == "edge" || cluster == "https://edge.example.com", nil
		},
		Take:     func(cluster string, e audit.Event) { d.taken = append(d.taken, cluster+" "+e.User) },
		Counted:  func(_ string, n audit.Count) { d.counted = n },
		Received: func(provider, result string) { d.result = provider + " " + result },
	})
}

func TestAudit(t *testing.T) {
	t.Parallel()
	tokens := func(cluster string) ([]string, error) {
		switch cluster {
		case "bare":
			return nil, nil
		case "unread":
			return nil, errors.New("the cache of node-7 is not filled")
		}
		return []string{"old", "key"}, nil
	}
	body := auditList + auditEvent + "]}"
	const bearer = "Authorization: Bearer key"
	for _, tc := range []struct {
		reason, path, body string
		headers            []string
		code               int
		result             string
		taken              int
	}{
		{"events", "edge", body, []string{bearer}, 200, "accepted", 1},
		{"a cluster that is named by its address", "https:%2F%2Fedge.example.com", body, []string{bearer}, 200, "accepted", 1},
		{"another token that counts", "edge", body, []string{"Authorization: Bearer old"}, 200, "accepted", 1},
		{"no token", "edge", body, nil, 401, "unauthorized", 0},
		{"a wrong token", "edge", body, []string{"Authorization: Bearer guess"}, 401, "unauthorized", 0},
		{"the beginning of a token", "edge", body, []string{"Authorization: Bearer ke"}, 401, "unauthorized", 0},
		{"an empty token", "edge", body, []string{"Authorization: Bearer "}, 401, "unauthorized", 0},
		{"another scheme", "edge", body, []string{"Authorization: Basic key"}, 401, "unauthorized", 0},
		{"nobody can prove what is not configured", "bare", body, []string{"Authorization: Bearer "}, 401, "unauthorized", 0},
		{"a stranger does not learn which clusters there are", "other", body, nil, 401, "unauthorized", 0},
		{"a cluster that is not registered", "other", body, []string{bearer}, 404, "unknown", 0},
		{"no JSON", "edge", "{", []string{bearer}, 400, "malformed", 0},
		{"what came before the break counts", "edge", auditList + auditEvent + ",{", []string{bearer}, 400, "malformed", 1},
		{"too large", "edge", auditList + auditEvent + strings.Repeat(" ", 32<<20) + "]}", []string{bearer}, 413, "too_large", 1},
		{"tokens that cannot be read", "unread", body, []string{bearer}, 500, "failed", 0},
		{"clusters that cannot be read", "broken", body, []string{bearer}, 500, "failed", 0},
	} {
		d := &auditDesk{}
		req := httptest.NewRequest(http.MethodPost, "/api/audit/"+tc.path, strings.NewReader(tc.body))
		for _, h := range tc.headers {
			name, value, _ := strings.Cut(h, ": ")
			req.Header.Set(name, value)
		}
		rec := httptest.NewRecorder()
		d.handler(tokens).ServeHTTP(rec, req)
		if rec.Code != tc.code || d.result != "audit "+tc.result || len(d.taken) != tc.taken || d.counted.Writes != tc.taken {
			t.Errorf("%s: %d %s, %s, took %q of %+v", tc.reason, rec.Code, rec.Body, d.result, d.taken, d.counted)
		}
		if strings.Contains(rec.Body.String(), "node-7") || strings.Contains(rec.Body.String(), "key") && tc.code != 401 {
			t.Errorf("%s: the answer tells %s", tc.reason, rec.Body)
		}
	}
}

func TestManySlowAPIServers(t *testing.T) {
	t.Parallel()
	const bound = 4
	entered := make(chan struct{})
	h := web.Audit(web.AuditOptions{
		Tokens:   func(context.Context, string) ([]string, error) { return []string{"key"}, nil },
		Known:    func(context.Context, string) (bool, error) { entered <- struct{}{}; return true, nil },
		Take:     func(string, audit.Event) {},
		Counted:  func(string, audit.Count) {},
		Received: func(string, string) {},
	})
	post := func(body io.Reader) *httptest.ResponseRecorder {
		req := httptest.NewRequest(http.MethodPost, "/api/audit/edge", body)
		req.Header.Set("Authorization", "Bearer key")
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		return rec
	}
	codes := make(chan int, bound)
	var writers []*io.PipeWriter
	for range bound {
		r, w := io.Pipe()
		writers = append(writers, w)
		go func() { codes <- post(r).Code }()
		<-entered
	}
	if rec := post(strings.NewReader("{}")); rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Retry-After") == "" {
		t.Errorf("one too many: %d", rec.Code)
	}
	for _, w := range writers {
		if _, err := io.WriteString(w, auditList+auditEvent+"]}"); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for range bound {
		if code := <-codes; code != http.StatusOK {
			t.Errorf("a slow one: %d", code)
		}
	}
}
