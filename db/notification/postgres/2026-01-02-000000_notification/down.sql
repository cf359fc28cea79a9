DROP TABLE notification;
DROP FUNCTION notification_turn;
