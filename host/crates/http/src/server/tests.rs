//! A gateway whose backend panics.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
    time::Duration,
};

use torana_config::{Diagnostics, Document, Format};
use torana_core::{
    EndpointInfo, Request, RequestContext,
    pipeline::{Backend, BoxFuture, Outcome, Pipeline},
};

use super::*;
use crate::{endpoint::Endpoint, respond::Rendering};

struct Panics;

impl Backend for Panics {
    fn call<'a>(&'a self, _: &'a RequestContext, _: Request) -> BoxFuture<'a, Outcome> {
        Box::pin(async { panic!("as the test wants it") })
    }
}

fn service() -> Service {
    let text = r#"{"version": 3, "endpoints": [{"endpoint": "/panic", "backend": [
        {"url_pattern": "/", "host": ["http://127.0.0.1:1"]}]}]}"#;
    let document = Document::parse("gateway.json", text, Format::Json).unwrap();
    let mut diagnostics = Diagnostics::default();
    let options = torana_config::Options::default();
    let gateway = torana_config::resolve(&document, &options, &mut diagnostics).unwrap();
    let config = &gateway.endpoints[0];
    let info = EndpointInfo {
        path: config.path.clone(),
        method: http::Method::GET,
        timeout: Duration::from_secs(5),
    };
    let endpoint = Endpoint {
        info: Arc::new(info),
        pipeline: Pipeline::new(Vec::new(), Box::new(Panics)),
        rendering: Rendering::new(config.output_encoding, config.cache_ttl),
    };
    Service::new(&gateway, Vec::new(), vec![endpoint], Vec::new())
}

fn get(client: &mut TcpStream, path: &str) -> String {
    write!(client, "GET {path} HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte).unwrap();
        answer.push(byte[0]);
    }
    String::from_utf8(answer).unwrap()
}

#[test]
fn a_panic_costs_one_request() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let server = Server::start(vec![listener], service(), Listening::default(), None).unwrap();
    let mut client = TcpStream::connect(server.address()).unwrap();
    for count in 1..=2 {
        let answer = get(&mut client, "/panic");
        assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
        assert!(answer.contains("X-Krakend-Completed: false"), "{answer}");
        assert_eq!(server.shared().counts(), Counts { connections: 1, panics: count });
    }
    // The connection and its worker go on.
    assert!(get(&mut client, "/__health").starts_with("HTTP/1.1 200 "));
    drop(client);
    assert!(server.drain(Some(Duration::from_secs(5))));
}
