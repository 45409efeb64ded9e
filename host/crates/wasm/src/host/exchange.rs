//! `torana:plugin/exchange`: the request or response that the running hook is about.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use torana_core::{
    Body, Data,
    headers::{is_hop_by_hop, strip_hop_by_hop},
};

use crate::{bindings::torana::plugin::exchange::Host, state::State};

/// Why a plugin may not write a header field.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FieldError {
    #[error("`{0}` is not a header name")]
    Name(String),
    #[error("the value for header `{0}` has bytes that are not allowed in HTTP")]
    Value(HeaderName),
    #[error("header `{0}` is about the connection or framing and cannot be edited")]
    Reserved(HeaderName),
}

/// The name of a field.
pub(crate) fn field_name(name: &str) -> Result<HeaderName, FieldError> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| FieldError::Name(name.to_owned()))
}

/// Whether plugins may write a field: those of the connection (RFC 9110 7.6.1), of framing and of routing are the
/// gateway's, since a wrong one lets requests be smuggled.
pub(crate) fn check_settable(name: &HeaderName) -> Result<(), FieldError> {
    if name == header::CONTENT_LENGTH || name == header::HOST || is_hop_by_hop(name) {
        return Err(FieldError::Reserved(name.clone()));
    }
    Ok(())
}

/// The name of a field that plugins may write.
pub(crate) fn settable(name: &str) -> Result<HeaderName, FieldError> {
    let name = field_name(name)?;
    check_settable(&name)?;
    Ok(name)
}

impl FieldError {
    /// A value for a field.
    pub(crate) fn value(name: &HeaderName, value: String) -> Result<HeaderValue, Self> {
        HeaderValue::from_maybe_shared(Bytes::from(value)).map_err(|_| Self::Value(name.clone()))
    }
}

fn text(value: &HeaderValue) -> String {
    // Nearly always text, and then there is nothing to replace.
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => text.to_owned(),
        Err(_) => String::from_utf8_lossy(value.as_bytes()).into_owned(),
    }
}

impl State {
    fn write_header(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut HeaderMap, HeaderName) -> Result<(), FieldError>,
    ) -> wasmtime::Result<Result<(), String>> {
        let name = match self.names.settable(name) {
            Ok(name) => name,
            Err(error) => return Ok(Err(error.to_string())),
        };
        if self.facts.pins && self.exchange.is_request() {
            let pinned = &mut self.exchange.request()?.pinned;
            if !pinned.contains(&name) {
                pinned.push(name.clone());
            }
        }
        let is_request = self.exchange.is_request();
        let headers = self.exchange.headers()?;
        // A client that names a field in `Connection` has it removed later (RFC 9110 7.6.1): it must not get rid of
        // what a plugin sets. Its own fields go now.
        if is_request && headers.contains_key(header::CONNECTION) {
            strip_hop_by_hop(headers);
        }
        Ok(write(headers, name).map_err(|error| error.to_string()))
    }
}

impl Host for State {
    fn request_id(&mut self) -> wasmtime::Result<u64> {
        Ok(self.exchange.request_id)
    }

    fn client_ip(&mut self) -> wasmtime::Result<String> {
        self.exchange.check_running()?;
        Ok(self.exchange.client_ip.to_string())
    }

    fn route(&mut self) -> wasmtime::Result<Option<String>> {
        Ok(self.exchange.endpoint.as_ref().map(|endpoint| endpoint.path.clone()))
    }

    fn method(&mut self) -> wasmtime::Result<String> {
        Ok(self.exchange.request()?.method.as_str().to_owned())
    }

    fn set_method(&mut self, method: String) -> wasmtime::Result<Result<(), String>> {
        let request = self.exchange.request()?;
        Ok(match Method::from_bytes(method.as_bytes()) {
            Ok(Method::CONNECT) => Err("the method CONNECT asks for a tunnel".to_owned()),
            Ok(method) => {
                request.method = method;
                Ok(())
            }
            Err(_) => Err(format!("`{method}` is not a method")),
        })
    }

    fn path(&mut self) -> wasmtime::Result<String> {
        Ok(self.exchange.request()?.path.clone())
    }

    fn set_path(&mut self, path: String) -> wasmtime::Result<Result<(), String>> {
        let request = self.exchange.request()?;
        if !path.starts_with('/') || !path.bytes().all(|byte| is_uri(byte) && byte != b'?') {
            return Ok(Err(format!(
                "`{path}` is not a path: it begins with a slash, all else is percent-encoded"
            )));
        }
        let old = std::mem::replace(&mut request.path, path);
        request.rewritten.get_or_insert(old);
        Ok(Ok(()))
    }

    fn query(&mut self) -> wasmtime::Result<String> {
        Ok(self.exchange.request()?.query.clone())
    }

    fn set_query(&mut self, query: String) -> wasmtime::Result<Result<(), String>> {
        let request = self.exchange.request()?;
        if !query.bytes().all(is_uri) {
            return Ok(Err(format!("`{query}` has bytes that must be percent-encoded")));
        }
        request.query = query;
        Ok(Ok(()))
    }

    fn param(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        Ok(self.exchange.request()?.params.get(&name).map(str::to_owned))
    }

    fn get_header(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        let headers = self.exchange.headers()?;
        Ok(self.names.read(&name, |name| headers.get(name).map(text)).flatten())
    }

    fn get_header_all(&mut self, name: String) -> wasmtime::Result<Vec<String>> {
        let headers = self.exchange.headers()?;
        let all = |name: &HeaderName| headers.get_all(name).iter().map(text).collect();
        Ok(self.names.read(&name, all).unwrap_or_default())
    }

    fn header_names(&mut self) -> wasmtime::Result<Vec<String>> {
        Ok(self.exchange.headers()?.keys().map(|name| name.as_str().to_owned()).collect())
    }

    fn set_header(&mut self, name: String, value: String) -> wasmtime::Result<Result<(), String>> {
        self.write_header(&name, |headers, name| {
            let value = FieldError::value(&name, value)?;
            headers.insert(name, value);
            Ok(())
        })
    }

    fn add_header(&mut self, name: String, value: String) -> wasmtime::Result<Result<(), String>> {
        self.write_header(&name, |headers, name| {
            let value = FieldError::value(&name, value)?;
            headers.append(name, value);
            Ok(())
        })
    }

    fn remove_header(&mut self, name: String) -> wasmtime::Result<Result<(), String>> {
        Ok(match self.names.settable(&name) {
            Ok(name) => {
                self.exchange.headers()?.remove(name);
                Ok(())
            }
            Err(error) => Err(error.to_string()),
        })
    }

    fn body(&mut self) -> wasmtime::Result<Option<Vec<u8>>> {
        self.exchange.check_running()?;
        let body = if self.exchange.is_request() {
            &self.exchange.request()?.body
        } else {
            match &self.exchange.response()?.data {
                Data::Body(body) => body,
                Data::Entity(_) => return Ok(None),
            }
        };
        Ok(match body {
            Body::Empty => Some(Vec::new()),
            Body::Full(bytes) => Some(bytes.to_vec()),
            Body::Stream(_) => None,
        })
    }

    fn set_body(&mut self, body: Vec<u8>) -> wasmtime::Result<Result<(), String>> {
        let body = Body::from_bytes(Bytes::from(body));
        self.exchange.check_running()?;
        if self.exchange.is_request() {
            self.exchange.request()?.body = body;
        } else {
            match &mut self.exchange.response()?.data {
                Data::Body(old) => *old = body,
                Data::Entity(_) => {
                    return Ok(Err("the response is decoded: it has data, no body".to_owned()));
                }
            }
        }
        // The length of the old body; the transport writes that of the new one.
        self.exchange.headers()?.remove(header::CONTENT_LENGTH);
        Ok(Ok(()))
    }

    fn status(&mut self) -> wasmtime::Result<u16> {
        Ok(self.exchange.response()?.status.as_u16())
    }

    fn set_status(&mut self, status: u16) -> wasmtime::Result<Result<(), String>> {
        let response = self.exchange.response()?;
        Ok(match final_status(status) {
            Some(status) => {
                response.status = status;
                Ok(())
            }
            None => Err(format!("{status} is not a status between 200 and 599")),
        })
    }

    fn complete(&mut self) -> wasmtime::Result<bool> {
        Ok(self.exchange.response()?.complete)
    }
}

/// A status that ends an exchange: the 1xx ones do not (RFC 9110 15.2).
pub(crate) fn final_status(status: u16) -> Option<StatusCode> {
    (200..=599).contains(&status).then(|| StatusCode::from_u16(status).ok()).flatten()
}

/// Bytes that RFC 3986 allows in paths and queries, and `"[]^`{|}` beside them, which clients send and nobody is
/// hurt by.
fn is_uri(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'#' | b'<' | b'>' | b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn framing_is_out_of_reach() {
        for name in ["Content-Length", "transfer-encoding", "HOST", "connection", "te", "upgrade"] {
            assert!(matches!(settable(name), Err(FieldError::Reserved(_))), "{name}");
        }
        for name in ["", "a b", "x:y", "x\r\ny", "ä"] {
            assert!(matches!(settable(name), Err(FieldError::Name(_))), "{name}");
        }
        let name = settable("X-Plugin").expect("an ordinary name");
        assert!(FieldError::value(&name, "a\r\nb: c".into()).is_err());
        assert!(FieldError::value(&name, "ä".into()).is_ok());
    }

    #[test]
    fn paths_stay_in_the_request_line() {
        assert!(b"/a%20b;c=1".iter().all(|&byte| is_uri(byte)));
        for byte in [b' ', b'\r', b'\n', b'#', 0, 0x7f, 0x80] {
            assert!(!is_uri(byte), "{byte}");
        }
    }
}
