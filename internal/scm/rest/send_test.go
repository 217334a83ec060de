package rest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/scm/rest"
)

// TestSend shows what each answer to something sent becomes.
func TestSend(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer  http.HandlerFunc
		nothing bool // nobody wants the answer
		kind    fault.Kind
		text    string
	}{
		"an answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusCreated)
			_, _ = fmt.Fprint(w, `{"id":7}`)
		}, false, "", ""},
		"no content, and nobody wants any":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, true, "", ""},
		"no content, and somebody wants some": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, false, fault.Transient, "the answer is empty"},
		"an empty success":                    {func(http.ResponseWriter, *http.Request) {}, true, "", ""},
		"no JSON, though nobody wants it":     {func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "<html>") }, true, fault.Transient, "not complete JSON"},
		"another form":                        {func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, `{"id":"x"}`) }, false, fault.Transient, "another form"},
		"a refusal": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = fmt.Fprint(w, `{"message":"Body is too long `+secret+`"}`)
		}, true, fault.Invalid, "422 Unprocessable Entity: Body is too long"},
		"a limit": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "60")
			w.WriteHeader(http.StatusForbidden)
		}, true, fault.Transient, "asked again not before"},
		"a redirect that would forget what was sent": {func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				http.Redirect(w, r, "/renamed", http.StatusMovedPermanently)
				return
			}
			_, _ = fmt.Fprint(w, `{"id":7}`)
		}, false, fault.Invalid, "/renamed and would forget what was sent"},
		"a redirect that keeps it": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/renamed" {
				http.Redirect(w, r, "/renamed", http.StatusTemporaryRedirect)
				return
			}
			body, _ := io.ReadAll(r.Body)
			if r.Method != http.MethodPost || string(body) != `{"body":"text"}` {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			_, _ = fmt.Fprint(w, `{"id":7}`)
		}, false, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := session(t, tc.answer, nil)
			var got struct {
				ID int `json:"id"`
			}
			var into any = &got
			if tc.nothing {
				into = nil
			}
			err := s.Send(t.Context(), into, rest.Call{Method: http.MethodPost, Body: map[string]string{"body": "text"}}, "comments")
			if fault.Of(err) != tc.kind || err != nil && (!strings.Contains(err.Error(), tc.text) || strings.Contains(err.Error(), secret)) {
				t.Errorf("got %v of kind %q", err, fault.Of(err))
			}
			if err == nil && !tc.nothing && got.ID != 7 {
				t.Errorf("got %v", got)
			}
		})
	}
}

// TestSent: where and what; nothing that is sent is kept as an answer.
func TestSent(t *testing.T) {
	t.Parallel()
	var got []string
	s, _ := session(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, fmt.Sprintf("%s %s %s %s %q %s", r.Method, r.URL.RequestURI(), r.Header.Get("Content-Type"), r.Header.Get("Authorization"), r.Header.Get("If-None-Match"), body))
		w.Header().Set("ETag", `"1"`)
		_, _ = fmt.Fprint(w, `{}`)
	}, func(_ *rest.Options, s *rest.Server) { s.Base += "/api/v3" })
	for _, call := range []rest.Call{
		{Method: http.MethodPut, Body: []int{1}, Query: map[string][]string{"v": {"7"}}},
		{Method: http.MethodPut, Body: []int{1}, Query: map[string][]string{"v": {"7"}}},
		{Method: http.MethodPost, Body: "x", Root: true},
	} {
		if err := s.Send(t.Context(), nil, call, "a/b", "c"); err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff([]string{
		`PUT /api/v3/a%2Fb/c?v=7 application/json Bearer ` + secret + ` "" [1]`,
		`PUT /api/v3/a%2Fb/c?v=7 application/json Bearer ` + secret + ` "" [1]`,
		`POST /a%2Fb/c application/json Bearer ` + secret + ` "" "x"`,
	}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := s.Send(t.Context(), nil, rest.Call{Method: http.MethodPost, Body: func() {}}, "x"); err == nil {
		t.Error("what cannot be written as JSON was sent")
	}
}
