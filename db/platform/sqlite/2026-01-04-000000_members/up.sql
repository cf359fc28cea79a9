-- Who consumes at the moment: the partitions are shared out among them.
CREATE TABLE consumer_member (
    consumer TEXT NOT NULL,
    owner TEXT NOT NULL,
    lease_until INTEGER NOT NULL,
    PRIMARY KEY (consumer, owner)
) STRICT, WITHOUT ROWID;
