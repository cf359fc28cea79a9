//! How much and how long to measure.

use std::{env, time::Duration};

use super::BoxError;

/// What all benches of a run agree on. The environment may change each figure; the defaults take seconds.
#[derive(Clone, Debug)]
pub struct Plan {
    /// `BENCH_CLIENTS`: workers that repeat an operation at once, and connections to the server.
    pub clients: usize,
    /// `BENCH_WINDOW_MS`: how long one round lasts.
    pub window: Duration,
    /// `BENCH_ROUNDS`: how often each operation is measured; the middle one counts.
    pub rounds: usize,
    /// `BENCH_ROWS`: how many products there are; other tables are filled in proportion.
    pub rows: u32,
    /// `BENCH_EVENTS`: how many messages wait for a relay.
    pub events: u32,
}

impl Plan {
    pub(super) fn from_env() -> Result<Self, BoxError> {
        Self::read(|name| env::var(name).ok())
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, BoxError> {
        let number = |name: &str, usual: u32| -> Result<u32, BoxError> {
            let Some(text) = variable(name) else { return Ok(usual) };
            let number = text.parse().ok().filter(|number| *number > 0);
            number.ok_or_else(|| format!("{name} must be a number above 0, not {text:?}").into())
        };
        Ok(Self {
            clients: usize::try_from(number("BENCH_CLIENTS", 8)?)?,
            window: Duration::from_millis(number("BENCH_WINDOW_MS", 1_000)?.into()),
            rounds: usize::try_from(number("BENCH_ROUNDS", 1)?)?,
            rows: number("BENCH_ROWS", 100_000)?,
            events: number("BENCH_EVENTS", 20_000)?,
        })
    }

    /// For how many seconds an operation is repeated in all, warm-up included.
    pub fn seconds(&self) -> f64 {
        let rounds = u32::try_from(self.rounds).unwrap_or(u32::MAX);
        (self.window / 4 + self.window * rounds).as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_may_be_changed_and_none_may_be_nothing() {
        let plan = Plan::read(|name| (name == "BENCH_ROWS").then(|| "1000".to_owned())).unwrap();
        assert_eq!((plan.rows, plan.clients, plan.rounds), (1_000, 8, 1));
        for wrong in ["0", "-1", "many", ""] {
            let error = Plan::read(|name| (name == "BENCH_CLIENTS").then(|| wrong.to_owned())).unwrap_err();
            assert!(error.to_string().starts_with("BENCH_CLIENTS must be"), "{error}");
        }
    }

    #[test]
    fn the_warm_up_counts_as_time() {
        let figure = |name: &str| match name {
            "BENCH_WINDOW_MS" => Some("2000".to_owned()),
            "BENCH_ROUNDS" => Some("3".to_owned()),
            _ => None,
        };
        assert!((Plan::read(figure).unwrap().seconds() - 6.5).abs() < 1e-9);
    }
}
