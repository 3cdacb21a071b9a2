-- What the first version left open: answers that were given, labels of samples, snapshots, batches and jobs are not
-- deleted either, and the first two are never changed.

CREATE TRIGGER replies_kept BEFORE UPDATE ON replies
BEGIN SELECT RAISE(ABORT, 'answers that were given are never changed'); END;
CREATE TRIGGER replies_stay BEFORE DELETE ON replies
BEGIN SELECT RAISE(ABORT, 'answers that were given are never deleted'); END;
CREATE TRIGGER samples_kept BEFORE UPDATE ON samples
BEGIN SELECT RAISE(ABORT, 'labels of samples are never changed'); END;
CREATE TRIGGER samples_stay BEFORE DELETE ON samples
BEGIN SELECT RAISE(ABORT, 'labels of samples are never deleted'); END;
CREATE TRIGGER snapshots_stay BEFORE DELETE ON snapshots
BEGIN SELECT RAISE(ABORT, 'snapshots are never deleted'); END;
CREATE TRIGGER batches_stay BEFORE DELETE ON batches
BEGIN SELECT RAISE(ABORT, 'batches are never deleted'); END;
CREATE TRIGGER jobs_stay BEFORE DELETE ON jobs
BEGIN SELECT RAISE(ABORT, 'jobs are never deleted'); END;
CREATE TRIGGER properties_stay BEFORE DELETE ON properties
BEGIN SELECT RAISE(ABORT, 'properties are never deleted'); END;
