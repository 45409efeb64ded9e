//! All that can go wrong.

use wasip2::{
    clocks::monotonic_clock,
    http::types::{
        ErrorCode, Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
    },
};

use crate::bodies::write;

/// Does what the path says.
pub(crate) fn go(path: &str, request: &IncomingRequest, out: ResponseOutparam) {
    match path {
        "/error" => {
            let message = "the request asked for it".to_owned();
            ResponseOutparam::set(out, Err(ErrorCode::InternalError(Some(message))));
        }
        "/silent" => {}
        "/trap" => panic!("the request asked for it"),
        "/loop" => endless(),
        "/spin" => loop {
            // Waits in between, so that it never runs for a tick.
            monotonic_clock::subscribe_duration(1).block();
            std::hint::black_box((0..100_000).fold(0_u64, |sum, n| std::hint::black_box(sum ^ n)));
        },
        "/never" => monotonic_clock::subscribe_duration(u64::MAX).block(),
        "/hungry" => {
            let mut all: Vec<Vec<u8>> = Vec::new();
            loop {
                all.push(vec![1; 1 << 20]);
            }
        }
        "/handles" => {
            let mut all = Vec::new();
            loop {
                all.push(Fields::new());
            }
        }
        "/late-trap" | "/late-break" => {
            let response = OutgoingResponse::new(Fields::new());
            let body: OutgoingBody = response.body().expect("the first time");
            ResponseOutparam::set(out, Ok(response));
            write(&body, b"first");
            // Until the client has sent what it still keeps back.
            let rest = request.consume().expect("the first time");
            crate::bodies::read(&rest, |_| {});
            assert_ne!(path, "/late-trap", "the request asked for it");
        }
        other => panic!("there is no {other}"),
    }
}

fn endless() -> ! {
    let mut n = 0_u64;
    loop {
        n = std::hint::black_box(n.wrapping_add(1));
    }
}
