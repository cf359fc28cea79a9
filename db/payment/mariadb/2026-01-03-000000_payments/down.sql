DROP TABLE IF EXISTS payment_figures;
DROP TABLE IF EXISTS provider_callbacks;
DROP TABLE IF EXISTS refunds;
DROP TABLE IF EXISTS payment_items;
DROP TABLE IF EXISTS payments;
