//! The reservation aggregate: what one payment asked for, what it was told, and what it still holds.

use std::collections::{BTreeMap, BTreeSet};

use kernel_domain::{PaymentId, ProductId, Quantity, Timestamp, Violation};

use crate::{Product, StockError, StockQuantity};

/// The products a decision is about, in the order stores lock them.
pub type Goods = BTreeMap<ProductId, Product>;

/// One payment's claim on stock. Its first answer is its only one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// The payment asked and got an answer.
    Answered(AnsweredReservation),
    /// The payment was released before it asked, so whatever it asks later comes too late.
    ReleasedFirst(PaymentId),
}

impl Reservation {
    /// Holds every line, or none of them and says why.
    pub fn place(payment: PaymentId, lines: ReservationLines, goods: &mut Goods, at: Timestamp) -> Self {
        let mut held = goods.clone();
        let rejection = hold_all(&lines, &mut held, at);
        let answered = if rejection.is_empty() {
            *goods = held;
            let held = lines.products().collect();
            AnsweredReservation { payment, lines, outcome: ReservationOutcome::Reserved, held }
        } else {
            let outcome = ReservationOutcome::Rejected(rejection);
            AnsweredReservation { payment, lines, outcome, held: BTreeSet::new() }
        };
        Self::Answered(answered)
    }

    /// What a repeated request gets: the first answer, whatever has happened since.
    pub fn repeat(&self, lines: &ReservationLines) -> Result<&ReservationOutcome, StockError> {
        match self {
            Self::ReleasedFirst(payment) => Err(StockError::ReleasedFirst(*payment)),
            Self::Answered(answered) if answered.lines == *lines => Ok(&answered.outcome),
            Self::Answered(answered) => Err(StockError::OtherLines(answered.payment)),
        }
    }

    /// Gives back what is still held; nothing happens where nothing is.
    pub fn release(&mut self, goods: &mut Goods, at: Timestamp) -> Result<(), StockError> {
        let Self::Answered(answered) = self else { return Ok(()) };
        while let Some(id) = answered.held.first().copied() {
            let product = goods.get_mut(&id).ok_or(StockError::UnknownProduct(id))?;
            if let Some(units) = answered.lines.units(id) {
                product.let_go(units, answered.payment, at)?;
            }
            answered.held.remove(&id);
        }
        Ok(())
    }

    /// Sells one line: all of its units, once.
    pub(crate) fn take(
        &mut self,
        product: &mut Product,
        quantity: Quantity,
        at: Timestamp,
    ) -> Result<(), StockError> {
        let (payment, id) = (self.payment(), product.id());
        let refused = StockError::NotHeld { payment, product: id, quantity };
        let Self::Answered(answered) = self else { return Err(refused) };
        if answered.lines.units(id) != Some(quantity) || !answered.held.contains(&id) {
            return Err(refused);
        }
        product.take(quantity, payment, at)?;
        answered.held.remove(&id);
        Ok(())
    }

    /// Whose it is.
    pub const fn payment(&self) -> PaymentId {
        match self {
            Self::Answered(answered) => answered.payment,
            Self::ReleasedFirst(payment) => *payment,
        }
    }

    /// The products it still holds units of.
    pub fn held(&self) -> impl Iterator<Item = ProductId> {
        let held = match self {
            Self::Answered(answered) => Some(&answered.held),
            Self::ReleasedFirst(_) => None,
        };
        held.into_iter().flatten().copied()
    }
}

/// A reservation that was asked for. Stores keep all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnsweredReservation {
    /// Whose it is.
    pub payment: PaymentId,
    /// What was asked for.
    pub lines: ReservationLines,
    /// The answer.
    pub outcome: ReservationOutcome,
    /// The products whose units are still held: fewer with each sale, none after a release.
    pub held: BTreeSet<ProductId>,
}

/// What a payment is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReservationOutcome {
    /// All lines are held.
    Reserved,
    /// None is.
    Rejected(Rejection),
}

/// Why nothing was reserved. Never empty in an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rejection {
    /// Products with too few units.
    pub shortages: Vec<Shortage>,
    /// Products that do not exist.
    pub missing: Vec<ProductId>,
}

impl Rejection {
    /// Whether there is no reason at all.
    pub fn is_empty(&self) -> bool {
        self.shortages.is_empty() && self.missing.is_empty()
    }
}

/// A product with fewer units than were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// The product.
    pub product: ProductId,
    /// What was asked for.
    pub requested: Quantity,
    /// What could be had.
    pub available: StockQuantity,
}

/// Units per product: 1 to 1000 lines, each product once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReservationLines(BTreeMap<ProductId, Quantity>);

impl ReservationLines {
    const MAX: usize = 1000;

    /// Checks the number of lines and that no product comes twice.
    pub fn new(lines: impl IntoIterator<Item = (ProductId, Quantity)>) -> Result<Self, Violation> {
        let mut map = BTreeMap::new();
        for (index, (product, units)) in lines.into_iter().enumerate() {
            if map.insert(product, units).is_some() {
                let field = format!("lines[{index}].product_id");
                return Err(Violation::new(field, "duplicate_product", "must not repeat a product"));
            }
        }
        if map.is_empty() || map.len() > Self::MAX {
            return Err(Violation::new("lines", "length", "must have 1 to 1000 lines"));
        }
        Ok(Self(map))
    }

    /// The lines in product order.
    pub fn iter(&self) -> impl Iterator<Item = (ProductId, Quantity)> {
        self.0.iter().map(|(product, units)| (*product, *units))
    }

    /// The products in order.
    pub fn products(&self) -> impl Iterator<Item = ProductId> {
        self.0.keys().copied()
    }

    /// How many units of a product were asked for.
    pub fn units(&self, product: ProductId) -> Option<Quantity> {
        self.0.get(&product).copied()
    }
}

fn hold_all(lines: &ReservationLines, goods: &mut Goods, at: Timestamp) -> Rejection {
    let mut rejection = Rejection::default();
    for (id, units) in lines.iter() {
        match goods.get_mut(&id) {
            None => rejection.missing.push(id),
            Some(product) => rejection.shortages.extend(product.hold(units, at).err()),
        }
    }
    rejection
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product::tests::{at, payment, product, units};

    fn id(id: i64) -> ProductId {
        ProductId::new(id).unwrap()
    }

    fn lines(lines: &[(i64, i64)]) -> ReservationLines {
        ReservationLines::new(lines.iter().map(|(product, n)| (id(*product), units(*n)))).unwrap()
    }

    fn goods(stock: &[(i64, i64)]) -> Goods {
        stock.iter().map(|(n, stock)| (id(*n), product(*n, *stock))).collect()
    }

    fn available(goods: &Goods) -> Vec<u32> {
        goods.values().map(|product| product.level().available().get()).collect()
    }

    #[test]
    fn holds_all_lines() {
        let mut goods = goods(&[(1, 5), (2, 5)]);
        let reservation = Reservation::place(payment(1), lines(&[(1, 5), (2, 1)]), &mut goods, at(1));
        assert_eq!(reservation.repeat(&lines(&[(2, 1), (1, 5)])), Ok(&ReservationOutcome::Reserved));
        assert_eq!(available(&goods), [0, 4]);
    }

    #[test]
    fn holds_nothing_where_one_line_is_short_or_missing() {
        let mut goods = goods(&[(1, 5), (2, 5)]);
        let before = goods.clone();
        let reservation = Reservation::place(payment(1), lines(&[(1, 5), (2, 6), (3, 1)]), &mut goods, at(1));
        let Ok(ReservationOutcome::Rejected(rejection)) =
            reservation.repeat(&lines(&[(1, 5), (2, 6), (3, 1)]))
        else {
            panic!("{reservation:?}")
        };
        assert_eq!(rejection.missing, [id(3)]);
        let available = StockQuantity::new(5).unwrap();
        assert_eq!(rejection.shortages, [Shortage { product: id(2), requested: units(6), available }]);
        assert_eq!(goods, before);
    }

    #[test]
    fn answers_the_same_after_its_end_and_refuses_other_lines() {
        let mut goods = goods(&[(1, 5)]);
        let mut reservation = Reservation::place(payment(1), lines(&[(1, 2)]), &mut goods, at(1));
        reservation.release(&mut goods, at(2)).unwrap();
        assert_eq!(reservation.repeat(&lines(&[(1, 2)])), Ok(&ReservationOutcome::Reserved));
        assert_eq!(reservation.repeat(&lines(&[(1, 3)])), Err(StockError::OtherLines(payment(1))));
    }

    #[test]
    fn release_gives_back_once() {
        let mut goods = goods(&[(1, 5), (2, 5)]);
        let mut reservation = Reservation::place(payment(1), lines(&[(1, 2), (2, 2)]), &mut goods, at(1));
        for _ in 0..2 {
            reservation.release(&mut goods, at(2)).unwrap();
            assert_eq!(available(&goods), [5, 5]);
        }
    }

    #[test]
    fn a_payment_that_was_over_cannot_reserve() {
        let reservation = Reservation::ReleasedFirst(payment(1));
        assert_eq!(reservation.repeat(&lines(&[(1, 2)])), Err(StockError::ReleasedFirst(payment(1))));
    }

    #[test]
    fn lines_name_each_product_once() {
        let twice = ReservationLines::new([(id(1), units(1)), (id(1), units(2))]).unwrap_err();
        assert_eq!((twice.code(), twice.field()), ("duplicate_product", "lines[1].product_id"));
        assert_eq!(ReservationLines::new([]).unwrap_err().code(), "length");
    }
}
