//! What was sold, for the sales read model. Sales never move stock: the stock change of the same payment does.

use std::collections::BTreeMap;

use kernel_domain::{Currency, Money, MoneyError, ProductId, Quantity};

/// The lines of one completed payment, one total per product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sale(BTreeMap<ProductId, SalesTotal>);

impl Sale {
    /// Adds the lines up: product, units, price of one unit.
    pub fn new(
        lines: impl IntoIterator<Item = (ProductId, Quantity, Money)>,
        currency: Currency,
    ) -> Result<Self, MoneyError> {
        let mut totals = BTreeMap::new();
        for (product, quantity, price) in lines {
            let line =
                SalesTotal { units: quantity.get().into(), revenue: price.checked_mul(quantity.get())? };
            let total = totals.entry(product).or_insert(SalesTotal::none(currency));
            *total = total.checked_add(line)?;
        }
        Ok(Self(totals))
    }

    /// The totals in product order.
    pub fn iter(&self) -> impl Iterator<Item = (ProductId, SalesTotal)> {
        self.0.iter().map(|(product, total)| (*product, *total))
    }
}

/// Units sold and what they brought in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SalesTotal {
    /// How many units.
    pub units: u64,
    /// For how much.
    pub revenue: Money,
}

impl SalesTotal {
    /// Nothing sold.
    pub const fn none(currency: Currency) -> Self {
        Self { units: 0, revenue: Money::zero(currency) }
    }

    /// Both together; fails on two currencies or on overflow.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        let units = self.units.checked_add(other.units).ok_or(MoneyError::Overflow)?;
        Ok(Self { units, revenue: self.revenue.checked_add(other.revenue)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(product: i64, quantity: i64, minor: i64) -> (ProductId, Quantity, Money) {
        let price = Money::from_minor(minor, Currency::USD);
        (ProductId::new(product).unwrap(), Quantity::new(quantity).unwrap(), price)
    }

    #[test]
    fn lines_of_one_product_are_added_up() {
        let sale = Sale::new([line(1, 2, 500), line(2, 1, 100), line(1, 1, 400)], Currency::USD).unwrap();
        let totals: Vec<_> =
            sale.iter().map(|(id, total)| (id.get(), total.units, total.revenue.minor())).collect();
        assert_eq!(totals, [(1, 3, 1400), (2, 1, 100)]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let huge = Sale::new([line(1, 2, i64::MAX)], Currency::USD);
        assert_eq!(huge, Err(MoneyError::Overflow));
        let euro = "EUR".parse().unwrap();
        assert!(matches!(Sale::new([line(1, 2, 5)], euro), Err(MoneyError::Currencies(..))));
    }
}
