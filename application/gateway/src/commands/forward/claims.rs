//! Takes out what clients say of themselves.

use gateway_domain::claims_identity;

use crate::Fields;

/// Removes headers that claim an identity. `Authorization` stays: whoever reads it has to verify it.
pub(super) fn remove(headers: &mut Fields) {
    headers.retain(|name| !claims_identity(name));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_claims_go_and_the_token_stays() {
        let names = ["X-User-Id", "x-user-id", "x_user_roles", "x-forwarded-user", "Authorization", "accept"];
        let mut headers: Fields = names.into_iter().map(|name| (name, "1")).collect();
        remove(&mut headers);
        let left: Vec<_> = headers.iter().map(|(name, _)| name).collect();
        assert_eq!(left, ["authorization", "accept"]);
    }
}
