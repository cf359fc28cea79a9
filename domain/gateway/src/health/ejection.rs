//! How long a suspect backend is left out.

use std::time::Duration;

use crate::{Moment, Share};

/// How long and how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EjectionSettings {
    /// The first time; each further one is twice as long.
    pub base: Duration,
    /// The longest time.
    pub most: Duration,
    /// So much of a service may be left out at most. Beyond that suspicions are ignored: where everything fails, sending
    /// all requests to the rest makes it worse.
    pub max_ejected: Share,
}

impl Default for EjectionSettings {
    fn default() -> Self {
        Self { base: Duration::from_secs(30), most: Duration::from_mins(5), max_ejected: Share::HALF }
    }
}

/// One backend's ejections so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ejection {
    until: Option<Moment>,
    strikes: u32,
    returned: Moment,
}

impl Ejection {
    /// The end of the ejection, where there is one under way.
    pub const fn until(&self) -> Option<Moment> {
        self.until
    }

    /// Leaves it out from now on. Each time that it did well for as long as the first ejection takes back one strike.
    pub fn eject(&mut self, settings: &EjectionSettings, now: Moment) {
        let calm = now.since(self.returned).as_nanos() / settings.base.as_nanos().max(1);
        let forgiven = u32::try_from(calm).unwrap_or(u32::MAX);
        self.strikes = self.strikes.saturating_sub(forgiven).saturating_add(1);
        let doubled = 1_u32.checked_shl(self.strikes - 1).unwrap_or(u32::MAX);
        self.until = Some(now.plus(settings.base.saturating_mul(doubled).min(settings.most)));
    }

    /// Whether its time has come to return; then it has.
    pub fn end(&mut self, now: Moment) -> bool {
        match self.until {
            Some(until) if until <= now => {
                self.until = None;
                self.returned = until;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::after_start(Duration::from_secs(seconds))
    }

    fn eject(ejection: &mut Ejection, seconds: u64) -> u64 {
        ejection.eject(&EjectionSettings::default(), at(seconds));
        let until = ejection.until().unwrap();
        assert!(!ejection.end(Moment::from_nanos(until.as_nanos() - 1)) && ejection.end(until));
        until.since(at(seconds)).as_secs()
    }

    #[test]
    fn the_time_grows_with_each_relapse_up_to_a_limit() {
        let mut ejection = Ejection::default();
        let mut now = 100;
        let mut times = Vec::new();
        for _ in 0..40 {
            let time = eject(&mut ejection, now);
            times.push(time);
            now += time + 1;
        }
        assert_eq!(times[..6], [30, 60, 120, 240, 300, 300]);
        assert_eq!(times[39], 300);
    }

    #[test]
    fn doing_well_is_remembered() {
        let mut ejection = Ejection::default();
        assert_eq!(eject(&mut ejection, 0), 30);
        assert_eq!(eject(&mut ejection, 31), 60);
        assert_eq!(eject(&mut ejection, 91 + 30), 60);
        assert_eq!(eject(&mut ejection, 10_000), 30);
    }
}
