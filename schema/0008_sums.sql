-- Sums of rows reach every table (daemon/store/row_sums.h): what a measurement, its catalyst, its property, its delivery or a
-- model is read from, and what was said, asked, done and answered. What changes later (a proposal's state, a model's status)
-- has a sum of its own, which is made anew with it. Bytes of deliveries have their digest, and tables that repeat what others
-- say are compared with those.

DROP TRIGGER campaign_versions_kept;
DROP TRIGGER catalysts_kept;
DROP TRIGGER IF EXISTS samples_kept;
DROP TRIGGER ingests_finished;
DROP TRIGGER marks_kept;
DROP TRIGGER quarantine_resolved;
DROP TRIGGER batches_kept;
DROP TRIGGER snapshots_kept;
DROP TRIGGER events_kept;
DROP TRIGGER replies_kept;

ALTER TABLE settings ADD COLUMN row_sum INTEGER NOT NULL DEFAULT 0;
UPDATE settings SET row_sum = sum_of(name, value);
ALTER TABLE campaigns ADD COLUMN row_sum INTEGER NOT NULL DEFAULT 0;
UPDATE campaigns SET row_sum = sum_of(id, name, owner, state, reason, version, revision, created_at, updated_at,
  key_rules);
ALTER TABLE campaign_versions ADD COLUMN row_sum INTEGER NOT NULL DEFAULT 0;
UPDATE campaign_versions SET row_sum = sum_of(campaign, version, text, media_type, sha256, actor, created_at);
ALTER TABLE properties ADD COLUMN row_sum INTEGER NOT NULL DEFAULT 0;
UPDATE properties SET row_sum = sum_of(campaign, name, unit, target, low, high, position, known);
ALTER TABLE catalysts ADD COLUMN row_sum INTEGER NOT NULL DEFAULT 0;
UPDATE catalysts SET row_sum = sum_of(canonical, description, created_at);
ALTER TABLE renewed_keys ADD COLUMN row_sum INTEGER NOT NULL DEFAULT 0;
UPDATE renewed_keys SET row_sum = sum_of(campaign, catalyst, now, measurements, proposals, renewed_at);
ALTER TABLE samples ADD COLUMN row_sum INTEGER NOT NULL DEFAULT 0;
UPDATE samples SET row_sum = sum_of(campaign, label, catalyst, kind, created_at);
ALTER TABLE ingests ADD COLUMN row_sum INTEGER NOT NULL DEFAULT 0;
UPDATE ingests SET row_sum = sum_of(id, campaign, content, source, idempotency_key, media_type, actor, row_count, accepted,
  flagged, duplicate, quarantined, first_run, last_run, received_at, run, first_measurement, measurement_count);
ALTER TABLE marks ADD COLUMN row_sum INTEGER NOT NULL DEFAULT 0;
UPDATE marks SET row_sum = sum_of(measurement, kind, reason, person, created_at);
ALTER TABLE quarantine ADD COLUMN row_sum INTEGER NOT NULL DEFAULT 0;
UPDATE quarantine SET row_sum = sum_of(id, campaign, ingest, delivery_row, pointer, raw, reason, state, measurement, actor,
  remark, received_at, resolved_at);
ALTER TABLE batches ADD COLUMN row_sum INTEGER NOT NULL DEFAULT 0;
UPDATE batches SET row_sum = sum_of(id, campaign, model, actor, summary, created_at);
ALTER TABLE snapshots ADD COLUMN row_sum INTEGER NOT NULL DEFAULT 0;
UPDATE snapshots SET row_sum = sum_of(sha256, campaign, property, row_count, members, last, created_at);
ALTER TABLE jobs ADD COLUMN row_sum INTEGER NOT NULL DEFAULT 0;
UPDATE jobs SET row_sum = sum_of(id, campaign, kind, state, detail, progress, stage, result, error, cancel_requested, attempts,
  actor, created_at, started_at, finished_at);
ALTER TABLE events ADD COLUMN row_sum INTEGER NOT NULL DEFAULT 0;
UPDATE events SET row_sum = sum_of(created_at, actor, campaign, object, id, verb, detail);
ALTER TABLE replies ADD COLUMN row_sum INTEGER NOT NULL DEFAULT 0;
UPDATE replies SET row_sum = sum_of(scope, key, body, status, reply, created_at);
ALTER TABLE proposals ADD COLUMN state_sum INTEGER NOT NULL DEFAULT 0;
UPDATE proposals SET state_sum = sum_of(id, state, state_reason, client, lease_expires, attempts, failures, revision, updated_at);
ALTER TABLE models ADD COLUMN state_sum INTEGER NOT NULL DEFAULT 0;
UPDATE models SET state_sum = sum_of(id, status, status_reason);

CREATE TRIGGER campaign_versions_kept BEFORE UPDATE ON campaign_versions
BEGIN SELECT RAISE(ABORT, 'versions of campaigns are never changed'); END;
CREATE TRIGGER catalysts_kept BEFORE UPDATE ON catalysts
BEGIN SELECT RAISE(ABORT, 'catalysts are never changed'); END;
-- Which catalyst a label is of may turn out to be another one.
CREATE TRIGGER samples_kept BEFORE UPDATE OF campaign, label, kind, created_at ON samples
BEGIN SELECT RAISE(ABORT, 'labels of samples are never changed'); END;
CREATE TRIGGER ingests_finished BEFORE UPDATE ON ingests WHEN old.row_count > 0
BEGIN SELECT RAISE(ABORT, 'a delivery is finished once'); END;
CREATE TRIGGER marks_kept BEFORE UPDATE ON marks
BEGIN SELECT RAISE(ABORT, 'marks are never changed'); END;
CREATE TRIGGER quarantine_resolved BEFORE UPDATE ON quarantine WHEN old.state <> 'waiting'
BEGIN SELECT RAISE(ABORT, 'a quarantined row is resolved once'); END;
CREATE TRIGGER batches_kept BEFORE UPDATE ON batches
BEGIN SELECT RAISE(ABORT, 'batches are never changed'); END;
CREATE TRIGGER snapshots_kept BEFORE UPDATE ON snapshots
BEGIN SELECT RAISE(ABORT, 'snapshots are never changed'); END;
CREATE TRIGGER events_kept BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
CREATE TRIGGER replies_kept BEFORE UPDATE ON replies
BEGIN SELECT RAISE(ABORT, 'answers that were given are never changed'); END;
