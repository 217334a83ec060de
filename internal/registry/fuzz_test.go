package registry

import (
	"archive/tar"
	"bytes"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"testing"

	"github.com/trueup-dev/trueup/internal/snapshot"
)

// FuzzUnpack: whatever an archive holds, every name in the tree stays in it.
func FuzzUnpack(f *testing.F) {
	for _, name := range []string{"a/b.yaml", "../a", "/a", `a\..\b`, "a//b", "./a", "a/../b"} {
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: 1}); err != nil {
			f.Fatal(err)
		}
		if _, err := w.Write([]byte("x")); err != nil {
			f.Fatal(err)
		}
		f.Add(out.Bytes(), strings.HasPrefix(name, "a/"))
	}
	f.Fuzz(func(t *testing.T, data []byte, chart bool) {
		files, err := unpack(data, chart)
		if err != nil {
			return
		}
		if files.size > maxUnpacked {
			t.Errorf("%d bytes", files.size)
		}
		err = fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
			if err != nil || !fs.ValidPath(name) {
				t.Errorf("%q: %v", name, err)
			}
			if !entry.IsDir() {
				if _, err := files.ReadFile(name); err != nil {
					t.Error(err)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// FuzzIndex: an index is read or refused, never more.
func FuzzIndex(f *testing.F) {
	f.Add([]byte("apiVersion: v1\nentries: {a: [{version: 1.0.0, urls: [x]}]}"))
	f.Add([]byte(`{"apiVersion":"v1","entries":{"a":[{"version":"1.0.0","created":1}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if i, err := parseIndex(data); (i == nil) == (err == nil) {
			t.Errorf("%v, %v", i, err)
		}
	})
}

// FuzzFileURL: what a project permits by the beginning of a URL is where the
// request goes.
func FuzzFileURL(f *testing.F) {
	const permitted = "https://files.example.com/ours/"
	for _, rest := range []string{"a.yaml", "../a.yaml", "%2e%2e/a.yaml", "..;x=y/a.yaml", `..\a.yaml`, "a/./b", "?x", "a?b#c", "@evil.example/a", "%00", "a/"} {
		f.Add(permitted + rest)
	}
	f.Add("https://files.example.com@evil.example/ours/a")
	f.Fuzz(func(t *testing.T, text string) {
		at := snapshot.Location{RepoURL: text, File: true}
		if !fs.ValidPath(at.FileName()) || strings.Contains(at.FileName(), "/") {
			t.Errorf("the name %q", at.FileName())
		}
		if _, err := newWebFile(&repository{}, at, FileOptions{Schemes: []string{"https"}}); err != nil {
			return
		}
		req, err := http.NewRequest(http.MethodGet, text, nil)
		if err != nil {
			return
		}
		if req.URL.Scheme != "https" || req.URL.User != nil || req.URL.Host == "" {
			t.Errorf("%q is asked of %s", text, req.URL)
		}
		if strings.HasPrefix(text, permitted) && (req.URL.Host != "files.example.com" || !strings.HasPrefix(path.Clean(req.URL.Path), "/ours")) {
			t.Errorf("%q is asked of %s", text, req.URL)
		}
	})
}
