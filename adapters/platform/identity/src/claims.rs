//! What a verified token says.

use kernel_application::{Caller, Principal, Role};
use kernel_domain::{Timestamp, UserId};
use serde::Deserialize;
use serde_json::Number;

use crate::Rejected;

/// By how many seconds the clocks of issuer and service may differ.
pub(crate) const LEEWAY: i64 = 30;

/// The claims that matter beside those that the JWT library compares. All are optional here, so that one that is missing
/// is told from one of another shape.
#[derive(Debug, Deserialize)]
pub(crate) struct Claims {
    sub: Option<String>,
    exp: Option<NumericDate>,
    nbf: Option<NumericDate>,
    #[serde(default)]
    roles: Vec<String>,
}

/// Seconds since 1970. The fraction that RFC 7519 allows is dropped: it is nothing beside the [`LEEWAY`].
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "Number")]
struct NumericDate(i64);

/// Who a token stands for, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proven {
    pub(crate) caller: Caller,
    expires: i64,
}

impl Claims {
    /// What the claims prove at `now`, in seconds since 1970. Roles that mean nothing here are no reason to refuse: other
    /// systems have roles of their own.
    pub(crate) fn prove(self, now: i64) -> Result<Proven, Rejected> {
        let NumericDate(expires) = self.exp.ok_or(Rejected::Incomplete)?;
        let subject = self.sub.ok_or(Rejected::Incomplete)?;
        let subject = UserId::new(subject).map_err(|_| Rejected::Subject)?;
        if self.nbf.is_some_and(|NumericDate(begin)| begin > now.saturating_add(LEEWAY)) {
            return Err(Rejected::NotYetValid);
        }
        let roles = self.roles.iter().filter_map(|name| Role::parse(name));
        let principal = until(Principal::new(subject, roles), expires);
        let proven = Proven { caller: Caller::known(principal), expires };
        proven.fresh(now).map(|()| proven)
    }
}

/// Believed for as long as the token is. A year that no calendar has never comes.
fn until(principal: Principal, expires: i64) -> Principal {
    match Timestamp::from_timestamp(expires.saturating_add(LEEWAY), 0) {
        Some(end) => principal.until(end),
        None => principal,
    }
}

impl TryFrom<Number> for NumericDate {
    type Error = &'static str;

    fn try_from(number: Number) -> Result<Self, Self::Error> {
        // Beyond this, floats leave out whole numbers.
        const GREATEST: f64 = 9_007_199_254_740_992.0;
        let whole = |float: f64| {
            #[expect(clippy::cast_possible_truncation, reason = "whole, and what is out of bounds is left")]
            let seconds = float.floor() as i64;
            (float.abs() < GREATEST).then_some(seconds)
        };
        let seconds = number.as_i64().or_else(|| number.as_f64().and_then(whole));
        seconds.map(Self).ok_or("no time that anything happens at")
    }
}

impl Proven {
    /// Whether it still stands. Asked at each use: a token that was good once is not good for ever.
    pub(crate) fn fresh(&self, now: i64) -> Result<(), Rejected> {
        if now >= self.expires.saturating_add(LEEWAY) { Err(Rejected::Expired) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn prove(claims: Value) -> Result<Proven, Rejected> {
        serde_json::from_value::<Claims>(claims).map_err(|_| Rejected::Malformed)?.prove(NOW)
    }

    #[test]
    fn subject_and_known_roles_are_taken_over() {
        let proven = prove(json!({ "sub": "ada", "exp": NOW + 60, "roles": ["admin", "owner"] })).unwrap();
        let principal = proven.caller.principal().unwrap();
        assert_eq!(principal.subject().as_str(), "ada");
        assert!(principal.has(Role::Admin) && !principal.has(Role::Service));
        let proven = prove(json!({ "sub": "ada", "exp": NOW + 60 })).unwrap();
        assert!(!proven.caller.principal().unwrap().has(Role::Admin));
    }

    #[test]
    fn time_is_measured_with_some_leeway_and_no_more() {
        let of = |exp, nbf| prove(json!({ "sub": "ada", "exp": exp, "nbf": nbf })).map(drop);
        assert_eq!(of(NOW - LEEWAY + 1, NOW), Ok(()));
        assert_eq!(of(NOW - LEEWAY, NOW), Err(Rejected::Expired));
        assert_eq!(of(NOW + 60, NOW + LEEWAY), Ok(()));
        assert_eq!(of(NOW + 60, NOW + LEEWAY + 1), Err(Rejected::NotYetValid));
        assert_eq!(of(i64::MAX, i64::MIN), Ok(()));
        assert_eq!(of(i64::MIN, i64::MIN), Err(Rejected::Expired));
    }

    #[test]
    fn fractions_of_seconds_are_dropped() {
        let of = |exp: f64, nbf: f64| prove(json!({ "sub": "ada", "exp": exp, "nbf": nbf })).map(drop);
        let (now, leeway) = (1_800_000_000.0, 30.0);
        assert_eq!(of(now + 60.5, now - 0.5), Ok(()));
        assert_eq!(of(now - leeway + 0.9, now), Err(Rejected::Expired));
        assert_eq!(of(now + 60.0, now + leeway + 1.5), Err(Rejected::NotYetValid));
        assert_eq!(of(now + 60.0, -0.5), Ok(()));
    }

    #[test]
    fn the_caller_lasts_as_long_as_the_token() {
        let expires = |exp: i64| {
            let proven = prove(json!({ "sub": "ada", "exp": exp })).unwrap();
            proven.caller.principal().unwrap().expires_at()
        };
        assert_eq!(expires(NOW + 60), Timestamp::from_timestamp(NOW + 60 + LEEWAY, 0));
        assert_eq!(expires(i64::MAX), None);
    }

    #[test]
    fn what_is_required_must_be_there() {
        assert_eq!(prove(json!({ "exp": NOW + 60 })), Err(Rejected::Incomplete));
        assert_eq!(prove(json!({ "sub": "ada" })), Err(Rejected::Incomplete));
        for nobody in ["", "ada lovelace", "ada/../root", &"a".repeat(65)] {
            assert_eq!(prove(json!({ "sub": nobody, "exp": NOW + 60 })), Err(Rejected::Subject), "{nobody}");
        }
    }

    #[test]
    fn claims_of_another_type_are_refused_and_not_taken_for_missing() {
        for (name, value) in [
            ("nbf", json!("1900000000")),
            ("exp", json!("1900000000")),
            ("exp", json!(1e300)),
            ("sub", json!(["ada"])),
            ("roles", json!("admin")),
            ("roles", json!([1])),
        ] {
            let mut claims = json!({ "sub": "ada", "exp": NOW + 60 });
            claims[name] = value;
            assert_eq!(prove(claims), Err(Rejected::Malformed), "{name}");
        }
    }
}
