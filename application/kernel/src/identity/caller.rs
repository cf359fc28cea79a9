//! Who calls.

use std::sync::Arc;

use kernel_domain::{Timestamp, UserId};

use super::Denied;

/// Who is behind a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Caller {
    /// Nobody said who. What a call starts with, so that whoever forgets to find out is let in nowhere.
    #[default]
    Anonymous,
    /// Somebody whose identity was proven.
    Known(Arc<Principal>),
    /// The system itself, on behalf of an event or a worker; and everybody where authentication is switched off.
    Trusted,
}

/// A proven identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    subject: UserId,
    roles: Vec<Role>,
    expires_at: Option<Timestamp>,
}

/// What an identity may do besides its own affairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Runs the shop: may do everything that users may, for all of them, and change products.
    Admin,
    /// Another service: may read baskets and reserve stock.
    Service,
}

impl Role {
    /// The role called `name`; `None` for roles that mean nothing here.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "admin" => Some(Self::Admin),
            "service" => Some(Self::Service),
            _ => None,
        }
    }

    /// The role's name in tokens.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Service => "service",
        }
    }
}

impl Principal {
    /// The identity `subject` with `roles`.
    pub fn new(subject: UserId, roles: impl IntoIterator<Item = Role>) -> Self {
        Self { subject, roles: roles.into_iter().collect(), expires_at: None }
    }

    /// The same identity, proven until `expires_at`.
    #[must_use]
    pub fn until(self, expires_at: Timestamp) -> Self {
        Self { expires_at: Some(expires_at), ..self }
    }

    /// The user, or the service's account.
    pub const fn subject(&self) -> &UserId {
        &self.subject
    }

    /// From when on it is proven no longer; `None` where that never comes.
    pub const fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// Whether it has the role.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

impl Caller {
    /// The identity `principal`.
    pub fn known(principal: Principal) -> Self {
        Self::Known(Arc::new(principal))
    }

    /// The identity, where there is one.
    pub fn principal(&self) -> Option<&Principal> {
        match self {
            Self::Known(principal) => Some(principal),
            Self::Anonymous | Self::Trusted => None,
        }
    }

    /// Whose things the call may touch: those of one user, or anybody's where there is none.
    ///
    /// Part of a query for one thing by its id, so that somebody else's thing is not there rather than forbidden.
    pub fn scope(&self) -> Result<Option<&UserId>, Denied> {
        match self {
            Self::Trusted => Ok(None),
            Self::Known(principal) if principal.has(Role::Admin) => Ok(None),
            Self::Known(principal) => Ok(Some(principal.subject())),
            Self::Anonymous => Err(Denied::Unauthenticated),
        }
    }

    /// Whether the caller is at `now` still who they were when the call began. Who calls is found out once, so what goes
    /// on for longer than a token is good, such as a live feed, MUST ask this again and again.
    pub fn lasts(&self, now: Timestamp) -> Result<(), Denied> {
        match self.principal().and_then(Principal::expires_at) {
            Some(expires_at) if expires_at <= now => Err(Denied::Unauthenticated),
            _ => Ok(()),
        }
    }

    /// Whose keys and quotas are used: the subject, or a name that no subject has.
    pub fn account(&self) -> &str {
        self.principal().map_or("(anonymous)", |principal| principal.subject().as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str, roles: &[Role]) -> Caller {
        Caller::known(Principal::new(UserId::new(name).unwrap(), roles.iter().copied()))
    }

    #[test]
    fn users_are_confined_to_what_is_theirs() {
        let (ada, admin) = (user("ada", &[]), user("root", &[Role::Admin]));
        assert_eq!(ada.scope().unwrap().unwrap().as_str(), "ada");
        assert_eq!(user("payment", &[Role::Service]).scope().unwrap().unwrap().as_str(), "payment");
        assert_eq!(admin.scope(), Ok(None));
        assert_eq!(Caller::Trusted.scope(), Ok(None));
        assert_eq!(Caller::Anonymous.scope(), Err(Denied::Unauthenticated));
    }

    #[test]
    fn an_identity_lasts_as_long_as_it_is_proven() {
        let at = |second| Timestamp::UNIX_EPOCH + chrono::TimeDelta::seconds(second);
        let ada = Caller::known(Principal::new(UserId::new("ada").unwrap(), []).until(at(60)));
        assert_eq!(ada.lasts(at(59)), Ok(()));
        assert_eq!(ada.lasts(at(60)), Err(Denied::Unauthenticated));
        for caller in [user("ada", &[]), Caller::Anonymous, Caller::Trusted] {
            assert_eq!(caller.lasts(Timestamp::MAX_UTC), Ok(()), "{caller:?}");
        }
    }

    #[test]
    fn roles_are_known_by_name() {
        for role in [Role::Admin, Role::Service] {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("Admin"), None);
    }

    #[test]
    fn nobody_s_account_is_no_user_s() {
        assert_eq!(user("ada", &[]).account(), "ada");
        assert_eq!(Caller::Anonymous.account(), Caller::Trusted.account());
    }
}
