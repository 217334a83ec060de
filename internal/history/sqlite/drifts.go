package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/trueup-dev/trueup/internal/history"
)

// AddDrift implements history.Store.
func (s *Store) AddDrift(ctx context.Context, drifts []history.Drift) error {
	if len(drifts) == 0 {
		return nil
	}
	if err := s.addDrift(ctx, drifts); err != nil {
		return fmt.Errorf("remember drift of %s: %w", drifts[0].App, err)
	}
	return nil
}

func (s *Store) addDrift(ctx context.Context, drifts []history.Drift) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for _, d := range drifts {
		if _, err := tx.ExecContext(ctx, `INSERT INTO drifts
			(app, at, api_group, kind, namespace, name, state, path, desired, live, manager, operation, since, cleared, moment, how, by_whom, found,
			subresource, audit, trace)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			d.App, d.At.UnixMilli(), d.Group, d.Kind, d.Namespace, d.Name, d.State, d.Path, d.Desired, d.Live, d.Manager, d.Operation, milli(d.Since), d.Cleared,
			d.Moment, d.How, d.By, milli(d.FoundAt), d.Subresource, jsonOf(d.Audit, len(d.Audit) > 0), jsonOf(d.Trace, d.Trace != nil),
		); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}

func milli(at *time.Time) any {
	if at == nil {
		return nil
	}
	return at.UnixMilli()
}

func moment(n sql.NullInt64) *time.Time {
	if !n.Valid {
		return nil
	}
	return new(time.UnixMilli(n.Int64).UTC())
}

// jsonOf is a value as JSON; empty where there is none.
func jsonOf(v any, there bool) string {
	if !there {
		return ""
	}
	data, err := json.Marshal(v)
	if err != nil {
		return "" // plain values always marshal
	}
	return string(data)
}

func fromJSON(text string, into any) error {
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), into)
}

// Drifts implements history.Reader.
func (s *Store) Drifts(ctx context.Context, q history.Query) ([]history.Drift, error) {
	where, args := picked(q)
	rows, err := s.db.QueryContext(ctx, `SELECT id, app, at, api_group, kind, namespace, name, state, path, desired, live, manager, operation, since, cleared,
		moment, how, by_whom, found, subresource, audit, trace FROM drifts WHERE `+where+` ORDER BY id DESC LIMIT ?`, append(args, q.Bounded())...) //nolint:gosec // conditions are constants
	out, err := all(rows, err, func(rows *sql.Rows) (d history.Drift, err error) {
		var at int64
		var since, found sql.NullInt64
		var actors, trace string
		err = rows.Scan(&d.ID, &d.App, &at, &d.Group, &d.Kind, &d.Namespace, &d.Name, &d.State, &d.Path, &d.Desired, &d.Live, &d.Manager, &d.Operation,
			&since, &d.Cleared, &d.Moment, &d.How, &d.By, &found, &d.Subresource, &actors, &trace)
		d.At, d.Since, d.FoundAt = time.UnixMilli(at).UTC(), moment(since), moment(found)
		return d, errors.Join(err, fromJSON(actors, &d.Audit), fromJSON(trace, &d.Trace))
	})
	if err != nil {
		return nil, fmt.Errorf("list the drift of %s: %w", q.App, err)
	}
	return out, nil
}

// picked is the condition of a query.
func picked(q history.Query) (where string, args []any) {
	before := q.Before
	if before <= 0 {
		before = math.MaxInt64
	}
	conditions := []string{"id < ?"}
	args = []any{before}
	add := func(condition string, values ...any) {
		conditions, args = append(conditions, condition), append(args, values...)
	}
	if prefix, every := strings.CutSuffix(q.App, "/*"); every {
		prefix += "/"
		add("substr(app, 1, ?) = ?", len([]rune(prefix)), prefix)
	} else {
		add("app = ?", q.App)
	}
	if q.Kind != "" {
		add("lower(kind) = lower(?)", q.Kind)
	}
	if q.Name != "" {
		add("name = ?", q.Name)
	}
	if q.Path != "" {
		n := len([]rune(q.Path)) + 1
		add("(path = ? OR substr(path, 1, ?) IN (?, ?))", q.Path, n, q.Path+".", q.Path+"[")
	}
	if q.Manager != "" {
		add("manager = ?", q.Manager)
	}
	if q.User != "" {
		add("audit <> '' AND EXISTS (SELECT 1 FROM json_each(audit) WHERE json_extract(value, '$.user') = ?)", q.User)
	}
	if !q.Since.IsZero() {
		add("at >= ?", q.Since.UnixMilli())
	}
	return strings.Join(conditions, " AND "), args
}
