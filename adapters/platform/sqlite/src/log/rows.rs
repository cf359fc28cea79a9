//! The log's statements.

use std::{ops::Range, time::Duration};

use diesel::{SqliteConnection, prelude::*, result::Error};
use kernel_application::messaging::{OutboundMessage, Record};

use crate::{
    outbox::{headers_from_text, headers_to_text},
    purge,
    schema::{log_partition as partitions, log_record as records},
    time::{now_and, timestamp},
};

const PURGE: &str = "DELETE FROM log_record WHERE (topic, partition, offset) IN \
    (SELECT topic, partition, offset FROM log_record WHERE appended_at < ? \
    ORDER BY appended_at, topic, partition, offset LIMIT ?)";

pub(super) fn declare(connection: &mut SqliteConnection, topics: &[(String, u32)]) -> QueryResult<()> {
    for (topic, count) in topics {
        for partition in 0..*count {
            diesel::insert_or_ignore_into(partitions::table)
                .values((
                    partitions::topic.eq(topic),
                    partitions::partition.eq(i64::from(partition)),
                    partitions::first_offset.eq(0),
                    partitions::next_offset.eq(0),
                ))
                .execute(connection)?;
        }
    }
    Ok(())
}

pub(super) fn partitions(connection: &mut SqliteConnection, topic: &str) -> QueryResult<u32> {
    let count: i64 = partitions::table.filter(partitions::topic.eq(topic)).count().get_result(connection)?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

pub(super) fn bounds(
    connection: &mut SqliteConnection,
    topic: &str,
    partition: u32,
) -> QueryResult<Option<Range<i64>>> {
    partitions::table
        .find((topic, i64::from(partition)))
        .select((partitions::first_offset, partitions::next_offset))
        .first::<(i64, i64)>(connection)
        .optional()
        .map(|found| found.map(|(first, next)| first..next))
}

/// Appends and answers `true`; `false` where there is no such partition.
pub(super) fn append(
    connection: &mut SqliteConnection,
    topic: &str,
    partition: u32,
    messages: &[OutboundMessage],
) -> QueryResult<bool> {
    let Some(Range { end: first, .. }) = bounds(connection, topic, partition)? else { return Ok(false) };
    let (now, _) = now_and(Duration::ZERO);
    let mut offset = first;
    for message in messages {
        insert(connection, (topic, partition, offset), message, now)?;
        offset += 1;
    }
    diesel::update(partitions::table.find((topic, i64::from(partition))))
        .set(partitions::next_offset.eq(offset))
        .execute(connection)?;
    Ok(true)
}

/// `None` where the log does not hold that offset and it is not the next one.
pub(super) fn fetch(
    connection: &mut SqliteConnection,
    topic: &str,
    partition: u32,
    offset: i64,
    max: u32,
) -> QueryResult<Option<Vec<Record>>> {
    let rows = records::table
        .filter(records::topic.eq(topic).and(records::partition.eq(i64::from(partition))))
        .filter(records::offset.ge(offset))
        .order(records::offset)
        .limit(max.into())
        .select((records::offset, records::key, records::payload, records::headers, records::appended_at))
        .load::<(i64, String, Vec<u8>, String, i64)>(connection)?;
    let record = |(offset, key, payload, headers, at): (i64, String, Vec<u8>, String, i64)| {
        let broken = |source| format!("headers of {topic}/{partition}@{offset} are broken: {source}").into();
        Ok(Record {
            topic: topic.to_owned(),
            partition,
            offset,
            key,
            payload,
            headers: headers_from_text(&headers).map_err(broken).map_err(Error::DeserializationError)?,
            appended_at: timestamp(at),
        })
    };
    let records = rows.into_iter().map(record).collect::<QueryResult<Vec<_>>>()?;
    let begins_there = records.first().is_some_and(|first| first.offset == offset);
    let held = begins_there
        || bounds(connection, topic, partition)?
            .is_none_or(|bounds| bounds.contains(&offset) || bounds.end == offset);
    Ok(held.then_some(records))
}

/// Removes some of what is older than `retention`, the oldest first.
pub(super) fn purge(connection: &mut SqliteConnection, retention: Duration) -> QueryResult<u64> {
    let removed = purge::purge(connection, PURGE, retention)?;
    diesel::sql_query(
        "UPDATE log_partition SET first_offset = coalesce((SELECT min(r.offset) FROM log_record r \
         WHERE r.topic = log_partition.topic AND r.partition = log_partition.partition), next_offset)",
    )
    .execute(connection)?;
    Ok(removed)
}

fn insert(
    connection: &mut SqliteConnection,
    (topic, partition, offset): (&str, u32, i64),
    message: &OutboundMessage,
    now: i64,
) -> QueryResult<usize> {
    diesel::insert_into(records::table)
        .values((
            records::topic.eq(topic),
            records::partition.eq(i64::from(partition)),
            records::offset.eq(offset),
            records::key.eq(&message.key),
            records::payload.eq(&message.payload),
            records::headers.eq(headers_to_text(&message.headers)?),
            records::appended_at.eq(now),
        ))
        .execute(connection)
}
