//! What one answer made of three costs once the bytes are there: decoding, allow lists and groups, merging, encoding.

mod allocations;
mod config;

use std::process::ExitCode;

use bytes::Bytes;
use divan::Bencher;
use serde_json::json;
use torana_config::{Diagnostics, valid::Encoding, valid::OutputEncoding};
use torana_core::{
    encoding::{decoder, encoder},
    entity::Object,
    format::Formatter,
};

const USER: &[u8] = include_bytes!("../bodies/user.json");
const STOCK: &[u8] = include_bytes!("../bodies/stock.json");
const RATING: &[u8] = include_bytes!("../bodies/rating.json");
const CART: &[u8] = include_bytes!("../bodies/cart.json");
const OFFERS: &[u8] = include_bytes!("../bodies/offers.json");
const OFFERS_OBJECT: &[u8] = include_bytes!("../bodies/offers-obj.json");

fn main() -> ExitCode {
    allocations::main()
}

/// One backend: its body, whether that is a list, and how it is shaped.
struct Part {
    body: &'static [u8],
    is_collection: bool,
    formatter: Formatter,
}

fn part(body: &'static [u8], is_collection: bool, shape: serde_json::Value) -> Part {
    let mut backend = shape;
    backend["url_pattern"] = json!("/");
    let endpoints = json!([{"endpoint": "/", "backend": [backend]}]);
    let gateway = config::gateway(&endpoints, Vec::new());
    let formatter = Formatter::new(&gateway.endpoints[0].backends[0], &mut Diagnostics::default());
    Part { body, is_collection, formatter }
}

fn merged(bodies: Vec<Bytes>, parts: &[Part; 3]) -> Bytes {
    let mut merged = Object::new();
    for (body, part) in bodies.into_iter().zip(parts) {
        let decoded = decoder(Encoding::Json).decode(body, part.is_collection);
        let mut data = decoded.expect("sound JSON");
        part.formatter.apply(&mut data).expect("sound data");
        merged.merge(data.unwrap_or_default());
    }
    encoder(OutputEncoding::Json, None).encode(Some(&merged)).expect("sound data")
}

fn bench(bencher: Bencher<'_, '_>, case: &str, limit: u64, parts: &[Part; 3]) {
    // Each body in memory of its own, as a connection delivers it.
    let bodies = || parts.iter().map(|part| Bytes::copy_from_slice(part.body)).collect();
    allocations::bench(bencher, case, limit, bodies, |bodies| merged(bodies, parts));
}

/// Three bodies of 0.3 KB, of each of which three members pass, one of them nested.
#[divan::bench]
fn small_allowed(bencher: Bencher<'_, '_>) {
    let parts = [
        part(USER, false, json!({"group": "user", "allow": ["id", "name", "address.city"]})),
        part(STOCK, false, json!({"group": "stock", "allow": ["sku", "currency", "price.gross"]})),
        part(RATING, false, json!({"group": "rating", "allow": ["total", "page", "meta.took_ms"]})),
    ];
    bench(bencher, "small_allowed", 14, &parts);
}

/// The same without groups: all members side by side.
#[divan::bench]
fn small_allowed_flat(bencher: Bencher<'_, '_>) {
    let parts = [
        part(USER, false, json!({"allow": ["id", "name", "address.city"]})),
        part(STOCK, false, json!({"allow": ["sku", "currency", "price.gross"]})),
        part(RATING, false, json!({"allow": ["total", "page", "meta.took_ms"]})),
    ];
    bench(bencher, "small_allowed_flat", 13, &parts);
}

/// Three bodies of 0.3 KB, whole.
#[divan::bench]
fn small_whole(bencher: Bencher<'_, '_>) {
    let parts = [
        part(USER, false, json!({"group": "user"})),
        part(STOCK, false, json!({"group": "stock"})),
        part(RATING, false, json!({"group": "rating"})),
    ];
    bench(bencher, "small_whole", 11, &parts);
}

/// 0.3, 1.9 and 10 KB, the last a list, whole: the load benchmark's `merge-whole`.
#[divan::bench]
fn large_whole(bencher: Bencher<'_, '_>) {
    let parts = [
        part(USER, false, json!({"group": "user"})),
        part(CART, false, json!({"group": "cart"})),
        part(OFFERS, true, json!({"group": "offers", "is_collection": true})),
    ];
    bench(bencher, "large_whole", 11, &parts);
}

/// 0.3, 1.9 and 10 KB with allow lists: the load benchmark's `merge`.
#[divan::bench]
fn large_allowed(bencher: Bencher<'_, '_>) {
    let parts = [
        part(USER, false, json!({"group": "user", "allow": ["id", "name", "address.city"]})),
        part(CART, false, json!({"group": "cart", "allow": ["id", "currency", "totals.gross"]})),
        part(
            OFFERS_OBJECT,
            false,
            json!({"group": "offers", "allow": ["total", "page", "meta.currency"]}),
        ),
    ];
    bench(bencher, "large_allowed", 14, &parts);
}
