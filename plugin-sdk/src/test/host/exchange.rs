//! `torana:plugin/exchange`.

use crate::{
    header,
    test::{
        instance::check_status,
        message::Common,
        state::{Exchange, State, with},
    },
};

/// The message of the running hook; panics where the gateway traps.
fn common(state: &mut State) -> &mut Common {
    match &mut state.exchange {
        Exchange::Request(request) => &mut request.common,
        Exchange::Response(response) => &mut response.common,
        Exchange::Body(_) => panic!("a body hook asked for the message, whose head has left"),
        Exchange::Idle => panic!("there is no exchange in `Plugin::new`"),
    }
}

pub(crate) fn request_id() -> u64 {
    with(|state| state.request_id())
}

pub(crate) fn client_ip() -> String {
    with(|state| match &state.exchange {
        Exchange::Body(_) => Common::default().client_ip,
        _ => common(state).client_ip.clone(),
    })
}

pub(crate) fn route() -> Option<String> {
    with(|state| match &state.exchange {
        Exchange::Body(_) | Exchange::Idle => None,
        _ => common(state).route.clone(),
    })
}

pub(crate) fn method() -> String {
    with(|state| state.request().method.clone())
}

pub(crate) fn set_method(method: &str) -> Result<(), String> {
    with(|state| {
        let request = state.request();
        if method == "CONNECT" {
            return Err("the method CONNECT asks for a tunnel".to_owned());
        }
        if method.is_empty() || !method.bytes().all(header::is_token) {
            return Err(format!("`{method}` is not a method"));
        }
        request.method = method.to_owned();
        Ok(())
    })
}

pub(crate) fn path() -> String {
    with(|state| state.request().path.clone())
}

pub(crate) fn set_path(path: &str) -> Result<(), String> {
    with(|state| {
        let request = state.request();
        if !path.starts_with('/') || !path.bytes().all(|byte| is_uri(byte) && byte != b'?') {
            return Err(format!(
                "`{path}` is not a path: it begins with a slash, all else is percent-encoded"
            ));
        }
        request.path = path.to_owned();
        Ok(())
    })
}

pub(crate) fn query() -> String {
    with(|state| state.request().query.clone())
}

pub(crate) fn set_query(query: &str) -> Result<(), String> {
    with(|state| {
        let request = state.request();
        if !query.bytes().all(is_uri) {
            return Err(format!("`{query}` has bytes that must be percent-encoded"));
        }
        request.query = query.to_owned();
        Ok(())
    })
}

pub(crate) fn param(name: &str) -> Option<String> {
    with(|state| {
        let mut params = state.request().params.iter();
        params.find(|(n, _)| n == name).map(|(_, value)| value.clone())
    })
}

pub(crate) fn get_header(name: &str) -> Option<String> {
    with(|state| common(state).values(name).next().map(str::to_owned))
}

pub(crate) fn get_header_all(name: &str) -> Vec<String> {
    with(|state| common(state).values(name).map(str::to_owned).collect())
}

pub(crate) fn header_names() -> Vec<String> {
    with(|state| {
        let mut names: Vec<String> = Vec::new();
        for (name, _) in &common(state).headers {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names
    })
}

pub(crate) fn set_header(name: &str, value: &str) -> Result<(), String> {
    write(name, value, |message| {
        message.remove(name);
        message.append(name, value);
    })
}

pub(crate) fn add_header(name: &str, value: &str) -> Result<(), String> {
    write(name, value, |message| message.append(name, value))
}

pub(crate) fn remove_header(name: &str) -> Result<(), String> {
    with(|state| {
        header::check_name(name)?;
        common(state).remove(name);
        Ok(())
    })
}

fn write(name: &str, value: &str, write: impl FnOnce(&mut Common)) -> Result<(), String> {
    with(|state| {
        let is_request = matches!(state.exchange, Exchange::Request(_));
        let message = common(state);
        header::check_name(name)?;
        if is_request {
            strip_hop_by_hop(message);
        }
        header::check(name, value)?;
        write(message);
        Ok(())
    })
}

/// A client that names a field in `Connection` has it removed later (RFC 9110 7.6.1): it must not get rid of what a
/// plugin sets. Its own fields go when the plugin writes one.
fn strip_hop_by_hop(message: &mut Common) {
    let listed: Vec<String> = message
        .values("connection")
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_owned())
        .collect();
    if listed.is_empty() {
        return;
    }
    for name in listed.iter().map(String::as_str).chain(header::HOP_BY_HOP) {
        message.remove(name);
    }
}

pub(crate) fn body() -> Option<Vec<u8>> {
    with(|state| match &state.exchange {
        Exchange::Response(response) if response.data.is_some() => None,
        _ => common(state).body.clone(),
    })
}

pub(crate) fn set_body(body: &[u8]) -> Result<(), String> {
    with(|state| {
        if let Exchange::Response(response) = &state.exchange
            && response.data.is_some()
        {
            return Err("the response is decoded: it has data, no body".to_owned());
        }
        let message = common(state);
        message.body = Some(body.to_vec());
        message.remove("content-length");
        Ok(())
    })
}

pub(crate) fn status() -> u16 {
    with(|state| state.response().status)
}

pub(crate) fn set_status(status: u16) -> Result<(), String> {
    with(|state| {
        let response = state.response();
        check_status(status)?;
        response.status = status;
        Ok(())
    })
}

pub(crate) fn complete() -> bool {
    with(|state| state.response().complete)
}

/// Bytes that the gateway lets into paths and queries.
fn is_uri(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'#' | b'<' | b'>' | b'\\')
}
