//! Sends messages of one partition: in order, in requests a broker takes, each acknowledged before the next.

use std::collections::VecDeque;

use futures_util::future::join;
use kernel_application::messaging::OutboundMessage;
use rskafka::client::{
    error::Error as DriverError,
    partition::{Compression, OffsetAt, PartitionClient},
};

use crate::record::{records, size};

/// A request stays below the megabyte that brokers and topics allow, even if nothing in it can be compressed.
const LARGEST: usize = 900_000;

/// Requests below this leave in one write.
const ONE_WRITE: usize = 8 * 1024;

/// `messages` cut into requests.
pub(crate) fn requests(messages: &[OutboundMessage]) -> VecDeque<&[OutboundMessage]> {
    let (mut requests, mut rest) = (VecDeque::new(), messages);
    while !rest.is_empty() {
        let sizes = rest.iter().scan(0, |bytes, message| {
            *bytes += size(message);
            Some(*bytes)
        });
        let fitting = sizes.take_while(|bytes| *bytes <= LARGEST).count();
        let (request, later) = rest.split_at(fitting.max(1));
        requests.push_back(request);
        rest = later;
    }
    requests
}

/// Sends one request and waits until all replicas in sync have it.
///
/// rskafka leaves Nagle's algorithm on and writes a larger request in two parts, so that the second waits for the
/// broker's delayed acknowledgement of the first: 44 ms on a local network, which would be most of the time a relay
/// takes. A question before it, on the same connection, makes the broker answer, and the acknowledgement comes with
/// the answer after a millisecond.
pub(crate) async fn produce(
    client: &PartitionClient,
    messages: &[OutboundMessage],
) -> Result<(), DriverError> {
    let producing = client.produce(records(messages), Compression::Lz4);
    let produced = if messages.iter().map(size).sum::<usize>() < ONE_WRITE {
        producing.await
    } else {
        join(client.get_offset(OffsetAt::Latest), producing).await.1
    };
    produced.map(drop)
}

#[cfg(test)]
mod tests {
    use kernel_domain::EventId;
    use uuid::Uuid;

    use super::*;

    fn message(bytes: usize) -> OutboundMessage {
        OutboundMessage {
            event_id: EventId::from_uuid(Uuid::nil()),
            topic: "t".to_owned(),
            key: "k".to_owned(),
            aggregate_version: 1,
            payload: vec![0; bytes],
            headers: vec![],
        }
    }

    #[test]
    fn requests_stay_small_and_in_order() {
        let messages = [400_000, 400_000, 400_000, 2_000_000, 1, 1].map(message);
        let lengths: Vec<_> = requests(&messages).iter().map(|request| request.len()).collect();
        assert_eq!(lengths, [2, 1, 1, 2]);
        assert_eq!(
            requests(&messages).into_iter().flatten().collect::<Vec<_>>(),
            messages.iter().collect::<Vec<_>>()
        );
        assert!(requests(&[]).is_empty());
    }
}
