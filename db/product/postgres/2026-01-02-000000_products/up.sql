-- Money is in hundredths. The checks repeat the domain's rules, so that not even a hand-written statement can break
-- them. What is sorted or compared for equality has the collation "C": the order of code points, which every store of
-- this context keeps and which no update of the operating system changes under an index.

-- For substring search. It is a trusted extension of Debian's and every cloud's standard package: the owner of the
-- database may create it.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE product (
    -- The number of a removed product is never used again.
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    -- Lower case in every script, whatever the server's locale can do, for sorting and searching.
    name_key text COLLATE "C" NOT NULL,
    description text NOT NULL CHECK (char_length(description) <= 5000),
    description_key text COLLATE "C" NOT NULL,
    price_minor bigint NOT NULL CHECK (price_minor BETWEEN 1 AND 9999999999),
    currency text COLLATE "C" NOT NULL CHECK (char_length(currency) = 3),
    stock_quantity bigint NOT NULL CHECK (stock_quantity BETWEEN 0 AND 1000000000),
    reserved bigint NOT NULL CHECK (reserved BETWEEN 0 AND stock_quantity),
    category text COLLATE "C" NOT NULL CHECK (char_length(category) BETWEEN 1 AND 100),
    image_url text CHECK (char_length(image_url) <= 2000),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    version bigint NOT NULL CHECK (version >= 1)
);
-- A reservation changes no indexed column: with room in the page it stays there and touches no index.
ALTER TABLE product SET (fillfactor = 85);
-- One index per order of the list, alone and within a category; pages continue at (key, id). Ranges of price and stock
-- are searched in the same ones.
CREATE INDEX product_name ON product (name_key, id);
CREATE INDEX product_price ON product (price_minor, id);
CREATE INDEX product_created ON product (created_at, id);
CREATE INDEX product_stock ON product (stock_quantity, id);
CREATE INDEX product_category_id ON product (category, id);
CREATE INDEX product_category_name ON product (category, name_key, id);
CREATE INDEX product_category_price ON product (category, price_minor, id);
CREATE INDEX product_category_created ON product (category, created_at, id);
CREATE INDEX product_category_stock ON product (category, stock_quantity, id);
-- Finds any three letters in a row.
CREATE INDEX product_words ON product USING gin (name_key gin_trgm_ops, description_key gin_trgm_ops);

-- How many products each category has: counting them anew would read the whole catalogue for each who asks. Triggers
-- keep it, so that it holds for bulk loads and statements by hand, too. Only who adds, removes or moves products of one
-- category waits for one another, and stock changes never do.
CREATE TABLE product_category (
    name text COLLATE "C" PRIMARY KEY,
    product_count bigint NOT NULL CHECK (product_count > 0)
);

CREATE FUNCTION product_category_gains(category text, products bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO product_category AS known (name, product_count) VALUES (category, products)
    ON CONFLICT (name) DO UPDATE SET product_count = known.product_count + excluded.product_count;
$$;

-- Waits for its turn first: two that leave at once would both see that somebody else stays.
CREATE FUNCTION product_category_loses(category text, products bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM product_category WHERE name = category FOR UPDATE;
    DELETE FROM product_category WHERE name = category AND product_count = products;
    IF NOT FOUND THEN
        UPDATE product_category SET product_count = product_count - products WHERE name = category;
    END IF;
END
$$;

CREATE FUNCTION product_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM product_category_gains(category, count(*)) FROM added GROUP BY category ORDER BY category;
    RETURN NULL;
END
$$;

CREATE FUNCTION product_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM product_category_loses(category, count(*)) FROM removed GROUP BY category ORDER BY category;
    RETURN NULL;
END
$$;

-- In the order of the names, so that two moves in opposite directions never wait for each other.
CREATE FUNCTION product_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF old.category < new.category THEN
        PERFORM product_category_loses(old.category, 1);
        PERFORM product_category_gains(new.category, 1);
    ELSE
        PERFORM product_category_gains(new.category, 1);
        PERFORM product_category_loses(old.category, 1);
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER product_added AFTER INSERT ON product
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION product_added();
CREATE TRIGGER product_removed AFTER DELETE ON product
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION product_removed();
CREATE TRIGGER product_moved AFTER UPDATE ON product
    FOR EACH ROW WHEN (old.category IS DISTINCT FROM new.category) EXECUTE FUNCTION product_moved();

CREATE TABLE stock_reservation (
    payment_id uuid PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('reserved', 'rejected', 'released_first')),
    created_at timestamptz NOT NULL
);

-- No foreign key to product: an answer is kept longer than what it was about.
CREATE TABLE stock_reservation_line (
    payment_id uuid NOT NULL REFERENCES stock_reservation (payment_id) ON DELETE CASCADE,
    product_id bigint NOT NULL,
    quantity bigint NOT NULL CHECK (quantity BETWEEN 1 AND 1000000),
    held boolean NOT NULL,
    -- Why the line could not be held: so few units were available, or there was no such product.
    available bigint CHECK (available BETWEEN 0 AND quantity - 1),
    missing boolean NOT NULL,
    PRIMARY KEY (payment_id, product_id),
    CHECK (held::int + missing::int + (available IS NOT NULL)::int <= 1)
);

-- The books: per product the sum of all quantities is its stock, and 0 once it is removed.
CREATE TABLE stock_movement (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product_id bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('initial', 'adjustment', 'decrease', 'increase', 'removal')),
    quantity bigint NOT NULL CHECK (quantity <> 0),
    payment_id uuid,
    moved_at timestamptz NOT NULL,
    CHECK ((kind IN ('decrease', 'increase')) = (payment_id IS NOT NULL)),
    CHECK (kind NOT IN ('decrease', 'removal') OR quantity < 0),
    CHECK (kind NOT IN ('initial', 'increase') OR quantity > 0)
);
CREATE INDEX stock_movement_product ON stock_movement (product_id);

CREATE TABLE product_sales (
    product_id bigint PRIMARY KEY,
    units bigint NOT NULL CHECK (units >= 0),
    revenue_minor bigint NOT NULL CHECK (revenue_minor >= 0),
    currency text COLLATE "C" NOT NULL CHECK (char_length(currency) = 3)
);
