DROP TABLE provider_callbacks;
DROP TABLE refunds;
DROP TABLE payment_items;
DROP TABLE payments;
