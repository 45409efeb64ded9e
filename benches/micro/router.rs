//! What finding an endpoint costs, by the number of endpoints: half of them literal, half with a parameter.

mod allocations;
mod config;

use std::process::ExitCode;

use divan::Bencher;
use http::Method;
use serde_json::{Value, json};
use torana_core::step;
use torana_http::router::{Found, Router};

const ROUTES: [usize; 3] = [10, 1_000, 10_000];

fn main() -> ExitCode {
    allocations::main()
}

fn endpoint(index: usize) -> Value {
    let path = match index % 2 {
        0 => format!("/v1/literal{index}/list"),
        _ => format!("/v1/param{index}/{{id}}/orders"),
    };
    json!({"endpoint": path, "backend": [{"url_pattern": "/"}]})
}

fn router(routes: usize) -> Router {
    let endpoints: Value = (0..routes).map(endpoint).collect();
    let gateway = config::gateway(&endpoints, Vec::new());
    let mut router = Router::default();
    for (index, endpoint) in gateway.endpoints.iter().enumerate() {
        router.add(&step::method(endpoint.method), &endpoint.route, index);
    }
    router
}

fn bench(bencher: Bencher<'_, '_>, case: &str, routes: usize, limit: u64, path: &str) {
    let router = router(routes);
    let path = path.replace("INDEX", &(routes - 1).to_string());
    let path = path.replace("EVEN", &(routes - 2).to_string());
    let known = matches!(router.find(&Method::GET, &path), Found::Match(_));
    assert_eq!(known, case != "unknown", "{path}");
    let case = format!("{case} {routes}");
    allocations::bench(bencher, case, limit, || (), |()| router.find(&Method::GET, &path));
}

#[divan::bench(args = ROUTES)]
fn literal(bencher: Bencher<'_, '_>, routes: usize) {
    bench(bencher, "literal", routes, 0, "/v1/literalEVEN/list");
}

#[divan::bench(args = ROUTES)]
fn param(bencher: Bencher<'_, '_>, routes: usize) {
    bench(bencher, "param", routes, 1, "/v1/paramINDEX/10472/orders");
}

/// The parameter's text has escapes.
#[divan::bench(args = ROUTES)]
fn param_escaped(bencher: Bencher<'_, '_>, routes: usize) {
    bench(bencher, "param_escaped", routes, 3, "/v1/paramINDEX/ada%20l%C3%B6ve/orders");
}

#[divan::bench(args = ROUTES)]
fn unknown(bencher: Bencher<'_, '_>, routes: usize) {
    bench(bencher, "unknown", routes, 2, "/v1/paramINDEX/10472/carts");
}
