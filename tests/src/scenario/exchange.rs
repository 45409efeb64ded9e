//! One request of a scenario: what is sent, what the client must get, what the upstreams must get.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{
    Failure, World, read,
    text::{Message, sections},
};
use crate::{
    client::{Answer, End},
    gateway::Gateway,
    pattern::matches,
    upstream::{Received, values},
};

/// The files `STEM.request`, `STEM.response` and perhaps `STEM.upstream`.
pub(super) struct Exchange {
    stem: PathBuf,
    request: String,
    response: String,
    upstream: Option<String>,
}

/// The exchanges of a folder, sorted by name.
pub(super) fn load(folder: &Path) -> Result<Vec<Exchange>, Failure> {
    let mut stems = BTreeSet::new();
    for entry in fs::read_dir(folder).map_err(|error| error.to_string())? {
        let path = entry.map_err(|error| error.to_string())?.path();
        let suffix = path.extension().and_then(|suffix| suffix.to_str());
        if matches!(suffix, Some("request" | "response" | "upstream")) {
            stems.insert(path.with_extension(""));
        }
    }
    stems
        .into_iter()
        .map(|stem| {
            let upstream = stem.with_extension("upstream");
            Ok(Exchange {
                request: read(&stem.with_extension("request"))?,
                response: read(&stem.with_extension("response"))?,
                upstream: upstream.exists().then(|| read(&upstream)).transpose()?,
                stem,
            })
        })
        .collect()
}

impl Exchange {
    /// The files' common name.
    pub(super) fn name(&self) -> String {
        self.stem.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    pub(super) fn run(&self, gateway: &Gateway, world: &World) -> Result<(), Failure> {
        for upstream in &world.upstreams {
            let _ = upstream.take();
        }
        let request = Message::parse(&self.request)?;
        request.only_knows(&["repeat"])?;
        let times = request.directive("repeat").unwrap_or("1").parse().map_err(|_| "%repeat")?;
        let bytes = bytes(&request, world);
        let expected = Message::parse(&world.fill(&self.response))?;
        expected.only_knows(&["json", "time", "no-answer", "broken"])?;
        let mut client = gateway.connect();
        for _ in 0..times {
            let start = Instant::now();
            client.send(&bytes);
            let answer = client.try_answer();
            let took = start.elapsed();
            self.check_answer(&expected, answer.as_ref())?;
            check_time(&expected, took)?;
            if answer.is_none_or(|answer| answer.header("connection") == "close") {
                client = gateway.connect();
            }
        }
        match &self.upstream {
            Some(text) => check_upstream(&world.fill(text), world),
            None => Ok(()),
        }
    }

    fn check_answer(&self, expected: &Message, answer: Option<&Answer>) -> Result<(), Failure> {
        if expected.directive("no-answer").is_some() {
            return match answer {
                None => Ok(()),
                Some(answer) => Err(format!("no answer expected, but came\n{}", show(answer))),
            };
        }
        let answer = answer.ok_or("the connection was closed without an answer")?;
        let fail = |what: String| Err(format!("{what}; the answer was\n{}", show(answer)));
        if !format!("{} ", answer.line).starts_with(&format!("{} ", expected.line)) {
            return fail(format!("expected {:?}", expected.line));
        }
        let broken = expected.directive("broken").is_some();
        if (answer.end == End::Complete) == broken {
            return fail(format!("the answer's body ended as {:?}", answer.end));
        }
        if let Err(what) = check_headers(expected, &answer.headers) {
            return fail(what);
        }
        let text = answer.text();
        let same = if expected.directive("json").is_some() {
            let value = |text: &str| serde_json::from_str::<serde_json::Value>(text);
            let wanted = value(&expected.body).map_err(|error| format!("the response: {error}"))?;
            value(&text).is_ok_and(|value| value == wanted)
        } else {
            matches(&expected.body, &text)
        };
        if same || self.bless(expected, &text)? {
            return Ok(());
        }
        fail(format!("expected the body {:?}", expected.body))
    }

    /// Writes the body that came into the response file, when asked to by `TORANA_BLESS=1` and the expectation is
    /// plain text.
    fn bless(&self, expected: &Message, text: &str) -> Result<bool, Failure> {
        let wanted = std::env::var_os("TORANA_BLESS").is_some_and(|value| value == "1");
        if !wanted || expected.directive("json").is_some() || expected.body.contains("{{any}}") {
            return Ok(false);
        }
        let head =
            self.response.split_once("\n\n").map_or(self.response.trim_end(), |(head, _)| head);
        let new = if text.is_empty() { format!("{head}\n") } else { format!("{head}\n\n{text}\n") };
        fs::write(self.stem.with_extension("response"), new).map_err(|error| error.to_string())?;
        Ok(true)
    }
}

/// The request's bytes: CR LF in the head, `Host` and `Content-Length` added where they are missing.
fn bytes(request: &Message, world: &World) -> Vec<u8> {
    let mut head = format!("{}\r\n", world.fill(&request.line));
    let body = world.fill(&request.body);
    let has = |name: &str| !values(&request.headers, name).is_empty();
    if !has("host") {
        head.push_str("Host: gateway.test\r\n");
    }
    for (name, value) in &request.headers {
        head.push_str(&format!("{name}: {}\r\n", world.fill(value)));
    }
    if !body.is_empty() && !has("content-length") && !has("transfer-encoding") {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    head.push_str(&body);
    head.into_bytes()
}

fn check_time(expected: &Message, took: Duration) -> Result<(), Failure> {
    let Some(range) = expected.directive("time") else { return Ok(()) };
    let (from, to) = range.split_once("..").ok_or("%time needs FROM..TO in milliseconds")?;
    let millis = |text: &str| text.parse().map(Duration::from_millis).map_err(|_| "%time");
    if took < millis(from)? || took > millis(to)? {
        return Err(format!("the answer took {took:?}, not {range} ms"));
    }
    Ok(())
}

fn check_headers(expected: &Message, headers: &[(String, String)]) -> Result<(), Failure> {
    for name in &expected.absent {
        let found = values(headers, name);
        if !found.is_empty() {
            return Err(format!("no {name} expected, but it is {found:?}"));
        }
    }
    for (name, _) in &expected.headers {
        let wanted = values(&expected.headers, name);
        let found = values(headers, name);
        let same = wanted.len() == found.len()
            && wanted.iter().zip(&found).all(|(wanted, found)| matches(wanted, found));
        if !same {
            return Err(format!("expected {name} {wanted:?}, not {found:?}"));
        }
    }
    Ok(())
}

/// Compares what the upstreams got with a `.upstream` file.
fn check_upstream(text: &str, world: &World) -> Result<(), Failure> {
    let mut parts = sections(text);
    let settings = match parts.first() {
        Some((title, _)) if title.is_empty() && text.starts_with('%') => parts.remove(0).1,
        _ => String::new(),
    };
    let settings = Message::parse(&settings)?;
    settings.only_knows(&["none", "in-order", "calls"])?;
    let expected =
        parts.iter().map(|(_, text)| Message::parse(text)).collect::<Result<Vec<_>, _>>()?;
    let none = settings.directive("none").is_some();
    let calls: Vec<&str> = settings
        .directives
        .iter()
        .filter(|(word, _)| word == "calls")
        .map(|(_, argument)| argument.as_str())
        .collect();
    if !calls.is_empty() {
        return calls.iter().try_for_each(|calls| check_calls(calls, world));
    }
    if none != expected.is_empty() {
        return Err("a .upstream file lists requests or says %none".to_owned());
    }
    let mut received = gather(world, expected.len());
    let all: String = received.iter().map(|(on, r)| show_request(*on, r)).collect();
    let fail = |what: String| Err(format!("{what}; the upstreams got\n{all}"));
    if received.len() != expected.len() {
        return fail(format!("expected {} requests, not {}", expected.len(), received.len()));
    }
    for expected in &expected {
        expected.only_knows(&["only", "on"])?;
        if settings.directive("in-order").is_some() {
            let (on, first) = received.remove(0);
            if let Err(what) = check_received(expected, on, &first) {
                return fail(what);
            }
        } else {
            let results: Vec<_> =
                received.iter().map(|(on, r)| check_received(expected, *on, r)).collect();
            match results.iter().position(Result::is_ok) {
                Some(at) => drop(received.remove(at)),
                None => {
                    let whys: Vec<_> = results.into_iter().filter_map(Result::err).collect();
                    return fail(whys.join(" / "));
                }
            }
        }
    }
    Ok(())
}

/// The requests of all upstreams in the order of their arrival, `count` at least if they come.
fn gather(world: &World, count: usize) -> Vec<(usize, Received)> {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let mut all: Vec<(usize, Received)> = (1..)
            .zip(&world.upstreams)
            .flat_map(|(on, upstream)| upstream.requests().into_iter().map(move |r| (on, r)))
            .collect();
        // Shadow calls may still be under way when the client has its answer.
        if all.len() >= count || Instant::now() > deadline {
            all.sort_by_key(|(_, received)| received.number);
            return all;
        }
        std::thread::yield_now();
    }
}

/// `NUMBER FROM..TO`: how many requests upstream NUMBER must have got.
fn check_calls(calls: &str, world: &World) -> Result<(), Failure> {
    let parse = || {
        let (on, range) = calls.split_once(' ')?;
        let (from, to) = range.split_once("..")?;
        let number = |text: &str| text.parse::<usize>().ok();
        Some((number(on)?, number(from)?, number(to)?))
    };
    let (on, from, to) = parse().ok_or("%calls needs NUMBER FROM..TO")?;
    let upstream = world.upstreams.get(on.wrapping_sub(1)).ok_or("no such upstream")?;
    let count = upstream.requests().len();
    if count < from || count > to {
        return Err(format!("upstream {on} got {count} requests, not {from}..{to}"));
    }
    Ok(())
}

fn check_received(expected: &Message, on: usize, received: &Received) -> Result<(), Failure> {
    if expected.directive("on").is_some_and(|wanted| wanted != on.to_string()) {
        return Err(format!("expected on upstream {:?}", expected.directive("on")));
    }
    if !matches(&expected.line, &received.line) {
        return Err(format!("expected {:?}, not {:?}", expected.line, received.line));
    }
    check_headers(expected, &received.headers)?;
    if expected.directive("only").is_some() {
        let more =
            received.headers.iter().find(|(name, _)| values(&expected.headers, name).is_empty());
        if let Some((name, value)) = more {
            return Err(format!("unexpected {name}: {value}"));
        }
    }
    let body = String::from_utf8_lossy(&received.body);
    if !matches(&expected.body, &body) || !received.complete {
        return Err(format!("expected the body {:?}, not {body:?}", expected.body));
    }
    Ok(())
}

fn show(answer: &Answer) -> String {
    format!("{}\n{}\n{}", answer.line, show_headers(&answer.headers), answer.text())
}

fn show_request(on: usize, received: &Received) -> String {
    let body = String::from_utf8_lossy(&received.body);
    format!("[{on}] {}\n{}\n{body}\n", received.line, show_headers(&received.headers))
}

fn show_headers(headers: &[(String, String)]) -> String {
    headers.iter().map(|(name, value)| format!("    {name}: {value}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::{Message, check_headers};

    fn headers(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_listed_header_means_all_its_values() {
        let expected = Message::parse("HTTP/1.1 200\nA: 1\nA: {{any}}\n!B\n").expect("a message");
        assert!(check_headers(&expected, &headers(&[("a", "1"), ("c", "3"), ("a", "2")])).is_ok());
        assert!(check_headers(&expected, &headers(&[("a", "1")])).is_err());
        assert!(check_headers(&expected, &headers(&[("a", "2"), ("a", "1")])).is_err());
        assert!(check_headers(&expected, &headers(&[("a", "1"), ("a", "2"), ("b", "")])).is_err());
    }
}
