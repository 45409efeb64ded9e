//! The backends: one thread of this process that answers GET from memory, whole answers made before the first request.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    thread,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime,
};

/// A small object, 0.3 KB.
pub(crate) const USER: &[u8] = include_bytes!("../bodies/user.json");
/// An object with a list, 1.9 KB.
pub(crate) const CART: &[u8] = include_bytes!("../bodies/cart.json");
/// A list, 10 KB.
pub(crate) const OFFERS: &[u8] = include_bytes!("../bodies/offers.json");
/// The list within an object, 10 KB.
pub(crate) const OFFERS_OBJECT: &[u8] = include_bytes!("../bodies/offers-obj.json");

/// Path and whole answer.
type Answers = Vec<(&'static [u8], Vec<u8>)>;

/// Starts it on a free port of 127.0.0.1; it lives as long as this process.
///
/// # Errors
/// No port, no thread.
pub(crate) fn start() -> io::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    thread::Builder::new()
        .name("upstream".to_owned())
        .spawn(move || runtime.block_on(accept(listener)))?;
    Ok(address)
}

async fn accept(listener: std::net::TcpListener) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let answers: &'static Answers = Box::leak(Box::new(answers()));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        // A gateway that breaks off shows in the client's results.
        tokio::spawn(serve(stream, answers));
    }
}

fn answers() -> Answers {
    let bodies: [(&[u8], &[u8]); 4] =
        [(b"/user", USER), (b"/cart", CART), (b"/offers", OFFERS), (b"/offers-obj", OFFERS_OBJECT)];
    bodies.map(|(path, body)| (path, answer("200 OK", body))).into()
}

fn answer(status: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )
    .into_bytes();
    answer.extend_from_slice(body);
    answer
}

async fn serve(mut stream: TcpStream, answers: &Answers) -> io::Result<()> {
    let missing = answer("404 Not Found", b"{}");
    let mut received = Vec::with_capacity(4096);
    while stream.read_buf(&mut received).await? > 0 {
        while let Some(end) = head_end(&received) {
            let path = path(&received);
            let answer = answers.iter().find(|(known, _)| *known == path);
            stream.write_all(answer.map_or(&missing, |(_, answer)| answer)).await?;
            // Requests of a benchmark have no body.
            received.drain(..end);
        }
    }
    Ok(())
}

fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|start| start + 4)
}

fn path(head: &[u8]) -> &[u8] {
    let target = head.split(|&byte| byte == b' ').nth(1).unwrap_or_default();
    target.split(|&byte| byte == b'?').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_found_only_when_its_head_is_whole() {
        assert_eq!(head_end(b"GET / HTTP/1.1\r\nHost: a\r\n"), None);
        assert_eq!(head_end(b"GET / HTTP/1.1\r\n\r\nGET"), Some(18));
        assert_eq!(path(b"GET /user?a=1 HTTP/1.1\r\n\r\n"), b"/user");
    }
}
