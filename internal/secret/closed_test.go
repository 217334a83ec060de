package secret

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trueup-dev/trueup/internal/golden"
)

// TestClosed: of files in every form, what is not encrypted stays, and marks
// stand for the rest.
func TestClosed(t *testing.T) {
	t.Parallel()
	names, err := os.ReadDir(filepath.Join("testdata", "sealed"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range names {
		data, err := os.ReadFile(filepath.Join("testdata", "sealed", e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Closed{}.Decrypt(t.Context(), "shop", e.Name(), data)
		if err != nil || !got.Encrypted {
			t.Errorf("%s: %v, encrypted %v", e.Name(), err, got.Encrypted)
			continue
		}
		if text := string(got.Data); strings.Contains(text, "ENC[") || strings.Contains(text, "sops") {
			t.Errorf("%s: something is left:\n%s", e.Name(), text)
		}
		golden.File(t, filepath.Join("testdata", "closed", e.Name()), string(got.Data))
	}
	if got, err := (Closed{}).Decrypt(t.Context(), "", "a.yaml", []byte("a: ENC[AES256_GCM,data:x]\n")); err != nil || got.Encrypted {
		t.Errorf("what is not encrypted: %+v, %v", got, err)
	}
}

// TestClosedTellsChanges: the mark of a value changes when the value is
// encrypted anew, and no other does.
func TestClosedTellsChanges(t *testing.T) {
	t.Parallel()
	id := newIdentity(t)
	sealer := newSealer(t)
	mark := func(data []byte) string {
		got, err := Closed{}.Decrypt(t.Context(), "", "s.yaml", data)
		if err != nil {
			t.Fatal(err)
		}
		return string(got.Data)
	}
	one := sealer.secret("hunter2", id)
	first := mark(one)
	if again := mark(one); again != first {
		t.Error("the same file has other marks")
	}
	if got := mark(sealer.secret("hunter3", id)); got == first || !strings.Contains(got, "name: db") || strings.Contains(got, "hunter") {
		t.Errorf("another value:\n%s", got)
	}
}
