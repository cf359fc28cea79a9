//! Whether a request is sent again: [`RetryRules`] look at the request, [`RetryBudget`] at all of them together.

mod budget;
mod rules;

pub use budget::{BudgetSettings, RetryBudget};
pub use rules::{Failure, NotRepeated, Repeatable, RetryRules};
