-- A limit from above (">95") is told from one from below.

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
             || CASE WHEN m.flags & 1024 THEN 'censored ' ELSE '' END
             || CASE WHEN m.flags & 2048 THEN 'above_limit ' ELSE '' END) AS flags,
       coalesce((SELECT group_concat(n.why, ' ') FROM not_live n WHERE n.measurement = m.seq), 'live') AS status,
       (SELECT k.reason FROM marks k WHERE k.measurement = m.seq ORDER BY k.seq DESC LIMIT 1) AS reason,
       m.supersedes AS supersedes_number, i.id AS ingest, nullif(r.told, '') AS told
FROM measurements m CROSS JOIN runs r ON r.seq = m.run CROSS JOIN ingests i ON i.seq = r.ingest
CROSS JOIN campaigns a ON a.key = m.campaign CROSS JOIN catalysts c ON c.key = m.catalyst
CROSS JOIN properties p ON p.key = m.property
LEFT JOIN proposals o ON o.id = r.proposal LEFT JOIN batches b ON b.seq = o.batch;
