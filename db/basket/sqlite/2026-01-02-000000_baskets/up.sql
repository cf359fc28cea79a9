CREATE TABLE baskets (
    user_id TEXT NOT NULL PRIMARY KEY,
    id TEXT NOT NULL,
    currency TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    version INTEGER NOT NULL CHECK (version > 0)
) STRICT, WITHOUT ROWID;
CREATE INDEX baskets_expiry ON baskets (expires_at);

CREATE TABLE basket_items (
    user_id TEXT NOT NULL REFERENCES baskets (user_id) ON DELETE CASCADE,
    product_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    price INTEGER NOT NULL,
    category TEXT NOT NULL,
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    since_version INTEGER NOT NULL,
    PRIMARY KEY (user_id, product_id)
) STRICT, WITHOUT ROWID;

-- Payments whose lines have left their basket: none takes effect twice, whatever its events are called.
CREATE TABLE paid_baskets (
    payment_id TEXT NOT NULL PRIMARY KEY,
    settled_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX paid_baskets_age ON paid_baskets (settled_at);
