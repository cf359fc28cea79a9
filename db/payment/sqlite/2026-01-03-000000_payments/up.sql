CREATE TABLE payments (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    basket_id TEXT NOT NULL,
    basket_version INTEGER NOT NULL,
    -- "<basket>:<version>" while the payment lives, NULL afterwards: one live payment per basket version.
    live_basket TEXT UNIQUE,
    amount INTEGER NOT NULL CHECK (amount >= 0),
    refunded INTEGER NOT NULL CHECK (refunded BETWEEN 0 AND amount),
    currency TEXT NOT NULL,
    status TEXT NOT NULL,
    method TEXT NOT NULL,
    provider TEXT,
    provider_id TEXT,
    description TEXT,
    metadata TEXT NOT NULL,
    step TEXT,
    attempt INTEGER,
    token TEXT,
    failure_code TEXT,
    failure_reason TEXT,
    resume_at INTEGER,
    -- When the recovery worker has something to do.
    due_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    processed_at INTEGER,
    expires_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    CHECK ((status = 'processing') = (step IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX payments_user ON payments (user_id, id);
CREATE INDEX payments_status ON payments (status, id);
CREATE INDEX payments_due ON payments (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE payment_items (
    payment_id TEXT NOT NULL REFERENCES payments (id),
    line INTEGER NOT NULL,
    product_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    price INTEGER NOT NULL,
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    category TEXT NOT NULL,
    PRIMARY KEY (payment_id, line)
) STRICT, WITHOUT ROWID;

CREATE TABLE refunds (
    payment_id TEXT NOT NULL REFERENCES payments (id),
    line INTEGER NOT NULL,
    id TEXT NOT NULL UNIQUE,
    amount INTEGER NOT NULL CHECK (amount > 0),
    reason TEXT,
    request_key TEXT,
    state TEXT NOT NULL,
    compensates INTEGER NOT NULL,
    requested_at INTEGER NOT NULL,
    resume_at INTEGER NOT NULL,
    PRIMARY KEY (payment_id, line)
) STRICT, WITHOUT ROWID;

CREATE TABLE provider_callbacks (
    event_id TEXT PRIMARY KEY,
    received_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
