//! Old namespaces: `github.com/devopsfaith/krakend-cors` is `security/cors` today (reference 17b).

/// Today's name of an old namespace.
pub(super) fn today(namespace: &str) -> Option<&'static str> {
    // Both spellings of the host are in use, and repositories moved between organisations.
    let rest =
        namespace.strip_prefix("github.com/").or_else(|| namespace.strip_prefix("github_com/"))?;
    let (organisation, rest) = rest.split_once('/')?;
    if !matches!(organisation, "devopsfaith" | "krakend" | "krakendio" | "luraproject" | "letgoapp")
    {
        return None;
    }
    // Lura was called krakend before.
    let rest = match rest.strip_prefix("lura/") {
        Some(package) => format!("krakend/{package}"),
        None => rest.to_owned(),
    };
    ALIASES.iter().find(|(old, _)| *old == rest).map(|(_, today)| *today)
}

/// Repository and package, with today's namespace.
const ALIASES: [(&str, &str); 36] = [
    ("krakend/transport/http/server/handler", "plugin/http-server"),
    ("krakend/transport/http/client/executor", "plugin/http-client"),
    ("krakend/transport/http/client/graphql", "backend/graphql"),
    ("krakend/proxy/plugin", "plugin/req-resp-modifier"),
    ("krakend/proxy", "proxy"),
    ("krakend/router/gin", "router"),
    ("krakend/http", "backend/http"),
    ("krakend-ratelimit/juju/router", "qos/ratelimit/router"),
    ("krakend-ratelimit/juju/proxy", "qos/ratelimit/proxy"),
    ("krakend-httpcache", "qos/http-cache"),
    ("krakend-circuitbreaker/gobreaker", "qos/circuit-breaker"),
    ("krakend-oauth2-clientcredentials", "auth/client-credentials"),
    ("krakend-jose/validator", "auth/validator"),
    ("krakend-jose/signer", "auth/signer"),
    ("bloomfilter", "auth/revoker"),
    ("krakend-botdetector", "security/bot-detector"),
    ("krakend-httpsecure", "security/http"),
    ("krakend-cors", "security/cors"),
    ("krakend-cel", "validation/cel"),
    ("krakend-jsonschema", "validation/json-schema"),
    ("krakend-amqp/agent", "async/amqp"),
    ("krakend-amqp/consume", "backend/amqp/consumer"),
    ("krakend-amqp/produce", "backend/amqp/producer"),
    ("krakend-lambda", "backend/lambda"),
    ("krakend-pubsub/publisher", "backend/pubsub/publisher"),
    ("krakend-pubsub/subscriber", "backend/pubsub/subscriber"),
    ("krakend-gelf", "telemetry/gelf"),
    ("krakend-gologging", "telemetry/logging"),
    ("krakend-logstash", "telemetry/logstash"),
    ("krakend-metrics", "telemetry/metrics"),
    ("krakend-opencensus", "telemetry/opencensus"),
    ("krakend-influx", "telemetry/influx"),
    ("krakend-lua/router", "modifier/lua-endpoint"),
    ("krakend-lua/proxy", "modifier/lua-proxy"),
    ("krakend-lua/proxy/backend", "modifier/lua-backend"),
    ("krakend-martian", "modifier/martian"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::namespace;

    #[test]
    fn old_names() {
        for (old, new) in [
            ("github_com/devopsfaith/krakend/transport/http/server/handler", "plugin/http-server"),
            ("github.com/devopsfaith/krakend/proxy", "proxy"),
            ("github_com/luraproject/lura/router/gin", "router"),
            ("github_com/letgoapp/krakend-influx", "telemetry/influx"),
            ("github.com/krakend/krakend-jose/validator", "auth/validator"),
            ("github_com/devopsfaith/bloomfilter", "auth/revoker"),
        ] {
            assert_eq!(today(old), Some(new), "{old}");
        }
        for other in ["proxy", "github.com/devopsfaith", "github.com/else/krakend-cors"] {
            assert_eq!(today(other), None, "{other}");
        }
    }

    #[test]
    fn every_alias_names_a_known_namespace() {
        for (old, today) in ALIASES {
            assert!(!namespace::levels(today).is_empty() || today == "async/amqp", "{old}");
        }
    }
}
