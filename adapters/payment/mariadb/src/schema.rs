//! The tables of `db/payment/mariadb`.

diesel::table! {
    payments (id) {
        id -> Text,
        user_id -> Text,
        basket_id -> Text,
        basket_version -> BigInt,
        amount -> BigInt,
        refunded -> BigInt,
        currency -> Text,
        status -> Text,
        method -> Text,
        provider -> Nullable<Text>,
        provider_id -> Nullable<Text>,
        description -> Nullable<Text>,
        metadata -> Text,
        step -> Nullable<Text>,
        attempt -> Nullable<BigInt>,
        token -> Nullable<Text>,
        failure_code -> Nullable<Text>,
        failure_reason -> Nullable<Text>,
        resume_at -> Nullable<Datetime>,
        due_at -> Nullable<Datetime>,
        created_at -> Datetime,
        updated_at -> Datetime,
        processed_at -> Nullable<Datetime>,
        expires_at -> Datetime,
        version -> BigInt,
    }
}

diesel::table! {
    payment_items (payment_id, line) {
        payment_id -> Text,
        line -> BigInt,
        product_id -> BigInt,
        name -> Text,
        price -> BigInt,
        quantity -> BigInt,
        category -> Text,
    }
}

diesel::table! {
    refunds (payment_id, line) {
        payment_id -> Text,
        line -> BigInt,
        id -> Text,
        amount -> BigInt,
        reason -> Nullable<Text>,
        request_key -> Nullable<Text>,
        state -> Text,
        compensates -> Bool,
        requested_at -> Datetime,
        resume_at -> Datetime,
    }
}

diesel::table! {
    provider_callbacks (event_id) {
        event_id -> Text,
        received_at -> Datetime,
    }
}

diesel::table! {
    payment_figures (status, shard) {
        status -> Text,
        shard -> BigInt,
        payments -> BigInt,
        amount -> BigInt,
        refunded -> BigInt,
    }
}

diesel::joinable!(refunds -> payments (payment_id));
diesel::allow_tables_to_appear_in_same_query!(payments, payment_items, refunds);
