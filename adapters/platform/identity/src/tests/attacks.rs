//! Tokens that prove nothing.

use std::sync::Arc;

use chrono::TimeDelta;
use kernel_application::{Caller, Clock, testing::ManualClock};
use serde_json::{Value, json};

use super::{believing, keys, seen, with_keys};
use crate::{
    Authenticator, Rejected,
    key_set::KeySet,
    keys::Keys,
    testing::{TestIssuer, message},
};

#[tokio::test]
async fn a_good_token_says_who_calls() {
    let issuer = TestIssuer::new();
    let authenticator = issuer.authenticator();
    // The second time from the cache.
    for _ in 0..2 {
        assert_eq!(
            seen(&authenticator, &issuer.token("ada", &["admin"])).await,
            Ok(("ada".to_owned(), true))
        );
        assert_eq!(
            seen(&authenticator, &issuer.token("bob", &["owner"])).await,
            Ok(("bob".to_owned(), false))
        );
    }
}

#[tokio::test]
async fn tokens_of_all_three_algorithms_are_good() {
    let (issuer, p256) = (TestIssuer::new(), keys::P256::new());
    let authenticator = with_keys(&[issuer.jwk(), p256.jwk(), keys::rsa()]);
    let claims = issuer.claims("ada", &["admin"]);
    for token in [issuer.sign(&claims), p256.sign(&claims), keys::RS256.to_owned()] {
        assert_eq!(seen(&authenticator, &token).await, Ok(("ada".to_owned(), true)), "{token}");
    }
}

#[tokio::test]
async fn each_bad_token_is_refused_for_its_reason() {
    let issuer = TestIssuer::new();
    let authenticator = issuer.authenticator();
    for (name, reason) in [
        ("expired", Rejected::Expired),
        ("not yet valid", Rejected::NotYetValid),
        ("wrong audience", Rejected::Audience),
        ("wrong issuer", Rejected::Issuer),
        ("alg none", Rejected::Algorithm),
        ("HS256", Rejected::Algorithm),
        ("forged", Rejected::Signature),
        ("tampered", Rejected::Signature),
        ("stranger", Rejected::UnknownKey),
        ("garbage", Rejected::Malformed),
    ] {
        let bad = issuer.bad_tokens("ada", &["admin"]);
        let (_, token) = bad.iter().find(|(found, _)| *found == name).unwrap();
        for _ in 0..2 {
            assert_eq!(seen(&authenticator, token).await, Err(reason), "{name}");
        }
    }
    assert_eq!(issuer.bad_tokens("ada", &[]).len(), 10, "each has its line above");
}

#[tokio::test]
async fn a_key_verifies_its_own_algorithm_and_no_other() {
    let (issuer, p256, rsa) = (TestIssuer::new(), keys::P256::new(), keys::Rsa::new());
    let authenticator = with_keys(&[issuer.jwk(), p256.jwk(), rsa.jwk()]);
    let (claims, ed) = (issuer.claims("ada", &["admin"]), issuer.jwk()["kid"].clone());
    let sign = |signer: &str, header: &Value| match signer {
        "EdDSA" => issuer.sign_as(header, &claims),
        "ES256" => p256.sign_as(header, &claims),
        _ => rsa.sign_as(header, &claims),
    };
    let signers = [("EdDSA", &ed), ("ES256", &json!("ec")), ("RS256", &json!("rsa"))];
    for (own, own_kid) in signers {
        for kid in signers.map(|(_, kid)| kid) {
            for said in ["EdDSA", "ES256", "RS256", "HS256", "PS256", "none"] {
                let outcome = seen(&authenticator, &sign(own, &json!({ "alg": said, "kid": kid }))).await;
                if kid == own_kid && said == own {
                    assert!(outcome.is_ok(), "{own}: {outcome:?}");
                    continue;
                }
                let refused = matches!(outcome, Err(Rejected::Algorithm | Rejected::Signature));
                assert!(refused, "signed with {own}, says {said} of key {kid}: {outcome:?}");
            }
        }
    }
}

#[tokio::test]
async fn what_every_token_must_say_is_required() {
    let issuer = TestIssuer::new();
    let authenticator = issuer.authenticator();
    for claim in ["sub", "iss", "aud", "exp"] {
        for nothing in [Value::Null, Value::Bool(true)] {
            let mut claims = issuer.claims("ada", &[]);
            claims[claim] = nothing.clone();
            let reason = seen(&authenticator, &issuer.sign(&claims)).await.unwrap_err();
            assert!(
                matches!(reason, Rejected::Incomplete | Rejected::Malformed),
                "{claim} {nothing}: {reason}"
            );
        }
        let mut claims = issuer.claims("ada", &[]);
        claims.as_object_mut().unwrap().remove(claim);
        assert_eq!(seen(&authenticator, &issuer.sign(&claims)).await, Err(Rejected::Incomplete), "{claim}");
    }
}

#[tokio::test]
async fn audiences_may_be_many() {
    let issuer = TestIssuer::new();
    let authenticator = issuer.authenticator();
    let of = |audience| {
        let mut claims = issuer.claims("ada", &[]);
        claims["aud"] = audience;
        issuer.sign(&claims)
    };
    assert!(seen(&authenticator, &of(json!(["other", "shop"]))).await.is_ok());
    assert_eq!(seen(&authenticator, &of(json!(["other"]))).await, Err(Rejected::Audience));
    assert!(seen(&authenticator, &of(json!([]))).await.is_err());
}

#[tokio::test]
async fn a_known_token_ends_with_its_time() {
    let (issuer, clock) = (TestIssuer::new(), Arc::new(ManualClock::default()));
    let set = KeySet::parse(issuer.jwks().as_bytes()).unwrap();
    let authenticator = believing(Keys::fixed(set), clock.clone());
    let now = clock.now().timestamp();
    let mut claims = issuer.claims("ada", &[]);
    (claims["nbf"], claims["exp"]) = (json!(now), json!(now + 60));
    let token = issuer.sign(&claims);
    assert!(seen(&authenticator, &token).await.is_ok());
    clock.advance(TimeDelta::seconds(89));
    assert!(seen(&authenticator, &token).await.is_ok(), "clocks may differ by half a minute");
    clock.advance(TimeDelta::seconds(1));
    assert_eq!(seen(&authenticator, &token).await, Err(Rejected::Expired));
}

#[tokio::test]
async fn without_a_token_nobody_calls() {
    let authenticator = TestIssuer::new().authenticator();
    assert_eq!(authenticator.authenticate(None).await, Ok(Caller::Anonymous));
    for header in ["", "Basic YWRhOmFkYQ==", "Bearer"] {
        assert_eq!(authenticator.authenticate(Some(header)).await, Err(Rejected::NotBearer), "{header:?}");
    }
    let long = format!("Bearer {}", "a".repeat(10_000));
    assert_eq!(authenticator.authenticate(Some(&long)).await, Err(Rejected::TooLong));
}

#[tokio::test]
async fn switched_off_everybody_is_trusted() {
    let forged = TestIssuer::new().forged("ada", &[]);
    for header in [None, Some("Basic x"), Some(forged.as_str())] {
        assert_eq!(Authenticator::off().authenticate(header).await, Ok(Caller::Trusted));
    }
    assert!(Authenticator::off().health().is_none());
}

#[tokio::test]
async fn who_is_told_of_no_issuer_knows_nobody() {
    let good = TestIssuer::new().bearer("ada", &["admin"]);
    for header in [None, Some("Basic x"), Some(good.as_str())] {
        assert_eq!(Authenticator::default().authenticate(header).await, Ok(Caller::Anonymous));
    }
    assert!(Authenticator::default().health().is_none() && !Authenticator::nobody().is_off());
}

#[tokio::test]
async fn only_what_is_wrong_with_us_is_called_unavailable() {
    let issuer = TestIssuer::new();
    let authenticator = issuer.authenticator();
    let deep = message(&json!({ "alg": "EdDSA", "kid": "k", "x": "[".repeat(2_000) }), &json!({}));
    let good = issuer.token("ada", &[]);
    let spoilt = ["=", " ", ",x", "\u{0}", "é", "+/"].map(|end| format!("{good}{end}x"));
    let others = [issuer.forged("ada", &[]), format!("{deep}.x"), "..".to_owned()];
    for token in spoilt.into_iter().chain(others) {
        let reason = seen(&authenticator, &token).await.unwrap_err();
        assert!(!reason.is_unavailable(), "{reason}");
        assert!(!reason.reason().is_empty() && !reason.to_string().is_empty());
    }
    assert!(Rejected::Unavailable.is_unavailable());
}
