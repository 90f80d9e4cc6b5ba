-- Dead letters, complete: the sealed record, what became of it, and the view that says what is open.

-- kind: a source's record, or a message on a topic. sealed: encrypted; empty where it was dropped or has expired.
ALTER TABLE dead_letters
    ADD COLUMN IF NOT EXISTS kind LowCardinality(String) DEFAULT if(startsWith(instance, 'kc.'), 'message', 'record'),
    ADD COLUMN IF NOT EXISTS sealed String CODEC(ZSTD(1));

-- Each try to use a record again. outcome: replayed, or rejected (then reason and detail are the new ones).
CREATE TABLE IF NOT EXISTS dead_letter_replays
(
    id String,
    at DateTime64(3, 'UTC'),
    outcome LowCardinality(String),
    events UInt32,
    reason LowCardinality(String),
    detail String
)
ENGINE = MergeTree
ORDER BY (id, at);

-- The only way to read dead letters: with the latest reason. One is open while replayed_at is NULL.
CREATE VIEW IF NOT EXISTS dead_letters_current AS
SELECT
    l.id AS id,
    l.instance AS instance,
    l.place AS place,
    if(r.rejected_at > l.at, r.rejected_reason, l.reason) AS reason,
    if(r.rejected_at > l.at, r.rejected_detail, l.detail) AS detail,
    l.sha256 AS sha256,
    l.size AS size,
    l.at AS at,
    l.kind AS kind,
    l.sealed AS sealed,
    r.replayed_at AS replayed_at
FROM dead_letters AS l FINAL
LEFT JOIN
(
    SELECT
        id,
        minOrNullIf(at, outcome = 'replayed') AS replayed_at,
        maxIf(at, outcome = 'rejected') AS rejected_at,
        argMaxIf(reason, at, outcome = 'rejected') AS rejected_reason,
        argMaxIf(detail, at, outcome = 'rejected') AS rejected_detail
    FROM dead_letter_replays
    GROUP BY id
) AS r ON l.id = r.id;
