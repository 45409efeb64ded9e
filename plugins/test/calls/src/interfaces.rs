//! The functions that a plugin may call, each as `wit/` has it.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use torana_plugin::{
    Error, Result,
    bindings::imports::torana::plugin::{
        cache, clock, config, context, data, exchange, http, kv, log, metrics, random,
    },
};

use crate::arguments::Arguments;

/// What a call has returned, or the case of its error; of errors that are texts the text.
pub(crate) type Outcome = std::result::Result<Value, String>;

/// Makes a call.
///
/// # Errors
/// There is no such function, or the arguments are not its.
pub(crate) fn call(name: &str, given: &Arguments<'_>) -> Result<Outcome> {
    let (interface, function) = name.split_once('.').unwrap_or((name, ""));
    let outcome = match interface {
        "exchange" => of_exchange(function, given),
        "data" => of_data(function, given),
        "context" => of_context(function, given),
        "config" => of_config(function, given),
        "log" => of_log(function, given),
        "clock" => of_clock(function, given),
        "random" => of_random(function, given),
        "http" => of_http(function, given),
        "kv" => of_kv(function, given),
        "cache" => of_cache(function, given),
        "metrics" => of_metrics(function, given),
        _ => Ok(None),
    };
    outcome?.ok_or_else(|| Error::new(format!("there is no function `{name}`")))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn done<E>(result: std::result::Result<(), E>, word: impl Fn(E) -> String) -> Outcome {
    result.map(|()| Value::Null).map_err(word)
}

fn of_exchange(function: &str, given: &Arguments<'_>) -> Result<Option<Outcome>> {
    let written = |result| done(result, |error: String| error);
    Ok(Some(match function {
        "request-id" => Ok(exchange::request_id().into()),
        "client-ip" => Ok(exchange::client_ip().into()),
        "route" => Ok(exchange::route().into()),
        "method" => Ok(exchange::method().into()),
        "set-method" => written(exchange::set_method(&given.text(0)?)),
        "path" => Ok(exchange::path().into()),
        "set-path" => written(exchange::set_path(&given.text(0)?)),
        "query" => Ok(exchange::query().into()),
        "set-query" => written(exchange::set_query(&given.text(0)?)),
        "param" => Ok(exchange::param(&given.text(0)?).into()),
        "get-header" => Ok(exchange::get_header(&given.text(0)?).into()),
        "get-header-all" => Ok(exchange::get_header_all(&given.text(0)?).into()),
        "header-names" => Ok(exchange::header_names().into()),
        "set-header" => written(exchange::set_header(&given.text(0)?, &given.text(1)?)),
        "add-header" => written(exchange::add_header(&given.text(0)?, &given.text(1)?)),
        "remove-header" => written(exchange::remove_header(&given.text(0)?)),
        "body" => Ok(exchange::body().map(|body| text(&body)).into()),
        "set-body" => written(exchange::set_body(&given.bytes(0)?)),
        "status" => Ok(exchange::status().into()),
        "set-status" => written(exchange::set_status(given.get(0)?)),
        "complete" => Ok(exchange::complete().into()),
        _ => return Ok(None),
    }))
}

/// JSON as a value, so that formatting does not matter.
fn parsed(text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|error| Error::new(format!("`{text}` is not JSON: {error}")))
}

fn of_data(function: &str, given: &Arguments<'_>) -> Result<Option<Outcome>> {
    Ok(Some(match function {
        "get" => Ok(data::get(&given.text(0)?).map(|json| parsed(&json)).transpose()?.into()),
        "set" => done(data::set(&given.text(0)?, &given.text(1)?), |error| error),
        "remove" => data::remove(&given.text(0)?).map(Value::from),
        "query" => match data::query(&given.text(0)?) {
            Ok(matches) => {
                let found = |one: &data::Match| Ok(json!([one.pointer, parsed(&one.json)?]));
                Ok(matches.iter().map(found).collect::<Result<Vec<_>>>()?.into())
            }
            Err(error) => Err(error),
        },
        "replace" => data::replace(&given.text(0)?, &given.text(1)?).map(Value::from),
        _ => return Ok(None),
    }))
}

fn of_context(function: &str, given: &Arguments<'_>) -> Result<Option<Outcome>> {
    Ok(Some(match function {
        "get" => Ok(context::get(&given.text(0)?).map(|value| text(&value)).into()),
        "set" => done(context::set(&given.text(0)?, &given.bytes(1)?), |error| error),
        _ => return Ok(None),
    }))
}

fn of_config(function: &str, given: &Arguments<'_>) -> Result<Option<Outcome>> {
    Ok(Some(match function {
        "get" => Ok(parsed(&config::get())?),
        "env" => Ok(config::env(&given.text(0)?).into()),
        _ => return Ok(None),
    }))
}

fn of_log(function: &str, given: &Arguments<'_>) -> Result<Option<Outcome>> {
    if function != "write" {
        return Ok(None);
    }
    let level = match &*given.text(0)? {
        "trace" => log::Level::Trace,
        "debug" => log::Level::Debug,
        "info" => log::Level::Info,
        "warn" => log::Level::Warn,
        "error" => log::Level::Error,
        other => return Err(Error::new(format!("there is no level `{other}`"))),
    };
    log::write(level, &given.text(1)?);
    Ok(Some(Ok(Value::Null)))
}

fn of_clock(function: &str, given: &Arguments<'_>) -> Result<Option<Outcome>> {
    Ok(Some(match function {
        "now-ms" => Ok(clock::now_ms().into()),
        "monotonic-ns" => Ok(clock::monotonic_ns().into()),
        // Not of the interface: lets so many milliseconds pass.
        "pass-ms" => {
            let time = Duration::from_millis(given.get(0)?);
            let begun = clock::monotonic_ns();
            while Duration::from_nanos(clock::monotonic_ns() - begun) < time {}
            Ok(Value::Null)
        }
        _ => return Ok(None),
    }))
}

fn of_random(function: &str, given: &Arguments<'_>) -> Result<Option<Outcome>> {
    Ok(Some(match function {
        "get-u64" => Ok(random::get_u64().into()),
        "get-bytes" => Ok(random::get_bytes(given.get(0)?).into()),
        _ => return Ok(None),
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Request {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: String,
    timeout_ms: Option<u32>,
}

impl From<Request> for http::Request {
    fn from(Request { method, url, headers, body, timeout_ms }: Request) -> Self {
        Self { method, url, headers, body: body.into_bytes(), timeout_ms }
    }
}

fn answered(result: std::result::Result<http::Response, http::Error>) -> Outcome {
    let http::Response { status, headers, body } = result.map_err(|error| {
        match error {
            http::Error::Denied(_) => "denied",
            http::Error::Invalid(_) => "invalid",
            http::Error::TooMany => "too-many",
            http::Error::Timeout => "timeout",
            http::Error::TooLarge => "too-large",
            http::Error::Failed(_) => "failed",
        }
        .to_owned()
    })?;
    let headers: serde_json::Map<String, Value> =
        headers.into_iter().map(|(name, value)| (name, value.into())).collect();
    Ok(json!({ "status": status, "headers": headers, "body": text(&body) }))
}

fn of_http(function: &str, given: &Arguments<'_>) -> Result<Option<Outcome>> {
    Ok(Some(match function {
        "send" => answered(http::send(&given.get::<Request>(0)?.into())),
        "send-all" => {
            let requests: Vec<http::Request> =
                given.get::<Vec<Request>>(0)?.into_iter().map(Into::into).collect();
            let answers = http::send_all(&requests).into_iter();
            let value = |answer| answered(answer).unwrap_or_else(|error| json!({ "fails": error }));
            Ok(answers.map(value).collect::<Vec<_>>().into())
        }
        _ => return Ok(None),
    }))
}

fn of_kv(function: &str, given: &Arguments<'_>) -> Result<Option<Outcome>> {
    let word = |error| {
        match error {
            kv::Error::TooLarge => "too-large",
            kv::Error::Quota => "quota",
            kv::Error::NotACounter => "not-a-counter",
            kv::Error::Unavailable(_) => "unavailable",
        }
        .to_owned()
    };
    let key = given.text(0)?;
    Ok(Some(match function {
        "get" => kv::get(&key).map(|value| value.map(|value| text(&value)).into()).map_err(word),
        "set" => done(kv::set(&key, &given.bytes(1)?, given.get(2)?), word),
        "set-if-absent" => {
            kv::set_if_absent(&key, &given.bytes(1)?, given.get(2)?).map(Value::from).map_err(word)
        }
        "delete" => kv::delete(&key).map(Value::from).map_err(word),
        "add" => kv::add(&key, given.get(1)?, given.get(2)?).map(Value::from).map_err(word),
        _ => return Ok(None),
    }))
}

fn of_cache(function: &str, given: &Arguments<'_>) -> Result<Option<Outcome>> {
    let word = |error| {
        match error {
            cache::Error::TooLarge => "too-large",
            cache::Error::Quota => "quota",
            cache::Error::TooMany => "too-many",
            cache::Error::Timeout => "timeout",
            cache::Error::Unavailable(_) => "unavailable",
        }
        .to_owned()
    };
    let key = given.text(0)?;
    Ok(Some(match function {
        "claim" => cache::claim(&key, given.get(1)?)
            .map(|claimed| match claimed {
                cache::Claimed::Found(value) => json!({ "found": text(&value) }),
                cache::Claimed::Yours => json!("yours"),
            })
            .map_err(word),
        "keep" => done(cache::keep(&key, &given.bytes(1)?, given.get(2)?), word),
        "release" => {
            cache::release(&key);
            Ok(Value::Null)
        }
        _ => return Ok(None),
    }))
}

fn of_metrics(function: &str, given: &Arguments<'_>) -> Result<Option<Outcome>> {
    let (name, labels) = (given.text(0)?, given.pairs(2)?);
    match function {
        "count" => metrics::count(&name, given.get(1)?, &labels),
        "gauge" => metrics::gauge(&name, given.get(1)?, &labels),
        "observe" => metrics::observe(&name, given.get(1)?, &labels),
        _ => return Ok(None),
    }
    Ok(Some(Ok(Value::Null)))
}
