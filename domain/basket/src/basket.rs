//! The basket.

use std::collections::BTreeMap;

use kernel_domain::{BasketId, Currency, Money, MoneyError, ProductId, Quantity, Timestamp, UserId, Version};

use crate::{Line, Offer, Paid, PaidLine, Refusal, Stamp};

/// What one user means to buy: at most one line per product, all in one currency.
///
/// The version changes with every saved change of the content, so that a payment can tell which content it copied.
/// A basket that was not changed for its time to live is as good as absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basket {
    id: BasketId,
    user: UserId,
    lines: BTreeMap<ProductId, Line>,
    total: Money,
    created_at: Timestamp,
    updated_at: Timestamp,
    expires_at: Timestamp,
    version: Version,
}

/// The content of a basket, as stores keep it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasketState {
    /// The id.
    pub id: BasketId,
    /// Whose it is.
    pub user: UserId,
    /// The currency of all its prices.
    pub currency: Currency,
    /// The lines.
    pub lines: Vec<Line>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it expires unless it changes before.
    pub expires_at: Timestamp,
    /// How often it was saved.
    pub version: Version,
}

/// Whether a method changed anything: what is unchanged need not be saved and keeps its version.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The content is another one now.
    Made,
    /// The content was like that already.
    None,
}

impl Basket {
    /// The most products a basket holds.
    pub const MAX_LINES: usize = 100;

    /// An empty basket, never saved.
    pub fn open(id: BasketId, user: UserId, currency: Currency, stamp: Stamp) -> Self {
        Self {
            id,
            user,
            lines: BTreeMap::new(),
            total: Money::zero(currency),
            created_at: stamp.now(),
            updated_at: stamp.now(),
            expires_at: stamp.expiry(),
            version: Version::NEW,
        }
    }

    /// Puts `quantity` more units in, at the price and name of `offer`. What the basket holds already counts
    /// against the units available.
    pub fn add(&mut self, offer: &Offer, quantity: Quantity, stamp: Stamp) -> Result<Change, Refusal> {
        let held = self.lines.get(&offer.product).map_or(0, |line| line.quantity().get());
        self.place(offer, u64::from(held) + u64::from(quantity.get()), stamp)
    }

    /// Makes the line of a product that is in the basket hold `quantity` units, at the price and name of `offer`.
    pub fn set_quantity(
        &mut self,
        offer: &Offer,
        quantity: Quantity,
        stamp: Stamp,
    ) -> Result<Change, Refusal> {
        self.line(offer.product)?;
        self.place(offer, quantity.get().into(), stamp)
    }

    /// Takes a product out.
    pub fn remove(&mut self, product: ProductId, stamp: Stamp) -> Result<Change, Refusal> {
        self.line(product)?;
        let mut lines = self.lines.clone();
        lines.remove(&product);
        self.replace(lines, stamp)
    }

    /// Takes everything out.
    pub fn clear(&mut self, stamp: Stamp) -> Result<Change, Refusal> {
        self.replace(BTreeMap::new(), stamp)
    }

    /// Takes out what was paid and nothing else: units and products added since stay.
    pub fn remove_paid(&mut self, paid: &Paid, stamp: Stamp) -> Result<Change, Refusal> {
        if paid.basket != self.id {
            return Ok(Change::None);
        }
        let mut lines = self.lines.clone();
        for paid_line in &paid.lines {
            subtract(&mut lines, paid_line, paid.version)?;
        }
        self.replace(lines, stamp)
    }

    /// The line of a product, where the basket has one.
    pub fn line(&self, product: ProductId) -> Result<&Line, Refusal> {
        self.lines.get(&product).ok_or(Refusal::ItemNotFound(product))
    }

    /// Whether the basket's time is over.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }

    /// The id.
    pub const fn id(&self) -> BasketId {
        self.id
    }

    /// Whose it is.
    pub const fn user(&self) -> &UserId {
        &self.user
    }

    /// The lines, in the order of their products' numbers.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = &Line> {
        self.lines.values()
    }

    /// The sum of the subtotals.
    pub const fn total(&self) -> Money {
        self.total
    }

    /// Units over all lines.
    pub fn item_count(&self) -> u64 {
        self.lines.values().map(|line| u64::from(line.quantity().get())).sum()
    }

    /// When it was made.
    pub const fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// When it last changed.
    pub const fn updated_at(&self) -> Timestamp {
        self.updated_at
    }

    /// When it expires unless it changes before.
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// How often it was saved.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Reads a basket from a store; fails where the lines do not add up to an amount.
    pub fn restore(state: BasketState) -> Result<Self, MoneyError> {
        let total = Money::sum(state.lines.iter().map(Line::subtotal), state.currency)?;
        Ok(Self {
            id: state.id,
            user: state.user,
            lines: state.lines.into_iter().map(|line| (line.product(), line)).collect(),
            total,
            created_at: state.created_at,
            updated_at: state.updated_at,
            expires_at: state.expires_at,
            version: state.version,
        })
    }

    /// Called by a repository once the store has committed.
    pub fn mark_saved(&mut self) {
        self.version = self.version.next();
    }

    fn place(&mut self, offer: &Offer, wanted: u64, stamp: Stamp) -> Result<Change, Refusal> {
        if wanted > offer.available {
            let (product, available) = (offer.product, offer.available);
            return Err(Refusal::InsufficientStock { product, requested: wanted, available });
        }
        let held = self.lines.get(&offer.product);
        if held.is_none() && self.lines.len() >= Self::MAX_LINES {
            return Err(Refusal::Full);
        }
        let since = held.map_or(self.version.next(), Line::since);
        let quantity = Quantity::new(i64::try_from(wanted).unwrap_or(i64::MAX))?;
        let mut lines = self.lines.clone();
        lines.insert(offer.product, Line::of(offer, quantity, since)?);
        self.replace(lines, stamp)
    }

    fn replace(&mut self, lines: BTreeMap<ProductId, Line>, stamp: Stamp) -> Result<Change, Refusal> {
        if lines == self.lines {
            return Ok(Change::None);
        }
        self.total = Money::sum(lines.values().map(Line::subtotal), self.total.currency())?;
        self.lines = lines;
        self.updated_at = stamp.now();
        self.expires_at = stamp.expiry();
        Ok(Change::Made)
    }
}

fn subtract(
    lines: &mut BTreeMap<ProductId, Line>,
    paid: &PaidLine,
    version: Option<Version>,
) -> Result<(), Refusal> {
    let Some(line) = lines.get(&paid.product) else { return Ok(()) };
    if version.is_some_and(|version| line.since() > version) {
        return Ok(());
    }
    let rest = line.quantity().get().saturating_sub(paid.quantity.get());
    match Quantity::new(rest.into()) {
        Ok(rest) => {
            let line = line.with_quantity(rest)?;
            lines.insert(paid.product, line);
        }
        Err(_) => {
            lines.remove(&paid.product);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
