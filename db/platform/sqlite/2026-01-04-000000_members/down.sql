DROP TABLE consumer_member;
