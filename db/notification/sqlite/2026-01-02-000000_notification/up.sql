-- One row per event and channel. Instants are microseconds since 1970, money is in hundredths.
-- `seq` follows the commits, so it is the cursor of lists and of the live feed; it is never used twice.
CREATE TABLE notification (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    event_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    user_id TEXT NOT NULL,
    payment_id TEXT NOT NULL,
    channel TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'sent', 'failed')),
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    due_at INTEGER,
    claim TEXT,
    ended_at INTEGER,
    last_error TEXT,
    read_at INTEGER,
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    UNIQUE (event_id, channel),
    CHECK ((status = 'pending') = (due_at IS NOT NULL)),
    CHECK ((status = 'pending') = (ended_at IS NULL)),
    CHECK (claim IS NULL OR status = 'pending')
) STRICT;

CREATE INDEX notification_user ON notification (user_id, seq);
CREATE INDEX notification_unread ON notification (user_id, seq) WHERE read_at IS NULL;
CREATE INDEX notification_due ON notification (channel, due_at) WHERE status = 'pending';
