//! What a verified token says.

use kernel_application::{Caller, Principal, Role};
use kernel_domain::UserId;
use serde::Deserialize;

use crate::Rejected;

/// By how many seconds the clocks of issuer and service may differ.
pub(crate) const LEEWAY: i64 = 30;

/// The claims that matter beside those that the JWT library compares. All are optional here, so that one that is missing
/// is told from one of another shape.
#[derive(Debug, Deserialize)]
pub(crate) struct Claims {
    sub: Option<String>,
    exp: Option<i64>,
    nbf: Option<i64>,
    #[serde(default)]
    roles: Vec<String>,
}

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
        let expires = self.exp.ok_or(Rejected::Incomplete)?;
        let subject = self.sub.ok_or(Rejected::Incomplete)?;
        let subject = UserId::new(subject).map_err(|_| Rejected::Subject)?;
        if self.nbf.is_some_and(|begin| begin > now.saturating_add(LEEWAY)) {
            return Err(Rejected::NotYetValid);
        }
        let roles = self.roles.iter().filter_map(|name| Role::parse(name));
        let proven = Proven { caller: Caller::known(Principal::new(subject, roles)), expires };
        proven.fresh(now).map(|()| proven)
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
