package registry

import (
	"archive/tar"
	"bytes"
	"io/fs"
	"strings"
	"testing"
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
