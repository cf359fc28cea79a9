//! Whom a message lets in.

use super::{Caller, Denied, Role};

/// Whom a message lets in. Administrators, and the system itself, are let in everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit<'a> {
    /// Everybody, without a token too.
    Anyone,
    /// Everybody with an identity. The handler MUST confine what it touches to [`Caller::scope`].
    Known,
    /// The user whom the message is about.
    User(&'a str),
    /// The user whom the message is about, and other services.
    UserOrService(&'a str),
    /// Those who have the role.
    Role(Role),
    /// Only the system itself: what arrives as an event, or is a worker's task.
    System,
}

impl Permit<'_> {
    /// Lets `caller` in or says why not.
    pub fn admit(self, caller: &Caller) -> Result<(), Denied> {
        match (self, caller) {
            (Self::Anyone, _) | (_, Caller::Trusted) => Ok(()),
            (_, Caller::Anonymous) => Err(Denied::Unauthenticated),
            (Self::System, Caller::Known(_)) => Err(Denied::Forbidden),
            (_, Caller::Known(principal)) if principal.has(Role::Admin) => Ok(()),
            (Self::Known, Caller::Known(_)) => Ok(()),
            (Self::User(user), Caller::Known(principal)) => allow(principal.subject().as_str() == user),
            (Self::UserOrService(user), Caller::Known(principal)) => {
                allow(principal.has(Role::Service) || principal.subject().as_str() == user)
            }
            (Self::Role(role), Caller::Known(principal)) => allow(principal.has(role)),
        }
    }
}

fn allow(condition: bool) -> Result<(), Denied> {
    if condition { Ok(()) } else { Err(Denied::Forbidden) }
}

#[cfg(test)]
mod tests {
    use kernel_domain::UserId;

    use super::*;
    use crate::identity::Principal;

    fn known(name: &str, roles: &[Role]) -> Caller {
        Caller::known(Principal::new(UserId::new(name).unwrap(), roles.iter().copied()))
    }

    /// Who is let in, in the order: anonymous, ada, bob, a service, an administrator, the system.
    fn let_in(permit: Permit<'_>) -> [bool; 6] {
        let callers = [
            Caller::Anonymous,
            known("ada", &[]),
            known("bob", &[]),
            known("payment", &[Role::Service]),
            known("root", &[Role::Admin]),
            Caller::Trusted,
        ];
        callers.map(|caller| permit.admit(&caller).is_ok())
    }

    #[test]
    fn each_permit_lets_in_whom_it_names() {
        assert_eq!(let_in(Permit::Anyone), [true, true, true, true, true, true]);
        assert_eq!(let_in(Permit::Known), [false, true, true, true, true, true]);
        assert_eq!(let_in(Permit::User("ada")), [false, true, false, false, true, true]);
        assert_eq!(let_in(Permit::UserOrService("ada")), [false, true, false, true, true, true]);
        assert_eq!(let_in(Permit::Role(Role::Admin)), [false, false, false, false, true, true]);
        assert_eq!(let_in(Permit::Role(Role::Service)), [false, false, false, true, true, true]);
        assert_eq!(let_in(Permit::System), [false, false, false, false, false, true]);
    }

    #[test]
    fn those_without_a_token_are_told_to_bring_one() {
        assert_eq!(Permit::Known.admit(&Caller::Anonymous), Err(Denied::Unauthenticated));
        assert_eq!(Permit::System.admit(&Caller::Anonymous), Err(Denied::Unauthenticated));
        assert_eq!(Permit::User("ada").admit(&known("bob", &[])), Err(Denied::Forbidden));
    }
}
