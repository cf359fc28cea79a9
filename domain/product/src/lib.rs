//! Products, their stock and reservations.
