//! The root: listener, limits, what all endpoints inherit.

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use serde_json::Value;

use super::{
    ComponentLevel, Context, Inherited, conflict, endpoint,
    environment::{self, Override},
    extra, forward_proxy, host, limit, member, router, tls, word,
};
use crate::{
    At, Diagnostic, Diagnostics, FromConfig, raw,
    valid::{ClientSettings, Environment, Gateway, ServerTimeouts},
};

/// The only version of the format.
const VERSION: i64 = 3;

/// Resolves the whole document, which is an object. A finding about what the environment overrides names its variable.
pub(super) fn resolve(value: &Value, at: At<'_>, cx: &mut Context<'_>) -> Option<Gateway> {
    let overrides = environment::overrides(cx);
    let mut found = Diagnostics::default();
    let mut inner =
        Context { options: cx.options, inherited: Inherited::default(), out: &mut found };
    let gateway = gateway(value, at, &overrides, &mut inner);
    for finding in found.iter() {
        cx.out.push(environment::attribute(finding.clone(), &overrides));
    }
    gateway
}

fn gateway(
    value: &Value,
    at: At<'_>,
    overrides: &[Override],
    cx: &mut Context<'_>,
) -> Option<Gateway> {
    let raw = read(value, at, overrides, cx)?;
    version(&raw, at, cx);
    not_built(&raw, at, cx);

    let mut extra = extra::resolve(value, at, ComponentLevel::Service, cx);
    let router = extra::take(&mut extra, "router");
    let options = router::resolve(router.as_ref(), cx);
    cx.inherited = Inherited {
        timeout: or_default(raw.timeout, Duration::from_secs(2)),
        cache_ttl: raw.cache_ttl,
        output_encoding: word::checked_output(raw.output_encoding.clone(), at, cx),
        hosts: host::resolve(&raw.host, At::Key(&at, "host"), host::Sanitizing::Always, cx),
        disable_rest: raw.disable_rest,
        virtual_hosts: extra.get("server/virtualhost").is_some(),
    };
    let endpoints = endpoint::all(member(value, "endpoints"), At::Key(&at, "endpoints"), cx);
    conflict::check(&endpoints, options.router.health_path.as_deref(), cx.out);

    Some(Gateway {
        port: port(&raw, cx),
        listen_ip: listen_ip(raw.listen_ip.as_deref(), at, cx),
        server_timeouts: server_timeouts(&raw),
        max_header_bytes: if raw.max_header_bytes == 0 { 1 << 20 } else { raw.max_header_bytes },
        use_h2c: raw.use_h2c || options.use_h2c,
        tls: tls::server(raw.tls.as_ref(), At::Key(&at, "tls"), cx.out),
        client: client(&raw, at, cx),
        debug_endpoint: raw.debug_endpoint || cx.options.debug,
        echo_endpoint: raw.echo_endpoint,
        max_shutdown_wait: limit(raw.max_shutdown_wait_time),
        router: options.router,
        name: raw.name,
        environment: Environment(cx.options.environment.clone()),
        endpoints,
        extra,
    })
}

/// Reads the root with what the environment overrides.
fn read(
    value: &Value,
    at: At<'_>,
    overrides: &[Override],
    cx: &mut Context<'_>,
) -> Option<raw::Gateway> {
    let value = match value.as_object() {
        Some(root) if !overrides.is_empty() => Cow::Owned(environment::apply(root, overrides)),
        _ => Cow::Borrowed(value),
    };
    raw::Gateway::from_config(&value, at, cx.out)
}

fn version(raw: &raw::Gateway, at: At<'_>, cx: &mut Context<'_>) {
    let found = raw.version.unwrap_or_default();
    if found != VERSION {
        let message = format!("unsupported version: {found} (want: {VERSION})");
        let at = At::Key(&at, "version").pointer();
        cx.out.push(
            Diagnostic::error("unsupported-version", at, message).help(format!(
                "write \"version\": {VERSION}; older files need to be migrated first"
            )),
        );
    }
}

/// Root keys that KrakenD acts on and this version does not.
fn not_built(raw: &raw::Gateway, at: At<'_>, cx: &mut Context<'_>) {
    let agents = raw.async_agent.as_ref();
    if agents.is_some_and(|agents| agents.as_array().is_none_or(|agents| !agents.is_empty())) {
        let message = "`async_agent` is ignored: this version does not consume message queues";
        let at = At::Key(&at, "async_agent").pointer();
        cx.out.push(Diagnostic::warning("component-ignored", at, message).on_key());
    }
    if raw.plugin.is_some() {
        let message = "`plugin` is ignored: Go plugins cannot run here";
        let at = At::Key(&at, "plugin").pointer();
        cx.out.push(
            Diagnostic::warning("component-ignored", at, message)
                .on_key()
                .help("build them as WASM components and list them under `plugin/wasm`"),
        );
    }
}

fn port(raw: &raw::Gateway, cx: &Context<'_>) -> u16 {
    cx.options.port.unwrap_or(if raw.port == 0 { 8080 } else { raw.port })
}

/// Without `listen_ip`, all addresses of both families, as Go's listener (reference 2.2).
fn listen_ip(text: Option<&str>, at: At<'_>, cx: &mut Context<'_>) -> IpAddr {
    let everywhere = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    let Some(text) = text.filter(|text| !text.is_empty()) else { return everywhere };
    text.parse().unwrap_or_else(|_| {
        let message = format!("\"{text}\" is not an IPv4 or IPv6 address");
        let at = At::Key(&at, "listen_ip").pointer();
        cx.out.push(
            Diagnostic::error("invalid-address", at, message)
                .help("names are not resolved here; write an address, such as 127.0.0.1 or ::1"),
        );
        everywhere
    })
}

fn server_timeouts(raw: &raw::Gateway) -> ServerTimeouts {
    let read = limit(raw.read_timeout);
    ServerTimeouts {
        read,
        write: limit(raw.write_timeout),
        idle: limit(raw.idle_timeout).or(read),
        read_header: limit(raw.read_header_timeout).or(read),
    }
}

fn client(raw: &raw::Gateway, at: At<'_>, cx: &mut Context<'_>) -> ClientSettings {
    let per_host = raw.max_idle_connections_per_host;
    ClientSettings {
        disable_keep_alives: raw.disable_keep_alives,
        disable_compression: raw.disable_compression,
        max_idle_connections: (raw.max_idle_connections > 0).then_some(raw.max_idle_connections),
        max_idle_connections_per_host: if per_host == 0 { 250 } else { per_host },
        idle_connection_timeout: limit(raw.idle_connection_timeout),
        response_header_timeout: limit(raw.response_header_timeout),
        expect_continue_timeout: limit(raw.expect_continue_timeout),
        dialer_timeout: limit(raw.dialer_timeout),
        dialer_keep_alive: or_default(raw.dialer_keep_alive, Duration::from_secs(15)),
        dialer_fallback_delay: or_default(raw.dialer_fallback_delay, Duration::from_millis(300)),
        tls: tls::client(raw.client_tls.as_ref(), raw.allow_insecure_connections, at, cx.out),
        proxies: forward_proxy::of_environment(&cx.options.environment, cx.out),
    }
}

/// Zero counts as unset.
fn or_default(duration: Duration, default: Duration) -> Duration {
    limit(duration).unwrap_or(default)
}
