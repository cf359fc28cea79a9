DROP TABLE inbox;
DROP TABLE consumer_member;
DROP TABLE consumer_position;
DROP TABLE relay_lease;
DROP TABLE outbox;
