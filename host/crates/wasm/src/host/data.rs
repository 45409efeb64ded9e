//! `torana:plugin/data`: decoded data by JSON Pointer (RFC 6901) and JSONPath (RFC 9535).

use bytes::{Bytes, BytesMut};
use torana_core::{
    Data, Response,
    entity::{Map, Object, Raw, Tree, Value},
};

use crate::{
    bindings::torana::plugin::data::{Host, Match},
    jsonpath::{Place, Queries, QueryError},
    state::State,
};

/// Bytes that a query may hand over, or put into the data: what it finds may overlap, and so have many times the size
/// of the data.
const QUERY_BYTES: usize = 16 << 20;

impl Host for State {
    fn get(&mut self, pointer: String) -> wasmtime::Result<Option<String>> {
        Ok(self.exchange.response()?.object().and_then(|object| get(object, &pointer)))
    }

    fn set(&mut self, pointer: String, json: String) -> wasmtime::Result<Result<(), String>> {
        let response = self.exchange.response()?;
        Ok(data(response).and_then(|data| set(data, &pointer, json)))
    }

    fn remove(&mut self, pointer: String) -> wasmtime::Result<Result<bool, String>> {
        let response = self.exchange.response()?;
        Ok(data(response).and_then(|data| remove(data, &pointer)))
    }

    fn query(&mut self, path: String) -> wasmtime::Result<Result<Vec<Match>, String>> {
        let response = self.exchange.response()?;
        let Some(object) = response.object() else { return Ok(Ok(Vec::new())) };
        let found = self.facts.queries.get(&path).and_then(|query| query.look(object, matches));
        Ok(found.map_err(|error| error.to_string()))
    }

    fn replace(&mut self, path: String, json: String) -> wasmtime::Result<Result<u32, String>> {
        let response = self.exchange.response()?;
        Ok(data(response).and_then(|data| replace(&self.facts.queries, data, &path, json)))
    }
}

/// What a query found, as the guest sees it.
fn matches(places: &[Place<'_>]) -> Result<Vec<Match>, QueryError> {
    let mut bytes = 0;
    places
        .iter()
        .map(|place| {
            let found = Match { pointer: place.pointer(), json: place.value.to_string() };
            bytes += found.pointer.len() + found.json.len();
            if bytes > QUERY_BYTES { Err(too_large()) } else { Ok(found) }
        })
        .collect()
}

fn replace(
    queries: &Queries,
    object: &mut Object,
    path: &str,
    json: String,
) -> Result<u32, String> {
    let query = queries.get(path).map_err(|error| error.to_string())?;
    if query.is_root() {
        return Err("`$` cannot be replaced".to_owned());
    }
    let size = json.len();
    let new = Raw::parse(&Bytes::from(json)).and_then(|raw| raw.to_tree());
    let new = new.map_err(|error| error.to_string())?;
    let fits = |places: usize| {
        if places.saturating_mul(size) > QUERY_BYTES { Err(too_large()) } else { Ok(()) }
    };
    let replaced = query.replace(object, &new, fits).map_err(|error| error.to_string())?;
    u32::try_from(replaced).map_err(|error| error.to_string())
}

fn too_large() -> QueryError {
    QueryError::Data(format!(
        "the query's values have more than {} MiB together",
        QUERY_BYTES >> 20
    ))
}

fn data(response: &mut Response) -> Result<&mut Object, String> {
    match &mut response.data {
        Data::Entity(entity) => Ok(entity.get_or_insert_default()),
        Data::Body(_) => {
            Err("the response is not decoded (`no-op`): it has a body, no data".into())
        }
    }
}

/// The unescaped tokens of a pointer; `None` if it does not begin with a slash.
fn tokens(pointer: &str) -> Option<Vec<String>> {
    pointer.is_empty().then(Vec::new).or_else(|| {
        let tokens = pointer.strip_prefix('/')?.split('/');
        Some(tokens.map(|token| token.replace("~1", "/").replace("~0", "~")).collect())
    })
}

fn get(object: &Object, pointer: &str) -> Option<String> {
    let tokens = tokens(pointer)?;
    let Some((key, rest)) = tokens.split_first() else {
        return String::from_utf8(object.to_bytes().to_vec()).ok();
    };
    text(object.get(key)?, rest)
}

/// The text of the value below `value`. Raw objects are taken apart level by level: their other members are skipped,
/// not parsed.
fn text(value: &Value, tokens: &[String]) -> Option<String> {
    let Some((token, rest)) = tokens.split_first() else {
        let mut out = BytesMut::new();
        value.write(&mut out);
        return String::from_utf8(out.to_vec()).ok();
    };
    match value {
        Value::Object(object) => text(object.get(token)?, rest),
        Value::Tree(tree) => {
            tokens.iter().try_fold(tree, |tree, token| child(tree, token)).map(Tree::to_string)
        }
        Value::Raw(raw) if value.is_object() => text(&Value::Raw(raw.member(token)?), rest),
        Value::Raw(raw) => text(&Value::Tree(raw.to_tree().ok()?), tokens),
    }
}

fn child<'a>(tree: &'a Tree, token: &str) -> Option<&'a Tree> {
    match tree {
        Tree::Object(map) => map.get(token),
        Tree::Array(items) => items.get(index(token)?),
        _ => None,
    }
}

fn child_mut<'a>(tree: &'a mut Tree, token: &str) -> Option<&'a mut Tree> {
    match tree {
        Tree::Object(map) => map.get_mut(token),
        Tree::Array(items) => items.get_mut(index(token)?),
        _ => None,
    }
}

/// RFC 6901 section 4: no leading zeros.
fn index(token: &str) -> Option<usize> {
    let plain = token == "0" || !token.starts_with(['0', '+']);
    plain.then(|| token.parse().ok()).flatten()
}

fn set(object: &mut Object, pointer: &str, json: String) -> Result<(), String> {
    let tokens = tokens(pointer).ok_or_else(|| not_a_pointer(pointer))?;
    let json = Bytes::from(json);
    let Some((key, rest)) = tokens.split_first() else {
        *object = Object::parse(&json).map_err(|error| error.to_string())?;
        return Ok(());
    };
    let raw = Raw::parse(&json).map_err(|error| error.to_string())?;
    let Some((last, between)) = rest.split_last() else {
        object.insert(key, raw);
        return Ok(());
    };
    let new = raw.to_tree().map_err(|error| error.to_string())?;
    let place = |map: &mut Map| {
        let parent =
            between.iter().try_fold(map.get_mut(key)?, |tree, token| child_mut(tree, token));
        match parent? {
            Tree::Object(map) => {
                map.insert(last.clone(), new);
            }
            Tree::Array(items) if last == "-" => items.push(new),
            Tree::Array(items) => *items.get_mut(index(last)?)? = new,
            _ => return None,
        }
        Some(())
    };
    object
        .edit_members(|name, _| name == key, place)
        .map_err(|error| error.to_string())?
        .ok_or_else(|| format!("there is no place `{pointer}` in the data"))
}

fn remove(object: &mut Object, pointer: &str) -> Result<bool, String> {
    let tokens = tokens(pointer).ok_or_else(|| not_a_pointer(pointer))?;
    let Some((key, rest)) = tokens.split_first() else {
        let had_any = !object.is_empty();
        *object = Object::new();
        return Ok(had_any);
    };
    let Some((last, between)) = rest.split_last() else {
        return Ok(object.remove(key).is_some());
    };
    let take = |map: &mut Map| {
        let parent =
            between.iter().try_fold(map.get_mut(key)?, |tree, token| child_mut(tree, token));
        match parent? {
            Tree::Object(map) => map.remove(last),
            Tree::Array(items) => index(last).filter(|&i| i < items.len()).map(|i| items.remove(i)),
            _ => None,
        }
    };
    Ok(object
        .edit_members(|name, _| name == key, take)
        .map_err(|error| error.to_string())?
        .is_some())
}

fn not_a_pointer(pointer: &str) -> String {
    format!("`{pointer}` is no JSON Pointer: it must be empty or begin with a slash")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tree() -> impl Strategy<Value = Tree> {
        let leaf = prop_oneof![
            Just(Tree::Null),
            any::<bool>().prop_map(Tree::from),
            any::<i32>().prop_map(Tree::from),
            "[a-z~/]{0,3}".prop_map(Tree::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Tree::from),
                prop::collection::btree_map("[a-c0-1~/]{0,2}", inner, 0..4)
                    .prop_map(|map| Tree::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// The same as on a plain tree, whatever the pointer.
        #[test]
        fn finds_what_a_tree_finds(
            map in prop::collection::btree_map("[a-c]{1}", tree(), 0..4),
            pointer in "(/[a-c0-2~/]{0,2}){0,4}",
        ) {
            let tree = Tree::Object(map.into_iter().collect());
            let object = Object::parse(&Bytes::from(tree.to_string())).expect("an object");
            let expected = tree.pointer(&pointer).cloned();
            let found = get(&object, &pointer)
                .map(|text| serde_json::from_str::<Tree>(&text).expect("JSON"));
            prop_assert_eq!(found, expected);
        }

        /// What was put there is found there, and no text makes it panic.
        #[test]
        fn finds_what_was_set(
            map in prop::collection::btree_map("[a-c]{1}", tree(), 0..4),
            pointer in "(/[a-c0-2~/-]{0,2}){0,4}|.{0,4}",
            value in tree(),
        ) {
            let tree = Tree::Object(map.into_iter().collect());
            let mut object = Object::parse(&Bytes::from(tree.to_string())).expect("an object");
            if set(&mut object, &pointer, value.to_string()).is_ok() && !pointer.ends_with('-') {
                prop_assert_eq!(get(&object, &pointer), Some(value.to_string()));
            }
            let _ = remove(&mut object, &pointer);
        }
    }

    fn object() -> Object {
        let text = r#"{"a":{"b":[1,{"c":2}],"x/y":3},"n":1.50,"z":null}"#;
        Object::parse(&Bytes::from_static(text.as_bytes())).expect("an object")
    }

    #[test]
    fn gets_by_pointer() {
        let object = object();
        for (pointer, expected) in [
            ("/n", Some("1.50")),
            ("/a/b/1/c", Some("2")),
            ("/a/b/0", Some("1")),
            ("/a/x~1y", Some("3")),
            ("/z", Some("null")),
            ("/a/b/01", None),
            ("/a/b/2", None),
            ("/n/x", None),
            ("/missing/x", None),
            ("n", None),
        ] {
            assert_eq!(get(&object, pointer).as_deref(), expected, "{pointer}");
        }
        assert_eq!(get(&object, "").as_deref(), std::str::from_utf8(&object.to_bytes()).ok());
    }

    #[test]
    fn sets_and_removes_by_pointer() {
        let mut object = object();
        set(&mut object, "/a/b/-", "true".into()).expect("append");
        set(&mut object, "/a/b/0", "[]".into()).expect("replace");
        set(&mut object, "/new", r#"{"k":1.0}"#.into()).expect("new member");
        assert!(set(&mut object, "/a/b/9", "1".into()).is_err());
        assert!(set(&mut object, "/missing/x", "1".into()).is_err());
        assert!(set(&mut object, "/n", "{".into()).is_err());
        assert_eq!(remove(&mut object, "/a/x~1y"), Ok(true));
        assert_eq!(remove(&mut object, "/a/x~1y"), Ok(false));
        assert_eq!(remove(&mut object, "/z"), Ok(true));
        assert!(remove(&mut object, "z").is_err());
        assert_eq!(object.to_bytes(), r#"{"a":{"b":[[],{"c":2},true]},"n":1.50,"new":{"k":1.0}}"#);
        set(&mut object, "", r#"{"only":1}"#.into()).expect("everything");
        assert_eq!(object.to_bytes(), r#"{"only":1}"#);
        assert!(set(&mut object, "", "[]".into()).is_err());
    }
}
