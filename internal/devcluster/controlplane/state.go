package controlplane

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"
)

// grace is how long a component may take to end by itself.
const grace = 5 * time.Second

// remember stores which processes run.
func (l layout) remember(records []record) error {
	data, err := json.MarshalIndent(records, "", "  ")
	if err != nil {
		return err
	}
	temp := l.path("pids.tmp")
	if err := os.WriteFile(temp, append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("record the started processes: %w", err)
	}
	if err := os.Rename(temp, l.path("pids")); err != nil {
		return fmt.Errorf("record the started processes: %w", err)
	}
	return nil
}

// recall returns the processes that were started last, whether or not they
// still run.
func (l layout) recall() ([]record, error) {
	data, err := os.ReadFile(l.path("pids"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the started processes: %w", err)
	}
	var records []record
	if err := json.Unmarshal(data, &records); err != nil {
		return nil, fmt.Errorf("read the started processes from %s: %w", l.path("pids"), err)
	}
	return records, nil
}

// wipe removes everything but the logs.
func (l layout) wipe() error {
	var errs []error
	for _, name := range []string{"kubeconfig", "audit.json", "pids", "pids.tmp", "etcd", "pki", "tmp"} {
		errs = append(errs, os.RemoveAll(l.path(name)))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("remove the data of the last start: %w", err)
	}
	return nil
}

// stopAll ends processes, the last started first: so none misses the one it
// depends on for long.
func stopAll(ctx context.Context, records []record) error {
	var errs []error
	for _, r := range slices.Backward(records) {
		errs = append(errs, r.stop(ctx, grace))
	}
	return errors.Join(errs...)
}
