-- Every statement bears being repeated: see db/platform/mariadb.
--
-- Money is in minor units. Texts that come from a provider have no length that we could promise: they are TEXT.

CREATE TABLE IF NOT EXISTS payments (
    -- UUIDv7 in lower case: ids sort by time.
    id CHAR(36) NOT NULL PRIMARY KEY,
    user_id VARCHAR(64) NOT NULL,
    basket_id CHAR(36) NOT NULL,
    basket_version BIGINT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount >= 0),
    refunded BIGINT NOT NULL CHECK (refunded BETWEEN 0 AND amount),
    currency CHAR(3) NOT NULL,
    status VARCHAR(32) NOT NULL,
    method VARCHAR(32) NOT NULL,
    provider VARCHAR(64),
    provider_id TEXT,
    description TEXT,
    metadata MEDIUMTEXT NOT NULL CHECK (JSON_VALID(metadata)),
    step VARCHAR(32),
    attempt BIGINT,
    token TEXT,
    failure_code TEXT,
    failure_reason TEXT,
    resume_at DATETIME(6),
    -- When the recovery worker has something to do.
    due_at DATETIME(6),
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    processed_at DATETIME(6),
    expires_at DATETIME(6) NOT NULL,
    version BIGINT NOT NULL,
    -- One live payment per basket version. There are no partial indexes, but NULLs are never equal: a payment that lets
    -- its basket go has none here.
    live_version BIGINT AS (IF(status IN ('failed', 'cancelled', 'expired'), NULL, basket_version)) STORED,
    CONSTRAINT payments_step CHECK ((status = 'processing') = (step IS NOT NULL)),
    UNIQUE KEY payments_live_basket (basket_id, live_version),
    KEY payments_user (user_id, id),
    KEY payments_user_status (user_id, status, id),
    KEY payments_status (status, id),
    KEY payments_due (due_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS payment_items (
    payment_id CHAR(36) NOT NULL,
    line BIGINT NOT NULL,
    product_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    price BIGINT NOT NULL CHECK (price >= 0),
    quantity BIGINT NOT NULL CHECK (quantity > 0),
    category TEXT NOT NULL,
    PRIMARY KEY (payment_id, line),
    CONSTRAINT payment_items_payment FOREIGN KEY (payment_id) REFERENCES payments (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS refunds (
    payment_id CHAR(36) NOT NULL,
    line BIGINT NOT NULL,
    id CHAR(36) NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    reason TEXT,
    request_key TEXT,
    state VARCHAR(16) NOT NULL,
    compensates BOOLEAN NOT NULL,
    requested_at DATETIME(6) NOT NULL,
    resume_at DATETIME(6) NOT NULL,
    PRIMARY KEY (payment_id, line),
    UNIQUE KEY refunds_id (id),
    CONSTRAINT refunds_payment FOREIGN KEY (payment_id) REFERENCES payments (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS provider_callbacks (
    event_id VARCHAR(255) NOT NULL PRIMARY KEY,
    received_at DATETIME(6) NOT NULL,
    KEY provider_callbacks_received (received_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_nopad_bin;

-- The figures, kept up to date by each save: to add up all payments whenever somebody asks would read all of them. Each
-- status has several rows, and a payment always counts in the same one, so that saves seldom wait for each other.
CREATE TABLE IF NOT EXISTS payment_figures (
    status VARCHAR(32) NOT NULL,
    shard BIGINT NOT NULL,
    payments BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    refunded BIGINT NOT NULL,
    PRIMARY KEY (status, shard)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_nopad_bin;
