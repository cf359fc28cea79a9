DROP TABLE IF EXISTS idempotency_key;
DROP TABLE IF EXISTS inbox;
DROP TABLE IF EXISTS consumer_member;
DROP TABLE IF EXISTS consumer_position;
DROP TABLE IF EXISTS relay_lease;
DROP TABLE IF EXISTS outbox;
