-- Freezing: days that no owner writes any more, and rebuilds, which open them once again.

-- From which instant on which epoch is needed at least: the horizon moves on with every owner, and what a
-- former owner's zombie wrote must not come to light when it has passed.
CREATE VIEW IF NOT EXISTS epochs_in_force AS
SELECT
    partition,
    horizon_from,
    toDate(horizon_from, 'Europe/Stockholm') AS day_from,
    max(highest) OVER (PARTITION BY partition ORDER BY horizon_from) AS epoch
FROM
(
    SELECT partition, horizon_from, max(epoch) AS highest
    FROM epochs
    WHERE stage = 2 AND state = 'active'
    GROUP BY partition, horizon_from
);

CREATE OR REPLACE VIEW service_windows_current AS
SELECT f.*
FROM service_windows AS f FINAL
ASOF LEFT JOIN epochs_in_force AS e ON f.partition = e.partition AND f.window >= e.horizon_from
WHERE bitShiftRight(f.revision, 40) >= e.epoch;

CREATE OR REPLACE VIEW service_days_current AS
SELECT f.*
FROM service_days AS f FINAL
ASOF LEFT JOIN epochs_in_force AS e ON f.partition = e.partition AND f.day >= e.day_from
WHERE bitShiftRight(f.revision, 40) >= e.epoch;

CREATE OR REPLACE VIEW contacts_current AS
SELECT f.*
FROM contacts AS f FINAL
ASOF LEFT JOIN epochs_in_force AS e ON f.partition = e.partition AND f.day >= e.day_from
WHERE f.deleted = 0 AND bitShiftRight(f.revision, 40) >= e.epoch;

-- What was asked to be computed anew, from which local day on; open until it says done.
CREATE TABLE IF NOT EXISTS rebuilds
(
    id String,
    since Date,
    state LowCardinality(String),
    late UInt64,
    recorded_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(recorded_at)
ORDER BY id;
