//! What decoding and encoding cost, beside plain `serde_json`. The bodies are those of the load benchmark.

mod allocations;

use std::process::ExitCode;

use bytes::Bytes;
use divan::{Bencher, black_box};
use serde_json::{Map, Value, json, value::RawValue};
use torana_config::{
    Diagnostics, Pointer,
    valid::{Encoding, OutputEncoding},
};
use torana_core::{
    encoding::{decoder, encoder},
    entity::Object,
    format::Flatmap,
};

const USER: &[u8] = include_bytes!("../bodies/user.json");
const OFFERS_OBJECT: &[u8] = include_bytes!("../bodies/offers-obj.json");

/// A body in memory of its own, as a connection delivers it.
fn body(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

fn main() -> ExitCode {
    allocations::main()
}

fn decoded(bytes: Bytes, is_collection: bool) -> Option<Object> {
    decoder(Encoding::Json).decode(bytes, is_collection).expect("sound JSON")
}

fn encoded(object: Option<&Object>) -> Bytes {
    encoder(OutputEncoding::Json, None).encode(object).expect("sound data")
}

#[divan::bench(args = [("user", USER), ("offers-obj", OFFERS_OBJECT)].map(Sample))]
fn decode_encode(bencher: Bencher<'_, '_>, sample: Sample) {
    let bencher = bencher.counter(divan::counter::BytesCount::new(sample.0.1.len()));
    let case = format!("decode_encode {sample}");
    let input = || body(sample.0.1);
    allocations::bench(bencher, case, 4, input, |body| encoded(decoded(body, false).as_ref()));
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

/// A flatmap that touches one list of the body.
#[divan::bench]
fn flatmap(bencher: Bencher<'_, '_>) {
    let operations = json!([
        {"type": "move", "args": ["items.*.price.amount", "items.*.amount"]},
        {"type": "del", "args": ["items.*.image", "items.*.valid"]},
    ]);
    let flatmap = Flatmap::read(&operations, &Pointer::root(), &mut Diagnostics::default());
    let flatmap = flatmap.expect("sound operations");
    allocations::bench(
        bencher,
        "flatmap",
        1370,
        || body(OFFERS_OBJECT),
        |body| {
            let mut object = decoded(body, false).expect("an object");
            flatmap.apply(&mut object).expect("sound data");
            encoded(Some(&object))
        },
    );
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
