-- How a composition was told stands beside what it became, and keys that become one are not merged silently.
-- * Every run keeps how its composition was told, where it became another one: a unit that was converted, amounts in percent,
--   what was measured beside what was asked for, or the key of an earlier version.
-- * Keys of catalysts follow the present rules of names and compositions (docs/names.md). What the rules of a campaign make of
--   keys that were written by earlier versions is not known to SQL: the program does it when it opens the file
--   (daemon/store/renewal.h), once for each campaign, and keeps here which keys were written before.
-- * A row that came without a name gets the name that the grown table gives it.
-- Runs with foreign keys off, as migrations do.

ALTER TABLE runs ADD COLUMN told TEXT NOT NULL DEFAULT '';
DROP TRIGGER runs_kept;
-- Earlier versions told it in an event, once for each way in a delivery.
UPDATE runs SET told = e.told FROM
  (SELECT m.run AS run, json_extract(v.detail, '$.told') AS told FROM events v CROSS JOIN measurements m ON m.id = v.id
   WHERE v.object = 'measurement' AND v.verb = 'told') e
WHERE runs.seq = e.run AND e.told IS NOT NULL;
UPDATE runs SET row_sum = sum_of(seq, ingest, delivery_row, campaign, catalyst, kind, source, run, channel, sequence, replicate,
  sample, conditions, proposal, measured_at, content, told);
CREATE TRIGGER runs_kept BEFORE UPDATE ON runs
BEGIN SELECT RAISE(ABORT, 'runs are never changed'); END;

-- A label stands for another catalyst when its keys were renewed, or when its composition was a slip that was corrected; an
-- event says so.
DROP TRIGGER samples_kept;
CREATE TRIGGER samples_kept BEFORE UPDATE OF campaign, label, created_at ON samples
BEGIN SELECT RAISE(ABORT, 'labels of samples are never changed'); END;

-- The rules by which the campaign's keys are written; 0: those of an earlier version.
ALTER TABLE campaigns ADD COLUMN key_rules INTEGER NOT NULL DEFAULT 0;

-- A catalyst as it was written, and the one that it is now; of each key that became another, and of each that another became.
-- The catalysts of earlier keys stay, so that both spellings are readable.
CREATE TABLE renewed_keys (
  campaign INTEGER NOT NULL REFERENCES campaigns (key),
  catalyst INTEGER NOT NULL REFERENCES catalysts (key),
  now INTEGER NOT NULL REFERENCES catalysts (key),
  -- What it had before.
  measurements INTEGER NOT NULL CHECK (measurements >= 0),
  proposals INTEGER NOT NULL CHECK (proposals >= 0),
  renewed_at INTEGER NOT NULL,
  PRIMARY KEY (campaign, catalyst)
) STRICT, WITHOUT ROWID;
CREATE INDEX renewed_keys_by_now ON renewed_keys (campaign, now);

CREATE VIEW renewed_keys_view AS
SELECT a.name AS campaign, o.canonical AS written_key, c.canonical AS catalyst_key, k.measurements, k.proposals,
       strftime('%Y-%m-%dT%H:%M:%fZ', k.renewed_at / 1e6, 'unixepoch') AS renewed_at
FROM renewed_keys k CROSS JOIN campaigns a ON a.key = k.campaign CROSS JOIN catalysts o ON o.key = k.catalyst
CROSS JOIN catalysts c ON c.key = k.now;

-- Labels of samples that runs got after they had come.
CREATE TABLE run_names (
  run INTEGER PRIMARY KEY REFERENCES runs (seq),
  sample TEXT NOT NULL CHECK (sample <> ''),
  given_at INTEGER NOT NULL
) STRICT;
CREATE TRIGGER run_names_kept BEFORE UPDATE ON run_names
BEGIN SELECT RAISE(ABORT, 'names of runs are never changed'); END;
CREATE TRIGGER run_names_stay BEFORE DELETE ON run_names
BEGIN SELECT RAISE(ABORT, 'names of runs are never deleted'); END;

DROP VIEW measurements_view;
CREATE VIEW measurements_view AS
SELECT m.seq AS number, m.id AS measurement, a.name AS campaign, c.description AS catalyst, c.canonical AS catalyst_key,
       p.name AS property, m.value, p.unit,
       coalesce((SELECT group_concat(t.key || ' = ' || t.value, ', ') FROM json_each(r.conditions) t), '') AS conditions,
       r.kind, b.id AS batch, nullif(r.proposal, '') AS proposal, r.source, r.run, r.channel, r.sequence, r.replicate,
       coalesce((SELECT w.sample FROM run_names w WHERE w.run = r.seq), r.sample) AS sample,
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
       m.supersedes AS supersedes_number, i.id AS ingest, nullif(r.told, '') AS told
FROM measurements m CROSS JOIN runs r ON r.seq = m.run CROSS JOIN ingests i ON i.seq = r.ingest
CROSS JOIN campaigns a ON a.key = m.campaign CROSS JOIN catalysts c ON c.key = m.catalyst
CROSS JOIN properties p ON p.key = m.property
LEFT JOIN proposals o ON o.id = r.proposal LEFT JOIN batches b ON b.seq = o.batch;
