//! Any lines as cookies and queries of the plugin `ab-split`: nothing panics, a cookie's value is a part of its field, and
//! a parameter that is set is there once.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;

#[path = "../../../plugins/ab-split/src/cookie.rs"]
mod cookie;
#[path = "../../../plugins/ab-split/src/query.rs"]
mod query;

fuzz_target!(|text: &str| {
    let mut lines = text.lines().map(str::to_owned);
    let (Some(name), Some(value)) = (lines.next(), lines.next()) else { return };
    let fields: Vec<String> = lines.collect();
    if let Some(found) = cookie::find(&fields, &name) {
        assert!(!found.contains(';') && fields.iter().any(|field| field.contains(&found)));
    }
    for field in &fields {
        let parameters = BTreeMap::from([(name.clone(), value.clone())]);
        let once = query::set(field, &parameters);
        let twice = query::set(&once, &parameters);
        assert_eq!(once, twice);
        assert!(once.len() <= field.len() + 3 * (name.len() + value.len()) + 2);
    }
});
