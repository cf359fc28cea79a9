-- One row per event and channel. Money is in hundredths. The checks repeat the domain's rules, so that not even a
-- hand-written statement can break them. Texts that are only compared for equality have the collation "C": its order
-- never changes, while that of a language may with the operating system, and would break the indexes.
CREATE TABLE notification (
    -- Follows the commits of each user, see below: the cursor of lists and of the live feed.
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    event_id uuid NOT NULL,
    event_type text NOT NULL,
    user_id text COLLATE "C" NOT NULL CHECK (length(user_id) BETWEEN 1 AND 64),
    payment_id uuid NOT NULL,
    channel text COLLATE "C" NOT NULL CHECK (channel IN ('in_app', 'email', 'slack', 'webhook')),
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    subject text NOT NULL,
    body text NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'sent', 'failed')),
    attempts bigint NOT NULL CHECK (attempts BETWEEN 0 AND 4294967295),
    due_at timestamptz,
    claim uuid,
    ended_at timestamptz,
    last_error text,
    read_at timestamptz,
    created_at timestamptz NOT NULL,
    version bigint NOT NULL CHECK (version >= 1),
    UNIQUE (event_id, channel),
    CHECK ((status = 'pending') = (due_at IS NOT NULL)),
    CHECK ((status = 'pending') = (ended_at IS NULL)),
    CHECK (claim IS NULL OR status = 'pending')
);

-- A user's list and feed, and the list of what the user has not read. The channel comes last: it is looked at within
-- the index, and the order is that of the numbers with or without it.
CREATE INDEX notification_user ON notification (user_id, seq, channel);
CREATE INDEX notification_user_unread ON notification (user_id, seq, channel) WHERE read_at IS NULL;
-- The same lists over all users. A channel that was switched off a year ago is found without a walk through that year.
CREATE INDEX notification_channel ON notification (channel, seq);
CREATE INDEX notification_unread ON notification (seq, channel) WHERE read_at IS NULL;
-- Only what is pending has a time when it is due.
CREATE INDEX notification_due ON notification (channel, due_at, seq) WHERE due_at IS NOT NULL;

-- Whoever inserts for a user waits until those before have committed, and draws the number then; what the column drew
-- by itself came before the wait and is lost. So a user's numbers become visible in order, and who has seen one has
-- missed none of that user below it. The lock goes with the transaction, after its commit is visible; "shopfeed" in
-- ASCII keeps it apart from other locks that are named by a hash.
CREATE FUNCTION notification_turn() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(NEW.user_id, x'73686f7066656564'::bigint));
    NEW.seq := nextval('notification_seq_seq');
    RETURN NEW;
END
$$;
CREATE TRIGGER notification_turn BEFORE INSERT ON notification
    FOR EACH ROW EXECUTE FUNCTION notification_turn();
