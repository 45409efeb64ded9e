//! `extra_config.router` (reference 6.5).

use super::Context;
use crate::{
    At, Diagnostic, Diagnostics, FromConfig,
    raw::{self, List},
    valid::{Component, Network, RouterOptions},
};

/// Router options, and a key that belongs to the listener.
pub(super) struct Resolved {
    pub(super) router: RouterOptions,
    pub(super) use_h2c: bool,
}

/// Resolves the component, or its defaults if the file has none.
pub(super) fn resolve(component: Option<&Component>, cx: &mut Context<'_>) -> Resolved {
    let empty = serde_json::json!({});
    let root = crate::Pointer::root();
    let (value, at) = component.map_or((&empty, &root), |found| (&found.value, &found.at));
    let at = At::Root(at);
    let raw = raw::Router::from_config(value, at, cx.out)
        .or_else(|| raw::Router::from_config(&empty, at, &mut Diagnostics::default()));
    // An empty object has no required key that could be missing.
    let raw = raw.expect("the defaults of the router can be read");
    let use_h2c = raw.use_h2c;
    Resolved { router: options(raw, at, cx.out), use_h2c }
}

fn options(raw: raw::Router, at: At<'_>, out: &mut Diagnostics) -> RouterOptions {
    let (not_found, method_not_allowed) =
        raw.error_body.map_or((None, None), |bodies| (bodies.not_found, bodies.method_not_allowed));
    let proxies = At::Key(&at, "trusted_proxies");
    RouterOptions {
        return_error_msg: raw.return_error_msg,
        honest_status: raw.honest_status,
        error_body_404: not_found,
        error_body_405: method_not_allowed,
        hide_version_header: raw.hide_version_header,
        health_path: (!raw.disable_health).then(|| health_path(&raw.health_path)),
        disable_access_log: raw.disable_access_log,
        logger_skip_paths: raw.logger_skip_paths.into_values(),
        disable_redirect_trailing_slash: raw.disable_redirect_trailing_slash,
        disable_redirect_fixed_path: raw.disable_redirect_fixed_path,
        remove_extra_slash: raw.remove_extra_slash,
        disable_handle_method_not_allowed: raw.disable_handle_method_not_allowed,
        disable_path_decoding: raw.disable_path_decoding,
        auto_options: raw.auto_options,
        forwarded_by_client_ip: raw.forwarded_by_client_ip,
        remote_ip_headers: raw.remote_ip_headers.into_values(),
        trusted_proxies: raw.trusted_proxies.map(|list| networks(&list, proxies, out)),
        app_engine: raw.app_engine,
        max_payload: (raw.max_payload.0 > 0).then_some(raw.max_payload.0),
        decompress_gzip: raw.decompress_gzip,
        gzip: !raw.disable_gzip,
        proxy_protocol: raw.proxy_protocol,
    }
}

fn health_path(text: &str) -> String {
    if text.is_empty() {
        return "/__health".to_owned();
    }
    format!("/{}", text.strip_prefix('/').unwrap_or(text))
}

/// An empty list trusts nobody.
fn networks(list: &List<String>, at: At<'_>, out: &mut Diagnostics) -> Vec<Network> {
    let mut networks = Vec::with_capacity(list.0.len());
    for (index, text) in &list.0 {
        match Network::parse(text.trim()) {
            Some(network) => networks.push(network),
            None => {
                let message = format!("\"{text}\" is neither an address nor a network");
                let at = At::Index(&at, *index).pointer();
                out.push(
                    Diagnostic::error("invalid-network", at, message)
                        .help("write an address such as 10.0.0.1 or a network such as 10.0.0.0/8"),
                );
            }
        }
    }
    networks
}
