//! The tables of `db/payment/sqlite`.

diesel::table! {
    payments (id) {
        id -> Text,
        user_id -> Text,
        basket_id -> Text,
        basket_version -> BigInt,
        live_basket -> Nullable<Text>,
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
        resume_at -> Nullable<BigInt>,
        due_at -> Nullable<BigInt>,
        created_at -> BigInt,
        updated_at -> BigInt,
        processed_at -> Nullable<BigInt>,
        expires_at -> BigInt,
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
        compensates -> BigInt,
        requested_at -> BigInt,
        resume_at -> BigInt,
    }
}

diesel::table! {
    provider_callbacks (event_id) {
        event_id -> Text,
        received_at -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(payments, payment_items, refunds);
