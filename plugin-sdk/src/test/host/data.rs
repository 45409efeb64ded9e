//! `torana:plugin/data`: decoded data by JSON Pointer (RFC 6901) and JSONPath (RFC 9535).

pub(crate) use crate::bindings::imports::torana::plugin::data::Match;

use std::collections::BTreeSet;

use jsonpath_rust::JsonPath;
use serde_json::Value;

use crate::test::state::{State, with};

/// Values that a query may find.
const MOST: usize = 10_000;

pub(crate) fn get(pointer: &str) -> Option<String> {
    with(|state| state.response().data.as_ref()?.pointer(pointer).map(Value::to_string))
}

pub(crate) fn set(pointer: &str, json: &str) -> Result<(), String> {
    with(|state| put(data(state)?, pointer, value(json)?))
}

pub(crate) fn remove(pointer: &str) -> Result<bool, String> {
    with(|state| take(data(state)?, pointer))
}

pub(crate) fn query(path: &str) -> Result<Vec<Match>, String> {
    with(|state| {
        let Some(data) = &state.response().data else { return Ok(Vec::new()) };
        let json = |pointer: &str| data.pointer(pointer).map(Value::to_string).unwrap_or_default();
        let places = find(data, path)?;
        Ok(places.into_iter().map(|pointer| Match { json: json(&pointer), pointer }).collect())
    })
}

pub(crate) fn replace(path: &str, json: &str) -> Result<u32, String> {
    with(|state| {
        let data = data(state)?;
        let (new, places) = (value(json)?, find(data, path)?);
        if places.iter().any(String::is_empty) {
            return Err("`$` cannot be replaced".to_owned());
        }
        // From the end: a place inside another one is still there when its turn comes.
        for pointer in places.iter().rev() {
            if let Some(place) = data.pointer_mut(pointer) {
                *place = new.clone();
            }
        }
        Ok(u32::try_from(places.len()).unwrap_or(u32::MAX))
    })
}

fn data(state: &mut State) -> Result<&mut Value, String> {
    state
        .response()
        .data
        .as_mut()
        .ok_or_else(|| "the response is not decoded (`no-op`): it has a body, no data".to_owned())
}

fn value(json: &str) -> Result<Value, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

/// The tokens of a pointer, still escaped.
fn check(pointer: &str) -> Result<(), String> {
    if pointer.is_empty() || pointer.starts_with('/') {
        return Ok(());
    }
    Err(format!("`{pointer}` is no JSON Pointer: it must be empty or begin with a slash"))
}

fn put(data: &mut Value, pointer: &str, new: Value) -> Result<(), String> {
    check(pointer)?;
    let Some((parent, last)) = pointer.rsplit_once('/') else {
        if !new.is_object() {
            return Err("the data is an object".to_owned());
        }
        *data = new;
        return Ok(());
    };
    let missing = || format!("there is no place `{pointer}` in the data");
    match data.pointer_mut(parent).ok_or_else(missing)? {
        Value::Object(map) => {
            map.insert(unescape(last), new);
        }
        Value::Array(items) if last == "-" => items.push(new),
        Value::Array(items) => {
            *index(last).and_then(|index| items.get_mut(index)).ok_or_else(missing)? = new;
        }
        _ => return Err(missing()),
    }
    Ok(())
}

fn take(data: &mut Value, pointer: &str) -> Result<bool, String> {
    check(pointer)?;
    let Some((parent, last)) = pointer.rsplit_once('/') else {
        let map = data.as_object_mut().map(std::mem::take);
        return Ok(map.is_some_and(|map| !map.is_empty()));
    };
    Ok(match data.pointer_mut(parent) {
        Some(Value::Object(map)) => map.remove(&unescape(last)).is_some(),
        Some(Value::Array(items)) => match index(last).filter(|&index| index < items.len()) {
            Some(index) => {
                items.remove(index);
                true
            }
            None => false,
        },
        _ => false,
    })
}

fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// RFC 6901 section 4: no leading zeros.
fn index(token: &str) -> Option<usize> {
    let plain = token == "0" || !token.starts_with(['0', '+']);
    plain.then(|| token.parse().ok()).flatten()
}

/// The pointers of the places that a path finds, in the order of the document.
fn find(data: &Value, path: &str) -> Result<Vec<String>, String> {
    let found = data.query(path).map_err(|error| {
        let message = error.to_string();
        // The parser draws the place over several lines; the last one says what it expected.
        let reason = message.lines().last().unwrap_or_default().trim().trim_start_matches("= ");
        format!("invalid JSONPath `{path}`: {reason}")
    })?;
    if found.len() > MOST {
        return Err(format!("`{path}` finds more than {MOST} values"));
    }
    let wanted = found.into_iter().map(std::ptr::from_ref).collect();
    let mut places = Vec::new();
    collect(data, String::new(), &wanted, &mut places);
    Ok(places)
}

fn collect(
    value: &Value,
    pointer: String,
    wanted: &BTreeSet<*const Value>,
    places: &mut Vec<String>,
) {
    if wanted.contains(&std::ptr::from_ref(value)) {
        places.push(pointer.clone());
    }
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                collect(value, format!("{pointer}/{}", escape(key)), wanted, places);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                collect(value, format!("{pointer}/{index}"), wanted, places);
            }
        }
        _ => {}
    }
}
