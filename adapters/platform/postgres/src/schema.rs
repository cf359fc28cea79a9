//! The tables of `db/platform/postgres`.

diesel::table! {
    outbox (id) {
        id -> BigInt,
        event_id -> Uuid,
        topic -> Text,
        key -> Text,
        aggregate_version -> BigInt,
        payload -> Binary,
        headers -> Text,
        created_at -> Timestamptz,
        published_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    relay_lease (shard) {
        shard -> BigInt,
        owner -> Text,
        lease_until -> Timestamptz,
    }
}

diesel::table! {
    consumer_position (consumer, topic, partition) {
        consumer -> Text,
        topic -> Text,
        partition -> BigInt,
        owner -> Text,
        epoch -> BigInt,
        lease_until -> Timestamptz,
        next_offset -> BigInt,
        attempts -> BigInt,
    }
}

diesel::table! {
    consumer_member (consumer, owner) {
        consumer -> Text,
        owner -> Text,
        lease_until -> Timestamptz,
    }
}

diesel::table! {
    inbox (consumer, event_id) {
        consumer -> Text,
        event_id -> Uuid,
        handled_at -> Timestamptz,
    }
}
