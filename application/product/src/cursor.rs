//! Where a page of products ends, as opaque text: written once, used by each store.

use kernel_application::InvalidCursor;

use crate::{ProductOrder, SortKey, ports::search_key, views::ProductView};

/// The last product of a page: its sort key and id, bound to the order it was made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductCursor {
    /// The key's value; `None` where the order is by id alone.
    pub key: Option<CursorKey>,
    /// The product's number.
    pub id: i64,
}

/// The value of a sort key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CursorKey {
    /// Price in hundredths, units, or microseconds since 1970.
    Number(i64),
    /// A name's search key.
    Text(String),
}

impl ProductCursor {
    /// The cursor of the page that ends with `last`.
    pub fn of(last: &ProductView, order: ProductOrder) -> Self {
        let key = match order.key {
            SortKey::Id => None,
            SortKey::Name => Some(CursorKey::Text(search_key(&last.name))),
            SortKey::Price => Some(CursorKey::Number(last.price.minor())),
            SortKey::CreatedAt => Some(CursorKey::Number(last.created_at.timestamp_micros())),
            SortKey::Stock => Some(CursorKey::Number(last.stock_quantity)),
        };
        Self { key, id: last.id }
    }

    /// The text clients send back.
    pub fn encode(&self, order: ProductOrder) -> String {
        let key = match &self.key {
            None => String::new(),
            Some(CursorKey::Number(number)) => number.to_string(),
            Some(CursorKey::Text(text)) => text.clone(),
        };
        hex::encode(format!("{} {} {key}", prefix(order), self.id))
    }

    /// Reads what [`Self::encode`] made for the same order.
    pub fn decode(text: &str, order: ProductOrder) -> Result<Self, InvalidCursor> {
        Self::read(text, order).ok_or(InvalidCursor)
    }

    fn read(text: &str, order: ProductOrder) -> Option<Self> {
        let text = String::from_utf8(hex::decode(text).ok()?).ok()?;
        let mut parts = text.splitn(3, ' ');
        let (made_for, id, key) = (parts.next()?, parts.next()?, parts.next()?);
        if made_for != prefix(order) {
            return None;
        }
        let key = match order.key {
            SortKey::Id => None,
            SortKey::Name => Some(CursorKey::Text(key.to_owned())),
            SortKey::Price | SortKey::CreatedAt | SortKey::Stock => {
                Some(CursorKey::Number(key.parse().ok()?))
            }
        };
        Some(Self { key, id: id.parse().ok()? })
    }
}

fn prefix(order: ProductOrder) -> String {
    format!("{}{}", if order.descending { "-" } else { "" }, order.key.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(key: Option<CursorKey>) -> ProductCursor {
        ProductCursor { key, id: 7 }
    }

    #[test]
    fn is_read_back_for_the_same_order_only() {
        let by = |sort: &str| sort.parse::<ProductOrder>().unwrap();
        let cases = [
            ("id", None),
            ("-name", Some(CursorKey::Text("élan vital 2".into()))),
            ("price", Some(CursorKey::Number(12_990))),
            ("-created_at", Some(CursorKey::Number(-1))),
        ];
        for (sort, key) in cases {
            let cursor = cursor(key);
            assert_eq!(ProductCursor::decode(&cursor.encode(by(sort)), by(sort)), Ok(cursor.clone()));
            assert_eq!(ProductCursor::decode(&cursor.encode(by(sort)), by("stock")), Err(InvalidCursor));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in ["", "x", "zz", "ff", "6964", &hex::encode("id x "), &hex::encode("price 1 x")] {
            for sort in ["id", "price"] {
                assert_eq!(ProductCursor::decode(bad, sort.parse().unwrap()), Err(InvalidCursor), "{bad}");
            }
        }
    }
}
