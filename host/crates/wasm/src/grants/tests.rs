use torana_config::{Pointer, json, read};

use super::*;
use crate::kv::Quota;

fn granted(value: &Value) -> Granted {
    let mut out = Diagnostics::default();
    let grants: Option<Grants> = read(value, &Pointer::root(), &mut out);
    assert!(out.is_empty(), "{out:?}");
    grants.expect("no findings").0
}

fn findings(value: &Value) -> Vec<(String, String, Option<String>)> {
    let mut out = Diagnostics::default();
    let _: Option<Grants> = read(value, &Pointer::root(), &mut out);
    out.iter().map(|d| (d.at.as_str().to_owned(), d.message.clone(), d.help.clone())).collect()
}

fn asks(capabilities: &[Capability]) -> Asks {
    Asks { capabilities: capabilities.to_vec(), prints: false, reads_environment: false }
}

#[test]
fn all_grants_are_read() {
    let all = granted(&json!({
        "log": true, "http": ["https://B:443", "http://a:81"], "kv": "sessions",
        "env": ["REGION"], "metrics": true, "_comment": "fine",
    }));
    assert!(all.log && all.metrics);
    let origins: Vec<_> = all.http.iter().map(Origin::as_str).collect();
    assert_eq!(origins, ["https://b", "http://a:81"]);
    assert_eq!(all.kv, Some(StoreGrant { store: "sessions".into(), quota: None }));
    assert_eq!(all.env, ["REGION"]);
    assert_eq!(granted(&json!({})), Granted::default());
    let store = json!({"kv": {"store": "s", "entries": 7, "bytes": "1KB"}});
    let quota = Quota { entries: 7, bytes: 1_000 };
    assert_eq!(granted(&store).kv, Some(StoreGrant { store: "s".into(), quota: Some(quota) }));
}

#[test]
fn what_is_wrong_is_reported_where_it_stands() {
    for (value, at, message) in [
        (json!({"logs": true}), "/logs", "there is no grant `logs`"),
        (json!({"log": []}), "/log", "expected a boolean"),
        (json!({"http": "https://a"}), "/http", "expected an array"),
        (json!({"http": [7]}), "/http/0", "expected an origin"),
        (json!({"http": ["https://a", "https://a/b"]}), "/http/1", "it has no path"),
        (json!({"kv": true}), "/kv", "expected the name of a store"),
        (json!({"kv": "a b"}), "/kv", "`a b` is no name of a store"),
        (json!({"kv": {}}), "/kv", "`store` is missing"),
        (json!({"kv": {"store": ""}}), "/kv/store", "`` is no name of a store: 1 to 64 letters"),
        (json!({"kv": {"store": "s", "entries": 0}}), "/kv/entries", "between 1 and"),
        (json!({"kv": {"store": "s", "bytes": "5GiB"}}), "/kv/bytes", "between 1 and 4GiB"),
        (json!({"kv": {"store": "s", "entry": 1}}), "/kv/entry", "unknown key"),
        (json!({"env": ["A=B"]}), "/env/0", "expected the name of a variable"),
        (json!({"env": [7]}), "/env/0", "expected the name of a variable"),
        (json!([]), "", "expected an object"),
    ] {
        let found = findings(&value);
        assert_eq!(found.len(), 1, "{value}: {found:?}");
        assert_eq!(found[0].0, at, "{value}");
        assert!(found[0].1.contains(message), "{value}: {found:?}");
    }
    assert_eq!(findings(&json!({"logs": 1}))[0].2.as_deref(), Some("did you mean `log`?"));
}

#[test]
fn what_is_missing_is_named_with_the_grant_to_add() {
    let asks = asks(&[Capability::Log, Capability::Kv, Capability::Env]);
    let (message, help) = Granted::default().refusal("p", &asks).expect("missing");
    assert_eq!(message, "`p` asks for `log` and `kv`, which are not granted");
    assert_eq!(help, r#"add `"grants": {"log": true, "kv": "STORE"}`"#);
    let some = granted(&json!({"log": true}));
    assert!(some.refusal("p", &asks).expect("missing").0.ends_with("`kv`, which is not granted"));
    let enough = granted(&json!({"log": true, "kv": "s"}));
    assert_eq!(enough.refusal("p", &asks), None, "variables need not be granted");
}

#[test]
fn asked_is_held_against_granted() {
    let granted = granted(&json!({"log": true, "kv": "s", "http": ["https://a", "https://b"]}));
    let wants = asks(&[Capability::Kv, Capability::Log]);
    assert_eq!(
        granted.describe(&wants),
        "asks kv, log; granted log, http https://a https://b (unused), kv s"
    );
    assert!(granted.unused(&wants).eq([Capability::Http]));
    let printing = Asks { prints: true, ..Asks::default() };
    assert!(granted.unused(&printing).eq([Capability::Http, Capability::Kv]));
    assert_eq!(Granted::default().describe(&asks(&[])), "");
    let reading = asks(&[Capability::Env]);
    assert_eq!(Granted::default().describe(&reading), "", "it comes with the interface `config`");
    let variable = self::granted(&json!({"env": ["REGION"]}));
    assert_eq!(variable.describe(&reading), "asks nothing; granted env REGION");
    assert_eq!(Granted::default().describe(&wants), "asks kv, log; granted nothing");
}
