//! The tables of `db/platform/sqlite` and `db/platform/sqlite-log`.

diesel::table! {
    outbox (id) {
        id -> BigInt,
        event_id -> Text,
        topic -> Text,
        key -> Text,
        aggregate_version -> BigInt,
        payload -> Binary,
        headers -> Text,
        created_at -> BigInt,
        published_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    relay_lease (shard) {
        shard -> BigInt,
        owner -> Text,
        lease_until -> BigInt,
    }
}

diesel::table! {
    consumer_position (consumer, topic, partition) {
        consumer -> Text,
        topic -> Text,
        partition -> BigInt,
        owner -> Text,
        epoch -> BigInt,
        lease_until -> BigInt,
        next_offset -> BigInt,
        attempts -> BigInt,
    }
}

diesel::table! {
    consumer_member (consumer, owner) {
        consumer -> Text,
        owner -> Text,
        lease_until -> BigInt,
    }
}

diesel::table! {
    inbox (consumer, event_id) {
        consumer -> Text,
        event_id -> Text,
        handled_at -> BigInt,
    }
}

diesel::table! {
    idempotency_key (principal, route, key) {
        principal -> Text,
        route -> Text,
        key -> Text,
        request_hash -> Text,
        token -> Text,
        locked_until -> BigInt,
        answer -> Nullable<Binary>,
        created_at -> BigInt,
    }
}

diesel::table! {
    log_partition (topic, partition) {
        topic -> Text,
        partition -> BigInt,
        first_offset -> BigInt,
        next_offset -> BigInt,
    }
}

diesel::table! {
    log_record (topic, partition, offset) {
        topic -> Text,
        partition -> BigInt,
        offset -> BigInt,
        key -> Text,
        payload -> Binary,
        headers -> Text,
        appended_at -> BigInt,
    }
}
