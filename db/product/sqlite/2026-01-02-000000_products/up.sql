-- Money is in hundredths, instants are microseconds since 1970. The checks repeat the domain's rules, so that
-- not even a hand-written statement can break them.

CREATE TABLE product (
    -- AUTOINCREMENT: the number of a removed product is never used again.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    -- Lower case in every script, for sorting and searching; SQLite's own lower() knows ASCII only.
    name_key TEXT NOT NULL,
    description TEXT NOT NULL CHECK (length(description) <= 5000),
    description_key TEXT NOT NULL,
    price_minor INTEGER NOT NULL CHECK (price_minor BETWEEN 1 AND 9999999999),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    stock_quantity INTEGER NOT NULL CHECK (stock_quantity BETWEEN 0 AND 1000000000),
    reserved INTEGER NOT NULL CHECK (reserved BETWEEN 0 AND stock_quantity),
    category TEXT NOT NULL CHECK (length(category) BETWEEN 1 AND 100),
    image_url TEXT CHECK (length(image_url) <= 2000),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 1)
) STRICT;
-- One index per order of the list; pages continue at (key, id).
CREATE INDEX product_name ON product (name_key, id);
CREATE INDEX product_price ON product (price_minor, id);
CREATE INDEX product_created ON product (created_at, id);
CREATE INDEX product_stock ON product (stock_quantity, id);
CREATE INDEX product_category ON product (category, id);

CREATE TABLE stock_reservation (
    payment_id TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('reserved', 'rejected', 'released_first')),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- No foreign key to product: an answer is kept longer than what it was about.
CREATE TABLE stock_reservation_line (
    payment_id TEXT NOT NULL REFERENCES stock_reservation (payment_id) ON DELETE CASCADE,
    product_id INTEGER NOT NULL,
    quantity INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 1000000),
    held INTEGER NOT NULL CHECK (held IN (0, 1)),
    -- Why the line could not be held: so few units were available, or there was no such product.
    available INTEGER CHECK (available BETWEEN 0 AND quantity - 1),
    missing INTEGER NOT NULL CHECK (missing IN (0, 1)),
    PRIMARY KEY (payment_id, product_id),
    CHECK (held + missing + (available IS NOT NULL) <= 1)
) STRICT, WITHOUT ROWID;
CREATE INDEX stock_reservation_held ON stock_reservation_line (product_id) WHERE held = 1;

-- The books: per product the sum of all quantities is its stock, and 0 once it is removed.
CREATE TABLE stock_movement (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    product_id INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('initial', 'adjustment', 'decrease', 'increase', 'removal')),
    quantity INTEGER NOT NULL CHECK (quantity <> 0),
    payment_id TEXT,
    moved_at INTEGER NOT NULL,
    CHECK ((kind IN ('decrease', 'increase')) = (payment_id IS NOT NULL)),
    CHECK (kind NOT IN ('decrease', 'removal') OR quantity < 0),
    CHECK (kind NOT IN ('initial', 'increase') OR quantity > 0)
) STRICT;
CREATE INDEX stock_movement_product ON stock_movement (product_id);

CREATE TABLE product_sales (
    product_id INTEGER PRIMARY KEY,
    units INTEGER NOT NULL CHECK (units >= 0),
    revenue_minor INTEGER NOT NULL CHECK (revenue_minor >= 0),
    currency TEXT NOT NULL CHECK (length(currency) = 3)
) STRICT;
