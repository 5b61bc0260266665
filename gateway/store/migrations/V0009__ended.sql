-- When a consent was last used: it is forgotten once it must have ended. Of those there are, the last record's time is the
-- latest that it can be.
ALTER TABLE consents ADD COLUMN used_micros INTEGER NOT NULL DEFAULT 0;
UPDATE consents SET used_micros = (SELECT latest_micros FROM position);

-- The use of a grant on days that no quota of a month looks back to is one sum, under the day before the first.
CREATE TABLE usage_before AS
    SELECT grant_name, sum(calls) AS calls, sum(quantity) AS quantity, sum(micro_yuan) AS micro_yuan
    FROM usage AS one
    WHERE day >= 0 AND day < (SELECT max(day) FROM usage AS any_day WHERE any_day.grant_name = one.grant_name) - 31
    GROUP BY grant_name;
DELETE FROM usage
    WHERE day >= 0 AND day < (SELECT max(day) FROM usage AS any_day WHERE any_day.grant_name = usage.grant_name) - 31;
INSERT INTO usage SELECT grant_name, -1, calls, quantity, micro_yuan FROM usage_before;
DROP TABLE usage_before;
