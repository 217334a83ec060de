package previews_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trueup-dev/trueup/agent/previews"
	"github.com/trueup-dev/trueup/preview"
)

// TestPages: an address stays the same over restarts, cannot be guessed, and
// gives nothing but pages.
func TestPages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func() *previews.Files {
		f, err := previews.OpenFiles(dir, "https://trueup.example.com/", time.Now)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	keep := func(f *previews.Files, pull int64) string {
		url, err := f.Keep(repository, pull, preview.Report{Total: int(pull)})
		if err != nil {
			t.Fatal(err)
		}
		return url
	}
	f := open()
	url, other := keep(f, 4), keep(f, 5)
	if again := keep(open(), 4); again != url || url == other || !strings.HasPrefix(url, "https://trueup.example.com/previews/") {
		t.Errorf("the addresses are %s, %s and %s", url, again, other)
	}
	get := func(method, path string) *httptest.ResponseRecorder {
		rec := httptest.NewRecorder()
		f.ServeHTTP(rec, httptest.NewRequest(method, path, nil))
		return rec
	}
	path := strings.TrimPrefix(url, "https://trueup.example.com")
	rec := get(http.MethodGet, path)
	if rec.Code != 200 || !strings.Contains(rec.Body.String(), repository+" #4") || !strings.Contains(rec.Header().Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%d %v %.200s", rec.Code, rec.Header(), rec.Body)
	}
	for name, tc := range map[string]struct {
		method, path string
		code         int
	}{
		"the key":          {http.MethodGet, "/previews/key", 404},
		"out of it":        {http.MethodGet, "/previews/../key", 404},
		"the folder":       {http.MethodGet, "/previews/", 404},
		"one that is gone": {http.MethodGet, "/previews/" + strings.Repeat("0", 32) + ".html", 404},
		"writing":          {http.MethodPut, path, 405},
	} {
		if rec := get(tc.method, tc.path); rec.Code != tc.code {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v, %v", info, err)
	}
}

// TestOldPagesGo: those that nobody renewed for long, and never the last one.
func TestOldPagesGo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	now := time.Now().Add(100 * 24 * time.Hour)
	f, err := previews.OpenFiles(dir, "https://x", func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	for pull := range int64(3) {
		if _, err := f.Keep(repository, pull, preview.Report{}); err != nil {
			t.Fatal(err)
		}
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*.html"))
	if err != nil || len(pages) != 1 {
		t.Errorf("%q are left, %v", pages, err)
	}
}
