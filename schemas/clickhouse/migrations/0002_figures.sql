-- The figures in two grains. One whole row per (window, dimensions, partition); the highest revision counts.

CREATE TABLE IF NOT EXISTS service_windows
(
    window DateTime64(3, 'UTC'),
    partition UInt16,
    channel LowCardinality(String),
    area LowCardinality(String),
    topic LowCardinality(String),
    unit LowCardinality(String),
    revision UInt64,
    offered Int64 DEFAULT 0,
    answered Int64 DEFAULT 0,
    abandoned Int64 DEFAULT 0,
    short_abandoned Int64 DEFAULT 0,
    flowed_out Int64 DEFAULT 0,
    callback_taken Int64 DEFAULT 0,
    no_show Int64 DEFAULT 0,
    open Int64 DEFAULT 0,
    contacts Int64 DEFAULT 0,
    taken Int64 DEFAULT 0,
    answered_in_target Int64 DEFAULT 0,
    calls_answered Int64 DEFAULT 0,
    calls_abandoned Int64 DEFAULT 0,
    wait_ms Int64 DEFAULT 0,
    handle_ms Int64 DEFAULT 0,
    visits_called Int64 DEFAULT 0,
    visit_wait_ms Int64 DEFAULT 0,
    redial Int64 DEFAULT 0,
    mail_due Int64 DEFAULT 0,
    mail_in_time Int64 DEFAULT 0,
    mail_due_24h Int64 DEFAULT 0,
    mail_in_24h Int64 DEFAULT 0,
    excluded_internal Int64 DEFAULT 0,
    excluded_auto_reply Int64 DEFAULT 0,
    excluded_bounce Int64 DEFAULT 0,
    excluded_bulk Int64 DEFAULT 0,
    excluded_spam Int64 DEFAULT 0,
    errands Int64 DEFAULT 0,
    errands_internal_topic Int64 DEFAULT 0,
    resolved_in_centre Int64 DEFAULT 0,
    errands_open Int64 DEFAULT 0,
    fcr_provisional Int64 DEFAULT 0,
    fcr_final_1d Int64 DEFAULT 0,
    fcr_final_7d Int64 DEFAULT 0,
    fcr_final_14d Int64 DEFAULT 0,
    fcr_final_30d Int64 DEFAULT 0,
    fcr_citizen_provisional Int64 DEFAULT 0,
    fcr_citizen_final_7d Int64 DEFAULT 0,
    traceable Int64 DEFAULT 0,
    fcr_final_traceable_7d Int64 DEFAULT 0,
    fcr_net Int64 DEFAULT 0,
    within_mandate Int64 DEFAULT 0,
    solved_within_mandate Int64 DEFAULT 0,
    under_reach Int64 DEFAULT 0,
    over_reach Int64 DEFAULT 0,
    handover_base Int64 DEFAULT 0,
    handed_over Int64 DEFAULT 0,
    outcome_registered Int64 DEFAULT 0,
    outcome_derived Int64 DEFAULT 0,
    outcome_default Int64 DEFAULT 0,
    errands_unlinked Int64 DEFAULT 0,
    channel_default Int64 DEFAULT 0,
    handovers Int64 DEFAULT 0,
    handovers_blind Int64 DEFAULT 0,
    handovers_consulted Int64 DEFAULT 0,
    handovers_ticket Int64 DEFAULT 0,
    wait_histogram Map(UInt16, UInt64)
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(window)
ORDER BY (window, partition, channel, area, topic, unit);

CREATE TABLE IF NOT EXISTS service_days
(
    day Date,
    partition UInt16,
    channel LowCardinality(String),
    area LowCardinality(String),
    topic LowCardinality(String),
    unit LowCardinality(String),
    revision UInt64,
    offered Int64 DEFAULT 0,
    answered Int64 DEFAULT 0,
    abandoned Int64 DEFAULT 0,
    short_abandoned Int64 DEFAULT 0,
    flowed_out Int64 DEFAULT 0,
    callback_taken Int64 DEFAULT 0,
    no_show Int64 DEFAULT 0,
    open Int64 DEFAULT 0,
    contacts Int64 DEFAULT 0,
    taken Int64 DEFAULT 0,
    answered_in_target Int64 DEFAULT 0,
    calls_answered Int64 DEFAULT 0,
    calls_abandoned Int64 DEFAULT 0,
    wait_ms Int64 DEFAULT 0,
    handle_ms Int64 DEFAULT 0,
    visits_called Int64 DEFAULT 0,
    visit_wait_ms Int64 DEFAULT 0,
    redial Int64 DEFAULT 0,
    mail_due Int64 DEFAULT 0,
    mail_in_time Int64 DEFAULT 0,
    mail_due_24h Int64 DEFAULT 0,
    mail_in_24h Int64 DEFAULT 0,
    excluded_internal Int64 DEFAULT 0,
    excluded_auto_reply Int64 DEFAULT 0,
    excluded_bounce Int64 DEFAULT 0,
    excluded_bulk Int64 DEFAULT 0,
    excluded_spam Int64 DEFAULT 0,
    errands Int64 DEFAULT 0,
    errands_internal_topic Int64 DEFAULT 0,
    resolved_in_centre Int64 DEFAULT 0,
    errands_open Int64 DEFAULT 0,
    fcr_provisional Int64 DEFAULT 0,
    fcr_final_1d Int64 DEFAULT 0,
    fcr_final_7d Int64 DEFAULT 0,
    fcr_final_14d Int64 DEFAULT 0,
    fcr_final_30d Int64 DEFAULT 0,
    fcr_citizen_provisional Int64 DEFAULT 0,
    fcr_citizen_final_7d Int64 DEFAULT 0,
    traceable Int64 DEFAULT 0,
    fcr_final_traceable_7d Int64 DEFAULT 0,
    fcr_net Int64 DEFAULT 0,
    within_mandate Int64 DEFAULT 0,
    solved_within_mandate Int64 DEFAULT 0,
    under_reach Int64 DEFAULT 0,
    over_reach Int64 DEFAULT 0,
    handover_base Int64 DEFAULT 0,
    handed_over Int64 DEFAULT 0,
    outcome_registered Int64 DEFAULT 0,
    outcome_derived Int64 DEFAULT 0,
    outcome_default Int64 DEFAULT 0,
    errands_unlinked Int64 DEFAULT 0,
    channel_default Int64 DEFAULT 0,
    handovers Int64 DEFAULT 0,
    handovers_blind Int64 DEFAULT 0,
    handovers_consulted Int64 DEFAULT 0,
    handovers_ticket Int64 DEFAULT 0,
    wait_histogram Map(UInt16, UInt64)
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYear(day)
ORDER BY (day, partition, channel, area, topic, unit);

-- The only way to read figures and facts: without what a former owner wrote after it lost a partition
-- (CORRECTIONS 2).
CREATE VIEW IF NOT EXISTS service_windows_current AS
SELECT f.*
FROM service_windows AS f FINAL
LEFT JOIN
(
    SELECT partition, max(epoch) AS active_epoch, argMax(horizon_from, epoch) AS active_from
    FROM epochs
    WHERE stage = 2 AND state = 'active'
    GROUP BY partition
) AS e ON f.partition = e.partition
WHERE f.window < e.active_from OR bitShiftRight(f.revision, 40) >= e.active_epoch;

CREATE VIEW IF NOT EXISTS service_days_current AS
SELECT f.*
FROM service_days AS f FINAL
LEFT JOIN
(
    SELECT partition, max(epoch) AS active_epoch, argMax(horizon_from, epoch) AS active_from
    FROM epochs
    WHERE stage = 2 AND state = 'active'
    GROUP BY partition
) AS e ON f.partition = e.partition
WHERE f.day < toDate(e.active_from, 'Europe/Stockholm') OR bitShiftRight(f.revision, 40) >= e.active_epoch;

CREATE VIEW IF NOT EXISTS contacts_current AS
SELECT f.*
FROM contacts AS f FINAL
LEFT JOIN
(
    SELECT partition, max(epoch) AS active_epoch, argMax(horizon_from, epoch) AS active_from
    FROM epochs
    WHERE stage = 2 AND state = 'active'
    GROUP BY partition
) AS e ON f.partition = e.partition
WHERE f.deleted = 0
    AND (f.day < toDate(e.active_from, 'Europe/Stockholm') OR bitShiftRight(f.revision, 40) >= e.active_epoch);
