//! `extra_config.router` as written.

use super::List;

crate::config! {
    /// Options of the server and the router.
    pub(crate) struct Router {
        /// Texts of gateway errors become the body of error answers.
        "return_error_msg" return_error_msg: bool = false,
        /// 502, 503 and 504 with RFC 9457 bodies instead of 500 for every gateway error. Not in KrakenD.
        "honest_status" honest_status: bool = false,
        /// JSON bodies of 404 and 405 answers.
        "error_body" error_body: Option<ErrorBody> = None,
        /// `X-Krakend: Version undefined` instead of the version.
        "hide_version_header" hide_version_header: bool = false,
        /// No health endpoint.
        "disable_health" disable_health: bool = false,
        /// Path of the health endpoint.
        "health_path" health_path: String = "/__health".to_owned(),
        /// No access log.
        "disable_access_log" disable_access_log: bool = false,
        /// Paths without an access log line.
        "logger_skip_paths" logger_skip_paths: List<String> = List::default(),
        /// No redirect between `/a` and `/a/`.
        "disable_redirect_trailing_slash" disable_redirect_trailing_slash: bool = false,
        /// No redirect to the right case or to the cleaned path.
        "disable_redirect_fixed_path" disable_redirect_fixed_path: bool = false,
        /// `//` counts as `/`, without a redirect.
        "remove_extra_slash" remove_extra_slash: bool = false,
        /// 404 instead of 405 for a known path with another method.
        "disable_handle_method_not_allowed" disable_handle_method_not_allowed: bool = false,
        /// Path parameters are not decoded and not checked for escapes.
        "disable_path_decoding" disable_path_decoding: bool = false,
        /// Answer `OPTIONS` with the methods of the path.
        "auto_options" auto_options: bool = false,
        /// Headers of trusted proxies name the client.
        "forwarded_by_client_ip" forwarded_by_client_ip: bool = true,
        /// Headers that name the client, in order.
        "remote_ip_headers" remote_ip_headers: List<String> = List(vec![
            (0, "X-Forwarded-For".to_owned()),
            (1, "X-Real-IP".to_owned()),
        ]),
        /// Addresses and networks whose headers are trusted. Without it, everybody is.
        "trusted_proxies" trusted_proxies: Option<List<String>> = None,
        /// Trust `X-Appengine-Remote-Addr`.
        "app_engine" app_engine: bool = false,
        /// Largest request body in bytes; 0 is no limit.
        "max_payload" max_payload: crate::ByteSize = crate::ByteSize(0),
        /// Request bodies with `Content-Encoding: gzip` reach backends in clear.
        "decompress_gzip" decompress_gzip: bool = false,
        /// Answers are not compressed, also when the client accepts gzip.
        "disable_gzip" disable_gzip: bool = false,
        /// Read the PROXY protocol, versions 1 and 2, in front of each connection. Not in KrakenD.
        "proxy_protocol" proxy_protocol: bool = false,
        /// HTTP/2 without TLS; also a key of the root.
        "use_h2c" use_h2c: bool = false,
        /// Memory for multipart forms. No effect here: bodies are streamed.
        "max_multipart_memory" max_multipart_memory: u64 = 0,
    }
}

crate::config! {
    /// Bodies of error answers; each may be any JSON value.
    pub(crate) struct ErrorBody {
        /// When no endpoint matches.
        "404" not_found: Option<crate::Value> = None,
        /// When the path is known but not with this method.
        "405" method_not_allowed: Option<crate::Value> = None,
    }
}
