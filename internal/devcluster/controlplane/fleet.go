package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"
)

// Fleet are the clusters below one folder.
type Fleet struct {
	Dir      string // absolute
	Progress io.Writer
	Now      func() time.Time
}

// marker is the file that makes a folder ours. It is the lock as well.
const marker = "devcluster.lock"

var clusterName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$`)

func (f Fleet) layout(name string) layout { return layout{filepath.Join(f.Dir, name)} }

// open locks the folder, after making it ours.
func (f Fleet) open(ctx context.Context) (unlock func(), err error) {
	if err := os.MkdirAll(f.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the folder of the clusters: %w", err)
	}
	if !f.ours() {
		entries, err := os.ReadDir(f.Dir)
		if err != nil {
			return nil, fmt.Errorf("open the folder of the clusters: %w", err)
		}
		if len(entries) > 0 {
			return nil, fmt.Errorf("%s holds other things: give clusters a folder of their own", f.Dir)
		}
	}
	return lock(ctx, filepath.Join(f.Dir, marker), func() {
		fmt.Fprintf(f.Progress, "another command works on %s; waiting for it\n", f.Dir)
	})
}

func (f Fleet) ours() bool {
	_, err := os.Stat(filepath.Join(f.Dir, marker))
	return err == nil
}

// Start says what Up is to start.
type Start struct {
	Names []string
	// Binaries returns the folder of the programs. It is asked only when
	// something must be started.
	Binaries func(context.Context) (string, error)
	// Audit has the clusters that are started tell of the requests to them.
	Audit bool
	// Timeout bounds the start, without the time that Binaries takes.
	Timeout time.Duration
}

// Up starts the named clusters, or finds them running, and waits until they
// are ready.
func (f Fleet) Up(ctx context.Context, s Start) ([]Cluster, error) {
	for _, name := range s.Names {
		if !clusterName.MatchString(name) {
			return nil, fmt.Errorf("%q is no name for a cluster: use lower-case letters, digits and dashes, at most 32", name)
		}
	}
	unlock, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()

	clusters, missing, err := f.split(ctx, s.Names)
	if err != nil || len(missing) == 0 {
		return clusters, err
	}
	bin, err := s.Binaries(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	errs := make([]error, len(s.Names))
	var group sync.WaitGroup
	for _, i := range missing {
		group.Go(func() { clusters[i], errs[i] = f.startCluster(ctx, s.Names[i], bin, s.Audit) })
	}
	group.Wait()
	return clusters, errors.Join(errs...)
}

// split tells the clusters that run from those to be started, and ends what is
// left of the latter.
func (f Fleet) split(ctx context.Context, names []string) (clusters []Cluster, missing []int, err error) {
	clusters = make([]Cluster, len(names))
	for i, name := range names {
		l := f.layout(name)
		records, err := l.recall()
		if err != nil {
			return nil, nil, err
		}
		if c, ok := l.serving(ctx, records); ok {
			c.Name = name
			clusters[i] = c
			fmt.Fprintf(f.Progress, "%s: already running\n", name)
			continue
		}
		if err := stopAll(ctx, records); err != nil {
			return nil, nil, fmt.Errorf("stop what is left of cluster %s: %w", name, err)
		}
		missing = append(missing, i)
	}
	return clusters, missing, nil
}

// serving reports whether every component runs and the API server answers.
func (l layout) serving(ctx context.Context, records []record) (Cluster, bool) {
	if len(records) != len(Components()) {
		return Cluster{}, false
	}
	for _, r := range records {
		if !r.alive() || r.Component == apiserver && l.health(ctx, r) != nil {
			return Cluster{}, false
		}
	}
	if _, err := os.Stat(l.kubeconfig("admin")); err != nil {
		return Cluster{}, false // it was not ready when its start was interrupted
	}
	return Cluster{Kubeconfig: l.kubeconfig("admin"), Server: url(records[1].Port)}, true
}

// health asks a running component how it is; one without a port is well as
// long as it runs.
func (l layout) health(ctx context.Context, r record) error {
	if r.Port == 0 {
		return nil
	}
	ca, err := os.ReadFile(l.pki("ca.crt"))
	if err != nil {
		return err
	}
	var user pair
	path := "/readyz"
	switch r.Component {
	case etcd:
		cert, certErr := os.ReadFile(l.pki("etcd-client.crt"))
		key, keyErr := os.ReadFile(l.pki("etcd-client.key"))
		if err := errors.Join(certErr, keyErr); err != nil {
			return err
		}
		user = pair{cert, key}
	case controllerManager:
		path = "/healthz" // it has no /readyz
	}
	c, err := newClient(url(r.Port), ca, user)
	if err != nil {
		return err
	}
	defer c.close()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return healthy(c, path)(ctx)
}

// Down stops every cluster and removes its data; the logs stay.
func (f Fleet) Down(ctx context.Context) error {
	if !f.ours() {
		return nil
	}
	unlock, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	names, err := f.names()
	if err != nil {
		return err
	}
	errs := make([]error, len(names))
	var group sync.WaitGroup
	for i, name := range names {
		group.Go(func() {
			if err := f.stopCluster(ctx, name); err != nil {
				errs[i] = fmt.Errorf("stop cluster %s: %w", name, err)
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

func (f Fleet) stopCluster(ctx context.Context, name string) error {
	l := f.layout(name)
	records, err := l.recall()
	if err != nil {
		return err
	}
	if err := stopAll(ctx, records); err != nil {
		return err
	}
	if len(records) > 0 {
		fmt.Fprintf(f.Progress, "%s: stopped; logs stay in %s\n", name, l.path("logs"))
	}
	return l.wipe()
}

// Purge removes the folder, after Down. It refuses a folder that is not ours.
func (f Fleet) Purge() error {
	if _, err := os.Stat(f.Dir); os.IsNotExist(err) {
		return nil
	}
	if !f.ours() {
		return fmt.Errorf("%s was not made by devcluster: not removing it", f.Dir)
	}
	return os.RemoveAll(f.Dir)
}

// names finds the clusters by their folders.
func (f Fleet) names() ([]string, error) {
	entries, err := os.ReadDir(f.Dir)
	if err != nil {
		return nil, fmt.Errorf("list the clusters: %w", err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && clusterName.MatchString(e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}
