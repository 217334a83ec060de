package kustomize_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/kustomize"
)

// secret is a part of everything that must not be read in an error.
const secret = "hunter2"

// TestValuesOfGeneratorsAreNotTold: what a generator takes is in no error about
// it, whichever of its entries is wrong.
func TestValuesOfGeneratorsAreNotTold(t *testing.T) {
	t.Parallel()
	const plugin = "apiVersion: builtin\nkind: SecretGenerator\nmetadata: {name: sec}\n"
	for _, tc := range []struct {
		reason, kustomization, want string
	}{
		{"a literal without =", `secretGenerator: [{name: sec, literals: [PW=hunter2, hunter2]}]`, "secretGenerator[0].literals[1] has no =; want KEY=VALUE"},
		{"a literal without a key", `configMapGenerator: [{name: a}, {name: c, literals: [PW=hunter2, =hunter2]}]`,
			"configMapGenerator[1].literals[1] has no key before the =; want KEY=VALUE"},
		{"a key twice", `secretGenerator: [{name: sec, literals: [PW=hunter2, A=1, PW=hunter2]}]`, "secretGenerator[0].literals[2] repeats the key of secretGenerator[0].literals[0]"},
		{"a key in a literal and a file of values", `secretGenerator: [{name: sec, literals: [PW=hunter2], envs: [good.env]}]`,
			"secretGenerator[0].literals[0] repeats the key of secretGenerator[0].envs[0]: app/good.env:2"},
		{"a key in a literal and a file", `secretGenerator: [{name: sec, literals: [PW=hunter2], files: [PW=pw.txt]}]`,
			"secretGenerator[0].files[0] repeats the key of secretGenerator[0].literals[0]"},
		{"the same name of two files", `secretGenerator: [{name: sec, files: [pw.txt, sub/pw.txt]}]`, "secretGenerator[0].files[1] repeats the key of secretGenerator[0].files[0]"},
		{"lines of a value in a file of values", `secretGenerator: [{name: sec, envs: [lines.env]}]`,
			"secretGenerator[0].envs[0]: app/lines.env:3 repeats the key of secretGenerator[0].envs[0]: app/lines.env:2"},
		{"a line that is no text", `secretGenerator: [{name: sec, envs: [good.env, latin.env]}]`, "secretGenerator[0].envs[1]: app/latin.env:2 is not UTF-8"},
		{"the field env", `secretGenerator: [{name: sec, env: latin.env}]`, "secretGenerator[0].envs[0]: app/latin.env:2 is not UTF-8"},
		{"a literal as a file of values", `secretGenerator: [{name: sec, envs: [PW=hunter2]}]`, "secretGenerator[0].envs[0]: the file PW=... is not there"},
		{"a literal as a file", `secretGenerator: [{name: sec, files: [PW=hunter2]}]`, "secretGenerator[0].files[0]: the file of the key PW is not there"},
		{"a literal as a file, as if from the root", `secretGenerator: [{name: sec, files: [PW=/hunter2]}]`, "secretGenerator[0].files[0]: the file of the key PW: want a path"},
		{"a literal as a file, as if above the repository", `secretGenerator: [{name: sec, files: [PW=../../hunter2]}]`,
			"secretGenerator[0].files[0]: the file of the key PW leaves the repository"},
		{"a literal as a file, as if of Git", `secretGenerator: [{name: sec, files: [PW=../.git/hunter2]}]`, "the file of the key PW is not a part of the repository"},
		{"a literal as a file, as if on a server", `secretGenerator: [{name: sec, files: ["PW=https://hunter2"]}]`, "the file of the key PW is a file on a web server"},
		{"a literal with two = as a file", `secretGenerator: [{name: sec, files: [PW=hunter2=]}]`, "secretGenerator[0].files[0] has more than one ="},
		{"a file without a key", `secretGenerator: [{name: sec, files: [=hunter2]}]`, "secretGenerator[0].files[0] has no key before the ="},
		{"a key without a file", `secretGenerator: [{name: sec, literals: [PW=hunter2], files: [A=]}]`, "secretGenerator[0].files[0] names no file"},
		{"no file at all", `secretGenerator: [{name: sec, literals: [PW=hunter2], files: [""], envs: [""]}]`, "secretGenerator[0].envs[0] names no file"},
		{"a folder", `secretGenerator: [{name: sec, files: [A=pw.txt, B=sub], envs: [sub]}]`, "secretGenerator[0].files[1]: the file of the key B is a folder"},
		{"an object with another name as the one to merge into", `secretGenerator: [{name: sec, behavior: merge, literals: [PW=hunter2]}]`, "does not exist; cannot merge or replace"},
		{"no name", `secretGenerator: [{literals: [PW=hunter2]}]`, "must have a name"},
		{"two of one name", `secretGenerator: [{name: sec, literals: [PW=hunter2]}, {name: sec, literals: [PW=hunter22]}]`, "app/kustomization.yaml: id resid"},
		{"an object for a literal", `secretGenerator: [{name: sec, literals: [{PW: hunter2}]}]`, "literals"},
		{"a map for literals", `secretGenerator: [{name: sec, literals: {PW: hunter2}}]`, "literals"},
		{"a text for literals", `secretGenerator: [{name: sec, literals: PW=hunter2}]`, "literals"},
		{"literals beside their list", `secretGenerator: [{name: sec, literals: [A=1], PW=hunter2}]`, `unknown field "PW=..."`},
		{"a literal as a generator", `secretGenerator: [PW=hunter2]`, "app/kustomization.yaml"},
		{"literals below nothing", "secretGenerator:\n- name: sec\nPW=hunter2: hunter2\n", `unknown field "PW=..."`},
		{"broken YAML", "secretGenerator:\n- name: sec\n  literals:\n  - PW=hunter2\n - hunter2\n", "yaml"},
		{"a broken text", "secretGenerator:\n- name: sec\n  literals:\n  - \"PW=hunter2\n", "yaml"},
		{"a value that looks like an alias", "secretGenerator:\n- name: sec\n  literals: [*hunter2]\n", "wants quotes"},
		{"a plugin's literals", "generators:\n- |\n  " + strings.ReplaceAll(plugin, "\n", "\n  ") + "literals: [PW=hunter2, hunter2]\n", "SecretGenerator sec: literals[1] has no ="},
		{"a plugin's field of another type", "generators:\n- |\n  " + strings.ReplaceAll(plugin, "\n", "\n  ") + "literals: {PW: hunter2}\n", "SecretGenerator sec: its fields cannot be read"},
		{"a plugin that is no YAML", "generators:\n- |\n  " + strings.ReplaceAll(plugin, "\n", "\n  ") + "literals: [PW=hunter2\n", "generators[0] is neither YAML"},
		{"a plugin without a name", "generators:\n- |\n  apiVersion: builtin\n  kind: SecretGenerator\n  literals: [PW=hunter2]\n", "generators[0] is neither YAML"},
		{"a plugin without a name, in a line", "generators: ['{apiVersion: builtin, kind: SecretGenerator, literals: [PW=hunter2]}']\n", "generators[0] is neither YAML"},
		{"a file of a plugin", "generators: [plugin.yaml]\n", "SecretGenerator sec: envs[0]: app/latin.env:2 is not UTF-8"},
		{"a file of a plugin that is no YAML", "generators: [broken.yaml]\n", "app/broken.yaml"},
		{"a file of a plugin without a name", "generators: [unnamed.yaml]\n", "app/unnamed.yaml"},
		{"a plugin among the transformers", "transformers:\n- |\n  " + strings.ReplaceAll(plugin, "\n", "\n  ") + "literals: [PW=hunter2]\n", "SecretGenerator"},
		{"a label that is no label", "secretGenerator: [{name: sec, literals: [PW=hunter2], options: {labels: {a: [b]}}}]", "labels"},
	} {
		files := map[string]string{
			"app/kustomization.yaml": tc.kustomization, "app/pw.txt": secret, "app/sub/pw.txt": secret, "app/good.env": "# " + secret + "\nPW=" + secret + "\n",
			"app/latin.env": "PW=" + secret + "\nA=" + secret + "\xe9\n", "app/lines.env": "PW=-----BEGIN\n" + secret + "\n" + secret + "\n",
			"app/plugin.yaml": plugin + "envs: [latin.env]\n", "app/broken.yaml": plugin + "literals: [PW=hunter2\n",
			"app/unnamed.yaml": "apiVersion: builtin\nkind: SecretGenerator\nliterals: [PW=hunter2]\n",
		}
		failsWithout(t, tc.reason, files, tc.want)
	}
}

// failsWithout holds that a build fails by what the files say, with this text,
// and that the secret is not in the error.
func failsWithout(t *testing.T, reason string, files map[string]string, want string) {
	t.Helper()
	_, err := kustomize.New(kustomize.Options{}).Render(t.Context(), request(tree(files)))
	switch {
	case err == nil:
		t.Errorf("%s: no error", reason)
	case holds(err.Error(), secret):
		t.Errorf("%s: the value is in %v", reason, err)
	case !strings.Contains(err.Error(), want) || fault.Of(err) != fault.Invalid:
		t.Errorf("%s: got %v, want %q", reason, err, want)
	}
}

// holds reports a text, also as the bytes that %d makes of it.
func holds(message, text string) bool {
	return strings.Contains(message, text) || strings.Contains(message, strings.Trim(strings.ReplaceAll(fmt.Sprintf("%d", []byte(text)), ",", ""), "[]"))
}

// FuzzGenerators: whatever stands beside a value, the value is in no error.
func FuzzGenerators(f *testing.F) {
	f.Add("TOKEN", "A=1\nA=2\n", "A=B=C")
	f.Add("=x", "\xff", "=x")
	f.Add("'", "PW", "..")
	f.Add("A`: ", "\ufeff#\n =\n", "sub")
	f.Fuzz(func(t *testing.T, literal, env, file string) {
		for _, part := range []string{literal, env, file} {
			if strings.Contains(secret, part) && len(part) > 1 {
				t.Skip()
			}
		}
		k := map[string]any{"secretGenerator": []any{map[string]any{
			"name": "sec", "literals": []string{"PW=" + secret, literal, literal + secret}, "envs": []string{"a.env"}, "files": []string{"pw.txt", file},
		}}}
		text, err := json.Marshal(k)
		if err != nil {
			t.Fatal(err)
		}
		files := tree(map[string]string{"app/kustomization.yaml": string(text), "app/pw.txt": secret, "app/sub/x": secret, "app/a.env": "Q=" + secret + env + secret})
		_, err = kustomize.New(kustomize.Options{}).Render(t.Context(), request(files))
		if err != nil && holds(err.Error(), secret) {
			t.Error(err)
		}
	})
}
