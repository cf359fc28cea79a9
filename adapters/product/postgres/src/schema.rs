//! The tables of `db/product/postgres`.

diesel::table! {
    product (id) {
        id -> BigInt,
        name -> Text,
        name_key -> Text,
        description -> Text,
        description_key -> Text,
        price_minor -> BigInt,
        currency -> Text,
        stock_quantity -> BigInt,
        reserved -> BigInt,
        category -> Text,
        image_url -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        version -> BigInt,
    }
}

diesel::table! {
    product_category (name) {
        name -> Text,
        product_count -> BigInt,
    }
}

diesel::table! {
    stock_reservation (payment_id) {
        payment_id -> Uuid,
        state -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    stock_reservation_line (payment_id, product_id) {
        payment_id -> Uuid,
        product_id -> BigInt,
        quantity -> BigInt,
        held -> Bool,
        available -> Nullable<BigInt>,
        missing -> Bool,
    }
}

diesel::table! {
    stock_movement (id) {
        id -> BigInt,
        product_id -> BigInt,
        kind -> Text,
        quantity -> BigInt,
        payment_id -> Nullable<Uuid>,
        moved_at -> Timestamptz,
    }
}

diesel::table! {
    product_sales (product_id) {
        product_id -> BigInt,
        units -> BigInt,
        revenue_minor -> BigInt,
        currency -> Text,
    }
}
