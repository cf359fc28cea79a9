//! A change of stock that a payment's verdict asks for.

use kernel_domain::{PaymentId, ProductId, Quantity, Timestamp};

use crate::{Product, Reservation, StockError};

/// Units that leave for good, or come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockChange {
    /// Whose stock.
    pub product: ProductId,
    /// How many units.
    pub quantity: Quantity,
    /// Which way.
    pub operation: StockOperation,
    /// The payment whose verdict it is.
    pub payment: PaymentId,
}

/// Which way units go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StockOperation {
    /// The payment's reserved units are sold.
    Decrease,
    /// A refund brings units back.
    Increase,
}

impl StockChange {
    /// Carries the change out on what the store has of product and reservation, or leaves both alone.
    pub fn apply(
        &self,
        product: Option<&mut Product>,
        reservation: Option<&mut Reservation>,
        at: Timestamp,
    ) -> Result<(), StockError> {
        let product = product.ok_or(StockError::UnknownProduct(self.product))?;
        match self.operation {
            StockOperation::Increase => product.restock(self.quantity, self.payment, at),
            StockOperation::Decrease => reservation.ok_or(self.not_held())?.take(product, self.quantity, at),
        }
    }

    const fn not_held(&self) -> StockError {
        StockError::NotHeld { payment: self.payment, product: self.product, quantity: self.quantity }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::{
        Goods, ReservationLines, StockQuantity,
        product::tests::{at, payment, product, units},
    };

    fn change(operation: StockOperation, quantity: i64) -> StockChange {
        let product = ProductId::new(1).unwrap();
        StockChange { product, quantity: units(quantity), operation, payment: payment(1) }
    }

    #[test]
    fn a_decrease_needs_exactly_its_reservation() {
        let mut lamp = product(1, 5);
        let decrease = change(StockOperation::Decrease, 2);
        assert_eq!(decrease.apply(Some(&mut lamp), None, at(1)), Err(decrease.not_held()));

        let mut goods: Goods = [(lamp.id(), lamp)].into();
        let lines = ReservationLines::new([(decrease.product, units(2))]).unwrap();
        let mut reservation = Reservation::place(payment(1), lines, &mut goods, at(1));
        let lamp = goods.get_mut(&decrease.product).unwrap();
        let other = change(StockOperation::Decrease, 1);
        assert_eq!(other.apply(Some(lamp), Some(&mut reservation), at(2)), Err(other.not_held()));
        decrease.apply(Some(lamp), Some(&mut reservation), at(2)).unwrap();
        assert_eq!((lamp.level().on_hand().get(), lamp.level().reserved().get()), (3, 0));
        assert_eq!(decrease.apply(Some(lamp), Some(&mut reservation), at(3)), Err(decrease.not_held()));
    }

    #[test]
    fn an_increase_needs_a_product() {
        let mut lamp = product(1, 5);
        let increase = change(StockOperation::Increase, 2);
        increase.apply(Some(&mut lamp), None, at(1)).unwrap();
        assert_eq!(lamp.level().on_hand().get(), 7);
        assert_eq!(increase.apply(None, None, at(1)), Err(StockError::UnknownProduct(increase.product)));
    }

    /// One step of a shop's life; payments and products are few so that steps meet.
    #[derive(Clone, Debug)]
    enum Step {
        Reserve(u128, Vec<(i64, i64)>),
        Release(u128),
        Change(StockChange),
        Recount(i64, i64),
    }

    fn step() -> impl Strategy<Value = Step> {
        let lines = vec((1_i64..=3, 1_i64..=6), 1..=3);
        let operation = prop_oneof![Just(StockOperation::Decrease), Just(StockOperation::Increase)];
        let change = (1_i64..=3, 1_i64..=6, operation, 0_u128..4).prop_map(|(id, n, operation, by)| {
            let product = ProductId::new(id).unwrap();
            Step::Change(StockChange { product, quantity: units(n), operation, payment: payment(by) })
        });
        prop_oneof![
            3 => (0_u128..4, lines).prop_map(|(by, lines)| Step::Reserve(by, lines)),
            1 => (0_u128..4).prop_map(Step::Release),
            3 => change,
            1 => (1_i64..=3, 0_i64..=12).prop_map(|(id, n)| Step::Recount(id, n)),
        ]
    }

    #[derive(Default)]
    struct Shop {
        goods: Goods,
        reservations: BTreeMap<PaymentId, Reservation>,
    }

    impl Shop {
        fn run(&mut self, step: Step) {
            match step {
                Step::Reserve(by, lines) => self.reserve(payment(by), &lines),
                Step::Release(by) => self.release(payment(by)),
                Step::Change(change) => {
                    let product = self.goods.get_mut(&change.product);
                    let reservation = self.reservations.get_mut(&change.payment);
                    let _refused = change.apply(product, reservation, at(1));
                }
                Step::Recount(id, n) => {
                    let product = self.goods.get_mut(&ProductId::new(id).unwrap()).unwrap();
                    let details = product.details().clone();
                    let _refused = product.revise(details, StockQuantity::new(n).unwrap(), at(1));
                }
            }
        }

        fn reserve(&mut self, by: PaymentId, lines: &[(i64, i64)]) {
            let lines = lines.iter().map(|(id, n)| (ProductId::new(*id).unwrap(), units(*n)));
            let Ok(lines) = ReservationLines::new(lines) else { return };
            let goods = &mut self.goods;
            self.reservations.entry(by).or_insert_with(|| Reservation::place(by, lines, goods, at(1)));
        }

        fn release(&mut self, by: PaymentId) {
            let reservation = self.reservations.entry(by).or_insert(Reservation::ReleasedFirst(by));
            reservation.release(&mut self.goods, at(1)).unwrap();
        }

        fn held(&self, id: ProductId) -> u32 {
            let held = self.reservations.values().filter_map(|reservation| match reservation {
                Reservation::Answered(it) if it.held.contains(&id) => it.lines.units(id),
                _ => None,
            });
            held.map(Quantity::get).sum()
        }
    }

    proptest! {
        #[test]
        fn the_books_always_balance(stock in vec(0_i64..=12, 3), steps in vec(step(), 0..60)) {
            let mut shop = Shop::default();
            for (id, stock) in (1..).zip(stock) {
                shop.goods.insert(ProductId::new(id).unwrap(), product(id, stock));
            }
            for step in steps {
                shop.run(step);
                for (id, product) in &shop.goods {
                    let level = product.level();
                    prop_assert!(level.reserved() <= level.on_hand());
                    prop_assert_eq!(level.reserved().get(), shop.held(*id), "reserved is what payments hold");
                    let booked: i64 = product.movements().iter().map(|movement| movement.units).sum();
                    prop_assert_eq!(booked, i64::from(level.on_hand().get()), "stock is the sum of movements");
                }
            }
        }
    }
}
