//! The issuer of a development shop: a key of its own under the data folder, made when it is first needed, and tokens
//! signed with it. Whoever can read the folder can be anybody in that shop, and in no other.
//!
//! `identity/` in the data folder has the private key (`key.json`, for its owner alone), the public one (`jwks.json`)
//! and the tokens of services that call others, which [`Keeper`] renews while they run.

mod keeper;
mod key;

use crate::failure::{Context, Failure, Outcome};
use crate::servers::secret;
pub(crate) use keeper::Keeper;
use key::{Key, draft};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// `iss` and `aud` of all tokens.
const ISSUER: &str = "shop-development";
const AUDIENCE: &str = "shop";

/// The services that call others, each as an account of its own name.
const CALLERS: [&str; 2] = ["basket", "payment"];
/// For how long their tokens are good.
const SERVICE_TTL: Duration = Duration::from_hours(1);

/// The roles that mean something.
const ROLES: [&str; 2] = ["admin", "service"];

/// The issuer of the shop on one data folder.
#[derive(Debug)]
pub(crate) struct Development {
    folder: PathBuf,
    key: Key,
}

impl Development {
    /// The issuer of that data folder, with the key that is there or a new one.
    pub(crate) fn provide(data: &Path) -> Outcome<Self> {
        let folder = data.join("identity");
        fs::create_dir_all(&folder).context(|| format!("creating {}", folder.display()))?;
        let key = Key::provide(&folder.join("key.json"))?;
        let issuer = Self { folder, key };
        issuer.publish()?;
        Ok(issuer)
    }

    /// The issuer of a shop that was run on that data folder.
    pub(crate) fn existing(data: &Path) -> Outcome<Self> {
        if data.join("identity/key.json").exists() {
            return Self::provide(data);
        }
        let shown = data.display();
        Err(Failure::new(format!(
            "{shown} has no key for tokens; name the folder of the shop with --data-dir"
        )))
    }

    /// A token of `user`.
    pub(crate) fn token(&self, user: &str, roles: &[&str], ttl: Duration) -> Outcome<String> {
        let role = |role: &&&str| !ROLES.contains(role);
        if let Some(unknown) = roles.iter().find(role) {
            return Err(Failure::new(format!("`{unknown}` is no role; there are {}", ROLES.join(" and "))));
        }
        if !is_user(user) {
            return Err(Failure::new(format!("`{user}` is no user: 1 to 64 letters, digits or ._@-")));
        }
        Ok(self.key.sign(&claims(user, roles, now(), ttl)))
    }

    /// What every service of the shop is told.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AUTH_MODE", "required".to_owned()),
            ("AUTH_JWKS_FILE", self.jwks().display().to_string()),
            // What the environment may say of another shop.
            ("AUTH_JWKS_URL", String::new()),
            ("AUTH_ISSUER", ISSUER.to_owned()),
            ("AUTH_AUDIENCE", AUDIENCE.to_owned()),
        ]
    }

    /// What that service is told: also where its token is, if it calls others.
    pub(crate) fn variables_of(&self, service: &str) -> Vec<(&'static str, String)> {
        let mut variables = self.variables();
        if CALLERS.contains(&service) {
            variables.push(("SERVICE_TOKEN_FILE", self.token_file(service).display().to_string()));
        }
        variables
    }

    /// Gives every service that calls others a fresh token.
    fn renew(&self) -> Outcome {
        CALLERS.iter().try_for_each(|service| {
            let token = self.token(service, &["service"], SERVICE_TTL)?;
            replace(&self.token_file(service), &token)
        })
    }

    fn publish(&self) -> Outcome {
        let jwks = json!({ "keys": [self.key.public()] }).to_string();
        let there = fs::read_to_string(self.jwks()).is_ok_and(|found| found == jwks);
        if there { Ok(()) } else { replace(&self.jwks(), &jwks) }
    }

    fn jwks(&self) -> PathBuf {
        self.folder.join("jwks.json")
    }

    fn token_file(&self, service: &str) -> PathBuf {
        self.folder.join(format!("{service}.token"))
    }
}

/// In one step, so that nobody reads half of it.
fn replace(path: &Path, text: &str) -> Outcome {
    let draft = draft(path);
    secret::write(&draft, text)?;
    fs::rename(&draft, path).context(|| format!("writing {}", path.display()))
}

fn claims(user: &str, roles: &[&str], now: u64, ttl: Duration) -> Value {
    json!({
        "sub": user,
        "roles": roles,
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": now,
        "nbf": now,
        "exp": now.saturating_add(ttl.as_secs()),
    })
}

/// As the services have it.
fn is_user(user: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._@-".contains(&byte);
    (1..=64).contains(&user.len()) && user.bytes().all(legal)
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use ring::signature::{ED25519, UnparsedPublicKey};
    use std::os::unix::fs::PermissionsExt;

    const HOUR: Duration = Duration::from_hours(1);

    fn decoded(part: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(part).unwrap()
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_token_says_who_until_when_and_is_signed_with_the_published_key() {
        let data = tempfile::tempdir().unwrap();
        let issuer = Development::provide(data.path()).unwrap();
        let token = issuer.token("ada", &["admin"], HOUR).unwrap();
        let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
        let jwks: Value = serde_json::from_slice(&fs::read(issuer.jwks()).unwrap()).unwrap();
        let key = &jwks["keys"][0];
        let header_said: Value = serde_json::from_slice(&decoded(header)).unwrap();
        assert_eq!((&header_said["alg"], &header_said["kid"]), (&json!("EdDSA"), &key["kid"]));
        let public = UnparsedPublicKey::new(&ED25519, decoded(key["x"].as_str().unwrap()));
        public.verify(format!("{header}.{claims}").as_bytes(), &decoded(signature)).unwrap();
        let said: Value = serde_json::from_slice(&decoded(claims)).unwrap();
        assert_eq!((&said["sub"], &said["roles"]), (&json!("ada"), &json!(["admin"])));
        assert_eq!((&said["iss"], &said["aud"]), (&json!(ISSUER), &json!(AUDIENCE)));
        assert_eq!(said["exp"].as_u64().unwrap() - said["iat"].as_u64().unwrap(), 3600);
    }

    #[test]
    fn the_key_stays_and_is_for_its_owner_alone() {
        let data = tempfile::tempdir().unwrap();
        let first = Development::provide(data.path()).unwrap();
        let second = Development::provide(data.path()).unwrap();
        assert_eq!(first.key.public(), second.key.public());
        assert_eq!(mode(&first.folder.join("key.json")), 0o600);
        assert!(
            !fs::read_to_string(first.jwks()).unwrap().contains("\"d\""),
            "the private half is published"
        );
        let elsewhere = tempfile::tempdir().unwrap();
        let other = Development::provide(elsewhere.path()).unwrap();
        assert_ne!(first.key.public(), other.key.public());
    }

    #[test]
    fn processes_that_begin_together_have_one_key() {
        let data = tempfile::tempdir().unwrap();
        let keys: Vec<Value> = std::thread::scope(|scope| {
            let provide = || scope.spawn(|| Development::provide(data.path()).unwrap().key.public());
            let threads: Vec<_> = std::iter::repeat_with(provide).take(8).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    }

    #[test]
    fn a_folder_without_a_shop_gets_no_key_by_asking() {
        let data = tempfile::tempdir().unwrap();
        assert!(Development::existing(data.path()).unwrap_err().to_string().contains("--data-dir"));
        let issuer = Development::provide(data.path()).unwrap();
        assert_eq!(Development::existing(data.path()).unwrap().key.public(), issuer.key.public());
    }

    #[test]
    fn a_broken_key_is_not_replaced_in_silence() {
        let data = tempfile::tempdir().unwrap();
        let issuer = Development::provide(data.path()).unwrap();
        fs::write(issuer.folder.join("key.json"), "{}").unwrap();
        let failure = Development::provide(data.path()).unwrap_err().to_string();
        assert!(failure.contains("key.json") && failure.contains("remove it"), "{failure}");
    }

    #[test]
    fn services_that_call_others_have_tokens() {
        let data = tempfile::tempdir().unwrap();
        let issuer = Development::provide(data.path()).unwrap();
        issuer.renew().unwrap();
        let file = |service| {
            issuer.variables_of(service).into_iter().find(|(name, _)| *name == "SERVICE_TOKEN_FILE")
        };
        assert_eq!(file("product"), None);
        for service in CALLERS {
            let (_, path) = file(service).unwrap();
            let token = fs::read_to_string(&path).unwrap();
            let claims: Value = serde_json::from_slice(&decoded(token.split('.').nth(1).unwrap())).unwrap();
            assert_eq!((&claims["sub"], &claims["roles"]), (&json!(service), &json!(["service"])));
            assert_eq!(mode(Path::new(&path)), 0o600);
        }
    }

    #[test]
    fn mistakes_are_named() {
        let data = tempfile::tempdir().unwrap();
        let issuer = Development::provide(data.path()).unwrap();
        let failure = issuer.token("ada", &["root"], HOUR).unwrap_err().to_string();
        assert_eq!(failure, "`root` is no role; there are admin and service");
        for nobody in ["", "ada lovelace", "a/b"] {
            assert!(issuer.token(nobody, &[], HOUR).unwrap_err().to_string().contains("is no user"));
        }
    }
}
