-- Results take a third of the work to write.
-- * The measurements of a delivery are numbered after it: the k-th has the identifier that lies k above the delivery's own, so
--   that neither the identifier nor an index of it is kept. Measurements from before, and those that come without a delivery
--   (corrections by hand, rows out of quarantine), have theirs beside them.
-- * The references of runs and measurements are no longer probed at every row: what they name is looked up or written in the
--   same transaction, is never deleted (triggers), and `kasetsu check` and every backup's restore look at all of them.
-- * Replicates are found by catalyst, property and conditions, however many measurements a catalyst has.
-- * A row is known again by its content only if it has a name (run, and channel or sequence): only then is either kept in an
--   index.
-- Runs with foreign keys off, as migrations do: two tables are made anew.

ALTER TABLE ingests ADD COLUMN first_measurement INTEGER NOT NULL DEFAULT 0 CHECK (first_measurement >= 0);
ALTER TABLE ingests ADD COLUMN measurement_count INTEGER NOT NULL DEFAULT 0 CHECK (measurement_count >= 0);

CREATE TABLE new_runs (
  seq INTEGER PRIMARY KEY,
  ingest INTEGER NOT NULL,
  delivery_row INTEGER NOT NULL CHECK (delivery_row >= 0),
  campaign INTEGER NOT NULL,
  catalyst INTEGER NOT NULL,
  -- A list of words after IN would be made into a table at every row.
  kind TEXT NOT NULL CHECK (kind = 'catalyst' OR kind = 'support' OR kind = 'blank' OR kind = 'reference'),
  source TEXT NOT NULL,
  run TEXT NOT NULL,
  channel TEXT NOT NULL,
  sequence INTEGER,
  replicate INTEGER,
  sample TEXT NOT NULL,
  conditions TEXT NOT NULL,
  proposal TEXT NOT NULL,
  measured_at INTEGER,
  content BLOB CHECK (length(content) = 32)
) STRICT;
INSERT INTO new_runs (seq, ingest, delivery_row, campaign, catalyst, kind, source, run, channel, sequence, replicate, sample,
                      conditions, proposal, measured_at, content)
SELECT seq, ingest, delivery_row, campaign, catalyst, kind, source, run, channel, sequence, replicate, sample,
       conditions, proposal, measured_at, content FROM runs ORDER BY seq;

CREATE TABLE new_measurements (
  seq INTEGER PRIMARY KEY,
  id TEXT CHECK (length(id) = 26),
  campaign INTEGER NOT NULL,
  run INTEGER NOT NULL,
  catalyst INTEGER NOT NULL,
  property INTEGER NOT NULL,
  value REAL NOT NULL CHECK (value BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308),
  flags INTEGER NOT NULL CHECK (flags >= 0),
  supersedes INTEGER REFERENCES measurements (seq),
  -- Of the run's conditions, 0 for none: see conditions_hash in daemon/store/sqlite.h.
  conditions_hash INTEGER NOT NULL,
  received_at INTEGER NOT NULL
) STRICT;
INSERT INTO new_measurements (seq, id, campaign, run, catalyst, property, value, flags, supersedes, conditions_hash, received_at)
SELECT m.seq, m.id, m.campaign, m.run, m.catalyst, m.property, m.value, m.flags, m.supersedes, conditions_hash(r.conditions),
       m.received_at FROM measurements m CROSS JOIN runs r ON r.seq = m.run ORDER BY m.seq;

DROP TABLE measurements;
DROP TABLE runs;
ALTER TABLE new_runs RENAME TO runs;
ALTER TABLE new_measurements RENAME TO measurements;

CREATE INDEX runs_by_name ON runs (campaign, source, run, channel, sequence, replicate)
WHERE run <> '' AND (channel <> '' OR sequence IS NOT NULL);
CREATE INDEX runs_by_proposal ON runs (proposal) WHERE proposal <> '';
CREATE UNIQUE INDEX measurements_by_id ON measurements (id) WHERE id IS NOT NULL;
CREATE INDEX measurements_by_run ON measurements (run);
CREATE INDEX measurements_by_campaign ON measurements (campaign);
CREATE INDEX measurements_by_catalyst ON measurements (catalyst, campaign, property, conditions_hash);
-- A measurement is superseded once; the chain goes on from the newer one.
CREATE UNIQUE INDEX measurements_by_superseded ON measurements (supersedes) WHERE supersedes IS NOT NULL;

CREATE TRIGGER runs_kept BEFORE UPDATE ON runs
BEGIN SELECT RAISE(ABORT, 'runs are never changed'); END;
CREATE TRIGGER runs_stay BEFORE DELETE ON runs
BEGIN SELECT RAISE(ABORT, 'runs are never deleted'); END;
CREATE TRIGGER measurements_kept BEFORE UPDATE ON measurements
BEGIN SELECT RAISE(ABORT, 'measurements are never changed'); END;
CREATE TRIGGER measurements_stay BEFORE DELETE ON measurements
BEGIN SELECT RAISE(ABORT, 'measurements are never deleted'); END;
