package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Cluster is a control plane that runs.
type Cluster struct {
	Name       string `json:"name"`
	Kubeconfig string `json:"kubeconfig"` // the administrator's
	Server     string `json:"server"`
}

// start is one attempt to bring up one cluster.
type start struct {
	layout
	name     string
	binaries string
	ports    ports
	ids      identities
	audited  string // the log of audit events; empty where there are none
	running  []*process
	progress io.Writer
	began    time.Time
}

// startCluster makes a fresh cluster in dir. Between finding a free port and
// using it another program may take it; that is worth another attempt.
func (f Fleet) startCluster(ctx context.Context, name, binaries string, audit bool) (Cluster, error) {
	const attempts = 3
	for attempt := 1; ; attempt++ {
		s := &start{layout: f.layout(name), name: name, binaries: binaries, progress: f.Progress, began: time.Now()}
		err := s.up(ctx, f.Now(), audit)
		if err == nil {
			return Cluster{Name: name, Kubeconfig: s.kubeconfig("admin"), Server: url(s.ports.apiserver)}, nil
		}
		err = errors.Join(err, stopAll(context.WithoutCancel(ctx), s.records()))
		if attempt == attempts || ctx.Err() != nil || !strings.Contains(err.Error(), "address already in use") {
			return Cluster{}, fmt.Errorf("start cluster %s: %w", name, err)
		}
		fmt.Fprintf(f.Progress, "%s: a port was taken meanwhile; starting again with others\n", name)
	}
}

func (s *start) up(ctx context.Context, now time.Time, audit bool) error {
	if err := s.prepare(now); err != nil {
		return err
	}
	if audit {
		if err := s.audit(); err != nil {
			return err
		}
	}
	etcdClient, err := newClient(url(s.ports.etcd), s.ids["ca"].cert, s.ids["etcd-client"])
	if err != nil {
		return err
	}
	defer etcdClient.close()
	admin, err := newClient(url(s.ports.apiserver), s.ids["ca"].cert, s.ids["admin"])
	if err != nil {
		return err
	}
	defer admin.close()

	if err := s.spawn(etcd); err != nil {
		return err
	}
	if err := s.wait(ctx, "etcd to answer", healthy(etcdClient, "/readyz")); err != nil {
		return err
	}
	if err := s.spawn(apiserver); err != nil {
		return err
	}
	if err := s.wait(ctx, "kube-apiserver to be ready", healthy(admin, "/readyz")); err != nil {
		return err
	}
	for _, component := range []string{controllerManager, scheduler, kwok} {
		if err := s.spawn(component); err != nil {
			return err
		}
	}
	return s.populate(ctx, admin)
}

// prepare makes the cluster's folder anew, except for its logs, which the
// processes overwrite.
func (s *start) prepare(now time.Time) error {
	if err := s.wipe(); err != nil {
		return err
	}
	for _, dir := range []string{s.path("etcd"), s.path("logs"), s.path("tmp")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make the folders of the cluster: %w", err)
		}
	}
	var err error
	if s.ids, err = newIdentities(now); err != nil {
		return err
	}
	if err := s.ids.write(s.path("pki")); err != nil {
		return err
	}
	if s.ports, err = newPorts(); err != nil {
		return err
	}
	for _, user := range []string{controllerManager, scheduler, kwok} {
		if err := writeKubeconfig(s.kubeconfig(user), s.userConfig(user)); err != nil {
			return err
		}
	}
	return os.WriteFile(s.pki("stages.yaml"), stages, 0o600)
}

func (s *start) userConfig(user string) []byte {
	return kubeconfig(s.name, user, url(s.ports.apiserver), s.ids)
}

// spawn starts a component and records it at once, so that it is found again
// whatever happens to us.
func (s *start) spawn(component string) error {
	p, err := spawn(filepath.Join(s.binaries, component), s.arguments(component), environment(s.layout), s.log(component))
	if err != nil {
		return err
	}
	p.Port = s.ports.of(component)
	s.running = append(s.running, p)
	return s.remember(s.records())
}

func (s *start) arguments(component string) []string {
	all := arguments(component, s.layout, s.ports)
	if component == apiserver && s.audited != "" {
		all = append(all, auditArguments(s.layout, s.audited)...)
	}
	return all
}

func (s *start) records() []record {
	records := make([]record, 0, len(s.running))
	for _, p := range s.running {
		records = append(records, p.record)
	}
	return records
}

// wait asks again until the condition holds, a component ends, or the time is
// over; then it says what was missing last.
func (s *start) wait(ctx context.Context, what string, condition func(context.Context) error) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		missing := condition(ctx)
		if missing == nil {
			return nil
		}
		for _, p := range s.running {
			select {
			case <-p.done:
				return p.ended()
			default:
			}
		}
		select {
		case <-ctx.Done():
			last := s.running[len(s.running)-1]
			return fmt.Errorf("wait %s for %s: %w: %w; %s", time.Since(s.began).Round(time.Second), what, context.Cause(ctx), missing, lastLines(last.log))
		case <-ticker.C:
		}
	}
}

// populate adds the node, and waits for what every user takes for granted.
func (s *start) populate(ctx context.Context, admin *client) error {
	err := s.wait(ctx, "the node to be created", func(ctx context.Context) error {
		err := admin.do(ctx, http.MethodPost, "/api/v1/nodes", node("node-0"), nil)
		if statusOf(err) == http.StatusConflict {
			return nil // an earlier request was answered too late
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := s.wait(ctx, "the node to be ready", nodeReady(admin, "node-0")); err != nil {
		return err
	}
	if err := s.wait(ctx, "the default service account", healthy(admin, "/api/v1/namespaces/default/serviceaccounts/default")); err != nil {
		return err
	}
	// The file tells waiting scripts that the cluster is ready.
	if err := writeKubeconfig(s.kubeconfig("admin"), s.userConfig("admin")); err != nil {
		return err
	}
	fmt.Fprintf(s.progress, "%s: ready after %s\n", s.name, time.Since(s.began).Round(100*time.Millisecond))
	return nil
}

// healthy holds when a GET is answered with 200.
func healthy(c *client, path string) func(context.Context) error {
	return func(ctx context.Context) error {
		return c.do(ctx, http.MethodGet, path, nil, nil)
	}
}

func node(name string) map[string]any {
	return map[string]any{
		"apiVersion": "v1", "kind": "Node",
		"metadata": map[string]any{
			"name": name,
			"labels": map[string]any{
				"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
				"type": "kwok",
			},
		},
	}
}

// nodeReady holds when pods can be scheduled to a node: it is Ready, and the
// taint that says otherwise is gone.
func nodeReady(c *client, name string) func(context.Context) error {
	return func(ctx context.Context) error {
		var node struct {
			Spec   struct{ Taints []struct{ Key string } }
			Status struct {
				Conditions []struct{ Type, Status string }
			}
		}
		if err := c.do(ctx, http.MethodGet, "/api/v1/nodes/"+name, nil, &node); err != nil {
			return err
		}
		if len(node.Spec.Taints) > 0 {
			return fmt.Errorf("node %s has the taint %s", name, node.Spec.Taints[0].Key)
		}
		for _, c := range node.Status.Conditions {
			if c.Type == "Ready" && c.Status == "True" {
				return nil
			}
		}
		return fmt.Errorf("node %s is not ready", name)
	}
}
