DROP TABLE product_sales;
DROP TABLE stock_movement;
DROP TABLE stock_reservation_line;
DROP TABLE stock_reservation;
DROP TABLE product;
DROP FUNCTION product_moved;
DROP FUNCTION product_removed;
DROP FUNCTION product_added;
DROP FUNCTION product_category_loses;
DROP FUNCTION product_category_gains;
DROP TABLE product_category;
-- The extension stays: somebody else's tables may use it by now.
