//! What the heads of requests and answers mean, and what is done to them on the way: functions over text and bytes.
//!
//! Everything that can be read in two ways is refused with an error of its own, for what the gateway reads in one way
//! and a backend in another is a way around every rule between them. A header that needs a rule gets a file here.

mod address;
mod answer;
mod chunks;
mod forwarded;
mod framing;
mod head;
mod hop_by_hop;
mod scanner;
mod target;
mod trusted;

pub use address::AddressText;
pub use answer::{AnswerLength, AnswerReader, Answered};
pub use chunks::{ChunkReader, Extensions, Piece};
pub use forwarded::{Hop, PSEUDONYM, appended, came_through};
pub use framing::{BodyLength, FramingError, Version, body_length, chunk_size};
pub use head::{HeadError, check_head, is_field_value, is_token};
pub use hop_by_hop::{accepts_trailers, asks_for_websocket, connection_options, is_hop_by_hop, stays_behind};
pub use scanner::{Part, RequestHead, ScanError, Scanned, Scanner, check_method};
pub use target::{Target, TargetError};
pub use trusted::TrustedProxies;
