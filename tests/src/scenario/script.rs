//! `upstream.txt`: what the upstreams answer.

use super::{
    Failure,
    text::{Message, sections},
};
use crate::upstream::{Reply, Script, Step};

/// The script of upstream `number`, counted from 1.
pub(super) fn parse(text: &str, number: usize) -> Result<Script, Failure> {
    let mut script = Script::new();
    for (title, text) in sections(text) {
        let mut words = title.split_whitespace();
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            return Err(format!("upstream.txt: `=== METHOD TARGET` expected, not {title:?}"));
        };
        let options: Vec<&str> = words.collect();
        let on = options.iter().find_map(|option| option.strip_prefix("on="));
        if on.is_some_and(|on| on != number.to_string()) {
            continue;
        }
        let reply = options
            .iter()
            .filter(|option| !option.starts_with("on="))
            .try_fold(reply(&text)?, |reply, option| modify(reply, option))?;
        script = script.on(method, target, reply);
    }
    Ok(script)
}

/// A status line with headers and body, or only a body.
fn reply(text: &str) -> Result<Reply, Failure> {
    let first = text.lines().next().unwrap_or_default();
    let status = if first.len() == 3 { first.parse::<u16>().ok() } else { None };
    let Some(status) = status else {
        return Ok(Reply::status(200).body(text.strip_suffix('\n').unwrap_or(text)));
    };
    let message = Message::parse(text)?;
    message.only_knows(&[])?;
    let reply = Reply::status(status).body(message.body);
    Ok(message.headers.iter().fold(reply, |reply, (name, value)| reply.header(name, value)))
}

fn modify(reply: Reply, option: &str) -> Result<Reply, Failure> {
    let number = |text: &str| text.parse().map_err(|_| format!("no number in {option:?}"));
    Ok(match option.split_once('=').unwrap_or((option, "")) {
        ("chunked", "") => reply.chunked(),
        ("gzip", "") => reply.gzip(),
        ("bare", "") => reply.bare(),
        ("hang", "") => Reply::hang(),
        ("close", "") => Reply::steps(vec![Step::Close]),
        ("reset", "") => Reply::steps(vec![Step::Reset]),
        ("claim", length) => reply.claim(number(length)?),
        ("cut", length) => reply.cut(number(length)?),
        _ => return Err(format!("upstream.txt: unknown option {option:?}")),
    })
}
