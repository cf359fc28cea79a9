//! What can be asked, one file per question.

mod get_basket;

pub use get_basket::{GetBasket, GetBasketHandler};
