package controlplane

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// binaries builds what is missing; the first run on a machine takes as long as
// compiling Kubernetes.
func binaries(t *testing.T) func(context.Context) (string, error) {
	t.Helper()
	cache, err := CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return Builder{Source: "..", Cache: cache, Progress: os.Stderr}.Binaries
}

// TestTwoClusters runs the life of a fleet on real programs.
func TestTwoClusters(t *testing.T) {
	t.Parallel()
	f := newFleet(t, filepath.Join(t.TempDir(), "clusters"))
	both := Start{Names: []string{"hub", "edge"}, Binaries: binaries(t), Timeout: 5 * time.Minute}
	t.Cleanup(func() { // t.Context is over by now
		if err := f.Down(context.Background()); err != nil {
			t.Error(err)
		}
	})
	clusters, err := f.Up(t.Context(), both)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range clusters {
		admin, anonymous := connect(t, c)
		deploy(t, admin)
		refuseStrangers(t, admin, anonymous)
	}
	rows, err := f.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := 2 * len(Components()); len(rows) != want {
		t.Fatalf("status has %d rows, want %d", len(rows), want)
	}
	for _, r := range rows {
		if !r.Ready || r.Resident == 0 {
			t.Errorf("%s/%s: %+v", r.Cluster, r.Component, r)
		}
	}
	running := Start{Names: both.Names, Binaries: refused, Timeout: time.Minute}
	again, err := f.Up(t.Context(), running)
	if err != nil || again[0] != clusters[0] || again[1] != clusters[1] {
		t.Errorf("up of running clusters: %v, %v; want %v", again, err, clusters)
	}

	recoverFromCrash(t, f, both)

	records := append(recalled(t, f, "hub"), recalled(t, f, "edge")...)
	if err := f.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if r.alive() {
			t.Errorf("%s (pid %d) still runs", r.Component, r.PID)
		}
	}
	if _, err := os.Stat(f.layout("hub").path("etcd")); !os.IsNotExist(err) {
		t.Errorf("the data is still there: %v", err)
	}
	if _, err := os.Stat(f.layout("hub").log(apiserver)); err != nil {
		t.Errorf("the log is gone: %v", err)
	}
}

// recoverFromCrash kills a component: the next start makes that cluster anew,
// and leaves the other one alone.
func recoverFromCrash(t *testing.T, f Fleet, both Start) {
	t.Helper()
	before := recalled(t, f, "hub")
	edge := recalled(t, f, "edge")
	if err := syscall.Kill(before[1].PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := f.Watch(t.Context()); err == nil {
		t.Error("nobody noticed that kube-apiserver is gone")
	}
	clusters, err := f.Up(t.Context(), both)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range before {
		if r.alive() {
			t.Errorf("%s of the crashed cluster still runs", r.Component)
		}
		if recalled(t, f, "edge")[i] != edge[i] {
			t.Error("the other cluster was started again")
		}
	}
	admin, _ := connect(t, clusters[0])
	if err := admin.do(t.Context(), http.MethodGet, deployments+"/web", nil, nil); statusOf(err) != http.StatusNotFound {
		t.Errorf("the new cluster remembers the old one's objects: %v", err)
	}
}

func recalled(t *testing.T, f Fleet, name string) []record {
	t.Helper()
	records, err := f.layout(name).recall()
	if err != nil || len(records) != len(Components()) {
		t.Fatalf("%d processes recorded: %v", len(records), err)
	}
	return records
}

func connect(t *testing.T, c Cluster) (admin, anonymous *client) {
	t.Helper()
	data, err := os.ReadFile(c.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	server, ca, user := readKubeconfig(t, data)
	if server != c.Server {
		t.Errorf("the kubeconfig of %s speaks to %s, want %s", c.Name, server, c.Server)
	}
	if admin, err = newClient(server, ca, user); err != nil {
		t.Fatal(err)
	}
	if anonymous, err = newClient(server, ca, pair{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { admin.close(); anonymous.close() })
	return admin, anonymous
}

const deployments = "/apis/apps/v1/namespaces/default/deployments"

// deploy needs every component: the API server stores, the controller-manager
// makes pods, the scheduler places them, KWOK runs them.
func deploy(t *testing.T, admin *client) {
	t.Helper()
	labels := map[string]any{"app": "web"}
	err := admin.do(t.Context(), http.MethodPost, deployments, map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "web"},
		"spec": map[string]any{
			"replicas": 3, "selector": map[string]any{"matchLabels": labels},
			"template": map[string]any{
				"metadata": map[string]any{"labels": labels},
				"spec":     map[string]any{"containers": []any{map[string]any{"name": "web", "image": "example.com/web:1"}}},
			},
		},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func(ctx context.Context) error {
		var d struct {
			Status struct{ AvailableReplicas int }
		}
		if err := admin.do(ctx, http.MethodGet, deployments+"/web", nil, &d); err != nil {
			return err
		}
		if d.Status.AvailableReplicas != 3 {
			return fmt.Errorf("%d replicas are available, want 3", d.Status.AvailableReplicas)
		}
		return nil
	})
}

// refuseStrangers checks that access is granted by RBAC alone, and that tokens
// of service accounts are known.
func refuseStrangers(t *testing.T, admin, anonymous *client) {
	t.Helper()
	const pods = "/api/v1/namespaces/default/pods"
	if err := anonymous.do(t.Context(), http.MethodGet, pods, nil, nil); statusOf(err) != http.StatusForbidden {
		t.Errorf("an anonymous request for pods: %v, want 403", err)
	}
	var token struct{ Status struct{ Token string } }
	err := admin.do(t.Context(), http.MethodPost, "/api/v1/namespaces/default/serviceaccounts/default/token",
		map[string]any{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": map[string]any{}}, &token)
	if err != nil {
		t.Fatal(err)
	}
	var review struct {
		Status struct {
			Authenticated bool
			User          struct{ Username string }
		}
	}
	err = admin.do(t.Context(), http.MethodPost, "/apis/authentication.k8s.io/v1/tokenreviews",
		map[string]any{
			"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
			"spec": map[string]any{"token": token.Status.Token},
		}, &review)
	if err != nil {
		t.Fatal(err)
	}
	if want := "system:serviceaccount:default:default"; review.Status.User.Username != want {
		t.Errorf("the token of the service account is %+v, want %s", review.Status, want)
	}
}

func eventually(t *testing.T, condition func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for {
		err := condition(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal(err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
