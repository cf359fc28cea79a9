//! What connections have in common, whoever speaks over them: [`scratch`] memory of their thread, and one [`Alarm`] each.

mod alarm;
pub mod scratch;

pub use alarm::Alarm;
