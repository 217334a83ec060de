package secret

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzDecrypt: whatever a repository holds, it opens or it fails, and does not
// open to anything that was not in an encrypted file.
func FuzzDecrypt(f *testing.F) {
	names, err := filepath.Glob("testdata/sealed/*")
	if err != nil || len(names) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(filepath.Base(name), data)
	}
	f.Add("a.yaml", []byte("a: &a [*a]\nsops: {}\n"))
	f.Add("a.env", []byte("sops_mac=\nsops_lastmodified=\nsops_age__list_99999999__map_enc=x\n"))
	d := New(Options{Keys: Fixed{testKeys(f, "alice.agekey")}})
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		plain, err := d.Decrypt(t.Context(), "", name, data)
		if err != nil && (plain.Encrypted || plain.Data != nil) {
			t.Errorf("an error with plain text: %v", err)
		}
	})
}

// BenchmarkSealed is what an encrypted file costs; one that is not costs a
// search, measured beside render.Sealed.
func BenchmarkSealed(b *testing.B) {
	data, err := os.ReadFile("testdata/sealed/secret.yaml")
	if err != nil {
		b.Fatal(err)
	}
	d := New(Options{Keys: Fixed{testKeys(b, "alice.agekey")}})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Decrypt(b.Context(), "", "secret.yaml", data); err != nil {
			b.Fatal(err)
		}
	}
}
