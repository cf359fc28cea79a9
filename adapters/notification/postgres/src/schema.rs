//! The table of `db/notification/postgres`.

diesel::table! {
    notification (seq) {
        seq -> BigInt,
        id -> Uuid,
        event_id -> Uuid,
        event_type -> Text,
        user_id -> Text,
        payment_id -> Uuid,
        channel -> Text,
        amount_minor -> BigInt,
        currency -> Text,
        subject -> Text,
        body -> Text,
        status -> Text,
        attempts -> BigInt,
        due_at -> Nullable<Timestamptz>,
        claim -> Nullable<Uuid>,
        ended_at -> Nullable<Timestamptz>,
        last_error -> Nullable<Text>,
        read_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        version -> BigInt,
    }
}
