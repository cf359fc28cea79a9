//! One page of a list on the wire.

use kernel_application::Page;
use serde::Serialize;
use utoipa::ToSchema;

/// `{"items": […], "next_cursor": "…"|null}`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PageBody<T> {
    /// The items, in the order asked for.
    pub items: Vec<T>,
    /// Send it as `cursor` to get the next page; `null` on the last one.
    pub next_cursor: Option<String>,
}

impl<V, T: From<V>> From<Page<V>> for PageBody<T> {
    fn from(page: Page<V>) -> Self {
        let page = page.map(T::from);
        Self { items: page.items, next_cursor: page.next_cursor }
    }
}
