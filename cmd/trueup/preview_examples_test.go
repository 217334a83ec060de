package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/internal/scm/ci"
)

// step is one of a workflow or an action of GitHub's.
type step struct {
	ID   string            `json:"id"`
	Uses string            `json:"uses"`
	Run  string            `json:"run"`
	Env  map[string]string `json:"env"`
	With map[string]any    `json:"with"`
}

func readExample(t *testing.T, into any, parts ...string) {
	t.Helper()
	data, err := os.ReadFile(example(parts...))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, into); err != nil {
		t.Fatalf("%v: %v", parts, err)
	}
}

// flagsOf holds that "trueup preview" takes what a script gives it.
func flagsOf(t *testing.T, script string) {
	t.Helper()
	_, line, ok := strings.Cut(script, "trueup preview ")
	line, _, redirected := strings.Cut(line, " > ")
	if !ok || !redirected {
		t.Fatalf("nothing is called in\n%s", script)
	}
	line = strings.NewReplacer(`"$FAIL_ON"`, "critical", `"${arguments[@]}"`, "--apps clusters").Replace(line)
	cmd := newPreviewCommandIn(ci.Environment{}, streams{})
	if err := cmd.ParseFlags(strings.Fields(line)); err != nil {
		t.Errorf("%s: %v", line, err)
	}
}

func TestPipelineExample(t *testing.T) {
	t.Parallel()
	var pipeline struct {
		Preview struct {
			Script []string `json:"script"`
		} `json:"preview"`
	}
	readExample(t, &pipeline, "ci", "gitlab-ci.yaml")
	flagsOf(t, strings.Join(pipeline.Preview.Script, "\n"))
}

// TestActionExample runs the action's script with a trueup that only ends as
// told: what changes is no failure, everything else is told as it is, and what
// stands in an input is never run.
func TestActionExample(t *testing.T) {
	t.Parallel()
	var action struct {
		Inputs map[string]struct {
			Default string `json:"default"`
		} `json:"inputs"`
		Runs struct {
			Steps []step `json:"steps"`
		} `json:"runs"`
	}
	readExample(t, &action, "ci", "preview-action", "action.yml")
	var preview step
	for _, s := range action.Runs.Steps {
		if strings.Contains(s.Run, "${{") {
			t.Errorf("an expression is put into a script, where it could be anything:\n%s", s.Run)
		}
		if s.ID == "preview" {
			preview = s
		}
	}
	flagsOf(t, preview.Run)
	for code, want := range map[int]struct {
		code   int
		result string
	}{0: {0, "unchanged"}, 3: {0, "changed"}, 4: {4, "incomplete"}, 1: {1, ""}, 2: {2, ""}} {
		home := t.TempDir()
		bin := filepath.Join(home, ".trueup-bin")
		if err := os.Mkdir(bin, 0o755); err != nil {
			t.Fatal(err)
		}
		fake := fmt.Sprintf("#!/bin/sh\nprintf '%%s\\n' \"$@\"\nexit %d\n", code)
		if err := os.WriteFile(filepath.Join(bin, "trueup"), []byte(fake), 0o755); err != nil { //nolint:gosec // it is to be run
			t.Fatal(err)
		}
		said := filepath.Join(home, "output")
		cmd := exec.CommandContext(t.Context(), "bash", "-eo", "pipefail", "-c", preview.Run)
		cmd.Dir = home
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "GITHUB_OUTPUT=" + said, "FAIL_ON=critical", "ARGUMENTS=--apps a;touch\tran $(touch ran)", "REPORT=page.html"}
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if got := cmd.ProcessState.ExitCode(); got != want.code || err != nil && !errors.As(err, &exit) {
			t.Errorf("a preview that ends with %d ends the step with %d, %v: %s", code, got, err, out)
		}
		result, err := os.ReadFile(said)
		if err != nil && want.result != "" || want.result != "" && string(result) != "result="+want.result+"\n" {
			t.Errorf("a preview that ends with %d: %q, %v", code, result, err)
		}
		page, err := os.ReadFile(filepath.Join(home, "page.html"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff("preview\n--ci\n--fail-on\ncritical\n-o\nhtml\n--apps\na;touch\nran\n$(touch\nran)\n", string(page)); diff != "" {
			t.Errorf("the arguments (-want +got):\n%s", diff)
		}
		if _, err := os.Stat(filepath.Join(home, "ran")); err == nil {
			t.Error("what stands in an input was run")
		}
	}

	var workflow struct {
		Jobs map[string]struct {
			Steps []step `json:"steps"`
		} `json:"jobs"`
	}
	readExample(t, &workflow, "ci", "github-actions.yaml")
	used := false
	for _, s := range workflow.Jobs["preview"].Steps {
		if path, ok := strings.CutPrefix(s.Uses, "trueup-dev/trueup/examples/ci/preview-action@"); ok && path != "" {
			used = true
			for name := range s.With {
				if _, ok := action.Inputs[name]; !ok {
					t.Errorf("the action has no input %s", name)
				}
			}
		}
	}
	if !used {
		t.Error("the workflow does not use the action")
	}
}
