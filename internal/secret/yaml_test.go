package secret

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"github.com/trueup-dev/trueup/internal/fault"
)

func open(t *testing.T, d *Decrypter, data []byte) string {
	t.Helper()
	plain, err := d.Decrypt(t.Context(), "", "s.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain.Data)
}

// TestDocumentsOfSeveralFiles: what was put together from encrypted and plain
// files is opened piece by piece.
func TestDocumentsOfSeveralFiles(t *testing.T) {
	t.Parallel()
	alice, bob := newIdentity(t), newIdentity(t)
	const plain = "# as it is\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: &n web, labels: {app: *n}}\n"
	data := bytes.Join([][]byte{
		newSealer(t).secret("first-password", alice), []byte(plain), newSealer(t).secret("second-password", bob),
	}, []byte("---\n"))
	got := open(t, with(keysOf("k", "", alice, bob)), data)
	for _, text := range []string{"first-password", "second-password", "&n web", "*n", "# as it is"} {
		if !strings.Contains(got, text) {
			t.Errorf("%q is not in:\n%s", text, got)
		}
	}
	if strings.Contains(got, "sops:") {
		t.Errorf("metadata are left:\n%s", got)
	}
	_, err := with(keysOf("k", "", alice)).Decrypt(t.Context(), "", "s.yaml", data)
	if fault.Of(err) != fault.Missing || !strings.Contains(err.Error(), bob.Recipient().String()) {
		t.Errorf("one key of two: %v", err)
	}
}

// TestHeadStays: the comment by which a file is left out is not encrypted.
func TestHeadStays(t *testing.T) {
	t.Parallel()
	alice := newIdentity(t)
	data := append([]byte("# +argocd:skip-file-rendering\n#ENC[AES256_GCM,data:x]\n"), newSealer(t).secret("a-password", alice)...)
	got := open(t, with(keysOf("k", "", alice)), data)
	if !strings.HasPrefix(got, "# +argocd:skip-file-rendering\n") || strings.Contains(got, "ENC[") {
		t.Errorf("got:\n%s", got)
	}
}

// TestAnchorsAreRefused: an anchor can make a small file a huge one, and SOPS
// never writes any.
func TestAnchorsAreRefused(t *testing.T) {
	t.Parallel()
	alice := newIdentity(t)
	data := append([]byte("x: &x [a, a]\ny: [*x, *x]\n"), newSealer(t).secret("a-password", alice)...)
	if _, err := with(keysOf("k", "", alice)).Decrypt(t.Context(), "", "s.yaml", data); fault.Of(err) != fault.Invalid || !strings.Contains(err.Error(), "anchors") {
		t.Errorf("got %v", err)
	}
}

// TestManyAtOnce is for the race detector.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	alice := newIdentity(t)
	data := newSealer(t).secret("a-password", alice)
	b := testKeys(t, "carol.asc")
	d := with(keysOf("k", "", alice), b)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if got := open(t, d, data); !strings.Contains(got, "a-password") {
				t.Errorf("got %s", got)
			}
		})
	}
	all.Wait()
}
