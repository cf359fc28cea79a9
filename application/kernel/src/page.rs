//! Keyset paging: a page starts after the last item of the one before, so it is stable while rows are added.

use kernel_domain::{Violation, Violations};

/// Which page, and how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    limit: u32,
    cursor: Option<String>,
}

impl PageRequest {
    /// The longest page.
    pub const MAX_LIMIT: u32 = 100;
    /// The page length where the client names none.
    pub const DEFAULT_LIMIT: u32 = 20;

    /// Checks that `limit` is 1 to 100; the cursor is checked by the store that made it.
    pub fn new(limit: Option<i64>, cursor: Option<String>) -> Result<Self, Violation> {
        let limit = limit.unwrap_or(Self::DEFAULT_LIMIT.into());
        match u32::try_from(limit) {
            Ok(limit @ 1..=Self::MAX_LIMIT) => Ok(Self { limit, cursor }),
            _ => Err(Violation::new("limit", "out_of_range", "must be 1 to 100")),
        }
    }

    /// The most items the page may hold.
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// Where the page starts; `None` for the first one.
    pub fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }
}

/// Some items, and where the next ones start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in the order asked for.
    pub items: Vec<T>,
    /// The cursor of the next page; `None` on the last one.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Makes a page from up to `limit + 1` rows: the extra row only tells that there are more.
    pub fn from_rows(mut rows: Vec<T>, limit: u32, cursor_of: impl Fn(&T) -> String) -> Self {
        let limit = limit as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = if more { rows.last().map(cursor_of) } else { None };
        Self { items: rows, next_cursor }
    }

    /// The same page with other items.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(change).collect(), next_cursor: self.next_cursor }
    }
}

/// A cursor that no page handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidCursor;

impl From<InvalidCursor> for Violations {
    fn from(_: InvalidCursor) -> Self {
        Violation::new("cursor", "invalid_cursor", "must be a `next_cursor` of an earlier page").into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_has_a_default_and_bounds() {
        assert_eq!(PageRequest::new(None, None).unwrap().limit(), 20);
        for bad in [0, 101, -1, i64::MAX] {
            assert_eq!(PageRequest::new(Some(bad), None).unwrap_err().field(), "limit");
        }
    }

    #[test]
    fn the_extra_row_becomes_a_cursor() {
        let page = Page::from_rows(vec![1, 2, 3], 2, ToString::to_string);
        assert_eq!((page.items, page.next_cursor.as_deref()), (vec![1, 2], Some("2")));
        assert_eq!(Page::from_rows(vec![1, 2], 2, ToString::to_string).next_cursor, None);
    }
}
