//! The tables of `db/platform/mariadb`.

diesel::table! {
    outbox (id) {
        id -> BigInt,
        event_id -> Text,
        topic -> Text,
        key -> Text,
        aggregate_version -> BigInt,
        payload -> Binary,
        headers -> Text,
        created_at -> Datetime,
        published_at -> Nullable<Datetime>,
    }
}

diesel::table! {
    relay_lease (shard) {
        shard -> BigInt,
        owner -> Text,
        lease_until -> Datetime,
    }
}

diesel::table! {
    consumer_position (consumer, topic, partition) {
        consumer -> Text,
        topic -> Text,
        partition -> BigInt,
        owner -> Text,
        epoch -> BigInt,
        lease_until -> Datetime,
        next_offset -> BigInt,
        attempts -> BigInt,
    }
}

diesel::table! {
    consumer_member (consumer, owner) {
        consumer -> Text,
        owner -> Text,
        lease_until -> Datetime,
    }
}

diesel::table! {
    inbox (consumer, event_id) {
        consumer -> Text,
        event_id -> Text,
        handled_at -> Datetime,
    }
}

diesel::table! {
    idempotency_key (principal, route, key) {
        principal -> Text,
        route -> Text,
        key -> Text,
        request_hash -> Text,
        token -> Text,
        locked_until -> Datetime,
        answer -> Nullable<Binary>,
        created_at -> Datetime,
    }
}
