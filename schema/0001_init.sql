-- The database of the service, first version.
-- All tables are STRICT. STRICT lets infinities into REAL columns, so every number that is kept has a CHECK
-- that it is finite. Times are microseconds since 1970 in UTC. What was measured, said or decided is never
-- changed or deleted: triggers refuse it, so row numbers rise and are never used twice.

CREATE TABLE schema_migrations (
  version INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
  applied_at INTEGER NOT NULL
) STRICT;

CREATE TABLE settings (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Campaigns

CREATE TABLE campaigns (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE CHECK (length(id) = 26),
  name TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 64),
  owner TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('DRAFT', 'ACTIVE', 'PAUSED', 'COMPLETED', 'STOPPED')),
  reason TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  revision INTEGER NOT NULL CHECK (revision >= 1),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE campaign_versions (
  campaign INTEGER NOT NULL REFERENCES campaigns (key),
  version INTEGER NOT NULL CHECK (version >= 1),
  text TEXT NOT NULL,
  media_type TEXT NOT NULL,
  sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
  actor TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (campaign, version)
) STRICT, WITHOUT ROWID;

-- A property that a later version of the file leaves out stays here, for the measurements that have it.
CREATE TABLE properties (
  key INTEGER PRIMARY KEY,
  campaign INTEGER NOT NULL REFERENCES campaigns (key),
  name TEXT NOT NULL CHECK (name <> ''),
  unit TEXT NOT NULL,
  target INTEGER NOT NULL CHECK (target IN (0, 1)),
  low REAL CHECK (low BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308),
  high REAL CHECK (high BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308),
  position INTEGER NOT NULL,
  known INTEGER NOT NULL CHECK (known IN (0, 1)),
  UNIQUE (campaign, name)
) STRICT;

-- Catalysts and samples

CREATE TABLE catalysts (
  key INTEGER PRIMARY KEY,
  canonical TEXT NOT NULL UNIQUE CHECK (canonical <> ''),
  description TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE samples (
  campaign INTEGER NOT NULL REFERENCES campaigns (key),
  label TEXT NOT NULL CHECK (label <> ''),
  catalyst INTEGER NOT NULL REFERENCES catalysts (key),
  kind TEXT NOT NULL CHECK (kind IN ('catalyst', 'support', 'blank', 'reference')),
  created_at INTEGER NOT NULL,
  PRIMARY KEY (campaign, label)
) STRICT, WITHOUT ROWID;

-- Results

-- The bytes of deliveries as they came, once each.
CREATE TABLE contents (
  key INTEGER PRIMARY KEY,
  sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
  bytes BLOB NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE ingests (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE CHECK (length(id) = 26),
  campaign INTEGER NOT NULL REFERENCES campaigns (key),
  content INTEGER NOT NULL REFERENCES contents (key),
  source TEXT NOT NULL,
  run TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  media_type TEXT NOT NULL,
  actor TEXT NOT NULL,
  row_count INTEGER NOT NULL CHECK (row_count >= 0),
  accepted INTEGER NOT NULL CHECK (accepted >= 0),
  flagged INTEGER NOT NULL CHECK (flagged >= 0),
  duplicate INTEGER NOT NULL CHECK (duplicate >= 0),
  quarantined INTEGER NOT NULL CHECK (quarantined >= 0),
  first_run INTEGER NOT NULL,
  last_run INTEGER NOT NULL,
  received_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX ingests_by_key ON ingests (campaign, idempotency_key) WHERE idempotency_key <> '';
CREATE INDEX ingests_by_content ON ingests (content, campaign);

CREATE TABLE runs (
  seq INTEGER PRIMARY KEY,
  ingest INTEGER NOT NULL REFERENCES ingests (seq),
  delivery_row INTEGER NOT NULL CHECK (delivery_row >= 0),
  campaign INTEGER NOT NULL REFERENCES campaigns (key),
  catalyst INTEGER NOT NULL REFERENCES catalysts (key),
  kind TEXT NOT NULL CHECK (kind IN ('catalyst', 'support', 'blank', 'reference')),
  source TEXT NOT NULL,
  run TEXT NOT NULL,
  channel TEXT NOT NULL,
  sequence INTEGER,
  replicate INTEGER,
  sample TEXT NOT NULL,
  conditions TEXT NOT NULL,
  proposal TEXT NOT NULL,
  measured_at INTEGER,
  content BLOB NOT NULL CHECK (length(content) = 32)
) STRICT;
CREATE INDEX runs_by_name ON runs (campaign, source, run, channel, sequence, replicate) WHERE run <> '';
CREATE INDEX runs_by_proposal ON runs (proposal) WHERE proposal <> '';

CREATE TABLE measurements (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE CHECK (length(id) = 26),
  campaign INTEGER NOT NULL REFERENCES campaigns (key),
  run INTEGER NOT NULL REFERENCES runs (seq),
  catalyst INTEGER NOT NULL REFERENCES catalysts (key),
  property INTEGER NOT NULL REFERENCES properties (key),
  value REAL NOT NULL CHECK (value BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308),
  flags INTEGER NOT NULL CHECK (flags >= 0),
  supersedes INTEGER REFERENCES measurements (seq),
  received_at INTEGER NOT NULL
) STRICT;
CREATE INDEX measurements_by_run ON measurements (run);
CREATE INDEX measurements_by_campaign ON measurements (campaign);
CREATE INDEX measurements_by_catalyst ON measurements (catalyst);
-- A measurement is superseded once; the chain goes on from the newer one.
CREATE UNIQUE INDEX measurements_by_superseded ON measurements (supersedes) WHERE supersedes IS NOT NULL;

-- What people said of a measurement afterwards.
CREATE TABLE marks (
  seq INTEGER PRIMARY KEY,
  measurement INTEGER NOT NULL REFERENCES measurements (seq),
  kind TEXT NOT NULL CHECK (kind IN ('retract', 'supersede', 'exclude', 'include')),
  reason TEXT NOT NULL CHECK (reason <> ''),
  person TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX marks_by_measurement ON marks (measurement);

CREATE TABLE quarantine (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE CHECK (length(id) = 26),
  campaign INTEGER NOT NULL REFERENCES campaigns (key),
  ingest INTEGER NOT NULL REFERENCES ingests (seq),
  delivery_row INTEGER NOT NULL CHECK (delivery_row >= 0),
  pointer TEXT NOT NULL,
  raw TEXT NOT NULL,
  reason TEXT NOT NULL CHECK (reason <> ''),
  state TEXT NOT NULL CHECK (state IN ('waiting', 'readmitted', 'discarded')),
  measurement TEXT NOT NULL,
  actor TEXT NOT NULL,
  remark TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  resolved_at INTEGER
) STRICT;
CREATE INDEX quarantine_by_ingest ON quarantine (ingest);
CREATE INDEX quarantine_by_state ON quarantine (campaign, state);

-- Proposals

CREATE TABLE batches (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE CHECK (length(id) = 26),
  campaign INTEGER NOT NULL REFERENCES campaigns (key),
  model TEXT NOT NULL,
  actor TEXT NOT NULL,
  summary TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX batches_by_campaign ON batches (campaign);

CREATE TABLE proposals (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE CHECK (length(id) = 26),
  campaign INTEGER NOT NULL REFERENCES campaigns (key),
  batch INTEGER NOT NULL REFERENCES batches (seq),
  batch_rank INTEGER NOT NULL,
  strategy TEXT NOT NULL CHECK (strategy <> ''),
  catalyst INTEGER NOT NULL REFERENCES catalysts (key),
  conditions TEXT NOT NULL,
  mean REAL CHECK (mean BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308),
  low REAL CHECK (low BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308),
  high REAL CHECK (high BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308),
  novelty REAL CHECK (novelty BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308),
  reason TEXT NOT NULL,
  card TEXT NOT NULL,
  model TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('REQUESTED', 'ACTIVE', 'PARTIAL', 'SUCCEEDED', 'FAILED',
                                       'INFEASIBLE', 'EXPIRED', 'CANCELLED')),
  state_reason TEXT NOT NULL,
  client TEXT NOT NULL,
  lease_expires INTEGER,
  attempts INTEGER NOT NULL CHECK (attempts >= 0),
  failures INTEGER NOT NULL CHECK (failures >= 0),
  amended_from TEXT NOT NULL,
  revision INTEGER NOT NULL CHECK (revision >= 1),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  CHECK (state <> 'ACTIVE' OR (client <> '' AND lease_expires IS NOT NULL))
) STRICT;
CREATE INDEX proposals_by_state ON proposals (campaign, state);
CREATE INDEX proposals_by_catalyst ON proposals (catalyst, campaign);
CREATE INDEX proposals_by_batch ON proposals (batch);
CREATE INDEX proposals_by_lease ON proposals (lease_expires) WHERE state = 'ACTIVE';

-- Learning

-- Which measurements a training set held: differences of their numbers as variable-length integers.
CREATE TABLE snapshots (
  key INTEGER PRIMARY KEY,
  sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
  campaign INTEGER NOT NULL REFERENCES campaigns (key),
  property INTEGER NOT NULL REFERENCES properties (key),
  row_count INTEGER NOT NULL,
  members BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (sha256, campaign)
) STRICT;

CREATE TABLE models (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE CHECK (length(id) = 26),
  campaign INTEGER NOT NULL REFERENCES campaigns (key),
  property INTEGER NOT NULL REFERENCES properties (key),
  version INTEGER NOT NULL CHECK (version >= 1),
  document TEXT NOT NULL,
  snapshot BLOB NOT NULL CHECK (length(snapshot) = 32),
  row_count INTEGER NOT NULL CHECK (row_count >= 0),
  config_version INTEGER NOT NULL,
  seed INTEGER NOT NULL,
  code_version TEXT NOT NULL,
  mae_cv REAL NOT NULL CHECK (mae_cv BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308),
  mae_nested REAL CHECK (mae_nested BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308),
  status TEXT NOT NULL CHECK (status IN ('current', 'candidate', 'retired')),
  status_reason TEXT NOT NULL,
  summary TEXT NOT NULL,
  seconds REAL NOT NULL CHECK (seconds BETWEEN 0 AND 1.7976931348623157e308),
  job TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (campaign, property, version)
) STRICT;
CREATE UNIQUE INDEX models_current ON models (campaign, property) WHERE status = 'current';

-- The ledger: predictions before, errors after.
CREATE TABLE predictions (
  seq INTEGER PRIMARY KEY,
  campaign INTEGER NOT NULL REFERENCES campaigns (key),
  catalyst INTEGER NOT NULL REFERENCES catalysts (key),
  property INTEGER NOT NULL REFERENCES properties (key),
  model INTEGER NOT NULL REFERENCES models (seq),
  hypothesis INTEGER NOT NULL CHECK (hypothesis >= -1),
  proposal TEXT NOT NULL,
  predicted REAL NOT NULL CHECK (predicted BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308),
  low REAL CHECK (low BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308),
  high REAL CHECK (high BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308),
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX predictions_by_catalyst ON predictions (catalyst, campaign, property);
CREATE INDEX predictions_by_model ON predictions (model);
CREATE INDEX predictions_by_campaign ON predictions (campaign);

CREATE TABLE prediction_errors (
  seq INTEGER PRIMARY KEY,
  prediction INTEGER NOT NULL REFERENCES predictions (seq),
  measurement INTEGER NOT NULL REFERENCES measurements (seq),
  observed REAL NOT NULL CHECK (observed BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308),
  error REAL NOT NULL CHECK (error BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308),
  created_at INTEGER NOT NULL,
  UNIQUE (prediction, measurement)
) STRICT;

CREATE TABLE jobs (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE CHECK (length(id) = 26),
  campaign INTEGER NOT NULL REFERENCES campaigns (key),
  kind TEXT NOT NULL CHECK (kind <> ''),
  state TEXT NOT NULL CHECK (state IN ('SCHEDULED', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED',
                                       'SKIPPED')),
  detail TEXT NOT NULL,
  progress REAL NOT NULL CHECK (progress BETWEEN 0 AND 1),
  stage TEXT NOT NULL,
  result TEXT NOT NULL,
  error TEXT NOT NULL,
  cancel_requested INTEGER NOT NULL CHECK (cancel_requested IN (0, 1)),
  attempts INTEGER NOT NULL CHECK (attempts >= 0),
  actor TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  finished_at INTEGER
) STRICT;
CREATE INDEX jobs_by_campaign ON jobs (campaign, state);
CREATE INDEX jobs_by_state ON jobs (state);

CREATE TABLE events (
  seq INTEGER PRIMARY KEY,
  created_at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  campaign TEXT NOT NULL,
  object TEXT NOT NULL CHECK (object <> ''),
  id TEXT NOT NULL,
  verb TEXT NOT NULL CHECK (verb <> ''),
  detail TEXT NOT NULL
) STRICT;

-- Replies of requests that came with an idempotency key.
CREATE TABLE replies (
  scope TEXT NOT NULL,
  key TEXT NOT NULL,
  body BLOB NOT NULL CHECK (length(body) = 32),
  status INTEGER NOT NULL,
  reply TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;

-- Nothing of this is ever changed or deleted.

CREATE TRIGGER campaign_versions_kept BEFORE UPDATE ON campaign_versions
BEGIN SELECT RAISE(ABORT, 'versions of campaigns are never changed'); END;
CREATE TRIGGER campaign_versions_stay BEFORE DELETE ON campaign_versions
BEGIN SELECT RAISE(ABORT, 'versions of campaigns are never deleted'); END;
CREATE TRIGGER campaigns_stay BEFORE DELETE ON campaigns
BEGIN SELECT RAISE(ABORT, 'campaigns are never deleted'); END;
CREATE TRIGGER catalysts_kept BEFORE UPDATE ON catalysts
BEGIN SELECT RAISE(ABORT, 'catalysts are never changed'); END;
CREATE TRIGGER catalysts_stay BEFORE DELETE ON catalysts
BEGIN SELECT RAISE(ABORT, 'catalysts are never deleted'); END;
CREATE TRIGGER contents_kept BEFORE UPDATE ON contents
BEGIN SELECT RAISE(ABORT, 'delivered bytes are never changed'); END;
CREATE TRIGGER contents_stay BEFORE DELETE ON contents
BEGIN SELECT RAISE(ABORT, 'delivered bytes are never deleted'); END;
CREATE TRIGGER ingests_kept
BEFORE UPDATE OF seq, id, campaign, content, source, run, idempotency_key, media_type, actor, received_at ON ingests
BEGIN SELECT RAISE(ABORT, 'deliveries are never changed'); END;
CREATE TRIGGER ingests_finished BEFORE UPDATE ON ingests WHEN old.row_count > 0
BEGIN SELECT RAISE(ABORT, 'a delivery is finished once'); END;
CREATE TRIGGER ingests_stay BEFORE DELETE ON ingests
BEGIN SELECT RAISE(ABORT, 'deliveries are never deleted'); END;
CREATE TRIGGER runs_kept BEFORE UPDATE ON runs
BEGIN SELECT RAISE(ABORT, 'runs are never changed'); END;
CREATE TRIGGER runs_stay BEFORE DELETE ON runs
BEGIN SELECT RAISE(ABORT, 'runs are never deleted'); END;
CREATE TRIGGER measurements_kept BEFORE UPDATE ON measurements
BEGIN SELECT RAISE(ABORT, 'measurements are never changed'); END;
CREATE TRIGGER measurements_stay BEFORE DELETE ON measurements
BEGIN SELECT RAISE(ABORT, 'measurements are never deleted'); END;
CREATE TRIGGER marks_kept BEFORE UPDATE ON marks
BEGIN SELECT RAISE(ABORT, 'marks are never changed'); END;
CREATE TRIGGER marks_stay BEFORE DELETE ON marks
BEGIN SELECT RAISE(ABORT, 'marks are never deleted'); END;
CREATE TRIGGER quarantine_kept
BEFORE UPDATE OF seq, id, campaign, ingest, delivery_row, pointer, raw, reason, received_at ON quarantine
BEGIN SELECT RAISE(ABORT, 'quarantined rows are never changed'); END;
CREATE TRIGGER quarantine_resolved BEFORE UPDATE ON quarantine WHEN old.state <> 'waiting'
BEGIN SELECT RAISE(ABORT, 'a quarantined row is resolved once'); END;
CREATE TRIGGER quarantine_stays BEFORE DELETE ON quarantine
BEGIN SELECT RAISE(ABORT, 'quarantined rows are never deleted'); END;
CREATE TRIGGER batches_kept BEFORE UPDATE ON batches
BEGIN SELECT RAISE(ABORT, 'batches are never changed'); END;
CREATE TRIGGER proposals_kept
BEFORE UPDATE OF seq, id, campaign, batch, batch_rank, strategy, catalyst, conditions, mean, low, high, novelty,
                 reason, card, model, amended_from, created_at ON proposals
BEGIN SELECT RAISE(ABORT, 'what a proposal asks for is never changed'); END;
CREATE TRIGGER proposals_final
BEFORE UPDATE OF state ON proposals
WHEN old.state IN ('SUCCEEDED', 'INFEASIBLE', 'CANCELLED') AND new.state <> old.state
BEGIN SELECT RAISE(ABORT, 'a finished proposal stays finished'); END;
CREATE TRIGGER proposals_stay BEFORE DELETE ON proposals
BEGIN SELECT RAISE(ABORT, 'proposals are never deleted'); END;
CREATE TRIGGER snapshots_kept BEFORE UPDATE ON snapshots
BEGIN SELECT RAISE(ABORT, 'snapshots are never changed'); END;
CREATE TRIGGER models_kept
BEFORE UPDATE OF seq, id, campaign, property, version, document, snapshot, row_count, config_version, seed,
                 code_version, mae_cv, mae_nested, summary, seconds, job, created_at ON models
BEGIN SELECT RAISE(ABORT, 'models are never changed'); END;
CREATE TRIGGER models_stay BEFORE DELETE ON models
BEGIN SELECT RAISE(ABORT, 'models are never deleted'); END;
CREATE TRIGGER predictions_kept BEFORE UPDATE ON predictions
BEGIN SELECT RAISE(ABORT, 'the ledger is never changed'); END;
CREATE TRIGGER predictions_stay BEFORE DELETE ON predictions
BEGIN SELECT RAISE(ABORT, 'the ledger is never deleted'); END;
CREATE TRIGGER prediction_errors_kept BEFORE UPDATE ON prediction_errors
BEGIN SELECT RAISE(ABORT, 'the ledger is never changed'); END;
CREATE TRIGGER prediction_errors_stay BEFORE DELETE ON prediction_errors
BEGIN SELECT RAISE(ABORT, 'the ledger is never deleted'); END;
CREATE TRIGGER events_kept BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
CREATE TRIGGER events_stay BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;
