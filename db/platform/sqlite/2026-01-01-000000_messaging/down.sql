DROP TABLE idempotency_key;
DROP TABLE inbox;
DROP TABLE consumer_position;
DROP TABLE relay_lease;
DROP TABLE outbox;
