package secret

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
)

const wantSecret = "apiVersion: v1\nkind: Secret\nmetadata:\n    name: db\nstringData:\n    password: hunter2-hunter2\n"

func TestDecrypt(t *testing.T) {
	t.Parallel()
	alice, bob := newIdentity(t), newIdentity(t)
	sealed := newSealer(t).secret("hunter2-hunter2", alice)
	replace := func(old, by string) []byte {
		if !bytes.Contains(sealed, []byte(old)) {
			t.Fatalf("no %q to be replaced", old)
		}
		return bytes.Replace(sealed, []byte(old), []byte(by), 1)
	}
	other := newSealer(t).secret("hunter2-hunter2", alice)
	for _, tc := range []struct {
		reason string
		keys   []Bundle
		name   string
		data   []byte
		want   string
		kind   fault.Kind
		says   []string
	}{
		{"the right key opens it", []Bundle{keysOf("k", "", alice)}, "s.yaml", sealed, wantSecret, "", nil},
		{"one key of several opens it", []Bundle{keysOf("k", "", bob), keysOf("l", "shop", alice)}, "s.yaml", sealed, wantSecret, "", nil},
		{"no key is told, with who could and where to put one", nil, "s.yaml", sealed, "", fault.Missing,
			[]string{"s.yaml", alice.Recipient().String(), "project shop", "put a key there"}},
		{"a wrong key is no key", []Bundle{keysOf("k", "", bob)}, "s.yaml", sealed, "", fault.Missing, []string{alice.Recipient().String()}},
		{"the key of another project is no key", []Bundle{keysOf("k", "billing", alice)}, "s.yaml", sealed, "", fault.Missing, []string{"project shop has no key"}},
		{"an unusable key is named", []Bundle{{Name: "Secret broken", Data: map[string][]byte{"x.agekey": []byte("AGE-SECRET-KEY-1NOPE")}}}, "s.yaml", sealed, "",
			fault.Missing, []string{"Secret broken, entry x.agekey: it holds no age keys"}},
		{"a plain value that was changed breaks the MAC", []Bundle{keysOf("k", "", alice)}, "s.yaml", replace("name: db", "name: eb"), "", fault.Invalid, []string{"s.yaml", "MAC"}},
		{"an encrypted value of another place does not open", []Bundle{keysOf("k", "", alice)}, "s.yaml", replace("  password:", "  passw0rd:"), "", fault.Invalid,
			[]string{"s.yaml", "stringData.passw0rd", "changed or moved"}},
		{"a value in clear where it should be encrypted", []Bundle{keysOf("k", "", alice)}, "s.yaml", replace("stringData:\n", "stringData:\n  more: in-clear\n"), "", fault.Invalid,
			[]string{"stringData.more", "not encrypted"}},
		{"a value of another file does not open", []Bundle{keysOf("k", "", alice)}, "s.yaml",
			append(bytes.SplitAfter(other, []byte("sops:"))[0], bytes.SplitAfter(sealed, []byte("sops:"))[1]...), "", fault.Invalid, []string{"stringData.password"}},
		{"a rule that was taken away breaks it", []Bundle{keysOf("k", "", alice)}, "s.yaml", replace("^stringData$", "^data$"), "", fault.Invalid, []string{"MAC"}},
		{"a rule that cannot be read", []Bundle{keysOf("k", "", alice)}, "s.yaml", replace("^stringData$", "("), "", fault.Invalid, []string{"encrypted_regex"}},
		{"a MAC that was taken away", []Bundle{keysOf("k", "", alice)}, "s.yaml", replace("    mac:", "    nac:"), "", fault.Invalid, []string{"MAC"}},
		{"a key twice", []Bundle{keysOf("k", "", alice)}, "s.yaml", replace("kind: Secret", "kind: Secret\nkind: Secret"), "", fault.Invalid, []string{"there once"}},
		{"an object of the operator that opens it in the cluster stays as it is", nil, "s.yaml", replace("kind: Secret", "kind: SopsSecret"), "", "", nil},
		{"a text that merely quotes an encrypted value", nil, "s.yaml", []byte("data:\n  note: |\n    sops: ENC[AES256_GCM,data:x]\n"), "", "", nil},
		{"a file about SOPS", nil, "README.md", []byte("values look like ENC[AES256_GCM,data:...]"), "", "", nil},
	} {
		plain, err := with(tc.keys...).Decrypt(t.Context(), "shop", tc.name, tc.data)
		if fault.Of(err) != tc.kind {
			t.Errorf("%s: got error %v, want kind %q", tc.reason, err, tc.kind)
			continue
		}
		if got := string(plain.Data); got != tc.want {
			t.Errorf("%s: got %q", tc.reason, got)
		}
		for _, text := range tc.says {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %q is not in: %v", tc.reason, text, err)
			}
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") || err != nil && strings.Contains(err.Error(), "AGE-SECRET") {
			t.Errorf("%s: the error tells a secret: %v", tc.reason, err)
		}
		if _, locked := render.LockedData(err); locked != (tc.kind == fault.Missing) {
			t.Errorf("%s: locked is %t", tc.reason, locked)
		}
	}
}

// changing are keys that a test rotates.
type changing struct{ bundles []Bundle }

func (c *changing) Bundles(context.Context) ([]Bundle, error) { return c.bundles, nil }

func TestRotation(t *testing.T) {
	t.Parallel()
	old, next := newIdentity(t), newIdentity(t)
	sealed := newSealer(t).secret("hunter2-hunter2", next)
	keys := &changing{[]Bundle{keysOf("k", "", old)}}
	d := New(Options{Keys: keys})
	before, err := d.Fingerprint(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Decrypt(t.Context(), "shop", "s.yaml", sealed); fault.Of(err) != fault.Missing {
		t.Fatalf("the old key: %v", err)
	}
	keys.bundles = []Bundle{keysOf("k", "", next)}
	after, err := d.Fingerprint(t.Context(), "shop")
	if err != nil || after == before {
		t.Errorf("the fingerprint of other keys: %q, before %q, %v", after, before, err)
	}
	if _, err := d.Decrypt(t.Context(), "shop", "s.yaml", sealed); err != nil {
		t.Errorf("the new key: %v", err)
	}
	keys.bundles = append(keys.bundles, keysOf("l", "billing", old))
	if same, _ := d.Fingerprint(t.Context(), "shop"); same != after {
		t.Error("a key of another project must not change what this one has")
	}
}

func testKeys(t testing.TB, names ...string) Bundle {
	t.Helper()
	b := Bundle{Name: "test", Data: map[string][]byte{}}
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join("testdata", "keys", name))
		if err != nil {
			t.Fatal(err)
		}
		b.Data[name] = data
	}
	return b
}

// TestLibrary opens what the SOPS library encrypted: every form, every rule,
// every way to share a key out. testdata/plain has what it shows of it.
func TestLibrary(t *testing.T) {
	t.Parallel()
	alice := []string{"alice.agekey"}
	for _, tc := range []struct {
		name string
		keys []string
	}{
		{"types.yaml", alice}, {"secret.yaml", alice}, {"multi.yaml", alice}, {"mac-only.yaml", alice}, {"suffix.yaml", alice},
		{"unencrypted-regex.yaml", alice}, {"comment.yaml", alice}, {"comment-encrypted.yaml", alice},
		{"data.json", alice}, {"app.env", alice}, {"app.ini", alice}, {"token", alice},
		{"pgp.yaml", []string{"carol.asc"}}, {"bob.yaml", []string{"bob.agekey"}}, {"bob.yaml", []string{"alice.agekey", "bob.agekey"}},
		{"either.yaml", alice}, {"either.yaml", []string{"carol.asc"}},
		{"both.yaml", []string{"alice.agekey", "carol.asc"}}, {"both.yaml", []string{"bob.agekey", "carol.asc"}},
	} {
		sealed, err := os.ReadFile(filepath.Join("testdata", "sealed", tc.name))
		if err != nil {
			t.Fatal(err)
		}
		plain, err := with(testKeys(t, tc.keys...)).Decrypt(t.Context(), "", tc.name, sealed)
		if err != nil || !plain.Encrypted {
			t.Errorf("%s with %v: encrypted is %t, %v", tc.name, tc.keys, plain.Encrypted, err)
			continue
		}
		want, err := os.ReadFile(filepath.Join("testdata", "plain", tc.name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(meaning(t, tc.name, want), meaning(t, tc.name, plain.Data)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

// meaning is what a file says beside its layout and comments.
func meaning(t *testing.T, name string, data []byte) any {
	t.Helper()
	var value any
	var err error
	switch filepath.Ext(name) {
	case ".yaml":
		var docs []*document
		docs, err = readYAML(data)
		var all []any
		for _, d := range docs {
			b, failed := yamlBranch(d.node, nil, false)
			if failed != nil {
				t.Fatal(failed)
			}
			all = append(all, plain(b))
		}
		value = all
	case ".json":
		var b branch
		b, err = readJSON(data)
		value = plain(b)
	case ".env":
		var b branch
		b, _, err = readEnv(data)
		value = plain(b)
	case ".ini":
		var b branch
		b, _, err = readINI(data)
		value = plain(b)
	default:
		value = string(data)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return value
}

func TestSharedKeyNeedsEnoughParts(t *testing.T) {
	t.Parallel()
	sealed, err := os.ReadFile(filepath.Join("testdata", "sealed", "both.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = with(testKeys(t, "carol.asc")).Decrypt(t.Context(), "", "both.yaml", sealed)
	if fault.Of(err) != fault.Missing || !strings.Contains(err.Error(), "2 of: age1") {
		t.Errorf("got %v", err)
	}
}

// TestLinesStay: messages name lines, and people look there.
func TestLinesStay(t *testing.T) {
	t.Parallel()
	sealed, err := os.ReadFile(filepath.Join("testdata", "sealed", "multi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := with(testKeys(t, "alice.agekey")).Decrypt(t.Context(), "", "multi.yaml", sealed)
	if err != nil {
		t.Fatal(err)
	}
	line := func(data []byte) int {
		return bytes.Count(data[:bytes.LastIndex(data, []byte("apiVersion:"))], []byte("\n"))
	}
	if got, want := line(plain.Data), line(sealed); got != want {
		t.Errorf("the second document begins at line %d of the plain text, at %d of the file", got, want)
	}
}
