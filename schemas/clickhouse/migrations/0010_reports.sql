-- Reports that were published: their figures by key, so that a later one can say what has been corrected.

-- scope: what besides the period sets a report apart (area, comparison, formulas). version: digest of the
-- figures. cells: every number of the report by its key; what was preliminary is left out, since that it
-- changes is no correction.
CREATE TABLE IF NOT EXISTS reports
(
    period String,
    scope String,
    version String,
    cells Map(String, Float64),
    published_at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (period, scope, published_at);
