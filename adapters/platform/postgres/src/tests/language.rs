//! Errors are told apart by their text, so connections are refused where that text would not be English.

use diesel::{dsl::sql, sql_types::Text};
use diesel_async::RunQueryDsl;
use platform_runtime::Secret;

use super::{empty, open};
use crate::{PgConfig, connect::IS_ENGLISH, testing::TestDatabase};

/// A server has the languages of its machine, which may be none but English. This one makes a user believe otherwise.
const GERMAN: &str = "
    CREATE FUNCTION public.current_setting(text) RETURNS text LANGUAGE sql AS $$ SELECT 'de_DE.UTF-8' $$;
    ALTER ROLE stranger SET search_path = public, pg_catalog";
const ENGLISH: &str = "ALTER ROLE stranger SET lc_messages = 'C.UTF-8'";
const MAY_CHOOSE: &str = "GRANT SET ON PARAMETER lc_messages TO stranger";

/// What a user who is nobody in particular meets where `statements` have run: the setting of `lc_messages`, or a refusal.
async fn stranger(statements: &str) -> Result<String, String> {
    let own = empty().await;
    let user = format!("{}_user", own.config().name);
    let prepare = format!(
        "CREATE ROLE stranger LOGIN PASSWORD 'secret'; GRANT ALL ON SCHEMA public TO stranger; {statements}"
    );
    own.prepare(&prepare.replace("stranger", &user)).await.unwrap();
    let met = language(&own, &user).await.map_err(|said| said.replace(&user, "stranger"));
    own.prepare(&format!("DROP OWNED BY {user}; DROP ROLE {user}")).await.unwrap();
    met
}

async fn language(own: &TestDatabase, user: &str) -> Result<String, String> {
    let password = Secret::new("secret".to_owned());
    let db = open(&PgConfig { user: user.to_owned(), password, ..own.config().clone() });
    db.migrate().await.map_err(|error| error.to_string())?;
    let setting = sql::<Text>("SELECT pg_catalog.current_setting('lc_messages')");
    let setting = db.read("ask", async |connection| setting.get_result(connection).await).await;
    setting.map_err(|error| error.to_string())
}

#[tokio::test]
async fn users_are_answered_in_english_or_told_what_to_do() {
    assert_eq!(stranger(ENGLISH).await.as_deref(), Ok("C.UTF-8"));
    assert_eq!(stranger(&format!("{ENGLISH}; {MAY_CHOOSE}")).await.as_deref(), Ok("C"));
    assert_eq!(stranger(&format!("{GERMAN}; {MAY_CHOOSE}")).await.as_deref(), Ok("C"));
    let said = stranger(GERMAN).await.unwrap_err();
    let words = "may answer in a language other than English (lc_messages is 'de_DE.UTF-8'), in which its errors \
                 cannot be told apart: let a superuser run ALTER ROLE stranger SET lc_messages = 'C'";
    assert!(said.ends_with(words), "{said}");
}

#[tokio::test]
async fn english_is_known_by_all_its_names() {
    let own = empty().await;
    let names = [
        ("C", true),
        ("C.UTF-8", true),
        ("POSIX", true),
        ("en_US.UTF-8", true),
        ("en_GB", true),
        ("en-US", true),
        ("English_United States.1252", true),
        ("", false),
        ("cs_CZ.UTF-8", false),
        ("de_DE.UTF-8", false),
        ("ca_ES@valencia", false),
        ("German_Germany.1252", false),
    ];
    let said = names.map(|(name, english)| format!("ASSERT ('{name}' {IS_ENGLISH}) = {english}, '{name}';"));
    own.prepare(&format!("DO $$ BEGIN {} END $$", said.concat())).await.unwrap();
}
