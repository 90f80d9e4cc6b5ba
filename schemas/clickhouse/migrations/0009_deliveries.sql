-- Reports by e-mail: what was intended, and what became of it. Never changed, only added to: a report mail is
-- never sent twice unasked, and what can't be known is told.

-- A row per step of an attempt. delivery: digest of period, scope, recipients, test and correction; it is in the
-- Message-ID, which stays the same however often it is sent. attempt: drawn anew each time; the first who
-- has intended a delivery goes on, and who finds another's attempt gives way. step: intended (before anything
-- is sent), yielded, failed (surely not sent; transient: may be tried again unasked), sent. An attempt
-- that has none of the latter three is in doubt. recipients: digests of addresses, no addresses;
-- refused: those that the server would not take, and its answer's code.
CREATE TABLE IF NOT EXISTS deliveries
(
    delivery String,
    attempt String,
    step LowCardinality(String),
    at DateTime64(3, 'UTC'),
    period String,
    scope String,
    correction UInt16,
    test Bool,
    recipients Array(String),
    refused Map(String, UInt16),
    transient Bool,
    reason String
)
ENGINE = ReplacingMergeTree
ORDER BY (delivery, attempt, step)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
