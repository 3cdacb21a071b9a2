-- A delivery changes a third of the pages that it changed, and no more of them in a large database than in a small one.
-- Bytes are found by their digest and named runs by their name: such things come in any order, and an index of them changes
-- a page for every row. Both are found by a number now, whose tables are written late: the newest rows (key or seq above
-- `upto`) are kept in memory, and go to the tables many at a time, in the order of their numbers. See
-- daemon/store/late_index.h, which also tells how the numbers are made (content_number, run_number).
-- Runs with foreign keys off, as migrations do: a table is made anew.

CREATE TABLE new_contents (
  key INTEGER PRIMARY KEY,
  sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
  bytes BLOB NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
INSERT INTO new_contents (key, sha256, bytes, created_at) SELECT key, sha256, bytes, created_at FROM contents ORDER BY key;
DROP TABLE contents;
ALTER TABLE new_contents RENAME TO contents;
CREATE TRIGGER contents_kept BEFORE UPDATE ON contents
BEGIN SELECT RAISE(ABORT, 'delivered bytes are never changed'); END;
CREATE TRIGGER contents_stay BEFORE DELETE ON contents
BEGIN SELECT RAISE(ABORT, 'delivered bytes are never deleted'); END;

CREATE TABLE content_numbers (
  number INTEGER NOT NULL,
  content INTEGER NOT NULL,
  PRIMARY KEY (number, content)
) STRICT, WITHOUT ROWID;
INSERT INTO content_numbers (number, content) SELECT content_number(sha256), key FROM contents ORDER BY 1, 2;

DROP INDEX runs_by_name;
CREATE TABLE run_numbers (
  number INTEGER NOT NULL,
  run INTEGER NOT NULL,
  PRIMARY KEY (number, run)
) STRICT, WITHOUT ROWID;
INSERT INTO run_numbers (number, run)
SELECT run_number(campaign, source, run, channel, sequence, replicate), seq FROM runs
WHERE run <> '' AND (channel <> '' OR sequence IS NOT NULL) ORDER BY 1, 2;

-- Up to which row each of the two tables is complete.
CREATE TABLE late_indexes (
  name TEXT PRIMARY KEY,
  upto INTEGER NOT NULL CHECK (upto >= 0)
) STRICT, WITHOUT ROWID;
INSERT INTO late_indexes (name, upto)
VALUES ('contents', coalesce((SELECT max(key) FROM contents), 0)), ('runs', coalesce((SELECT max(seq) FROM runs), 0));
