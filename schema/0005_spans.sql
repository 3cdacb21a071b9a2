-- Results of a table are written by the thousand. Two indexes of measurements become tables that say the same in fewer rows:
-- * Which results are of one catalyst, property and conditions: a row for all that one transaction adds, not one for each. A
--   table of a thousand catalysts changed another page of the index at every row.
-- * Which results are of a campaign: measurements that were written one after the other are one row, and how many there are so
--   far stands beside them.
-- Rows of both are only ever added, behind those of the same campaign or replicates.

CREATE TABLE replicates (
  catalyst INTEGER NOT NULL,
  property INTEGER NOT NULL,
  -- Of the run's conditions, 0 for none: see conditions_hash in daemon/store/sqlite.h.
  conditions_hash INTEGER NOT NULL,
  first INTEGER NOT NULL,
  -- The measurements after `first`, packed: see daemon/store/rising_numbers.h. The table members(first, more) has them all.
  more BLOB NOT NULL,
  PRIMARY KEY (catalyst, property, conditions_hash, first)
) STRICT, WITHOUT ROWID;
INSERT INTO replicates (catalyst, property, conditions_hash, first, more)
SELECT catalyst, property, conditions_hash, seq, x'' FROM measurements ORDER BY 1, 2, 3, 4;
DROP INDEX measurements_by_catalyst;
ALTER TABLE measurements DROP COLUMN conditions_hash;

CREATE TABLE campaign_spans (
  campaign INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL CHECK (last >= first),
  total INTEGER NOT NULL CHECK (total > last - first),
  PRIMARY KEY (campaign, first)
) STRICT, WITHOUT ROWID;
INSERT INTO campaign_spans (campaign, first, last, total)
SELECT campaign, first, last, sum(last - first + 1) OVER (PARTITION BY campaign ORDER BY first) FROM
  (SELECT campaign, min(seq) AS first, max(seq) AS last FROM
    (SELECT campaign, seq, seq - row_number() OVER (PARTITION BY campaign ORDER BY seq) AS span FROM measurements)
   GROUP BY campaign, span)
ORDER BY campaign, first;
DROP INDEX measurements_by_campaign;

-- Whether a model's training set is still what it was is asked after every delivery: all before its last member was there
-- then. From the index, since behind `members` a column is as far away as they are long.
ALTER TABLE snapshots ADD COLUMN last INTEGER NOT NULL DEFAULT 0;
DROP TRIGGER snapshots_kept;
UPDATE snapshots SET last = (SELECT max(measurement) FROM members(0, snapshots.members));
CREATE TRIGGER snapshots_kept BEFORE UPDATE ON snapshots
BEGIN SELECT RAISE(ABORT, 'snapshots are never changed'); END;
CREATE INDEX snapshots_by_last ON snapshots (sha256, campaign, property, last);

CREATE TRIGGER replicates_kept BEFORE UPDATE ON replicates
BEGIN SELECT RAISE(ABORT, 'replicates are never changed'); END;
CREATE TRIGGER replicates_stay BEFORE DELETE ON replicates
BEGIN SELECT RAISE(ABORT, 'replicates are never deleted'); END;
CREATE TRIGGER campaign_spans_kept BEFORE UPDATE ON campaign_spans
BEGIN SELECT RAISE(ABORT, 'spans of campaigns are never changed'); END;
CREATE TRIGGER campaign_spans_stay BEFORE DELETE ON campaign_spans
BEGIN SELECT RAISE(ABORT, 'spans of campaigns are never deleted'); END;
