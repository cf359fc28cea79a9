//! The tables of `db/provider/sqlite`.

diesel::table! {
    ledger (entry) {
        entry -> BigInt,
        kind -> Text,
        id -> Text,
        key -> Text,
        charge_id -> Text,
        reference -> Text,
        amount_minor -> BigInt,
        currency -> Text,
        status -> Text,
        failure_code -> Nullable<Text>,
        method -> Nullable<Text>,
        token -> Nullable<Text>,
        callback_url -> Nullable<Text>,
        created_at -> BigInt,
    }
}

diesel::table! {
    turned_away (key) {
        key -> Text,
    }
}

diesel::table! {
    callback (id) {
        id -> BigInt,
        event_id -> Text,
        key -> Text,
        charge_id -> Text,
        failure_code -> Nullable<Text>,
        sequence -> BigInt,
        url -> Text,
        attempts -> BigInt,
        due_at -> BigInt,
    }
}
