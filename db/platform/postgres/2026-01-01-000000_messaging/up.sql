-- Times are the server's own: leases are compared by one clock, whatever the clocks of the replicas say.

CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id uuid NOT NULL UNIQUE,
    topic text NOT NULL,
    key text NOT NULL,
    aggregate_version bigint NOT NULL,
    payload bytea NOT NULL CHECK (length(payload) <= 262144),
    headers text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    published_at timestamptz
);
-- What waits is found, and counted, without a look at what is published already.
CREATE INDEX outbox_pending ON outbox (id) INCLUDE (created_at) WHERE published_at IS NULL;
CREATE INDEX outbox_published ON outbox (published_at, id) WHERE published_at IS NOT NULL;
-- Each row is written, marked and removed within a day: the usual fifth of dead rows would make every round of the
-- relay walk over them.
ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_analyze_scale_factor = 0.02);

CREATE TABLE relay_lease (
    shard bigint PRIMARY KEY,
    owner text NOT NULL,
    lease_until timestamptz NOT NULL
);

CREATE TABLE consumer_position (
    consumer text NOT NULL,
    topic text NOT NULL,
    partition bigint NOT NULL,
    owner text NOT NULL,
    epoch bigint NOT NULL,
    lease_until timestamptz NOT NULL,
    next_offset bigint NOT NULL CHECK (next_offset >= 0),
    attempts bigint NOT NULL,
    PRIMARY KEY (consumer, topic, partition)
);
-- One row changes with every record: room in its page lets the change stay there and out of the index.
ALTER TABLE consumer_position SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);

-- Who consumes at the moment: the partitions are shared out among them.
CREATE TABLE consumer_member (
    consumer text NOT NULL,
    owner text NOT NULL,
    lease_until timestamptz NOT NULL,
    PRIMARY KEY (consumer, owner)
);

CREATE TABLE inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    handled_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (consumer, event_id)
);
CREATE INDEX inbox_handled ON inbox (handled_at);
