//! The product aggregate.

use kernel_domain::{PaymentId, ProductId, Quantity, Recorded, Timestamp, Version};

use crate::{MovementKind, ProductDetails, Shortage, StockError, StockLevel, StockMovement, StockQuantity};

/// A product with its stock. Each change that moves units records a [`StockMovement`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    id: ProductId,
    details: ProductDetails,
    level: StockLevel,
    created_at: Timestamp,
    updated_at: Timestamp,
    version: Version,
    movements: Recorded<StockMovement>,
}

impl Product {
    /// Replaces all that a client decides; refused where the stock would go below what is reserved.
    pub fn revise(
        &mut self,
        details: ProductDetails,
        stock: StockQuantity,
        at: Timestamp,
    ) -> Result<(), StockError> {
        let reserved = self.level.reserved();
        let refused = StockError::BelowReserved { product: self.id, reserved };
        let level = self.level.recount(stock).ok_or(refused)?;
        let difference = i64::from(stock.get()) - i64::from(self.level.on_hand().get());
        if difference != 0 {
            self.record(MovementKind::Adjustment, difference, None, at);
        }
        self.details = details;
        self.set_level(level, at);
        Ok(())
    }

    /// Takes the product out of the catalogue, with the stock it has; refused while payments hold units.
    pub fn remove(&mut self, at: Timestamp) -> Result<(), StockError> {
        let reserved = self.level.reserved();
        if reserved != StockQuantity::NONE {
            return Err(StockError::Reserved { product: self.id, reserved });
        }
        let left = i64::from(self.level.on_hand().get());
        if left != 0 {
            self.record(MovementKind::Removal, -left, None, at);
        }
        self.set_level(StockLevel::free(StockQuantity::NONE), at);
        Ok(())
    }

    /// Sets units aside, or says how many there are.
    pub(crate) fn hold(&mut self, units: Quantity, at: Timestamp) -> Result<(), Shortage> {
        let available = self.level.available();
        let shortage = Shortage { product: self.id, requested: units, available };
        let level = self.level.reserve(units).ok_or(shortage)?;
        self.set_level(level, at);
        Ok(())
    }

    /// Gives `units` that `payment` held back.
    pub(crate) fn let_go(
        &mut self,
        units: Quantity,
        payment: PaymentId,
        at: Timestamp,
    ) -> Result<(), StockError> {
        let level = self.level.release(units).ok_or(self.not_held(units, payment))?;
        self.set_level(level, at);
        Ok(())
    }

    /// Sells `units` that `payment` held.
    pub(crate) fn take(
        &mut self,
        units: Quantity,
        payment: PaymentId,
        at: Timestamp,
    ) -> Result<(), StockError> {
        let level = self.level.take(units).ok_or(self.not_held(units, payment))?;
        self.record(MovementKind::Decrease, -i64::from(units.get()), Some(payment), at);
        self.set_level(level, at);
        Ok(())
    }

    /// Takes in units that a refund brought back.
    pub(crate) fn restock(
        &mut self,
        units: Quantity,
        payment: PaymentId,
        at: Timestamp,
    ) -> Result<(), StockError> {
        let refused = StockError::TooMany { product: self.id, quantity: units };
        let level = self.level.restock(units).ok_or(refused)?;
        self.record(MovementKind::Increase, i64::from(units.get()), Some(payment), at);
        self.set_level(level, at);
        Ok(())
    }

    /// The shop's number for it.
    pub const fn id(&self) -> ProductId {
        self.id
    }

    /// What clients decided.
    pub const fn details(&self) -> &ProductDetails {
        &self.details
    }

    /// Its stock.
    pub const fn level(&self) -> StockLevel {
        self.level
    }

    /// When it was added.
    pub const fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// When anything of it last changed, stock included.
    pub const fn updated_at(&self) -> Timestamp {
        self.updated_at
    }

    /// How often it was saved.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// What moved since it was loaded, oldest first.
    pub fn movements(&self) -> &[StockMovement] {
        self.movements.as_slice()
    }

    /// For repositories, after a save: the next version, with nothing left to write.
    pub fn saved(&mut self) {
        self.version = self.version.next();
        self.movements.clear();
    }

    fn set_level(&mut self, level: StockLevel, at: Timestamp) {
        self.level = level;
        self.updated_at = at;
    }

    fn record(&mut self, kind: MovementKind, units: i64, payment: Option<PaymentId>, at: Timestamp) {
        self.movements.record(StockMovement { product: self.id, kind, units, payment, at });
    }

    const fn not_held(&self, quantity: Quantity, payment: PaymentId) -> StockError {
        StockError::NotHeld { payment, product: self.id, quantity }
    }
}

/// A product that has no number yet: the store gives it one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewProduct {
    /// What the client decided.
    pub details: ProductDetails,
    /// Its first units.
    pub stock: StockQuantity,
    /// When it is added.
    pub at: Timestamp,
}

impl NewProduct {
    /// The product, under the number the store chose, with its first movement recorded.
    pub fn numbered(self, id: ProductId) -> Product {
        let Self { details, stock, at } = self;
        let level = StockLevel::free(stock);
        let version = Version::NEW;
        let movements = Recorded::default();
        let mut product = Product { id, details, level, created_at: at, updated_at: at, version, movements };
        if stock != StockQuantity::NONE {
            product.record(MovementKind::Initial, stock.get().into(), None, at);
        }
        product
    }
}

/// What a store keeps of a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredProduct {
    /// Its number.
    pub id: ProductId,
    /// What clients decided.
    pub details: ProductDetails,
    /// Its stock.
    pub level: StockLevel,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// How often it was saved.
    pub version: Version,
}

impl From<StoredProduct> for Product {
    fn from(stored: StoredProduct) -> Self {
        let StoredProduct { id, details, level, created_at, updated_at, version } = stored;
        Self { id, details, level, created_at, updated_at, version, movements: Recorded::default() }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use kernel_domain::{Currency, Money};

    use super::*;
    use crate::{Category, Description, Price, ProductName};

    pub(crate) fn at(seconds: i64) -> Timestamp {
        Timestamp::from_timestamp(seconds, 0).unwrap()
    }

    pub(crate) fn units(units: i64) -> Quantity {
        Quantity::new(units).unwrap()
    }

    pub(crate) fn payment(n: u128) -> PaymentId {
        PaymentId::from_uuid(uuid::Uuid::from_u128(n))
    }

    pub(crate) fn product(id: i64, stock: i64) -> Product {
        let stock = StockQuantity::new(stock).unwrap();
        NewProduct { details: details(), stock, at: at(0) }.numbered(ProductId::new(id).unwrap())
    }

    fn details() -> ProductDetails {
        ProductDetails {
            name: ProductName::new("Lamp").unwrap(),
            description: Description::new("").unwrap(),
            price: Price::new(Money::from_minor(12_990, Currency::USD)).unwrap(),
            category: Category::new("home").unwrap(),
            image_url: None,
        }
    }

    fn moved(product: &Product) -> Vec<(MovementKind, i64)> {
        product.movements().iter().map(|movement| (movement.kind, movement.units)).collect()
    }

    #[test]
    fn its_first_units_are_a_movement() {
        assert_eq!(moved(&product(1, 5)), [(MovementKind::Initial, 5)]);
        assert_eq!(moved(&product(1, 0)), []);
    }

    #[test]
    fn a_revision_books_the_difference() {
        let mut lamp = product(1, 5);
        lamp.saved();
        lamp.revise(details(), StockQuantity::new(2).unwrap(), at(9)).unwrap();
        assert_eq!(moved(&lamp), [(MovementKind::Adjustment, -3)]);
        assert_eq!((lamp.updated_at(), lamp.version().get()), (at(9), 1));
    }

    #[test]
    fn a_revision_cannot_take_reserved_units() {
        let mut lamp = product(1, 5);
        lamp.hold(units(3), at(1)).unwrap();
        let before = lamp.clone();
        let refused = lamp.revise(details(), StockQuantity::new(2).unwrap(), at(2));
        assert!(matches!(refused, Err(StockError::BelowReserved { .. })));
        assert_eq!(lamp, before);
    }

    #[test]
    fn is_removed_only_when_nothing_is_reserved() {
        let mut lamp = product(1, 5);
        lamp.hold(units(3), at(1)).unwrap();
        assert!(matches!(lamp.remove(at(2)), Err(StockError::Reserved { .. })));
        lamp.take(units(3), payment(1), at(2)).unwrap();
        lamp.remove(at(3)).unwrap();
        assert_eq!(lamp.movements().iter().map(|movement| movement.units).sum::<i64>(), 0);
    }

    #[test]
    fn says_how_many_units_it_has_left() {
        let mut lamp = product(1, 5);
        lamp.hold(units(3), at(1)).unwrap();
        let shortage = lamp.hold(units(3), at(2)).unwrap_err();
        assert_eq!((shortage.requested.get(), shortage.available.get()), (3, 2));
    }
}
