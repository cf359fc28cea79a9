//! The order of smooth weighted round robin, worked out in advance.
//!
//! nginx's algorithm gives, for weights 5, 1, 1, the order a a b a c a a: each in its share, none in a bunch. It changes
//! all weights with each pick, which would take a lock; but its order repeats, so one turn is worked out when a pool is
//! built, and a pick is a step on the wheel.

/// The longest turn. Weights whose turn is longer are scaled down, which moves a share by less than a thousandth.
const LONGEST: u64 = 4_096;

/// Indices of backends, each as often as its weight says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wheel(Box<[u16]>);

impl Wheel {
    /// One turn for these weights, all of them positive.
    pub(super) fn new(weights: &[u32]) -> Self {
        let weights = scaled(weights);
        let total: i64 = weights.iter().sum();
        let mut current = vec![0; weights.len()];
        Self((0..total).map(|_| step(&mut current, &weights, total)).collect())
    }

    /// The index at a position, however often the wheel has turned until there; `None` on an empty wheel.
    pub(super) fn at(&self, position: usize) -> Option<usize> {
        let place = position.checked_rem(self.0.len())?;
        Some(usize::from(self.0[place]))
    }

    /// The index at a random position: each with the probability of its share.
    pub(super) fn draw(&self, random: u64) -> Option<usize> {
        // The upper half of the product is the random number scaled to the length, without a division.
        let place = (u128::from(random) * self.0.len() as u128) >> u64::BITS;
        self.at(usize::try_from(place).ok()?)
    }
}

/// Everybody gains its weight; who has most is picked, and pays for all.
fn step(current: &mut [i64], weights: &[i64], total: i64) -> u16 {
    let mut best = 0;
    for index in 0..weights.len() {
        current[index] += weights[index];
        if current[index] > current[best] {
            best = index;
        }
    }
    current[best] -= total;
    u16::try_from(best).unwrap_or(u16::MAX)
}

fn scaled(weights: &[u32]) -> Vec<i64> {
    let divisor = u64::from(weights.iter().copied().fold(0, gcd)).max(1);
    let total: u64 = weights.iter().map(|weight| u64::from(*weight) / divisor).sum();
    let scale = |weight: &u32| {
        let weight = u64::from(*weight) / divisor;
        let fitting = if total > LONGEST { (weight * LONGEST / total).max(1) } else { weight };
        i64::try_from(fitting).unwrap_or(i64::MAX)
    };
    weights.iter().map(scale).collect()
}

const fn gcd(mut a: u32, mut b: u32) -> u32 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_order_is_that_of_nginx() {
        let Wheel(order) = Wheel::new(&[5, 1, 1]);
        assert_eq!(*order, [0, 0, 1, 0, 2, 0, 0]);
        assert_eq!(Wheel::new(&[500, 100, 100]).0, order);
    }

    #[test]
    fn equal_weights_take_turns() {
        assert_eq!(*Wheel::new(&[10, 10, 10]).0, [0, 1, 2]);
        assert_eq!(Wheel::new(&[]).at(7), None);
        assert_eq!(Wheel::new(&[]).draw(7), None);
    }

    #[test]
    fn the_longest_turn_is_bounded() {
        let weights: Vec<_> = (0..256).map(|index| 9_900 + index % 100).collect();
        assert!(Wheel::new(&weights).0.len() <= 4_096);
    }

    proptest! {
        #[test]
        fn every_stretch_is_close_to_the_shares(weights in proptest::collection::vec(1_u32..30, 1..8)) {
            let wheel = Wheel::new(&weights);
            let total: u32 = weights.iter().sum();
            let mut counts = vec![0_u32; weights.len()];
            for position in 0..total {
                counts[wheel.at(position as usize).unwrap()] += 1;
                for (count, weight) in counts.iter().zip(&weights) {
                    let expected = f64::from((position + 1) * weight) / f64::from(total);
                    prop_assert!((f64::from(*count) - expected).abs() <= 8.0, "{counts:?}");
                }
            }
            prop_assert_eq!(counts, weights);
        }
    }
}
