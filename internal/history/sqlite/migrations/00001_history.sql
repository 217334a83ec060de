-- +goose Up
CREATE TABLE runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  app TEXT NOT NULL,
  repo TEXT NOT NULL,
  revision TEXT NOT NULL,
  subject TEXT NOT NULL,
  author TEXT NOT NULL,
  started INTEGER NOT NULL, -- milliseconds since 1970, as all times here
  finished INTEGER NOT NULL,
  phase TEXT NOT NULL,
  message TEXT NOT NULL,
  reason TEXT NOT NULL,
  initiator TEXT NOT NULL,
  automated INTEGER NOT NULL,
  dry_run INTEGER NOT NULL,
  changes TEXT NOT NULL -- JSON: a list of history.Change
);
CREATE INDEX runs_app ON runs (app, id);
CREATE INDEX runs_finished ON runs (finished);

CREATE TABLE drifts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  app TEXT NOT NULL,
  at INTEGER NOT NULL,
  api_group TEXT NOT NULL,
  kind TEXT NOT NULL,
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  state TEXT NOT NULL,
  path TEXT NOT NULL,
  desired TEXT NOT NULL,
  live TEXT NOT NULL,
  manager TEXT NOT NULL,
  operation TEXT NOT NULL,
  since INTEGER,
  cleared INTEGER NOT NULL
);
CREATE INDEX drifts_app ON drifts (app, id);
CREATE INDEX drifts_at ON drifts (at);

-- +goose Down
DROP TABLE drifts;
DROP TABLE runs;
