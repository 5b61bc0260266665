-- Charged quantity per unit, price and month, for prices whose next call depends on those before. `month` counts from
-- year 0 in Asia/Shanghai; `purpose` and `basis` are the numbers of records.
CREATE TABLE meters (
    unit TEXT NOT NULL,
    price TEXT NOT NULL,
    scenario TEXT NOT NULL,
    agreement TEXT NOT NULL,
    purpose INTEGER NOT NULL,
    basis INTEGER NOT NULL,
    month INTEGER NOT NULL,
    quantity INTEGER NOT NULL CHECK (quantity >= 0),
    PRIMARY KEY (unit, price, scenario, agreement, purpose, basis, month)
) STRICT, WITHOUT ROWID;

-- What was projected before is counted again from the journal's first record, meters included.
DELETE FROM consents;
DELETE FROM privacy_spend;
DELETE FROM usage;
DELETE FROM posted;
DELETE FROM settled;
DELETE FROM marks;
DELETE FROM nonce_batches;
DELETE FROM open_intents;
UPDATE position SET epoch = 0, seq = 0, latest_micros = 0;
