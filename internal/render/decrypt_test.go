package render_test

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// box opens text of the form ENC[AES256_GCM,KEY:TEXT for those who have KEY.
type box map[string]string // the key of each project

func sealed(key, text string) string { return "ENC[AES256_GCM," + key + ":" + text }

func (b box) Decrypt(_ context.Context, project, name string, data []byte) (render.Plain, error) {
	rest, ok := strings.CutPrefix(string(data), "ENC[AES256_GCM,")
	if !ok {
		return render.Plain{}, nil
	}
	key, text, _ := strings.Cut(rest, ":")
	if b[project] != key {
		return render.Plain{}, &render.Locked{Err: fault.New(fault.Missing, "%s: no key", name), Data: data}
	}
	return render.Plain{Encrypted: true, Data: []byte(text), Values: []string{text}}, nil
}

func (b box) Fingerprint(_ context.Context, project string) (string, error) { return b[project], nil }

// TestEnginesReadPlainText: wherever a file lies and however it is read.
func TestEnginesReadPlainText(t *testing.T) {
	t.Parallel()
	files := func() fstest.MapFS { return fstest.MapFS{"s": {Data: []byte(sealed("k", "hidden-text"))}} }
	req := request(map[string]string{"Chart.yaml": "", "s": sealed("k", "hidden-text"), "plain": "in clear"}, v1alpha1.ApplicationSource{})
	req.Project = "shop"
	req.Refs = map[string]snapshot.Tree{"values": {FS: files()}}
	req.More = shelf{"base": files()}
	got := map[string]string{}
	reading := engine(func(ctx context.Context, req render.Request) ([]render.Manifest, error) {
		more, err := req.More.Tree(ctx, snapshot.Location{RepoURL: "base"})
		if err != nil {
			return nil, err
		}
		for where, files := range map[string]snapshot.FS{"own": req.Tree.FS, "ref": req.Refs["values"].FS, "more": more.FS} {
			data, err := files.ReadFile("s")
			if err != nil {
				return nil, err
			}
			got[where] = string(data)
		}
		f, err := req.Tree.FS.Open("s")
		if err != nil {
			return nil, err
		}
		info, err := f.Stat()
		if err != nil {
			return nil, err
		}
		data := make([]byte, info.Size())
		_, err = f.Read(data)
		got["opened"] = string(data)
		if plain, _ := fs.ReadFile(req.Tree.FS, "plain"); string(plain) != "in clear" {
			t.Errorf("a plain file: %q", plain)
		}
		return nil, err
	})
	r := render.New(map[render.Type]render.Engine{render.Helm: reading}, render.DefaultLimits()).Decrypting(box{"shop": "k"})
	result, err := r.Render(t.Context(), req)
	if err != nil || !result.Sensitive {
		t.Fatalf("sensitive is %t, %v", result.Sensitive, err)
	}
	const text = "hidden-text"
	if diff := cmp.Diff(map[string]string{"own": text, "ref": text, "more": text, "opened": text}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !result.Reads.Tree.Holds(req.Tree.FS) {
		t.Error("what was read must be traced as it is in the tree")
	}
}

// TestKeysAreAnAnswer: what met an encrypted file is rendered anew when the
// keys of its project change, and nothing else is.
func TestKeysAreAnAnswer(t *testing.T) {
	t.Parallel()
	calls := 0
	reading := engine(func(_ context.Context, req render.Request) ([]render.Manifest, error) {
		calls++
		_, err := req.Tree.FS.ReadFile("s")
		return nil, err
	})
	keys := box{"shop": "old", "billing": "x"}
	c := render.NewCache(render.New(map[render.Type]render.Engine{render.Helm: reading}, render.DefaultLimits()).Decrypting(keys), render.CacheOptions{})
	files := map[string]string{"Chart.yaml": "", "s": sealed("new", "hidden-text")}
	step := func(reason string, want int, kind fault.Kind, sensitive bool) {
		t.Helper()
		req := request(files, v1alpha1.ApplicationSource{})
		req.Project = "shop"
		result, err := c.Render(t.Context(), req)
		if calls != want || fault.Of(err) != kind || result.Sensitive != sensitive {
			t.Errorf("%s: %d calls, want %d; sensitive is %t; %v", reason, calls, want, result.Sensitive, err)
		}
	}
	step("a wrong key", 1, fault.Missing, false)
	step("is not tried again", 1, fault.Missing, false)
	keys["billing"] = "y"
	step("a key of another project changed", 1, fault.Missing, false)
	keys["shop"] = "new"
	step("the right key came", 2, "", true)
	step("the result is kept", 2, "", true)
	keys["shop"] = "third"
	step("the key was taken away", 3, fault.Missing, false)
	files["s"] = "in clear"
	step("nothing is encrypted any more", 4, "", false)
	keys["shop"] = "fourth"
	step("keys do not matter then", 4, "", false)
}

func TestErrorsDoNotRepeatPlainText(t *testing.T) {
	t.Parallel()
	quoting := engine(func(_ context.Context, req render.Request) ([]render.Manifest, error) {
		data, err := req.Tree.FS.ReadFile("s")
		if err != nil {
			return nil, err
		}
		return nil, fault.Wrap(fault.Invalid, fmt.Errorf("line 3: cannot use `%s` nor `%s...` nor aGlkZGVuLXRleHQ=", data, data[:7]))
	})
	req := request(map[string]string{"Chart.yaml": "", "s": sealed("", "hidden-text")}, v1alpha1.ApplicationSource{})
	_, err := render.New(map[render.Type]render.Engine{render.Helm: quoting}, render.DefaultLimits()).Decrypting(box{}).Render(t.Context(), req)
	if fault.Of(err) != fault.Invalid || strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), "aGlk") || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("got %v", err)
	}
}

// TestWithoutDecrypter: encrypted files are files like any other.
func TestWithoutDecrypter(t *testing.T) {
	t.Parallel()
	req := request(map[string]string{"a.yaml": cm("a") + "data: {x: 'ENC[AES256_GCM,data:x]'}\n"}, v1alpha1.ApplicationSource{})
	result, err := render.New(nil, render.DefaultLimits()).Render(t.Context(), req)
	if err != nil || len(result.Objects) != 1 || result.Sensitive || result.Reads.Keys != nil {
		t.Errorf("got %+v, %v", result, err)
	}
}

// BenchmarkPlainFile is what each file pays that is not encrypted.
func BenchmarkPlainFile(b *testing.B) {
	data := []byte(strings.Repeat("apiVersion: v1 # a manifest as there are many\n", 100))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if render.Sealed(data) {
			b.Fatal("it is plain")
		}
	}
}
