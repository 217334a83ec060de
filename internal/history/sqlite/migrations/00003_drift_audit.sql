-- +goose Up
ALTER TABLE drifts ADD COLUMN subresource TEXT NOT NULL DEFAULT '';
ALTER TABLE drifts ADD COLUMN audit TEXT NOT NULL DEFAULT ''; -- JSON: a list of audit.Actor
ALTER TABLE drifts ADD COLUMN trace TEXT NOT NULL DEFAULT ''; -- JSON: ownership.Trace

-- +goose Down
ALTER TABLE drifts DROP COLUMN trace;
ALTER TABLE drifts DROP COLUMN audit;
ALTER TABLE drifts DROP COLUMN subresource;
