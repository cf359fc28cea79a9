CREATE TABLE log_partition (
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    first_offset INTEGER NOT NULL,
    next_offset INTEGER NOT NULL CHECK (next_offset >= first_offset),
    PRIMARY KEY (topic, partition)
) STRICT, WITHOUT ROWID;

CREATE TABLE log_record (
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    key TEXT NOT NULL,
    payload BLOB NOT NULL,
    headers TEXT NOT NULL,
    appended_at INTEGER NOT NULL,
    PRIMARY KEY (topic, partition, offset),
    FOREIGN KEY (topic, partition) REFERENCES log_partition (topic, partition)
) STRICT, WITHOUT ROWID;
CREATE INDEX log_record_appended ON log_record (appended_at);
