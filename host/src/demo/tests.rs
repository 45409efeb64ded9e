//! The demo services as their clients see them.

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::*;

/// Sends one request and reads until the answer holds `enough` or ends.
async fn exchange(address: SocketAddr, head: &str, enough: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{head}\r\nHost: demo\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let read = stream.read(&mut chunk).await.unwrap();
        answer.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&answer);
        if read == 0 || text.contains(enough) {
            return text.into_owned();
        }
    }
}

async fn get(address: SocketAddr, path: &str) -> (u16, Value) {
    let answer = exchange(address, &format!("GET {path} HTTP/1.0"), "\u{0}").await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap_or(Value::Null))
}

fn run(test: impl AsyncFnOnce(Vec<SocketAddr>)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let demo = Demo::bind(0).await.unwrap();
        let addresses = demo.addresses().unwrap().into_iter().map(|(_, address)| address).collect();
        demo.serve(test(addresses)).await;
    });
}

#[test]
fn every_user_has_a_cart_and_offers() {
    run(async |addresses| {
        let (status, users) = get(addresses[0], "/users").await;
        assert_eq!(status, 200);
        for user in users.as_array().unwrap() {
            let id = user["id"].as_u64().unwrap();
            assert_eq!(get(addresses[0], &format!("/users/{id}")).await, (200, user.clone()));
            assert_eq!(get(addresses[1], &format!("/carts/{id}")).await.1["user_id"], id);
            assert_eq!(get(addresses[2], &format!("/offers/{id}")).await.1["user_id"], id);
            let xml =
                exchange(addresses[2], &format!("GET /offers/{id}.xml HTTP/1.0"), "\u{0}").await;
            assert!(xml.contains("<offers><offer>"), "{xml}");
        }
        assert_eq!(get(addresses[0], "/users/99").await.0, 404);
        assert_eq!(get(addresses[1], "/carts/x").await.0, 404);
    });
}

#[test]
fn the_odd_service_is_slow_fails_streams_and_echoes() {
    run(async |addresses| {
        let odd = addresses[3];
        assert_eq!(get(odd, "/slow?ms=1").await, (200, serde_json::json!({"waited_ms": 1})));
        assert_eq!(get(odd, "/fail").await.0, 500);
        let (_, echo) = get(odd, "/echo?a=1").await;
        assert_eq!((&echo["path"], &echo["query"]), (&"/echo".into(), &"a=1".into()));
        assert_eq!(echo["headers"]["host"], "demo");
        let events = exchange(odd, "GET /events HTTP/1.1", "data: {\"tick\":0}").await;
        assert!(events.contains("content-type: text/event-stream"), "{events}");
    });
}
