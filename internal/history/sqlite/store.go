package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver

	"github.com/trueup-dev/trueup/internal/history"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is a history.Store in a file.
type Store struct{ db *sql.DB }

var _ history.Store = (*Store)(nil)

// Open opens the file, makes it and its folder where they are not there, and
// brings its tables up to date. The folder is the owner's alone: drift shows
// what is in manifests.
func Open(ctx context.Context, path string) (*Store, error) {
	store, err := open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open the history in %s: %w", path, err)
	}
	return store, nil
}

func open(ctx context.Context, path string) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	// WAL lets readers and the writer go on side by side, and asks for no
	// fsync per transaction: a power cut may lose the last entries, and
	// nothing else.
	options := url.Values{"_pragma": {"journal_mode(WAL)", "synchronous(NORMAL)", "busy_timeout(5000)"}, "_txlock": {"immediate"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: options.Encode()}).String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(2)
	if err := migrate(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &Store{db: db}, nil
}

func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

// Close closes the file.
func (s *Store) Close() error { return s.db.Close() }

// AddRun implements history.Store.
func (s *Store) AddRun(ctx context.Context, r history.Run) error {
	if r.Changes == nil {
		r.Changes = []history.Change{}
	}
	changes, err := json.Marshal(r.Changes)
	if err != nil {
		return fmt.Errorf("remember a sync of %s: %w", r.App, err)
	}
	_, err = s.db.ExecContext(ctx, `INSERT INTO runs
		(app, repo, revision, subject, author, started, finished, phase, message, reason, initiator, automated, dry_run, changes)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		r.App, r.Repo, r.Revision, r.Subject, r.Author, r.Started.UnixMilli(), r.Finished.UnixMilli(), r.Phase, r.Message, r.Reason,
		r.Initiator, r.Automated, r.DryRun, string(changes))
	if err != nil {
		return fmt.Errorf("remember a sync of %s: %w", r.App, err)
	}
	return nil
}

// Runs implements history.Reader.
func (s *Store) Runs(ctx context.Context, q history.Query) ([]history.Run, error) {
	out, err := list(ctx, s.db, q, `SELECT id, app, repo, revision, subject, author, started, finished, phase, message, reason, initiator, automated, dry_run, changes
		FROM runs WHERE app = ? AND id < ? ORDER BY id DESC LIMIT ?`, func(rows *sql.Rows) (r history.Run, err error) {
		var started, finished int64
		var changes []byte
		err = rows.Scan(&r.ID, &r.App, &r.Repo, &r.Revision, &r.Subject, &r.Author, &started, &finished, &r.Phase, &r.Message, &r.Reason,
			&r.Initiator, &r.Automated, &r.DryRun, &changes)
		r.Started, r.Finished = time.UnixMilli(started).UTC(), time.UnixMilli(finished).UTC()
		if err == nil {
			err = json.Unmarshal(changes, &r.Changes)
		}
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("list the syncs of %s: %w", q.App, err)
	}
	return out, nil
}

func list[T any](ctx context.Context, db *sql.DB, q history.Query, query string, scan func(*sql.Rows) (T, error)) ([]T, error) {
	before := q.Before
	if before <= 0 {
		before = math.MaxInt64
	}
	rows, err := db.QueryContext(ctx, query, q.App, before, q.Bounded())
	return all(rows, err, scan)
}

// all reads the rows that a query gave, unless it failed.
func all[T any](rows *sql.Rows, err error, scan func(*sql.Rows) (T, error)) (_ []T, failure error) {
	if err != nil {
		return nil, err
	}
	defer func() { failure = errors.Join(failure, rows.Close()) }()
	out := []T{}
	for rows.Next() {
		entry, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, entry)
	}
	return out, rows.Err()
}

// Trim implements history.Store.
func (s *Store) Trim(ctx context.Context, before time.Time) error {
	_, first := s.db.ExecContext(ctx, `DELETE FROM runs WHERE finished < ?`, before.UnixMilli())
	_, second := s.db.ExecContext(ctx, `DELETE FROM drifts WHERE at < ?`, before.UnixMilli())
	if err := errors.Join(first, second); err != nil {
		return fmt.Errorf("forget what happened before %s: %w", before.UTC().Format(time.DateOnly), err)
	}
	return nil
}
