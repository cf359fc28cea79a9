//! The ways to choose among backends.

use std::fmt;

/// How a service's next backend is chosen. A new way is a variant here and an arm in `choice`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// One after the other, weights aside.
    #[default]
    RoundRobin,
    /// The one with the fewest requests for its weight.
    LeastConnections,
    /// One after the other, each as often as its weight says, evenly spread.
    WeightedRoundRobin,
    /// Of two drawn by weight, the one whose latency and load promise the earlier answer.
    PowerOfTwoChoices,
}

impl Strategy {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::RoundRobin, Self::LeastConnections, Self::WeightedRoundRobin, Self::PowerOfTwoChoices];

    /// The name in settings and answers: `round_robin`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RoundRobin => "round_robin",
            Self::LeastConnections => "least_connections",
            Self::WeightedRoundRobin => "weighted_round_robin",
            Self::PowerOfTwoChoices => "power_of_two_choices",
        }
    }

    /// The strategy with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|strategy| strategy.name() == name)
    }

    /// Whether weights matter to it.
    pub const fn is_weighted(self) -> bool {
        !matches!(self, Self::RoundRobin)
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
