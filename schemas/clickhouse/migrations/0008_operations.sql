-- What operations look at: how each worker does, how far it is behind on each topic, and what verify found.

-- A row per worker and report, every few seconds. worker: host and process. state: starting, taking_over,
-- running, waiting (for the store or the broker; waiting_since and error, the class of the last error, say
-- since when and why), stopped. partitions: those it has taken over. oldest_ms: how long the oldest record
-- that it has fetched and not done has been on its topic, 0 for none. batches and batch_ms (and the longest
-- of them) are of the time since the last row, which is span_ms.
CREATE TABLE IF NOT EXISTS worker_health
(
    worker LowCardinality(String),
    at DateTime64(3, 'UTC'),
    started_at DateTime64(3, 'UTC'),
    state LowCardinality(String),
    waiting_since Nullable(DateTime64(3, 'UTC')),
    error LowCardinality(String),
    partitions Array(UInt16),
    oldest_ms UInt64,
    span_ms UInt64,
    batches UInt64,
    batch_ms UInt64,
    longest_batch_ms UInt64
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (worker, at);

-- A row per worker, report and topic. partitions: how many of the topic's partitions the worker has. lag: records
-- that stand on those and are not done; NULL until the broker has told. records: done since the last row, in
-- span_ms: sum(records) / sum(span_ms) over a worker's rows is its throughput.
CREATE TABLE IF NOT EXISTS consumer_lag
(
    worker LowCardinality(String),
    at DateTime64(3, 'UTC'),
    topic LowCardinality(String),
    partitions UInt16,
    lag Nullable(UInt64),
    records UInt64,
    span_ms UInt64
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (worker, topic, at);

-- A row per run of verify that compared something. since and until: local days, the last one included.
-- differences: how many, by kind of comparison; kinds in which nothing differs stand with 0.
CREATE TABLE IF NOT EXISTS verifications
(
    at DateTime64(3, 'UTC'),
    since Date,
    until Date,
    equal Bool,
    events UInt64,
    late UInt64,
    awaiting_rebuild UInt64,
    differences Map(String, UInt64),
    seconds Float64
)
ENGINE = ReplacingMergeTree
PARTITION BY toYear(at)
ORDER BY at;
