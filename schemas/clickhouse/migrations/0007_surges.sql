-- Surges that the worker noticed (DOMAIN 2.6): annotated, never deleted. topic is empty for all contacts.
CREATE TABLE IF NOT EXISTS surges
(
    since DateTime64(3, 'UTC'),
    topic LowCardinality(String),
    noticed_at DateTime64(3, 'UTC'),
    until DateTime64(3, 'UTC'),
    contacts UInt32,
    usual Float64,
    over UInt8,
    recorded_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(recorded_at)
PARTITION BY toYear(since)
ORDER BY (since, topic);
