package rest_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/scm/rest"
)

const secret = "s3cret-of-the-test"

// clock is a time that a test sets.
type clock struct{ seconds atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.seconds.Store(1_800_000_000)
	return c
}

func (c *clock) now() time.Time { return time.Unix(c.seconds.Load(), 0) }

// asked is a client, and what it told of its requests.
type asked struct {
	*rest.Session
	mu  sync.Mutex
	saw []rest.Observation
}

func (a *asked) results() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []string
	for _, o := range a.saw {
		out = append(out, o.Result)
	}
	return out
}

func session(t *testing.T, handler http.HandlerFunc, change func(*rest.Options, *rest.Server)) (*asked, *httptest.Server) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	a := &asked{}
	o := rest.Options{Now: newClock().now, Observe: func(one rest.Observation) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.saw = append(a.saw, one)
	}}
	s := rest.Server{Forge: "test", Base: server.URL, Credential: rest.Credential{Header: "Authorization", Value: "Bearer " + secret, Secrets: []string{secret}}}
	if change != nil {
		change(&o, &s)
	}
	client := rest.New(o)
	t.Cleanup(client.Close)
	opened, err := client.Session(s)
	if err != nil {
		t.Fatal(err)
	}
	a.Session = opened
	return a, server
}

// TestAnswers shows what each kind of answer becomes.
func TestAnswers(t *testing.T) {
	t.Parallel()
	now := newClock().now()
	for name, tc := range map[string]struct {
		answer func(w http.ResponseWriter)
		kind   fault.Kind
		text   string
		result string
		until  time.Duration // from now; 0 is not told
	}{
		"an object": {func(w http.ResponseWriter) { fmt.Fprint(w, ` {"a":1}`) }, "", "", "ok", 0},
		"a list":    {func(w http.ResponseWriter) { fmt.Fprint(w, `[]`) }, "", "", "ok", 0},
		"null would be an empty list": {
			func(w http.ResponseWriter) { fmt.Fprint(w, `null`) }, fault.Transient, "not complete JSON", "failed", 0,
		},
		"a page for people": {func(w http.ResponseWriter) { fmt.Fprint(w, `<html>sign in</html>`) }, fault.Transient, "not complete JSON", "failed", 0},
		"half an answer":    {func(w http.ResponseWriter) { fmt.Fprint(w, `[{"a":1},`) }, fault.Transient, "not complete JSON", "failed", 0},
		"nothing at all":    {func(http.ResponseWriter) {}, fault.Transient, "not complete JSON", "failed", 0},
		"fewer bytes than it says": {
			func(w http.ResponseWriter) { w.Header().Set("Content-Length", "100"); fmt.Fprint(w, `[]`) }, fault.Transient, "unexpected EOF", "failed", 0,
		},
		"too much": {func(w http.ResponseWriter) { fmt.Fprint(w, "["+strings.Repeat(" ", 2000)+"]") }, fault.Invalid, "larger than 1000 bytes", "failed", 0},
		"wrong token": {
			status(401, `{"message":"Bad credentials `+secret+`"}`), fault.Denied, "401 Unauthorized: Bad credentials ******", "denied", 0,
		},
		"may not":           {status(403, `{"message":"no"}`), fault.Denied, "403 Forbidden: no", "denied", 0},
		"not there":         {status(404, `{"message":"Not Found"}`), fault.Missing, "404 Not Found", "missing", 0},
		"no content":        {status(204, ``), fault.Missing, "204", "missing", 0},
		"wrong question":    {status(422, `{"errors":[{"message":"bad\n\u001b[31mq"}]}`), fault.Invalid, "422 Unprocessable Entity: bad [31mq", "invalid", 0},
		"the server broke":  {status(502, `<html>`), fault.Transient, "502 Bad Gateway", "failed", 0},
		"a page to sign in": {status(203, `<html>`), fault.Denied, "asks to sign in", "denied", 0},
		"not modified, though nobody said if": {
			status(304, ``), fault.Transient, "304", "failed", 0,
		},
		"GitHub's limit": {
			status(403, `{"message":"API rate limit exceeded"}`, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", fmt.Sprint(now.Unix()+90)),
			fault.Transient, "asked again not before", "limited", 90 * time.Second,
		},
		"GitHub's second limit": {status(403, `{"message":"You have exceeded a secondary rate limit"}`), fault.Transient, "secondary", "limited", time.Minute},
		"Retry-After":           {status(403, `{}`, "Retry-After", "7"), fault.Transient, "403", "limited", 7 * time.Second},
		"too many":              {status(429, `{}`, "Retry-After", "5"), fault.Transient, "429", "limited", 5 * time.Second},
		"too many, with a date": {status(429, `{}`, "Retry-After", now.Add(40*time.Second).UTC().Format(http.TimeFormat)), fault.Transient, "429", "limited", 40 * time.Second},
		"too many, for how long it does not say": {
			status(429, `{}`), fault.Transient, "429", "limited", time.Minute,
		},
		"GitLab's limit": {
			status(429, `{}`, "RateLimit-Remaining", "0", "RateLimit-Reset", fmt.Sprint(now.Unix()+30)), fault.Transient, "429", "limited", 30 * time.Second,
		},
		"a limit for ever is not believed": {status(429, `{}`, "Retry-After", "2000000000"), fault.Transient, "429", "limited", 6 * time.Hour},
		"away for a while":                 {status(503, `{}`, "Retry-After", "20"), fault.Transient, "503", "limited", 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := session(t, func(w http.ResponseWriter, _ *http.Request) { tc.answer(w) }, func(o *rest.Options, _ *rest.Server) { o.MaxBody = 1000 })
			var into any
			err := s.Get(t.Context(), &into, nil, "things")
			if fault.Of(err) != tc.kind || err != nil && !strings.Contains(err.Error(), tc.text) {
				t.Errorf("got %v of kind %q, want %q of kind %q", err, fault.Of(err), tc.text, tc.kind)
			}
			if err != nil && (strings.Contains(err.Error(), secret) || !strings.HasPrefix(err.Error(), "GET http://127.0.0.1:")) {
				t.Errorf("the error holds the token, or does not say what was asked: %v", err)
			}
			if diff := cmp.Diff([]string{tc.result}, s.results()); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
			at, ok := fault.NotBefore(err)
			if ok != (tc.until != 0) || ok && at.Sub(now).Round(time.Second) != tc.until {
				t.Errorf("to come back %v from now, want %v", at.Sub(now), tc.until)
			}
			// Libraries get the same.
			resp, again := s.HTTP().Get(s.url(t))
			if resp != nil {
				defer resp.Body.Close() //nolint:errcheck // in memory
			}
			if fault.Of(rest.Cause(again)) != tc.kind {
				t.Errorf("a library gets %v", again)
			}
		})
	}
}

// url is any below the base.
func (a *asked) url(t *testing.T) string {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	return "http://" + a.saw[0].Host + "/things"
}

func status(code int, body string, headers ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	}
}

// TestNothingIsAskedWhileTheLimitIsUsedUp counts requests.
func TestNothingIsAskedWhileTheLimitIsUsedUp(t *testing.T) {
	t.Parallel()
	var count atomic.Int64
	c := newClock()
	handler := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+secret {
			fmt.Fprint(w, `{}`)
			return
		}
		w.Header().Set("X-RateLimit-Remaining", fmt.Sprint(max(0, 2-count.Add(1))))
		w.Header().Set("X-RateLimit-Reset", fmt.Sprint(c.now().Unix()+60))
		fmt.Fprint(w, `{}`)
	}
	var client *rest.Client
	var server rest.Server
	s, _ := session(t, handler, func(o *rest.Options, s *rest.Server) {
		o.Now = c.now
		client, server = rest.New(*o), *s
	})
	var err error
	if s.Session, err = client.Session(server); err != nil {
		t.Fatal(err)
	}
	var into any
	get := func(s *rest.Session) error { return s.Get(t.Context(), &into, nil, "x") }
	if err := errors.Join(get(s.Session), get(s.Session)); err != nil {
		t.Fatal(err)
	}
	if err := get(s.Session); fault.Of(err) != fault.Transient || !strings.Contains(err.Error(), "used up until 2027-01-15T08:01:00Z") {
		t.Errorf("got %v", err)
	}
	if n := count.Load(); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
	server.Credential = rest.Credential{Header: "Authorization", Value: "Bearer of another"}
	other, err := client.Session(server)
	if err != nil || get(other) != nil {
		t.Errorf("the limit of one credential stopped another: %v", err)
	}
	c.seconds.Add(61)
	if err := get(s.Session); err != nil {
		t.Errorf("after the limit's end: %v", err)
	}
	var remaining []float64
	for _, o := range s.saw {
		remaining = append(remaining, o.Remaining)
	}
	if diff := cmp.Diff([]float64{1, 0, 0, 0, 0}, remaining); diff != "" {
		t.Errorf("remaining (-want +got):\n%s", diff)
	}
}

// TestUnchangedAnswersAreNotSentAgain shows conditional requests.
func TestUnchangedAnswersAreNotSentAgain(t *testing.T) {
	t.Parallel()
	var version, full atomic.Int64
	handler := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		etag := fmt.Sprintf(`W/"%d"`, version.Load())
		w.Header().Set("ETag", etag)
		w.Header().Set("Link", `<http://x/?page=2>; rel="next"`)
		if r.Header.Get("If-None-Match") == etag {
			w.Header().Del("Link")
			w.WriteHeader(http.StatusNotModified)
			return
		}
		full.Add(1)
		fmt.Fprintf(w, `[%d]`, version.Load())
	}
	var o rest.Options
	var server rest.Server
	s, _ := session(t, handler, func(so *rest.Options, ss *rest.Server) { o, server = *so, *ss })
	get := func(want string, s *rest.Session) {
		t.Helper()
		var into []int
		header, err := s.GetHeader(t.Context(), &into, url.Values{"q": {"1"}}, "x")
		if err != nil || fmt.Sprint(into) != want || header.Get("Link") == "" {
			t.Errorf("got %v, %v, with the link %q, want %s", into, err, header.Get("Link"), want)
		}
	}
	get("[0]", s.Session)
	get("[0]", s.Session)
	version.Add(1)
	get("[1]", s.Session)
	get("[1]", s.Session)
	if diff := cmp.Diff([]string{"ok", "unchanged", "ok", "unchanged"}, s.results()); diff != "" || full.Load() != 2 {
		t.Errorf("%d full answers; results (-want +got):\n%s", full.Load(), diff)
	}
	client := rest.New(o)
	for _, c := range []rest.Credential{server.Credential, {Header: "Authorization", Value: "other"}, {}} {
		server.Credential = c
		one, err := client.Session(server)
		if err != nil {
			t.Fatal(err)
		}
		if c.Value == "" {
			var into any
			if err := one.Get(t.Context(), &into, url.Values{"q": {"1"}}, "x"); fault.Of(err) != fault.Denied {
				t.Errorf("an answer of another credential was given: %v, %v", into, err)
			}
			continue
		}
		get("[1]", one)
	}
	if full.Load() != 4 {
		t.Errorf("%d full answers: one credential got the answer of another", full.Load())
	}
}

func TestKeptAnswersAreBounded(t *testing.T) {
	t.Parallel()
	handler := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprintf(w, `["%s"]`, strings.Repeat("x", 3000))
	}
	// Two of these answers fit, with what is kept beside them.
	s, _ := session(t, handler, func(o *rest.Options, _ *rest.Server) { o.CacheBytes = 12_000 })
	for _, path := range []string{"a", "b", "a", "c", "a", "b"} {
		var into any
		if err := s.Get(t.Context(), &into, nil, path); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"ok", "ok", "unchanged", "ok", "unchanged", "ok"}, s.results()); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

func TestSlowServer(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	defer close(ended)
	slow := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" { // the header comes at once, the rest never
			fmt.Fprint(w, `[`)
			w.(http.Flusher).Flush()
		}
		<-ended
	}
	s, _ := session(t, slow, func(o *rest.Options, _ *rest.Server) { o.Timeout = 30 * time.Millisecond })
	for _, path := range []string{"header", "body"} {
		var into any
		err := s.Get(t.Context(), &into, nil, path)
		if fault.Of(err) != fault.Transient || !strings.Contains(err.Error(), "no complete answer within 30ms") {
			t.Errorf("%s: %v", path, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var into any
	if err := s.Get(ctx, &into, nil, "x"); !errors.Is(err, context.Canceled) || fault.Retryable(err) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestRedirects shows that a token goes nowhere else.
func TestRedirects(t *testing.T) {
	t.Parallel()
	var leaked atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		leaked.Add(1)
		fmt.Fprint(w, `[]`)
	}))
	defer other.Close()
	s, _ := session(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/here", http.StatusMovedPermanently)
		case "/here":
			fmt.Fprintf(w, `[%q]`, r.Header.Get("Authorization"))
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		default:
			http.Redirect(w, r, other.URL+"/", http.StatusTemporaryRedirect)
		}
	}, nil)
	var into []string
	if err := s.Get(t.Context(), &into, nil, "moved"); err != nil || len(into) != 1 || into[0] != "Bearer "+secret {
		t.Errorf("within the host: %v, %v", into, err)
	}
	if err := s.Get(t.Context(), &into, nil, "loop"); err == nil || !strings.Contains(err.Error(), "again and again") {
		t.Errorf("in a circle: %v", err)
	}
	err := s.Get(t.Context(), &into, nil, "away")
	if fault.Of(err) != fault.Denied || !strings.Contains(err.Error(), "which is not followed") {
		t.Errorf("to another host: %v", err)
	}
	if err := s.GetURL(t.Context(), &into, other.URL+"/next"); fault.Of(err) != fault.Denied {
		t.Errorf("a next page on another host: %v", err)
	}
	resp, err := s.HTTP().Get(other.URL)
	if err == nil {
		_ = resp.Body.Close()
	}
	if fault.Of(rest.Cause(err)) != fault.Denied || leaked.Load() != 0 {
		t.Errorf("a library reached another host: %v, %d requests", err, leaked.Load())
	}
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{}`) }))
	defer server.Close()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	client := rest.New(rest.Options{})
	defer client.Close()
	for _, tc := range []struct {
		reason   string
		ca       []byte
		insecure bool
		want     string
	}{
		{"nobody vouches for it", nil, false, "certificate"},
		{"its own authority is trusted", ca, false, ""},
		{"nobody is to vouch for it", nil, true, ""},
	} {
		s, err := client.Session(rest.Server{Base: server.URL, CA: tc.ca, Insecure: tc.insecure})
		if err != nil {
			t.Fatal(err)
		}
		var into any
		err = s.Get(t.Context(), &into, nil)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", tc.reason, err)
		}
	}
}

func TestSessionRefusesWhatIsNoServer(t *testing.T) {
	t.Parallel()
	client := rest.New(rest.Options{})
	for _, s := range []rest.Server{
		{Base: ""}, {Base: "ftp://x"}, {Base: "https://"}, {Base: "https://user:" + secret + "@x"}, {Base: ":" + secret}, {Base: "https://x", CA: []byte("nothing")},
		{Base: "https://x", Credential: rest.Credential{Header: "A", Value: secret + "\r\nHost: evil"}},
	} {
		if _, err := client.Session(s); fault.Of(err) != fault.Invalid || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", s.Base, err)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", ".", "..", "a/b", `a\b`, "a?b", "a#b", "a%2fb", "a\nb"} {
		if err := rest.Name("owner", bad); fault.Of(err) != fault.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if err := rest.Names("owner", "shop", "repo", "we b.x~y"); err != nil {
		t.Error(err)
	}
}

func TestPagesEnd(t *testing.T) {
	t.Parallel()
	asked := 0
	err := rest.Pages(func(page int) (bool, error) { asked = page; return true, nil })
	if fault.Of(err) != fault.Invalid || asked != rest.MaxPages {
		t.Errorf("after %d pages: %v", asked, err)
	}
}

// FuzzAnswers sends hostile answers: there is an error or JSON, and never the
// token.
func FuzzAnswers(f *testing.F) {
	f.Add(200, "[]", "0", "1", "")
	f.Add(403, `{"message":"`+secret+`"}`, "0", "99999999999999999999", "-1")
	f.Add(429, `{"errors":[{"message":1}]}`, "NaN", "-5", "Mon, 01 Jan 0001 00:00:00 GMT")
	f.Add(304, "", "1e308", "9223372036854775807", "9223372036854775807")
	f.Fuzz(func(t *testing.T, code int, body, remaining, reset, retry string) {
		if code < 200 || code > 599 {
			return
		}
		clean := strings.NewReplacer("\r", "", "\n", "", "\x00", "")
		s, server := session(t, func(w http.ResponseWriter, _ *http.Request) {
			status(code, body, "X-RateLimit-Remaining", clean.Replace(remaining), "X-RateLimit-Reset", clean.Replace(reset), "Retry-After", clean.Replace(retry))(w)
		}, nil)
		defer server.Close()
		var into any
		err := s.Get(t.Context(), &into, nil)
		if err == nil && into == nil {
			t.Error("neither an error nor an answer")
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("the token is in %v", err)
		}
		if at, ok := fault.NotBefore(err); ok && at.After(newClock().now().Add(6*time.Hour)) {
			t.Errorf("waits until %v", at)
		}
	})
}
