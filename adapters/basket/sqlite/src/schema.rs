//! The tables of `db/basket/sqlite`. Times are microseconds, prices minor units.

diesel::table! {
    baskets (user_id) {
        user_id -> Text,
        id -> Text,
        currency -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        expires_at -> BigInt,
        version -> BigInt,
    }
}

diesel::table! {
    basket_items (user_id, product_id) {
        user_id -> Text,
        product_id -> BigInt,
        name -> Text,
        price -> BigInt,
        category -> Text,
        quantity -> BigInt,
        since_version -> BigInt,
    }
}

diesel::table! {
    paid_baskets (payment_id) {
        payment_id -> Text,
        settled_at -> BigInt,
    }
}

diesel::joinable!(basket_items -> baskets (user_id));
diesel::allow_tables_to_appear_in_same_query!(baskets, basket_items);
