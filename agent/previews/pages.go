package previews

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/page"
)

// PagesPath is where pages are served.
const PagesPath = "/previews/"

// Bounds of what is kept. A page that is gone comes back with the next preview.
const (
	maxPage  = 32 << 20
	maxPages = 2_000
	maxBytes = 1 << 30
	keptPage = 90 * 24 * time.Hour
)

// Files keeps the page of each pull request in a folder. Its URL is the same
// for as long as the folder is, and cannot be guessed: who has it may read the
// page. It is safe for concurrent use.
type Files struct {
	folder, address string
	key             []byte
	now             func() time.Time

	mu sync.Mutex
}

var _ Pages = (*Files)(nil)

// OpenFiles opens a folder, which is made where it is missing. The address is
// what people reach PagesPath by, as in https://trueup.example.com.
func OpenFiles(folder, address string, now func() time.Time) (*Files, error) {
	f := &Files{folder: folder, address: strings.TrimRight(address, "/"), now: now}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder for pages of previews: %w", err)
	}
	file := filepath.Join(folder, "key")
	key, err := os.ReadFile(file)
	if err == nil && len(key) == sha256.Size {
		f.key = key
		return f, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the key of pages of previews: %w", err)
	}
	f.key = make([]byte, sha256.Size)
	if _, err := rand.Read(f.key); err != nil {
		return nil, fmt.Errorf("make the key of pages of previews: %w", err)
	}
	if err := os.WriteFile(file, f.key, 0o600); err != nil {
		return nil, fmt.Errorf("keep the key of pages of previews: %w", err)
	}
	return f, nil
}

// Keep implements Pages.
func (f *Files) Keep(repository string, pull int64, r preview.Report) (string, error) {
	fail := func(err error) (string, error) {
		return "", fmt.Errorf("keep the page of %s, pull request %d: %w", repository, pull, err)
	}
	var b bytes.Buffer
	if err := page.Write(&b, r, fmt.Sprintf("%s #%d", repository, pull)); err != nil {
		return fail(err)
	}
	if b.Len() > maxPage {
		return fail(fault.New(fault.Invalid, "it is larger than %d MiB", maxPage>>20))
	}
	name := f.name(repository, pull)
	f.mu.Lock()
	defer f.mu.Unlock()
	temporary := filepath.Join(f.folder, name+".tmp")
	if err := os.WriteFile(temporary, b.Bytes(), 0o600); err != nil {
		return fail(err)
	}
	if err := os.Rename(temporary, filepath.Join(f.folder, name)); err != nil {
		return fail(err)
	}
	if err := f.tidy(); err != nil {
		return fail(err)
	}
	return f.address + PagesPath + name, nil
}

func (f *Files) name(repository string, pull int64) string {
	mac := hmac.New(sha256.New, f.key)
	fmt.Fprintf(mac, "%s#%d", repository, pull)
	return hex.EncodeToString(mac.Sum(nil)[:16]) + ".html"
}

// tidy removes the oldest pages of too many.
func (f *Files) tidy() error {
	entries, err := os.ReadDir(f.folder)
	if err != nil {
		return err
	}
	var all []fs.FileInfo
	for _, e := range entries {
		if info, err := e.Info(); err == nil && pageName.MatchString(e.Name()) {
			all = append(all, info)
		}
	}
	slices.SortFunc(all, func(a, b fs.FileInfo) int {
		return cmp.Or(b.ModTime().Compare(a.ModTime()), cmp.Compare(a.Name(), b.Name()))
	})
	size := int64(0)
	var failures []error
	for i, info := range all {
		size += info.Size()
		if i > 0 && (i >= maxPages || size > maxBytes || f.now().Sub(info.ModTime()) > keptPage) {
			failures = append(failures, os.Remove(filepath.Join(f.folder, info.Name())))
		}
	}
	return errors.Join(failures...)
}

var pageName = regexp.MustCompile(`^[0-9a-f]{32}\.html$`)

// ServeHTTP serves pages at PagesPath. A page may run its own script and
// nothing else, and tells nobody where somebody came from: its address is what
// lets people in.
func (f *Files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(r.URL.Path, PagesPath)
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	if !pageName.MatchString(name) {
		http.Error(w, "there is no such page", http.StatusNotFound)
		return
	}
	file, err := os.Open(filepath.Join(f.folder, name)) //nolint:gosec // the name is checked
	if err != nil {
		http.Error(w, "there is no such page any more: /trueup preview in a comment makes it again", http.StatusNotFound)
		return
	}
	defer file.Close() //nolint:errcheck // it was only read
	info, err := file.Stat()
	if err != nil {
		http.Error(w, "the page cannot be read", http.StatusInternalServerError)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	http.ServeContent(w, r, name, info.ModTime(), file)
}
