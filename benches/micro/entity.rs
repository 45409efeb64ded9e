//! What decoding, shaping, merging and encoding cost, beside plain `serde_json`. The bodies are those of the load
//! benchmark.

use bytes::Bytes;
use divan::{Bencher, black_box};
use serde_json::{Map, Value, json, value::RawValue};
use torana_config::{
    Diagnostics, Pointer,
    valid::{Backend, Encoding, Extra, Method, OutputEncoding, ServiceDiscovery, UrlPattern},
};
use torana_core::{
    encoding::{decoder, encoder},
    entity::Object,
    format::{Flatmap, Formatter},
};

const USER: &[u8] = include_bytes!("bodies/user.json");
const CART: &[u8] = include_bytes!("bodies/cart.json");
const OFFERS: &[u8] = include_bytes!("bodies/offers.json");
const OFFERS_OBJECT: &[u8] = include_bytes!("bodies/offers-obj.json");

/// A body in memory of its own, as a connection delivers it.
fn body(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

fn main() {
    divan::main();
}

fn formatter(group: &str, allow: &[&str]) -> Formatter {
    let backend = Backend {
        hosts: Vec::new(),
        service_discovery: ServiceDiscovery::Static,
        url_pattern: UrlPattern { source: String::new(), path: Vec::new(), query: Vec::new() },
        method: Method::Get,
        encoding: Encoding::Json,
        is_collection: false,
        target: None,
        allow: allow.iter().map(ToString::to_string).collect(),
        deny: Vec::new(),
        mapping: [].into(),
        group: Some(group.to_owned()),
        input_headers: Vec::new(),
        input_query_strings: Vec::new(),
        workflow: None,
        extra: Extra::default(),
        at: Pointer::root(),
    };
    Formatter::new(&backend, &mut Diagnostics::default())
}

fn decoded(bytes: Bytes, is_collection: bool) -> Option<Object> {
    decoder(Encoding::Json).decode(bytes, is_collection).expect("sound JSON")
}

fn encoded(object: Option<&Object>) -> Bytes {
    encoder(OutputEncoding::Json, None).encode(object).expect("sound data")
}

#[divan::bench(args = [("user", USER), ("offers-obj", OFFERS_OBJECT)].map(Sample))]
fn decode_encode(bencher: Bencher<'_, '_>, sample: Sample) {
    bencher
        .counter(divan::counter::BytesCount::new(sample.0.1.len()))
        .with_inputs(|| body(sample.0.1))
        .bench_values(|body| encoded(decoded(body, false).as_ref()));
}

#[divan::bench(args = [("user", USER), ("offers-obj", OFFERS_OBJECT)].map(Sample))]
fn decode_encode_serde_tree(bencher: Bencher<'_, '_>, sample: Sample) {
    bencher.with_inputs(|| body(sample.0.1)).bench_values(|body| {
        let tree: Value = serde_json::from_slice(&body).expect("sound JSON");
        serde_json::to_vec(&tree).expect("a tree")
    });
}

#[divan::bench(args = [("user", USER), ("offers-obj", OFFERS_OBJECT)].map(Sample))]
fn decode_serde_raw(bencher: Bencher<'_, '_>, sample: Sample) {
    bencher.with_inputs(|| body(sample.0.1)).bench_values(|body| {
        let members: std::collections::BTreeMap<String, &RawValue> =
            serde_json::from_slice(&body).expect("sound JSON");
        black_box(members.len())
    });
}

#[divan::bench(args = [("user", USER), ("offers-obj", OFFERS_OBJECT)].map(Sample))]
fn validate_serde(bencher: Bencher<'_, '_>, sample: Sample) {
    bencher.with_inputs(|| body(sample.0.1)).bench_values(|body| {
        serde_json::from_slice::<serde::de::IgnoredAny>(&body).expect("sound JSON");
    });
}

/// Three backends, each in its group.
#[divan::bench]
fn merge_three(bencher: Bencher<'_, '_>) {
    let groups = [formatter("user", &[]), formatter("cart", &[]), formatter("offers", &[])];
    let bodies = || [(body(USER), false), (body(CART), false), (body(OFFERS), true)];
    merge(bencher, &groups, bodies);
}

/// Three backends with allow-lists of nested paths.
#[divan::bench]
fn merge_three_allowed(bencher: Bencher<'_, '_>) {
    let groups = [
        formatter("user", &["id", "name", "address.city"]),
        formatter("cart", &["id", "currency", "totals.gross"]),
        formatter("offers", &["total", "page", "meta.currency"]),
    ];
    let bodies = || [(body(USER), false), (body(CART), false), (body(OFFERS_OBJECT), false)];
    merge(bencher, &groups, bodies);
}

fn merge(
    bencher: Bencher<'_, '_>,
    formatters: &[Formatter; 3],
    bodies: impl Fn() -> [(Bytes, bool); 3] + Sync,
) {
    bencher.with_inputs(bodies).bench_values(|bodies| {
        let mut merged = Object::new();
        for ((body, is_collection), formatter) in bodies.into_iter().zip(formatters) {
            let mut data = decoded(body, is_collection);
            formatter.apply(&mut data).expect("sound data");
            merged.merge(data.unwrap_or_default());
        }
        encoded(Some(&merged))
    });
}

/// A flatmap that touches one list of the body.
#[divan::bench]
fn flatmap(bencher: Bencher<'_, '_>) {
    let operations = json!([
        {"type": "move", "args": ["items.*.price.amount", "items.*.amount"]},
        {"type": "del", "args": ["items.*.image", "items.*.valid"]},
    ]);
    let flatmap = Flatmap::read(&operations, &Pointer::root(), &mut Diagnostics::default());
    let flatmap = flatmap.expect("sound operations");
    bencher.with_inputs(|| body(OFFERS_OBJECT)).bench_values(|body| {
        let mut object = decoded(body, false).expect("an object");
        flatmap.apply(&mut object).expect("sound data");
        encoded(Some(&object))
    });
}

/// The floor: what copying the bytes costs.
#[divan::bench]
fn copy(bencher: Bencher<'_, '_>) {
    bencher.with_inputs(|| body(OFFERS_OBJECT)).bench_values(|body| body.to_vec());
}

/// Reading as the tree that `serde_json` makes.
#[divan::bench]
fn into_tree(bencher: Bencher<'_, '_>) {
    bencher.with_inputs(|| body(OFFERS_OBJECT)).bench_values(|body| -> Map<String, Value> {
        decoded(body, false).expect("an object").into_tree().expect("sound data")
    });
}

/// A named body.
#[derive(Clone, Copy)]
struct Sample((&'static str, &'static [u8]));

impl std::fmt::Display for Sample {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.0)
    }
}
