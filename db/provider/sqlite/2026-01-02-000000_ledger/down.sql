DROP TABLE callback;
DROP TABLE turned_away;
DROP TABLE ledger;
