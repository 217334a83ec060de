package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/internal/golden"
	"github.com/trueup-dev/trueup/internal/jsonnet"
)

// TestMain: Jsonnet is evaluated by a child of the program, which is this one.
func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" || len(os.Args) == 2 && os.Args[1] == jsonnet.Argument {
		main()
	}
	os.Exit(m.Run())
}

// call runs one command line as a user would, from the module's root.
func call(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errOut bytes.Buffer
	code = run(context.Background(), args, streams{in: strings.NewReader(""), out: &out, err: &errOut})
	return code, out.String(), errOut.String()
}

func example(parts ...string) string {
	return filepath.Join(append([]string{"..", "..", "examples"}, parts...)...)
}

// TestGolden pins what people read on the screen.
func TestGolden(t *testing.T) {
	t.Parallel()
	diffArgs := []string{"diff", "--desired", example("diff", "desired.yaml"), "--live", example("diff", "live.yaml")}
	rulesArgs := []string{"diff", "--desired", example("rules", "desired.yaml"), "--live", example("rules", "live.yaml"), "--ignore-rules", example("rules", "rules.yaml")}
	tests := map[string]struct {
		args []string
		code int
	}{
		"diff":      {diffArgs, exitDrift},
		"diff-all":  {append(diffArgs, "--all"), exitDrift},
		"diff-json": {append(diffArgs, "-o", "json"), exitDrift},

		"diff-audit": {append(diffArgs[:5:5], "--audit-log", example("diff", "audit.log")), exitDrift},

		"diff-github":   {append(diffArgs[:5:5], "-o", "github"), exitDrift},
		"diff-markdown": {append(diffArgs[:5:5], "-o", "markdown", "--all"), exitDrift},
		"render": {[]string{"render", "-f", example("appset", "web.yaml"),
			"--repo", "https://git.example.com/config.git=" + example("config")}, exitOK},
		"render-set": {[]string{"render", "-f", example("appset", "shop.yaml"), "--clusters", example("appset", "clusters.yaml"), "-o", "name",
			"--repo", "https://git.example.com/config.git=" + example("config")}, exitOK},
		"render-explain": {[]string{"render", "-f", example("appset", "web.yaml"), "--explain",
			"--repo", "https://git.example.com/config.git=" + example("config")}, exitOK},
		"appset-generate": {[]string{"appset", "generate", example("appset", "shop.yaml"), "--clusters", example("appset", "clusters.yaml")}, exitOK},
		"appset-names":    {[]string{"appset", "generate", example("appset", "shop.yaml"), "--clusters", example("appset", "clusters.yaml"), "-o", "name"}, exitOK},
		"diff-name":       {append(diffArgs, "-o", "name"), exitDrift},
		"rules":           {append(rulesArgs, "--rules"), exitDrift},
		"rules-hidden":    {rulesArgs, exitDrift},
		"rules-all":       {append(rulesArgs, "--all"), exitDrift},
		"rules-json":      {append(rulesArgs, "-o", "json"), exitDrift},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := call(t, tc.args...)
			if code != tc.code {
				t.Fatalf("exit code %d, want %d; standard error:\n%s", code, tc.code, stderr)
			}
			golden.File(t, filepath.Join("testdata", name+".golden"), stdout)
		})
	}
}

// TestExitCodes covers what scripts rely on, and that nothing reaches
// standard output when a command fails.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken.yaml")
	if err := os.WriteFile(broken, []byte("kind: [\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	live := example("diff", "live.yaml")
	tests := map[string]struct {
		args []string
		code int
		says string
	}{
		"an unknown flag is wrong usage":       {[]string{"diff", "--nope"}, exitUsage, "--nope"},
		"an unknown output is wrong usage":     {[]string{"diff", "--desired", live, "--live", live, "-o", "xml"}, exitUsage, "xml"},
		"a missing file flag is wrong usage":   {[]string{"diff", "--desired", live}, exitUsage, "--live"},
		"a bad repository flag is wrong usage": {[]string{"render", "-f", example("appset", "web.yaml"), "--repo", "x"}, exitUsage, "URL=DIR"},
		"render names the application":         {[]string{"render", "-f", example("appset", "web.yaml"), "--repo", "https://git.example.com/config.git=" + dir}, exitError, "kustomize/overlays/eu is not in the repository"},
		"too few arguments are wrong usage":    {[]string{"appset", "generate"}, exitUsage, "arg"},
		"a file without a set is an error":     {[]string{"appset", "generate", example("appset", "web.yaml")}, exitError, "no ApplicationSet"},
		"an absent file is an error":           {[]string{"diff", "--desired", filepath.Join(dir, "nope.yaml"), "--live", live}, exitError, "nope.yaml"},
		"broken YAML names the file":           {[]string{"diff", "--desired", broken, "--live", live}, exitError, "broken.yaml"},
		"an object compared to itself is fine": {[]string{"diff", "--desired", live, "--live", live}, exitOK, ""},
		"an absent audit log is named":         {[]string{"diff", "--desired", live, "--live", live, "--audit-log", "nope.log"}, exitError, "--audit-log nope.log"},
		"an audit log of something else":       {[]string{"diff", "--desired", live, "--live", live, "--audit-log", broken}, exitOK, "1 line cannot be read as audit events"},
		"help is no error":                     {[]string{"--help"}, exitOK, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := call(t, tc.args...)
			if code != tc.code || !strings.Contains(stderr, tc.says) {
				t.Errorf("exit code %d, want %d; want %q in standard error:\n%s", code, tc.code, tc.says, stderr)
			}
			if code == exitError && stdout != "" {
				t.Errorf("a failed command printed to standard output:\n%s", stdout)
			}
		})
	}
}

// TestDiffJSONContract holds the shape that other programs read.
func TestDiffJSONContract(t *testing.T) {
	t.Parallel()
	_, stdout, stderr := call(t, "diff", "--desired", example("diff", "desired.yaml"), "--live", example("diff", "live.yaml"), "-o", "json")
	var report struct {
		Objects []struct {
			Group, Kind, Namespace, Name, State string
			Fields                              []struct{ Path, Class, Manager, Operation, Time string }
		}
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatalf("not JSON: %v\n%s%s", err, stdout, stderr)
	}
	states := map[string]string{}
	fields := map[string]string{}
	for _, o := range report.Objects {
		states[o.Kind+"/"+o.Name] = o.State
		for _, f := range o.Fields {
			fields[f.Path] = strings.Join([]string{f.Class, f.Manager, f.Operation, f.Time}, " ")
		}
	}
	if diff := cmp.Diff(map[string]string{"Deployment/web": "Modified", "ConfigMap/limits": "InSync"}, states); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	want := "declared kubectl-edit Update 2026-08-20T11:02:00Z"
	if got := fields["spec.template.spec.containers[name=web].image"]; got != want {
		t.Errorf("image: got %q, want %q", got, want)
	}
}
