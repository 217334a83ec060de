// Command demo shows the main job on an embedded control plane: a commit
// becomes healthy workloads in two clusters, a hand edit becomes a report that
// names the hand, and the cluster comes back true.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log.SetLogger(logr.Discard())
	dir, err := filepath.Abs(".demo")
	if err == nil {
		d := demo{dir: dir, began: time.Now()}
		if len(os.Args) > 1 && os.Args[1] == "clean" {
			err = d.clean(ctx)
		} else {
			err = d.run(ctx)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

type demo struct {
	dir   string
	began time.Time
}

func (d demo) path(parts ...string) string {
	return filepath.Join(append([]string{d.dir}, parts...)...)
}

func (d demo) kubeconfig(cluster string) string { return d.path("clusters", cluster, "kubeconfig") }

// run tells the story, one act at a time.
func (d demo) run(ctx context.Context) error {
	if err := d.clean(ctx); err != nil {
		return err
	}
	for _, act := range []struct {
		title string
		play  func(context.Context) error
	}{
		{"Two control planes: hub, where the agent lives, and edge (the first time builds Kubernetes from source: about 10 minutes on 2 cores)", d.clusters},
		{"A Git repository with a Kustomize, a Helm and a plain application", d.repository},
		{"The agent, and an ApplicationSet: three applications in each cluster", d.agent},
		{"Wait until all six are Synced and Healthy", d.healthy},
		{"Somebody edits a live object in the edge cluster by hand", d.edit},
		{"Sync: the cluster comes back true", d.sync},
		{"A commit arrives", d.commit},
		{"A branch, while somebody edits by hand again: what would merging it do, and to whom", d.preview},
	} {
		fmt.Fprintf(os.Stdout, "\n\x1b[1m== %s\x1b[0m  (%s)\n", act.title, time.Since(d.began).Round(time.Second))
		if err := act.play(ctx); err != nil {
			return fmt.Errorf("%w\nthe agent's log is %s; make demo-clean stops everything", err, d.path("agent.log"))
		}
	}
	fmt.Fprintf(os.Stdout, `
Done in %s. Everything still runs; go on yourself:

  export KUBECONFIG=%s TRUEUP_SERVER=%s
  bin/trueup get                    # all applications
  bin/trueup drift                  # what has drifted, since when, by whom
  bin/trueup history kustomize-edge # what happened, and by whose hand
  bin/trueup sync kustomize-edge    # have one synced now
  cd %s  # edit, git commit: the agent follows in 2 s
  tail -f %s

  make demo-clean                   # stop everything and remove it
`, time.Since(d.began).Round(time.Second), d.kubeconfig("hub"), d.server(), d.path("config"), d.path("agent.log"))
	return nil
}

// command runs a program that talks to the screen.
func (d demo) command(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "KUBECONFIG="+d.kubeconfig("hub"), "USER=demo", "TRUEUP_SERVER="+d.server())
	return cmd.Run()
}

// trueup shows a command line and runs it. Drift is not a failure here.
func (d demo) trueup(ctx context.Context, args ...string) error {
	fmt.Fprintf(os.Stdout, "$ trueup %s\n", strings.Join(args, " "))
	err := d.command(ctx, "bin/trueup", args...)
	var exit *exec.ExitError
	const drift = 3
	if errors.As(err, &exit) && exit.ExitCode() == drift {
		return nil
	}
	return err
}

// server is the address of the agent's API; empty before there is an agent.
func (d demo) server() string {
	address, err := os.ReadFile(d.path("server"))
	if err != nil {
		return ""
	}
	return string(address)
}

// freeAddress finds a port that nobody listens on now.
func freeAddress(ctx context.Context) (string, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port for the agent: %w", err)
	}
	return l.Addr().String(), l.Close()
}

func (d demo) clusters(ctx context.Context) error {
	return d.command(ctx, "bin/devcluster", "up", "--dir", d.path("clusters"), "--clusters", "hub,edge")
}

func (d demo) git(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = d.path("config")
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=Ana", "GIT_AUTHOR_EMAIL=ana@example.com", "GIT_COMMITTER_NAME=Ana", "GIT_COMMITTER_EMAIL=ana@example.com")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("git %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

func (d demo) repository(ctx context.Context) error {
	if err := os.CopyFS(d.path("config"), os.DirFS("examples/config")); err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, "repository:", d.path("config"))
	return errors.Join(d.git(ctx, "init", "-q", "-b", "main"), d.git(ctx, "add", "-A"), d.git(ctx, "commit", "-q", "-m", "Start"))
}

func (d demo) agent(ctx context.Context) error {
	log, err := os.Create(d.path("agent.log"))
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the agent writes to its own copy
	k, err := connect(d.kubeconfig("hub"))
	if err != nil {
		return err
	}
	if err := k.namespace(ctx, "trueup"); err != nil {
		return err
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	if err := os.WriteFile(d.path("server"), []byte("http://"+address), 0o600); err != nil {
		return err
	}
	cmd := exec.Command("bin/trueup", "agent", "--install-crds", "--allow-file-repositories", "--poll", "2s", //nolint:noctx // it stays
		"--data", d.path("data"), "--api-address", address, "--health-address", "0", "--metrics-address", "0", "--kubeconfig", d.kubeconfig("hub"))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the agent: %w", err)
	}
	if err := os.WriteFile(d.path("agent.pid"), []byte(strconv.Itoa(cmd.Process.Pid)), 0o600); err != nil {
		return err
	}
	if err := d.trueup(ctx, "cluster", "add", "edge", "--from", d.kubeconfig("edge")); err != nil {
		return err
	}
	return k.apply(ctx, "examples/demo/applicationset.yaml", "file:///path/to/config", "file://"+d.path("config"))
}

func (d demo) healthy(ctx context.Context) error {
	k, err := connect(d.kubeconfig("hub"))
	if err != nil {
		return err
	}
	const applications = 6
	if err := k.awaitReady(ctx, applications, ""); err != nil {
		return err
	}
	return d.trueup(ctx, "get")
}

func (d demo) edit(ctx context.Context) error {
	k, err := connect(d.kubeconfig("edge"))
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, "(Deployment web gets another image and two more replicas)")
	if err := k.edit(ctx); err != nil {
		return err
	}
	hub, err := connect(d.kubeconfig("hub"))
	if err != nil {
		return err
	}
	if err := hub.awaitDrift(ctx, "kustomize-edge"); err != nil {
		return err
	}
	return errors.Join(d.trueup(ctx, "drift"), d.trueup(ctx, "drift", "kustomize-edge"))
}

func (d demo) sync(ctx context.Context) error {
	return errors.Join(d.trueup(ctx, "sync", "kustomize-edge"), d.trueup(ctx, "drift", "kustomize-edge"))
}

func (d demo) commit(ctx context.Context) error {
	if err := d.change("web:1.4", "web:1.5", "config", "kustomize", "base", "deployment.yaml"); err != nil {
		return err
	}
	if err := d.git(ctx, "commit", "-q", "-am", "Release web 1.5"); err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, "committed: Release web 1.5")
	k, err := connect(d.kubeconfig("hub"))
	if err != nil {
		return err
	}
	// The other four read nothing that it changed: they are not even looked at.
	const touched = 2
	if err := k.awaitReady(ctx, touched, d.head(ctx)); err != nil {
		return err
	}
	if err := d.trueup(ctx, "get"); err != nil {
		return err
	}
	return d.trueup(ctx, "history", "kustomize-edge")
}

// change replaces text in a file of the demo's.
func (d demo) change(from, to string, path ...string) error {
	file := d.path(path...)
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	changed := strings.Replace(string(data), from, to, 1)
	if changed == string(data) {
		return fmt.Errorf("%s does not hold %s", file, from)
	}
	return os.WriteFile(file, []byte(changed), 0o600)
}

// preview asks what a branch would do that nobody merged yet.
func (d demo) preview(ctx context.Context) error {
	k, err := connect(d.kubeconfig("edge"))
	if err != nil {
		return err
	}
	const replicas = 5
	if err := k.scale(ctx, replicas); err != nil {
		return err
	}
	hub, err := connect(d.kubeconfig("hub"))
	if err != nil {
		return err
	}
	if err := hub.awaitDrift(ctx, "kustomize-edge"); err != nil {
		return err
	}
	fmt.Fprintf(os.Stdout, "(Deployment web of the edge cluster gets %d replicas; the branch scale wants 3)\n", replicas)
	// The agent follows HEAD of the repository, so the branch is made beside it.
	if err := d.git(ctx, "worktree", "add", "-q", "-b", "scale", d.path("branch")); err != nil {
		return err
	}
	if err := d.change("count: 2", "count: 3", "branch", "kustomize", "overlays", "eu", "kustomization.yaml"); err != nil {
		return err
	}
	if err := d.git(ctx, "-C", d.path("branch"), "commit", "-q", "-am", "Scale web to 3"); err != nil {
		return err
	}
	return d.trueup(ctx, "preview", "--repo", ".demo/config", "--base", "main", "--head", "scale", "--apps", "cluster", "--live")
}

func (d demo) head(ctx context.Context) string {
	cmd := exec.CommandContext(ctx, "git", "rev-parse", "HEAD")
	cmd.Dir = d.path("config")
	out, err := cmd.Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// clean stops what an earlier demo left running and removes it.
func (d demo) clean(ctx context.Context) error {
	if data, err := os.ReadFile(d.path("agent.pid")); err == nil {
		stopAgent(strings.TrimSpace(string(data)))
	}
	if _, err := os.Stat(d.path("clusters")); err == nil {
		if err := d.command(ctx, "bin/devcluster", "down", "--dir", d.path("clusters"), "--purge"); err != nil {
			return err
		}
	}
	return os.RemoveAll(d.dir)
}

// stopAgent ends the process if it still is our agent.
func stopAgent(pid string) {
	line, err := os.ReadFile("/proc/" + pid + "/cmdline")
	n, convErr := strconv.Atoi(pid)
	if err != nil || convErr != nil || !strings.Contains(string(line), "trueup\x00agent") {
		return
	}
	_ = syscall.Kill(n, syscall.SIGTERM) // it may be gone by now
}
