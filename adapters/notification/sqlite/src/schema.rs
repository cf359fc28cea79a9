//! The table of `db/notification/sqlite`.

diesel::table! {
    notification (seq) {
        seq -> BigInt,
        id -> Text,
        event_id -> Text,
        event_type -> Text,
        user_id -> Text,
        payment_id -> Text,
        channel -> Text,
        amount_minor -> BigInt,
        currency -> Text,
        subject -> Text,
        body -> Text,
        status -> Text,
        attempts -> BigInt,
        due_at -> Nullable<BigInt>,
        claim -> Nullable<Text>,
        ended_at -> Nullable<BigInt>,
        last_error -> Nullable<Text>,
        read_at -> Nullable<BigInt>,
        created_at -> BigInt,
        version -> BigInt,
    }
}
