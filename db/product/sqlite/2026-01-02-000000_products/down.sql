DROP TABLE product_sales;
DROP TABLE stock_movement;
DROP TABLE stock_reservation_line;
DROP TABLE stock_reservation;
DROP TABLE product;
