//! What a newcomer sees when everything is up: where things are, and a checkout to paste.

use crate::catalogue::{Address, table};
use crate::home::Home;
use crate::http::Client;
use crate::paint::{Colour, paint, say};
use crate::run_all::session;
use std::path::Path;
use std::time::Duration;

pub(super) fn print(chosen: &[Address], data: &Path, home: &Home) {
    say!();
    say!("{}", table(chosen));
    for line in home.lines() {
        say!("  {line}");
    }
    if let Some(admin) = chosen.iter().find_map(|address| address.admin) {
        say!("  for operators, with the token of an administrator: http://localhost:{admin}/admin/status");
    }
    say!("  data and logs: {}", data.display());
    say!("  a token: {}", paint(Colour::Bold, &session::token_command("root", &["admin"], data)));
    let whole = ["basket", "gateway", "payment", "product", "provider"];
    let there = |name: &&str| chosen.iter().any(|address| address.service.name == *name);
    if let (true, Some(gateway)) = (whole.iter().all(there), port(chosen, "gateway")) {
        say!();
        say!("{}", paint(Colour::Bold, "  A checkout, to paste into another terminal:"));
        say!();
        say!("{}", checkout(gateway, some_product(chosen), data));
        say!();
        say!("  or all of it, checked: {}", paint(Colour::Bold, &demo(gateway, data)));
    }
    say!("  Ctrl-C stops everything");
    say!();
}

/// The demo looks for the gateway at its usual port by itself.
fn demo(gateway: u16, data: &Path) -> String {
    let at = if gateway == 8083 { String::new() } else { format!(" --gateway http://localhost:{gateway}") };
    format!("cargo xtask demo{at}{}", session::option(data))
}

fn checkout(gateway: u16, product: i64, data: &Path) -> String {
    let lines = [
        format!("SHOP=http://localhost:{gateway}/api JSON='content-type: application/json'"),
        format!(r#"ALICE="authorization: Bearer $({})""#, session::token_command("alice", &[], data)),
        format!(
            r#"curl -s $SHOP/baskets/alice/items -H "$ALICE" -H "$JSON" -d '{{"product_id": {product}, "quantity": 2}}'; echo"#
        ),
        r#"PAYMENT=$(curl -s $SHOP/payments -H "$ALICE" -H "$JSON" -H "idempotency-key: $(date +%s)-$$" \"#.to_owned(),
        r#"  -d '{"user_id": "alice", "method": "credit_card"}' | grep -o '"id":"[^"]*"' | head -n 1 | cut -d '"' -f 4)"#
            .to_owned(),
        r#"curl -s $SHOP/payments/$PAYMENT/process -H "$ALICE" -H "$JSON" -d '{}'; echo"#.to_owned(),
        format!("curl -s $SHOP/products/{product}; echo"),
        r#"curl -s "$SHOP/notifications?user_id=alice" -H "$ALICE"; echo"#.to_owned(),
    ];
    lines.map(|line| format!("    {line}")).join("\n")
}

/// A product of which two units can be had, or the first of a seeded shop.
fn some_product(chosen: &[Address]) -> i64 {
    let product = chosen.iter().find(|address| address.service.name == "product");
    let page = product.and_then(|product| {
        Client::new(&product.url(), Duration::from_secs(5)).get("/products?limit=100").ok()
    });
    let items = page.and_then(|page| page.body["items"].as_array().cloned()).unwrap_or_default();
    let enough =
        |item: &&serde_json::Value| item["available_quantity"].as_i64().is_some_and(|units| units >= 2);
    items.iter().find(enough).and_then(|item| item["id"].as_i64()).unwrap_or(1)
}

fn port(chosen: &[Address], name: &str) -> Option<u16> {
    chosen.iter().find(|address| address.service.name == name).map(|address| address.http)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkout_is_a_script_a_shell_accepts() {
        let script = checkout(8083, 7, Path::new("/data/a shop's"));
        assert!(script.contains("http://localhost:8083/api"));
        assert!(script.contains(r#"'{"product_id": 7, "quantity": 2}'"#));
        let checked = std::process::Command::new("sh").args(["-n", "-c", &script]).status().unwrap();
        assert!(checked.success());
    }

    #[test]
    fn the_shop_is_named_where_it_is_not_the_usual_one() {
        let usual = session::folder(None);
        assert_eq!(demo(8083, &usual), "cargo xtask demo");
        assert_eq!(demo(18083, &usual), "cargo xtask demo --gateway http://localhost:18083");
        assert_eq!(demo(8083, Path::new("/my shop")), "cargo xtask demo --data-dir '/my shop'");
    }
}
