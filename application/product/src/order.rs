//! The orders a list of products can have.

use std::str::FromStr;

use kernel_domain::Violation;

/// A key and a direction; equal keys are in id order of the same direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProductOrder {
    /// What counts.
    pub key: SortKey,
    /// Whether the largest comes first.
    pub descending: bool,
}

/// What a list can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortKey {
    /// The product's number.
    #[default]
    Id,
    /// The name, without regard to case.
    Name,
    /// The price.
    Price,
    /// When it was added.
    CreatedAt,
    /// Units on hand.
    Stock,
}

impl SortKey {
    const ALL: [(&'static str, Self); 5] = [
        ("id", Self::Id),
        ("name", Self::Name),
        ("price", Self::Price),
        ("created_at", Self::CreatedAt),
        ("stock", Self::Stock),
    ];

    /// The name clients use.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, key)| *key == self).map_or("id", |(name, _)| name)
    }
}

/// A key's name, with `-` before it for descending.
impl FromStr for ProductOrder {
    type Err = Violation;

    fn from_str(sort: &str) -> Result<Self, Violation> {
        let (descending, name) = match sort.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, sort),
        };
        let key = SortKey::ALL.iter().find(|(known, _)| *known == name).map(|(_, key)| *key);
        key.map(|key| Self { key, descending }).ok_or_else(|| {
            let message = "must be id, name, price, created_at or stock, with - before it for descending";
            Violation::new("sort", "unknown_sort", message)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_from_names() {
        for (name, key) in SortKey::ALL {
            assert_eq!(name.parse(), Ok(ProductOrder { key, descending: false }));
            assert_eq!(format!("-{name}").parse(), Ok(ProductOrder { key, descending: true }));
            assert_eq!(key.as_str(), name);
        }
        for bad in ["", "-", "--name", "Name", "name,price", "version"] {
            assert_eq!(bad.parse::<ProductOrder>().unwrap_err().code(), "unknown_sort", "{bad}");
        }
    }
}
