//! No token that is not the very one that was signed is accepted.

use proptest::prelude::*;
use tokio::runtime::{Builder, Runtime};

use super::{keys, seen, with_keys};
use crate::{Authenticator, testing::TestIssuer};

/// One signed token for each algorithm, with an authenticator that believes their keys.
struct Genuine {
    runtime: Runtime,
    authenticator: Authenticator,
    tokens: Vec<String>,
}

impl Genuine {
    fn new() -> Self {
        let (issuer, p256) = (TestIssuer::new(), keys::P256::new());
        let claims = issuer.claims("mallory", &["owner"]);
        let tokens = vec![issuer.sign(&claims), p256.sign(&claims), keys::RS256.to_owned()];
        let runtime = Builder::new_current_thread().build().unwrap();
        Self { runtime, authenticator: with_keys(&[issuer.jwk(), p256.jwk(), keys::rsa()]), tokens }
    }

    fn accepts(&self, token: &str) -> bool {
        self.runtime.block_on(seen(&self.authenticator, token)).is_ok()
    }
}

/// What is done to a token: at a place, counted in thousandths of its length.
#[derive(Clone, Debug)]
enum Mutation {
    Replace(usize, char),
    Insert(usize, char),
    Remove(usize),
    Truncate(usize),
    Swap(usize, usize),
    /// The part before the first, the second or the third dot becomes that of another token.
    Graft(usize, usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let place = || 0..1000_usize;
    let letter = || prop::char::ranges(vec!['A'..='Z', 'a'..='z', '0'..='9', '-'..='.', '_'..='_'].into());
    prop_oneof![
        (place(), letter()).prop_map(|(at, letter)| Mutation::Replace(at, letter)),
        (place(), letter()).prop_map(|(at, letter)| Mutation::Insert(at, letter)),
        place().prop_map(Mutation::Remove),
        place().prop_map(Mutation::Truncate),
        (place(), place()).prop_map(|(one, two)| Mutation::Swap(one, two)),
        (0..3_usize, 0..3_usize).prop_map(|(part, from)| Mutation::Graft(part, from)),
    ]
}

fn apply(mutation: &Mutation, token: &str, others: &[String]) -> String {
    let at = |thousandth: &usize| thousandth * token.len() / 1000;
    let mut letters: Vec<char> = token.chars().collect();
    match mutation {
        Mutation::Replace(place, letter) => letters[at(place)] = *letter,
        Mutation::Insert(place, letter) => letters.insert(at(place), *letter),
        Mutation::Remove(place) => drop(letters.remove(at(place))),
        Mutation::Truncate(place) => letters.truncate(at(place)),
        Mutation::Swap(one, two) => letters.swap(at(one), at(two)),
        Mutation::Graft(part, from) => {
            let mut parts: Vec<&str> = token.split('.').collect();
            parts[*part] = others[*from].split('.').nth(*part).unwrap();
            return parts.join(".");
        }
    }
    letters.into_iter().collect()
}

#[test]
fn no_mutated_token_is_accepted() {
    let genuine = Genuine::new();
    assert!(genuine.tokens.iter().all(|token| genuine.accepts(token)));
    proptest!(ProptestConfig::with_cases(3000), |(which in 0..3_usize, mutation in mutation())| {
        let token = &genuine.tokens[which];
        let mutated = apply(&mutation, token, &genuine.tokens);
        prop_assert_eq!(genuine.accepts(&mutated), genuine.tokens.contains(&mutated), "{}", mutated);
    });
}

#[test]
fn nothing_that_looks_like_a_token_breaks_the_parser() {
    let genuine = Genuine::new();
    proptest!(|(token in "[A-Za-z0-9_-]{0,80}\\.[A-Za-z0-9_-]{0,80}\\.[A-Za-z0-9_-]{0,80}")| {
        prop_assert!(!genuine.accepts(&token));
    });
}
