//! What we write, librdkafka reads, and the other way round; both put a key into the same partition.

use std::{collections::BTreeMap, time::Duration};

use kernel_application::messaging::EventLog;
use platform_testkit::{PATIENCE, servers};
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
    message::{Header, Headers, OwnedHeaders},
    producer::{FutureProducer, FutureRecord},
};

use crate::support::{Bench, first_occurrences, message, read_all, shared, topic, unique};

fn client() -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", servers::kafka().unwrap());
    config
}

#[tokio::test]
async fn librdkafka_reads_what_we_write() {
    let (topic, log) = (topic("ours", 1).await, Bench::new(&shared(), &[]).log);
    let messages: Vec<_> = (0..200).map(|n| message(n, &topic, &format!("key-{n}"))).collect();
    log.append(&topic, 0, &messages).await.unwrap();
    let read = tokio::task::spawn_blocking(move || {
        let consumer: BaseConsumer = client().set("group.id", "none").create().unwrap();
        let mut from = TopicPartitionList::new();
        from.add_partition_offset(&topic, 0, Offset::Beginning).unwrap();
        consumer.assign(&from).unwrap();
        let next = || consumer.poll(PATIENCE).unwrap().unwrap().detach();
        (0..200).map(|_| next()).collect::<Vec<_>>()
    });
    for (read, sent) in read.await.unwrap().iter().zip(&messages) {
        assert_eq!((read.key().unwrap(), read.payload().unwrap()), (sent.key.as_bytes(), &*sent.payload));
        let headers: BTreeMap<_, _> =
            read.headers().unwrap().iter().map(|header| (header.key, header.value.unwrap())).collect();
        assert_eq!(headers["content-type"], b"application/cloudevents+json; charset=UTF-8");
        assert_eq!(headers["traceparent"], sent.headers[0].1.as_bytes());
    }
}

/// librdkafka's `murmur2_random` is its twin of the Java client's default.
#[tokio::test]
async fn keys_go_where_other_clients_put_them() {
    let (topic, log) = (topic("placed", 6).await, Bench::new(&shared(), &[]).log);
    let producer: FutureProducer = client().set("partitioner", "murmur2_random").create().unwrap();
    let keys: Vec<_> =
        (0..60).map(|n| if n % 2 == 0 { format!("{n}") } else { unique("schlüssel") }).collect();
    for key in &keys {
        let sent = producer.send(FutureRecord::to(&topic).key(key).payload("x"), PATIENCE).await.unwrap();
        let ours = log.partition_of(&topic, key).await.unwrap();
        assert_eq!(i32::try_from(ours).unwrap(), sent.partition, "{key}");
    }
}

/// Whatever a stranger compresses with, the topic's own `compression.type` makes it readable.
#[tokio::test]
async fn we_read_what_librdkafka_writes() {
    let (topic, log) = (unique("theirs"), Bench::new(&shared(), &[]).log);
    let admin: AdminClient<DefaultClientContext> = client().create().unwrap();
    let new = NewTopic::new(&topic, 1, TopicReplication::Fixed(1)).set("compression.type", "lz4");
    admin.create_topics([&new], &AdminOptions::new()).await.unwrap()[0].as_ref().unwrap();
    let mut next = 0;
    for compression in ["none", "lz4", "snappy"] {
        let producer: FutureProducer = client()
            .set("compression.type", compression)
            .set("linger.ms", "20")
            .set("enable.idempotence", "true")
            .create()
            .unwrap();
        let headers = OwnedHeaders::new().insert(Header { key: "note", value: Some("für") });
        let mut sent = vec![];
        for n in next..next + 50 {
            let payload = message(n, &topic, "a").payload;
            let record = FutureRecord::to(&topic).key("a").payload(&payload).headers(headers.clone());
            sent.push(producer.send_result(record).unwrap());
        }
        for sent in sent {
            sent.await.unwrap().unwrap();
        }
        next += 50;
    }
    let records = read_all(&log, &topic, 0).await;
    assert_eq!(first_occurrences(&records), (0..next).collect::<Vec<_>>());
    assert!(records.iter().all(|record| record.headers == [("note".to_owned(), "für".to_owned())]));
    assert_eq!(log.fetch(&topic, 0, next.into(), 1, Duration::ZERO).await.unwrap(), []);
}
