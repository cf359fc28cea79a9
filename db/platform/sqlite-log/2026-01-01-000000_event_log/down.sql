DROP TABLE log_record;
DROP TABLE log_partition;
