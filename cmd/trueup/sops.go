package main

import (
	"fmt"
	"os"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/internal/redact"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/secret"
)

// sopsOptions are the keys of a command that runs on somebody's machine.
type sopsOptions struct{ age, pgp []string }

func (o *sopsOptions) flags(f *pflag.FlagSet) {
	f.StringArrayVar(&o.age, "sops-age-key-file", nil, "file with age keys that open encrypted files (repeatable); by default $SOPS_AGE_KEY_FILE and $SOPS_AGE_KEY")
	f.StringArrayVar(&o.pgp, "sops-pgp-key-file", nil, "file with armoured private PGP keys that open encrypted files (repeatable)")
}

// keyHint tells where a key is put on the command line.
const keyHint = "give the private key of one of them by --sops-age-key-file or --sops-pgp-key-file"

// decrypter opens files with the keys of the command line, of the environment
// that sops itself reads, and with more.
func (o *sopsOptions) decrypter(more ...secret.Keys) (*secret.Decrypter, error) {
	var own secret.Fixed
	add := func(name, entry string, data []byte) {
		own = append(own, secret.Bundle{Name: name, Data: map[string][]byte{entry: data}})
	}
	file := func(name, entry string) error {
		data, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("read keys: %w", err)
		}
		add(name, entry, data)
		return nil
	}
	ages := o.age
	if len(ages) == 0 {
		if name := os.Getenv("SOPS_AGE_KEY_FILE"); name != "" {
			ages = []string{name}
		}
		if text := os.Getenv("SOPS_AGE_KEY"); text != "" {
			add("$SOPS_AGE_KEY", "env.agekey", []byte(text))
		}
	}
	for _, name := range ages {
		if err := file(name, "file.agekey"); err != nil {
			return nil, err
		}
	}
	for _, name := range o.pgp {
		if err := file(name, "file.asc"); err != nil {
			return nil, err
		}
	}
	return secret.New(secret.Options{Keys: append(secret.Joined{own}, more...), Hint: keyHint}), nil
}

// unmask keeps the values of secrets, if they are asked for; otherwise marks
// stand for them. The marks are no base64, so that nobody applies them.
func unmask(show bool, objects []*unstructured.Unstructured) []*unstructured.Unstructured {
	if show {
		return objects
	}
	out := make([]*unstructured.Unstructured, len(objects))
	for i, u := range objects {
		out[i] = masked(u)
	}
	return out
}

func masked(u *unstructured.Unstructured) *unstructured.Unstructured {
	if gvk := u.GroupVersionKind(); gvk.Group != "" || gvk.Kind != "Secret" {
		return u
	}
	u = u.DeepCopy()
	marks := map[string]any{}
	for _, field := range []string{"data", "stringData"} {
		if values, ok := u.Object[field].(map[string]any); ok {
			for name := range values {
				marks[name] = redact.Mark
			}
		} else if u.Object[field] != nil {
			marks[field] = redact.Mark
		}
		delete(u.Object, field)
	}
	if len(marks) > 0 {
		u.Object["data"] = marks
	}
	if a := u.GetAnnotations(); a[lastApplied] != "" {
		a[lastApplied] = redact.Mark
		u.SetAnnotations(a)
	}
	return u
}

// lastApplied is where kubectl repeats a whole object.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// renderer is one of all engines that opens encrypted files.
func (o *sopsOptions) renderer(charts bool, more ...secret.Keys) (*render.Renderer, error) {
	d, err := o.decrypter(more...)
	if err != nil {
		return nil, err
	}
	return render.New(engines(charts), render.DefaultLimits()).Decrypting(d), nil
}
