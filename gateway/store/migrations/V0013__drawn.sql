-- Answers drawn from one operation by one unit, under one version of the product, in one quarter: what bounds on models and
-- blinded lists are counted against. `quarter` counts from year 0 in Asia/Shanghai; -1 holds the sum of those before. What was
-- drawn before this table was there is not in it.
CREATE TABLE drawn (
    product TEXT NOT NULL,
    operation TEXT NOT NULL,
    unit TEXT NOT NULL,
    version INTEGER NOT NULL,
    quarter INTEGER NOT NULL,
    quantity INTEGER NOT NULL CHECK (quantity >= 0),
    PRIMARY KEY (product, operation, unit, version, quarter)
) STRICT, WITHOUT ROWID;
