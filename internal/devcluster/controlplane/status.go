package controlplane

import (
	"context"
	"fmt"
	"time"
)

// Row is what Status tells of one component.
type Row struct {
	Cluster, Component string
	PID, Port          int
	Resident           int64 // bytes
	Ready              bool
	Problem            string // why it is not ready
}

// Status describes every component that was started and not stopped.
func (f Fleet) Status(ctx context.Context) ([]Row, error) {
	if !f.ours() {
		return nil, nil
	}
	names, err := f.names()
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, name := range names {
		l := f.layout(name)
		records, err := l.recall()
		if err != nil {
			return nil, fmt.Errorf("cluster %s: %w", name, err)
		}
		for _, r := range records {
			row := Row{Cluster: name, Component: r.Component, PID: r.PID, Port: r.Port}
			if !r.alive() {
				row.Problem = "not running; " + lastLines(l.log(r.Component))
			} else if err := l.health(ctx, r); err != nil {
				row.Problem = err.Error()
			}
			row.Ready = row.Problem == ""
			if row.Ready || r.alive() {
				row.Resident = resident(r.PID)
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// Watch returns nil when ctx ends, and an error as soon as a component of the
// fleet is gone.
func (f Fleet) Watch(ctx context.Context) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		names, err := f.names()
		if err != nil {
			return err
		}
		for _, name := range names {
			l := f.layout(name)
			records, err := l.recall()
			if err != nil {
				return err
			}
			for _, r := range records {
				if !r.alive() {
					return fmt.Errorf("cluster %s: %s ended; %s", name, r.Component, lastLines(l.log(r.Component)))
				}
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}
