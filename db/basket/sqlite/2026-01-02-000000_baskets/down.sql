DROP TABLE paid_baskets;
DROP TABLE basket_items;
DROP TABLE baskets;
