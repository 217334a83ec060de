package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestWrongUsageIsTold(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"no command":                        {nil, "wrong usage"},
		"an unknown command":                {[]string{"start"}, `no command "start"`},
		"a folder is not guessed":           {[]string{"down"}, "--dir is missing"},
		"an unknown flag":                   {[]string{"down", "--force"}, "-force"},
		"an argument too many":              {[]string{"down", "hub"}, `unexpected argument "hub"`},
		"an unknown output":                 {[]string{"up", "--dir", "d", "-o", "yaml"}, "-o yaml"},
		"standard input without foreground": {[]string{"up", "--dir", "d", "--stop-on-stdin-close"}, "needs --foreground"},
	} {
		err := run(t.Context(), test.args, io.Discard, io.Discard)
		if !errors.Is(err, errUsage) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v does not mention %q", name, err, test.want)
		}
	}
}

// TestForegroundEndsWithItsParent is the contract with programs that start
// clusters for their own time only.
func TestForegroundEndsWithItsParent(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "devcluster")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	dir := filepath.Join(t.TempDir(), "clusters")
	var progress bytes.Buffer
	cmd := exec.Command(binary, "up", "--dir", dir, "--clusters", "only", "-o", "json", "--foreground", "--stop-on-stdin-close")
	cmd.Stderr = &progress
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stdin.Close() })
	var ready struct {
		Clusters []struct{ Name, Kubeconfig, Server string }
	}
	decodeErr := json.NewDecoder(stdout).Decode(&ready)
	if decodeErr != nil || len(ready.Clusters) != 1 {
		stdin.Close()
		t.Fatalf("%v, then %v\n%s", decodeErr, cmd.Wait(), &progress)
	}
	c := ready.Clusters[0]
	if c.Name != "only" || !strings.HasPrefix(c.Server, "https://127.0.0.1:") {
		t.Errorf("cluster %+v", c)
	}
	if info, err := os.Stat(c.Kubeconfig); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("kubeconfig: %v, %v", info, err)
	}
	var table bytes.Buffer
	if err := run(t.Context(), []string{"status", "--dir", dir}, &table, t.Output()); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(table.String(), " yes\n"); n != 5 {
		t.Errorf("%d components are ready, want 5:\n%s", n, &table)
	}

	stdin.Close()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("%v\n%s", err, &progress)
		}
	case <-time.After(2 * time.Minute):
		t.Fatal("still runs after its standard input was closed")
	}
	table.Reset()
	if err := run(t.Context(), []string{"status", "--dir", dir}, &table, t.Output()); err != nil {
		t.Fatal(err)
	}
	if want := "no cluster runs in " + dir + "\n"; table.String() != want {
		t.Errorf("got %q, want %q", &table, want)
	}
	if _, err := os.Stat(c.Kubeconfig); !os.IsNotExist(err) {
		t.Errorf("the kubeconfig is still there: %v", err)
	}
}
