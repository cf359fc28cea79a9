-- Money is in hundredths, instants are microseconds since 1970.

-- Lines are added and never changed: the sum of a charge's refunds and its version (1 and the number of its refunds)
-- come from them.
CREATE TABLE ledger (
    entry INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('charge', 'refund')),
    id TEXT NOT NULL UNIQUE,
    key TEXT NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    -- A charge's own id, or that of the charge a refund takes from.
    charge_id TEXT NOT NULL,
    reference TEXT NOT NULL CHECK (length(reference) BETWEEN 1 AND 128),
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    status TEXT NOT NULL CHECK (status IN ('captured', 'declined', 'refunded')),
    failure_code TEXT,
    method TEXT,
    token TEXT,
    callback_url TEXT,
    created_at INTEGER NOT NULL,
    -- One line per key: a second charge under a key is the first one.
    UNIQUE (kind, key),
    CHECK ((kind = 'charge') = (id = charge_id)),
    CHECK ((kind = 'refund') = (status = 'refunded')),
    CHECK ((kind = 'charge') = (method IS NOT NULL AND token IS NOT NULL)),
    CHECK ((status = 'declined') = (failure_code IS NOT NULL))
) STRICT;
CREATE INDEX ledger_charge ON ledger (charge_id, entry);
CREATE INDEX ledger_reference ON ledger (reference, entry);

-- Keys whose first call was answered with an error before anything was charged.
CREATE TABLE turned_away (
    key TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE callback (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL,
    key TEXT NOT NULL,
    charge_id TEXT NOT NULL,
    failure_code TEXT,
    sequence INTEGER NOT NULL CHECK (sequence BETWEEN 1 AND 1000),
    url TEXT NOT NULL,
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    due_at INTEGER NOT NULL
) STRICT;
CREATE INDEX callback_due ON callback (due_at);
