//! The scripts, each of which touches one bucket.

use std::sync::LazyLock;

use platform_redis::Script;

/// Writes a basket.
pub(crate) static SAVE: LazyLock<Script> =
    LazyLock::new(|| Script::change(concat!(include_str!("lua/write.lua"), include_str!("lua/save.lua"))));

/// Remembers a payment and writes the basket, where there is one to write.
pub(crate) static SAVE_PAID: LazyLock<Script> = LazyLock::new(|| {
    Script::change(concat!(include_str!("lua/write.lua"), include_str!("lua/save_paid.lua")))
});

/// Removes a basket.
pub(crate) static DELETE: LazyLock<Script> = LazyLock::new(|| Script::change(include_str!("lua/delete.lua")));

/// Forgets old payments, and says whose baskets have expired.
pub(crate) static EXPIRED: Script = Script::new(include_str!("lua/expired.lua"));

/// Removes baskets that have expired.
pub(crate) static DROP: Script = Script::new(include_str!("lua/drop.lua"));
