-- MariaDB commits each statement that changes the schema by itself, so a migration can be cut off in the middle and is
-- then run again from its start: every statement here must be one that does no harm when it is repeated.
--
-- Texts compare by their bytes, trailing blanks included (nopad): keys that differ are never the same key. Instants
-- are the server's, in UTC, as every session has that as its time zone.

CREATE TABLE IF NOT EXISTS outbox (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    event_id CHAR(36) NOT NULL,
    topic VARCHAR(255) NOT NULL,
    `key` VARCHAR(255) NOT NULL,
    aggregate_version BIGINT NOT NULL,
    payload MEDIUMBLOB NOT NULL CHECK (OCTET_LENGTH(payload) <= 262144),
    headers MEDIUMTEXT NOT NULL,
    created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    published_at DATETIME(6),
    UNIQUE KEY outbox_event (event_id),
    -- There are no partial indexes. Unpublished rows have NULL here and lie together, in the order of their ids.
    KEY outbox_pending (published_at, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS relay_lease (
    shard BIGINT NOT NULL PRIMARY KEY,
    owner VARCHAR(255) NOT NULL,
    lease_until DATETIME(6) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS consumer_position (
    consumer VARCHAR(128) NOT NULL,
    topic VARCHAR(255) NOT NULL,
    `partition` BIGINT NOT NULL,
    owner VARCHAR(255) NOT NULL,
    epoch BIGINT NOT NULL,
    lease_until DATETIME(6) NOT NULL,
    next_offset BIGINT NOT NULL CHECK (next_offset >= 0),
    attempts BIGINT NOT NULL,
    PRIMARY KEY (consumer, topic, `partition`)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_nopad_bin;

-- Who consumes at the moment: the partitions are shared out among them.
CREATE TABLE IF NOT EXISTS consumer_member (
    consumer VARCHAR(128) NOT NULL,
    owner VARCHAR(255) NOT NULL,
    lease_until DATETIME(6) NOT NULL,
    PRIMARY KEY (consumer, owner)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS inbox (
    consumer VARCHAR(128) NOT NULL,
    event_id CHAR(36) NOT NULL,
    handled_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    PRIMARY KEY (consumer, event_id),
    KEY inbox_handled (handled_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS idempotency_key (
    principal VARCHAR(255) NOT NULL,
    route VARCHAR(64) NOT NULL,
    `key` VARCHAR(255) NOT NULL,
    request_hash VARCHAR(128) NOT NULL,
    token VARCHAR(64) NOT NULL,
    locked_until DATETIME(6) NOT NULL,
    answer MEDIUMBLOB,
    created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    PRIMARY KEY (principal, route, `key`),
    KEY idempotency_key_created (created_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_nopad_bin;
