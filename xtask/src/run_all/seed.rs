//! Demo products for an empty shop, put there through the front door.

use crate::catalogue::Address;
use crate::failure::{Failure, Outcome};
use crate::http::Client;
use crate::identity::Development;
use crate::paint::{Colour, paint, say};
use serde_json::{Value, json};
use std::time::Duration;

/// Name, category, price, stock, description.
const PRODUCTS: [(&str, &str, &str, u32, &str); 12] = [
    (
        "Espresso machine",
        "kitchen",
        "349.00",
        8,
        "Fifteen bar, a steel boiler and a steam wand that means it",
    ),
    ("Coffee grinder", "kitchen", "129.90", 15, "Conical burrs, forty steps from Turkish to French press"),
    (
        "Cast-iron skillet",
        "kitchen",
        "39.50",
        40,
        "Twenty-six centimetres, seasoned, for the next fifty years",
    ),
    ("Walnut desk", "office", "499.00", 5, "Solid walnut, oiled, with room for two screens"),
    ("Desk lamp", "office", "59.90", 25, "Warm to cold white, dimmable, no flicker"),
    ("Mechanical keyboard", "office", "119.00", 30, "Quiet tactile switches, replaceable, no lights at all"),
    ("Trail running shoes", "sports", "99.95", 60, "Deep lugs, light, made for mud"),
    ("Climbing rope", "sports", "149.00", 12, "Sixty metres, 9.5 millimetres, dry treated"),
    ("Yoga mat", "sports", "24.90", 80, "Natural rubber, four millimetres"),
    ("Linen shirt", "clothing", "54.00", 50, "Washed linen, wooden buttons"),
    ("Wool socks", "clothing", "14.50", 200, "Merino, three pairs"),
    ("Rain jacket", "clothing", "189.00", 20, "Three layers, taped seams, a hood that stays put"),
];

/// Seeds when the product service is part of the run and has no products yet.
pub(super) fn seed(chosen: &[Address], issuer: &Development) -> Outcome {
    let Some(product) = chosen.iter().find(|address| address.service.name == "product") else {
        return Ok(());
    };
    let client = Client::new(&product.url(), Duration::from_secs(10));
    if has_products(&client)? {
        say!("  {} demo products are there already", paint(Colour::Dim, "·"));
        return Ok(());
    }
    let token = issuer.token("seed", &["admin"], Duration::from_mins(10))?;
    for product in &PRODUCTS {
        create(&client, &token, &body(product))?;
    }
    say!("  {} {} demo products created", paint(Colour::Green, "✓"), PRODUCTS.len());
    Ok(())
}

fn has_products(client: &Client) -> Outcome<bool> {
    let page = client.get("/products?limit=1")?;
    let items = page.body["items"].as_array();
    let wrong = || Failure::new(format!("looking for products: {} {}", page.status, page.text));
    items.map(|items| !items.is_empty()).ok_or_else(wrong)
}

fn create(client: &Client, token: &str, product: &Value) -> Outcome {
    let reply = client.post("/products", &[("authorization", &format!("Bearer {token}"))], product)?;
    if reply.status == 201 {
        return Ok(());
    }
    Err(Failure::new(format!("creating demo product {}: {} {}", product["name"], reply.status, reply.text)))
}

fn body((name, category, price, stock, description): &(&str, &str, &str, u32, &str)) -> Value {
    let picture = name.to_lowercase().replace(' ', "-");
    json!({
        "name": name,
        "description": description,
        "price": price,
        "stock_quantity": stock,
        "category": category,
        "image_url": format!("https://images.example.com/{picture}.jpg"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_decimal_strings_with_two_places() {
        for product in &PRODUCTS {
            let body = body(product);
            let (units, cents) = body["price"].as_str().unwrap().split_once('.').unwrap();
            assert!(units.parse::<u32>().unwrap() > 0 && cents.len() == 2);
        }
    }

    #[test]
    fn pictures_have_plain_addresses() {
        assert_eq!(body(&PRODUCTS[2])["image_url"], "https://images.example.com/cast-iron-skillet.jpg");
    }
}
