-- The store: archive of events, facts of legs and contacts, and what guards them.

CREATE TABLE IF NOT EXISTS installation
(
    name String,
    value String,
    changed_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(changed_at)
ORDER BY name;

-- Stage 1's log. version: the greater payload wins an id conflict, and on time beats late.
CREATE TABLE IF NOT EXISTS events
(
    partition UInt16,
    occurred_at DateTime64(3, 'UTC'),
    leg_id String,
    event_id String,
    type LowCardinality(String),
    source LowCardinality(String),
    payload String CODEC(ZSTD(3)),
    version UInt64,
    late UInt8,
    archived_at DateTime64(3, 'UTC'),
    INDEX by_event_id event_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (partition, leg_id, event_id);

-- Stage 2's log: the highest revision of a leg under a key, retractions included.
CREATE TABLE IF NOT EXISTS legs
(
    partition UInt16,
    key String,
    leg_id String,
    source_partition UInt16,
    kind LowCardinality(String),
    arrived_at DateTime64(3, 'UTC'),
    revision UInt64,
    digest String,
    payload String CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY (partition, key, leg_id);

CREATE TABLE IF NOT EXISTS contacts
(
    day Date,
    contact_id String,
    partition UInt16,
    revision UInt64,
    deleted UInt8,
    channel LowCardinality(String),
    channel_source LowCardinality(String),
    arrived_at DateTime64(3, 'UTC'),
    answered_at Nullable(DateTime64(3, 'UTC')),
    ended_at Nullable(DateTime64(3, 'UTC')),
    outcome LowCardinality(String),
    short_abandoned UInt8,
    taken UInt8,
    counted UInt8,
    wait_ms Nullable(Int64),
    handle_ms Int64,
    flow_out_reason LowCardinality(String),
    queue LowCardinality(String),
    audience LowCardinality(String),
    automatic LowCardinality(String),
    redial UInt8,
    unlinked UInt8,
    due_at Nullable(DateTime64(3, 'UTC')),
    party String,
    legs Array(String),
    errand_name Array(String),
    errand_topic Array(LowCardinality(String)),
    errand_area Array(LowCardinality(String)),
    errand_level Array(Nullable(UInt8)),
    errand_performed_by Array(LowCardinality(String)),
    errand_outcome Array(LowCardinality(String)),
    errand_outcome_source Array(LowCardinality(String)),
    errand_within_mandate Array(Nullable(UInt8)),
    errand_first_contact Array(UInt8),
    errand_warm_transfer Array(UInt8),
    errand_handover_units Array(Array(String)),
    errand_handover_kinds Array(Array(String)),
    errand_first_repeat_at Array(Nullable(DateTime64(3, 'UTC')))
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(day)
ORDER BY (day, contact_id, partition);

-- Who owns a partition of a stage. Claims are read back; only an active epoch counts.
CREATE TABLE IF NOT EXISTS epochs
(
    stage UInt8,
    partition UInt16,
    epoch UInt32,
    nonce String,
    state LowCardinality(String),
    horizon_from DateTime64(3, 'UTC'),
    recorded_at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (stage, partition, epoch);

CREATE TABLE IF NOT EXISTS dead_letters
(
    id String,
    instance LowCardinality(String),
    place String,
    reason LowCardinality(String),
    detail String,
    sha256 String,
    size UInt64,
    at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (instance, id);

CREATE TABLE IF NOT EXISTS source_health
(
    instance LowCardinality(String),
    at DateTime64(3, 'UTC'),
    last_event_at Nullable(DateTime64(3, 'UTC')),
    last_read_at Nullable(DateTime64(3, 'UTC')),
    published UInt64,
    rejected UInt64
)
ENGINE = ReplacingMergeTree(at)
PARTITION BY toYYYYMM(at)
ORDER BY (instance, at);
