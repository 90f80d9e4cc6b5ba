-- How sources do: besides when and how much, what a reader does, why it waits, and how far it is behind.

-- last_sent_at: when events were last acknowledged, by the reader's clock (last_event_at is by the events').
-- state: starting, reading, waiting, stopped; reason says why it waits. lag: NULL where a reader can't tell.
-- gaps: how often what stood in the input was gone before it was read. Counts are since the reader started.
ALTER TABLE source_health
    ADD COLUMN IF NOT EXISTS last_sent_at Nullable(DateTime64(3, 'UTC')),
    ADD COLUMN IF NOT EXISTS state LowCardinality(String) DEFAULT 'reading',
    ADD COLUMN IF NOT EXISTS reason String,
    ADD COLUMN IF NOT EXISTS lag Nullable(UInt64),
    ADD COLUMN IF NOT EXISTS lag_unit LowCardinality(String),
    ADD COLUMN IF NOT EXISTS gaps UInt64;

-- Followers and reach: gauges, kept longer than the events that they come in. Every value that was exported for
-- a period stands here; the latest export counts. Nothing here is a contact, and nothing may be summed over days.
CREATE TABLE IF NOT EXISTS social_snapshots
(
    instance LowCardinality(String),
    network LowCardinality(String),
    account LowCardinality(String),
    metric LowCardinality(String),
    first_day Date,
    last_day Date,
    exported_at DateTime64(3, 'UTC'),
    value UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY (instance, network, account, metric, last_day, first_day, exported_at, value);

-- Filled as the archive is. An event that is archived twice gives the same row, which counts once.
CREATE MATERIALIZED VIEW IF NOT EXISTS social_snapshots_from_events TO social_snapshots AS
SELECT
    source AS instance,
    JSONExtractString(payload, 'data', 'network') AS network,
    JSONExtractString(payload, 'data', 'account') AS account,
    JSONExtractString(payload, 'data', 'metric') AS metric,
    toDateOrZero(JSONExtractString(payload, 'data', 'first_day')) AS first_day,
    toDateOrZero(JSONExtractString(payload, 'data', 'last_day')) AS last_day,
    parseDateTime64BestEffortOrZero(JSONExtractString(payload, 'data', 'exported_at'), 3, 'UTC') AS exported_at,
    JSONExtractUInt(payload, 'data', 'value') AS value
FROM events
WHERE type = 'kommuncenter.social.snapshot';
