//! Products, their stock and the reservations on it.
//!
//! [`Product`] is the aggregate clients edit; it owns its [`StockLevel`] and records every [`StockMovement`].
//! [`Reservation`] is the aggregate of one payment: it decides over a [`Goods`] of products whether all of its lines
//! can be had. A new rule about one product goes into `product.rs`, a new rule about one payment's units into
//! `reservation.rs`; what is true of a single value goes into `details.rs` or `stock_level.rs`.

mod details;
mod error;
mod movement;
mod product;
mod reservation;
mod sale;
mod stock_change;
mod stock_level;

pub use details::{Category, Description, ImageUrl, Price, ProductDetails, ProductName};
pub use error::StockError;
pub use movement::{MovementKind, StockMovement};
pub use product::{NewProduct, Product, StoredProduct};
pub use reservation::{
    AnsweredReservation, Goods, Rejection, Reservation, ReservationLines, ReservationOutcome, Shortage,
};
pub use sale::{Sale, SalesTotal};
pub use stock_change::{StockChange, StockOperation};
pub use stock_level::{StockLevel, StockQuantity};
