-- A withdrawal is forgotten like a use, once the consent must have ended: `used_micros` is then when it was last used or
-- withdrawn. Of those there are, the last record's time is the latest that it can be.
UPDATE consents SET used_micros = (SELECT latest_micros FROM position) WHERE withdrawn = 1;
