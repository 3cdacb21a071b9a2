-- The file can be read with the plain `sqlite3` program, and what brought little speed goes (docs/decisions/0005-store.md).
-- * Every measurement keeps its identifier. Those of a delivery were left out: they are numbered after it.
-- * An index finds the measurements of a campaign; the table of spans goes, and their number stands beside the campaign.
-- * One table says which measurements are not live.
-- * What is never changed carries a sum of its columns: a check finds what a disk changed (daemon/store/row_sums.h).
-- * An idempotency key belongs to the token that sent it.
-- Runs with foreign keys off, as migrations do: a table is made anew.

CREATE TABLE new_measurements (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL CHECK (length(id) = 26),
  campaign INTEGER NOT NULL,
  run INTEGER NOT NULL,
  catalyst INTEGER NOT NULL,
  property INTEGER NOT NULL,
  value REAL NOT NULL CHECK (value BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308),
  flags INTEGER NOT NULL CHECK (flags >= 0),
  supersedes INTEGER REFERENCES measurements (seq),
  received_at INTEGER NOT NULL,
  row_sum INTEGER NOT NULL
) STRICT;
INSERT INTO new_measurements (seq, id, campaign, run, catalyst, property, value, flags, supersedes, received_at,
                              row_sum)
SELECT *, sum_of(seq, id, campaign, run, catalyst, property, value, flags, supersedes, received_at) FROM
  (SELECT m.seq, coalesce(m.id, ulid_after(i.id, m.seq - i.first_measurement + 1)) AS id, m.campaign, m.run, m.catalyst, m.property,
          m.value, m.flags, m.supersedes, m.received_at
   FROM measurements m CROSS JOIN runs r ON r.seq = m.run CROSS JOIN ingests i ON i.seq = r.ingest ORDER BY m.seq);
DROP TABLE measurements;
ALTER TABLE new_measurements RENAME TO measurements;
CREATE UNIQUE INDEX measurements_by_id ON measurements (id);
CREATE INDEX measurements_by_run ON measurements (run);
CREATE INDEX measurements_by_campaign ON measurements (campaign);
-- A measurement is superseded once; the chain goes on from the newer one.
CREATE UNIQUE INDEX measurements_by_superseded ON measurements (supersedes) WHERE supersedes IS NOT NULL;
CREATE TRIGGER measurements_kept BEFORE UPDATE ON measurements
BEGIN SELECT RAISE(ABORT, 'measurements are never changed'); END;
CREATE TRIGGER measurements_stay BEFORE DELETE ON measurements
BEGIN SELECT RAISE(ABORT, 'measurements are never deleted'); END;

ALTER TABLE campaigns ADD COLUMN measurements INTEGER NOT NULL DEFAULT 0 CHECK (measurements >= 0);
UPDATE campaigns SET measurements = (SELECT count(*) FROM measurements m WHERE m.campaign = campaigns.key);
DROP TABLE campaign_spans;

-- Which measurements do not count, and why; all others are live. Triggers enter what is marked; the program enters what a
-- measurement supersedes, since a trigger on measurements would have every row written with a savepoint of its own.
CREATE TABLE not_live (
  measurement INTEGER NOT NULL,
  why TEXT NOT NULL CHECK (why IN ('superseded', 'retracted', 'excluded')),
  PRIMARY KEY (measurement, why)
) STRICT, WITHOUT ROWID;
INSERT INTO not_live (measurement, why)
SELECT supersedes, 'superseded' FROM measurements WHERE supersedes IS NOT NULL
UNION SELECT measurement, 'retracted' FROM marks WHERE kind = 'retract'
UNION SELECT measurement, 'excluded' FROM marks k WHERE kind = 'exclude' AND NOT EXISTS
  (SELECT 1 FROM marks l WHERE l.measurement = k.measurement AND l.kind = 'include' AND l.seq > k.seq);
CREATE TRIGGER marks_retract AFTER INSERT ON marks WHEN new.kind = 'retract'
BEGIN INSERT OR IGNORE INTO not_live VALUES (new.measurement, 'retracted'); END;
CREATE TRIGGER marks_exclude AFTER INSERT ON marks WHEN new.kind = 'exclude'
BEGIN INSERT OR IGNORE INTO not_live VALUES (new.measurement, 'excluded'); END;
CREATE TRIGGER marks_include AFTER INSERT ON marks WHEN new.kind = 'include'
BEGIN DELETE FROM not_live WHERE measurement = new.measurement AND why = 'excluded'; END;

ALTER TABLE runs ADD COLUMN row_sum INTEGER NOT NULL DEFAULT 0;
DROP TRIGGER runs_kept;
UPDATE runs SET row_sum = sum_of(seq, ingest, delivery_row, campaign, catalyst, kind, source, run, channel, sequence, replicate,
  sample, conditions, proposal, measured_at, content);
CREATE TRIGGER runs_kept BEFORE UPDATE ON runs
BEGIN SELECT RAISE(ABORT, 'runs are never changed'); END;
ALTER TABLE proposals ADD COLUMN row_sum INTEGER NOT NULL DEFAULT 0;
UPDATE proposals SET row_sum = sum_of(id, campaign, batch, batch_rank, strategy, catalyst, conditions, mean, low, high, novelty,
  reason, card, model, amended_from, created_at);
ALTER TABLE models ADD COLUMN row_sum INTEGER NOT NULL DEFAULT 0;
UPDATE models SET row_sum = sum_of(id, campaign, property, version, document, snapshot, row_count, config_version, seed,
  code_version, mae_cv, mae_nested, summary, seconds, job, created_at);
ALTER TABLE predictions ADD COLUMN row_sum INTEGER NOT NULL DEFAULT 0;
DROP TRIGGER predictions_kept;
UPDATE predictions SET row_sum = sum_of(campaign, catalyst, property, model, hypothesis, proposal, predicted, low, high,
  created_at);
CREATE TRIGGER predictions_kept BEFORE UPDATE ON predictions
BEGIN SELECT RAISE(ABORT, 'the ledger is never changed'); END;
ALTER TABLE prediction_errors ADD COLUMN row_sum INTEGER NOT NULL DEFAULT 0;
DROP TRIGGER prediction_errors_kept;
UPDATE prediction_errors SET row_sum = sum_of(prediction, measurement, observed, error, created_at);
CREATE TRIGGER prediction_errors_kept BEFORE UPDATE ON prediction_errors
BEGIN SELECT RAISE(ABORT, 'the ledger is never changed'); END;

DROP INDEX ingests_by_key;
CREATE UNIQUE INDEX ingests_by_key ON ingests (campaign, idempotency_key, actor) WHERE idempotency_key <> '';

-- For people and scripts that read the file with the plain `sqlite3` program: docs/database.md describes the columns.

CREATE VIEW campaigns_view AS
SELECT a.name AS campaign, a.state, a.reason, a.owner, a.version,
       (SELECT group_concat(p.name || CASE p.unit WHEN '' THEN '' ELSE ' (' || p.unit || ')' END, ', ')
        FROM properties p WHERE p.campaign = a.key AND p.known = 1 AND p.target = 1) AS targets,
       (SELECT count(*) FROM measurements m WHERE m.campaign = a.key
        AND m.seq NOT IN (SELECT measurement FROM not_live)) AS live_measurements,
       (SELECT count(*) FROM proposals o WHERE o.campaign = a.key
        AND o.state IN ('REQUESTED', 'ACTIVE', 'PARTIAL')) AS open_proposals,
       (SELECT count(*) FROM models d WHERE d.campaign = a.key) AS models,
       strftime('%Y-%m-%dT%H:%M:%fZ', a.created_at / 1e6, 'unixepoch') AS created_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', a.updated_at / 1e6, 'unixepoch') AS updated_at,
       v.text AS file
FROM campaigns a CROSS JOIN campaign_versions v ON v.campaign = a.key AND v.version = a.version;

CREATE VIEW measurements_view AS
SELECT m.seq AS number, m.id AS measurement, a.name AS campaign, c.description AS catalyst, c.canonical AS catalyst_key,
       p.name AS property, m.value, p.unit,
       coalesce((SELECT group_concat(t.key || ' = ' || t.value, ', ') FROM json_each(r.conditions) t), '') AS conditions,
       r.kind, b.id AS batch, nullif(r.proposal, '') AS proposal, r.source, r.run, r.channel, r.sequence, r.replicate, r.sample,
       strftime('%Y-%m-%dT%H:%M:%fZ', r.measured_at / 1e6, 'unixepoch') AS measured_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', m.received_at / 1e6, 'unixepoch') AS received_at,
       rtrim(CASE WHEN m.flags & 1 THEN 'out_of_range ' ELSE '' END || CASE WHEN m.flags & 2 THEN 'closed_proposal ' ELSE '' END
             || CASE WHEN m.flags & 4 THEN 'clock ' ELSE '' END || CASE WHEN m.flags & 8 THEN 'carbon_balance ' ELSE '' END
             || CASE WHEN m.flags & 16 THEN 'selectivity_sum ' ELSE '' END
             || CASE WHEN m.flags & 32 THEN 'low_conversion ' ELSE '' END
             || CASE WHEN m.flags & 64 THEN 'replicate_spread ' ELSE '' END
             || CASE WHEN m.flags & 128 THEN 'reference_drift ' ELSE '' END
             || CASE WHEN m.flags & 256 THEN 'isolated_max ' ELSE '' END
             || CASE WHEN m.flags & 512 THEN 'other_conditions ' ELSE '' END
             || CASE WHEN m.flags & 1024 THEN 'censored ' ELSE '' END) AS flags,
       coalesce((SELECT group_concat(n.why, ' ') FROM not_live n WHERE n.measurement = m.seq), 'live') AS status,
       (SELECT k.reason FROM marks k WHERE k.measurement = m.seq ORDER BY k.seq DESC LIMIT 1) AS reason,
       m.supersedes AS supersedes_number, i.id AS ingest
FROM measurements m CROSS JOIN runs r ON r.seq = m.run CROSS JOIN ingests i ON i.seq = r.ingest
CROSS JOIN campaigns a ON a.key = m.campaign CROSS JOIN catalysts c ON c.key = m.catalyst
CROSS JOIN properties p ON p.key = m.property
LEFT JOIN proposals o ON o.id = r.proposal LEFT JOIN batches b ON b.seq = o.batch;

CREATE VIEW proposals_view AS
SELECT o.id AS proposal, a.name AS campaign, b.id AS batch, o.batch_rank AS rank, o.strategy, c.description AS catalyst,
       c.canonical AS catalyst_key,
       coalesce((SELECT group_concat(t.key || ' = ' || t.value, ', ') FROM json_each(o.conditions) t), '') AS conditions,
       o.mean, o.low, o.high, o.novelty, o.reason, o.state, o.state_reason, o.client,
       strftime('%Y-%m-%dT%H:%M:%fZ', o.lease_expires / 1e6, 'unixepoch') AS lease_expires, o.attempts, o.failures,
       nullif(o.amended_from, '') AS amended_from, nullif(o.model, '') AS model,
       strftime('%Y-%m-%dT%H:%M:%fZ', o.created_at / 1e6, 'unixepoch') AS created_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', o.updated_at / 1e6, 'unixepoch') AS updated_at
FROM proposals o CROSS JOIN campaigns a ON a.key = o.campaign CROSS JOIN batches b ON b.seq = o.batch
CROSS JOIN catalysts c ON c.key = o.catalyst;

-- What was predicted, and what the first measurement after it said that still counts.
CREATE VIEW predictions_view AS
SELECT a.name AS campaign, c.description AS catalyst, c.canonical AS catalyst_key, p.name AS property, p.unit,
       d.version AS model_version, d.id AS model, CASE f.hypothesis WHEN -1 THEN 'all' ELSE f.hypothesis END AS hypothesis,
       f.predicted, f.low, f.high, e.observed, e.error, nullif(f.proposal, '') AS proposal,
       strftime('%Y-%m-%dT%H:%M:%fZ', f.created_at / 1e6, 'unixepoch') AS predicted_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', e.created_at / 1e6, 'unixepoch') AS observed_at, e.measurement AS measurement_number
FROM predictions f CROSS JOIN campaigns a ON a.key = f.campaign CROSS JOIN catalysts c ON c.key = f.catalyst
CROSS JOIN properties p ON p.key = f.property CROSS JOIN models d ON d.seq = f.model
LEFT JOIN prediction_errors e ON e.seq = (SELECT min(x.seq) FROM prediction_errors x WHERE x.prediction = f.seq
                                          AND x.measurement NOT IN (SELECT measurement FROM not_live));
