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
