-- Measures of Part 2: variants of the service level, every W in every view of first-contact resolution, and
-- replies to mail. The facts keep what they are computed from.

ALTER TABLE contacts
    ADD COLUMN IF NOT EXISTS replied_at Nullable(DateTime64(3, 'UTC')) AFTER answered_at,
    ADD COLUMN IF NOT EXISTS left_at Nullable(DateTime64(3, 'UTC')) AFTER ended_at,
    ADD COLUMN IF NOT EXISTS reopened_at Nullable(DateTime64(3, 'UTC')) AFTER left_at,
    ADD COLUMN IF NOT EXISTS thanks UInt8 DEFAULT 0 AFTER redial;

ALTER TABLE service_windows
    ADD COLUMN IF NOT EXISTS calls_abandoned_in_target Int64 DEFAULT 0 AFTER calls_abandoned,
    ADD COLUMN IF NOT EXISTS calls_abandoned_after_target Int64 DEFAULT 0 AFTER calls_abandoned_in_target,
    ADD COLUMN IF NOT EXISTS calls_short_abandoned Int64 DEFAULT 0 AFTER calls_abandoned_after_target,
    ADD COLUMN IF NOT EXISTS calls_flowed_out Int64 DEFAULT 0 AFTER calls_short_abandoned,
    ADD COLUMN IF NOT EXISTS mail_replied_in_time Int64 DEFAULT 0 AFTER mail_in_time,
    ADD COLUMN IF NOT EXISTS fcr_citizen_final_1d Int64 DEFAULT 0 AFTER fcr_citizen_provisional,
    ADD COLUMN IF NOT EXISTS fcr_citizen_final_14d Int64 DEFAULT 0 AFTER fcr_citizen_final_7d,
    ADD COLUMN IF NOT EXISTS fcr_citizen_final_30d Int64 DEFAULT 0 AFTER fcr_citizen_final_14d,
    ADD COLUMN IF NOT EXISTS fcr_final_traceable_1d Int64 DEFAULT 0 AFTER traceable,
    ADD COLUMN IF NOT EXISTS fcr_final_traceable_14d Int64 DEFAULT 0 AFTER fcr_final_traceable_7d,
    ADD COLUMN IF NOT EXISTS fcr_final_traceable_30d Int64 DEFAULT 0 AFTER fcr_final_traceable_14d,
    ADD COLUMN IF NOT EXISTS fcr_net_final_1d Int64 DEFAULT 0 AFTER fcr_net,
    ADD COLUMN IF NOT EXISTS fcr_net_final_7d Int64 DEFAULT 0 AFTER fcr_net_final_1d,
    ADD COLUMN IF NOT EXISTS fcr_net_final_14d Int64 DEFAULT 0 AFTER fcr_net_final_7d,
    ADD COLUMN IF NOT EXISTS fcr_net_final_30d Int64 DEFAULT 0 AFTER fcr_net_final_14d;

ALTER TABLE service_days
    ADD COLUMN IF NOT EXISTS calls_abandoned_in_target Int64 DEFAULT 0 AFTER calls_abandoned,
    ADD COLUMN IF NOT EXISTS calls_abandoned_after_target Int64 DEFAULT 0 AFTER calls_abandoned_in_target,
    ADD COLUMN IF NOT EXISTS calls_short_abandoned Int64 DEFAULT 0 AFTER calls_abandoned_after_target,
    ADD COLUMN IF NOT EXISTS calls_flowed_out Int64 DEFAULT 0 AFTER calls_short_abandoned,
    ADD COLUMN IF NOT EXISTS mail_replied_in_time Int64 DEFAULT 0 AFTER mail_in_time,
    ADD COLUMN IF NOT EXISTS fcr_citizen_final_1d Int64 DEFAULT 0 AFTER fcr_citizen_provisional,
    ADD COLUMN IF NOT EXISTS fcr_citizen_final_14d Int64 DEFAULT 0 AFTER fcr_citizen_final_7d,
    ADD COLUMN IF NOT EXISTS fcr_citizen_final_30d Int64 DEFAULT 0 AFTER fcr_citizen_final_14d,
    ADD COLUMN IF NOT EXISTS fcr_final_traceable_1d Int64 DEFAULT 0 AFTER traceable,
    ADD COLUMN IF NOT EXISTS fcr_final_traceable_14d Int64 DEFAULT 0 AFTER fcr_final_traceable_7d,
    ADD COLUMN IF NOT EXISTS fcr_final_traceable_30d Int64 DEFAULT 0 AFTER fcr_final_traceable_14d,
    ADD COLUMN IF NOT EXISTS fcr_net_final_1d Int64 DEFAULT 0 AFTER fcr_net,
    ADD COLUMN IF NOT EXISTS fcr_net_final_7d Int64 DEFAULT 0 AFTER fcr_net_final_1d,
    ADD COLUMN IF NOT EXISTS fcr_net_final_14d Int64 DEFAULT 0 AFTER fcr_net_final_7d,
    ADD COLUMN IF NOT EXISTS fcr_net_final_30d Int64 DEFAULT 0 AFTER fcr_net_final_14d;

-- A view has the columns that its table had when it was made: made anew, it has those of today.
CREATE OR REPLACE VIEW service_windows_current AS
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

CREATE OR REPLACE VIEW service_days_current AS
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

CREATE OR REPLACE VIEW contacts_current AS
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
