use bytes::Bytes;
use jsonpath_rust::query::js_path;
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn object(tree: &Tree) -> Object {
    Object::parse(&Bytes::from(tree.to_string())).expect("an object")
}

fn pointers(path: &str, tree: &Tree) -> Result<Vec<String>, QueryError> {
    let query = Query::parse(path)?;
    query.look(&object(tree), |places| Ok(places.iter().map(Place::pointer).collect()))
}

fn found(path: &str, tree: &Tree) -> Vec<String> {
    pointers(path, tree).expect("a query")
}

fn replaced(path: &str, tree: &Tree, new: &Tree) -> (usize, Tree) {
    let mut object = object(tree);
    let query = Query::parse(path).expect("a query");
    let count = query.replace(&mut object, new, |_| Ok(())).expect("it fits");
    (count, Tree::Object(object.into_tree().expect("JSON")))
}

#[test]
fn finds_places_in_the_order_of_the_document() {
    let tree = json!({
        "users": [{"email": "a", "age": 17}, {"email": "b", "age": 18, "tags": ["x", "admin"]}],
        "x/y": {"~": 1}, "n": 18
    });
    for (path, expected) in [
        ("$", &[""][..]),
        ("$.users[*].email", &["/users/0/email", "/users/1/email"]),
        ("$.users[-1].age", &["/users/1/age"]),
        ("$.users[1,0]", &["/users/0", "/users/1"]),
        ("$.users[0,0]", &["/users/0"]),
        ("$.users[::-1]", &["/users/0", "/users/1"]),
        ("$.users[1:]", &["/users/1"]),
        ("$.users[0:1:0]", &[]),
        ("$..email", &["/users/0/email", "/users/1/email"]),
        ("$..['email','age'][0]", &[]),
        ("$.users[?@.age >= 18]", &["/users/1"]),
        ("$.users[?@.age == $.n].email", &["/users/1/email"]),
        ("$.users[?@.tags[?@ == 'admin']]", &["/users/1"]),
        ("$.users[?count(@.tags[*]) == 2]", &["/users/1"]),
        ("$.users[?length(@.email) == 1 && !@.tags]", &["/users/0"]),
        ("$.users[?match(@.email, '[b-z]') || @.age < 17.5]", &["/users/0", "/users/1"]),
        ("$.users[?search(@.tags[1], 'dm.n')]", &["/users/1"]),
        ("$.users[?match(@.tags[1], 'dm.n')]", &[]),
        ("$.users[?value(@..tags[0]) == 'x']", &["/users/1"]),
        ("$['x/y']['~']", &["/x~1y/~0"]),
        ("$.missing..a", &[]),
        ("$.n.x", &[]),
    ] {
        assert_eq!(found(path, &tree), expected, "{path}");
    }
    assert_eq!(found("$..*", &tree).len(), 13);
}

#[test]
fn comparisons_follow_the_standard() {
    let tree = json!({"a": [
        {"v": 9_007_199_254_740_993_i64}, {"v": 1.0}, {"v": "1"}, {"v": null}, {"v": [1, {"k": 2}]},
        {"v": {"k": [1.0]}}, {}, {"v": true},
    ]});
    for (filter, expected) in [
        // Integers are not rounded on their way through a float.
        ("@.v == 9007199254740990", &[][..]),
        ("@.v == 1", &[1]),
        ("@.v == '1'", &[2]),
        ("@.v == null", &[3]),
        ("@.v == true", &[7]),
        ("@.v == $.a[4].v", &[4]),
        ("@.v != $.a[5].v", &[0, 1, 2, 3, 4, 6, 7]),
        ("@.v.k == $.a[5].v.k", &[5]),
        // Nothing equals nothing.
        ("@.v == @.none", &[6]),
        ("@.v < 2", &[1]),
        ("@.v >= '0'", &[2]),
        ("@.v <= null", &[3]),
        ("@.v < true", &[]),
    ] {
        let expected: Vec<_> = expected.iter().map(|index| format!("/a/{index}")).collect();
        let path = format!("$.a[?{filter}]");
        assert_eq!(found(&path, &tree), expected, "{filter}");
    }
}

#[test]
fn replaces_inside_out() {
    let tree = json!({"a": {"b": [1, 2]}, "c": 3});
    assert_eq!(
        replaced("$.a.b[*]", &tree, &json!("x")),
        (2, json!({"a": {"b": ["x", "x"]}, "c": 3}))
    );
    assert_eq!(replaced("$..*", &tree, &json!(null)), (5, json!({"a": null, "c": null})));
    assert_eq!(replaced("$.none", &tree, &json!(1)), (0, tree));
}

#[test]
fn what_is_out_of_reach_stays_as_it_arrived() {
    let text = r#"{"a":{"p":1},"b":[ 1.0,  2 ],"c":{"\u0070": 2}}"#;
    let mut object = Object::parse(&Bytes::from_static(text.as_bytes())).expect("an object");
    let query = Query::parse("$..p").expect("a query");
    let pointers = |places: &[Place<'_>]| Ok(places.iter().map(Place::pointer).collect::<Vec<_>>());
    assert_eq!(query.look(&object, pointers).expect("found"), ["/a/p", "/c/p"]);
    assert_eq!(object.to_bytes(), text, "looking changes nothing");
    query.replace(&mut object, &json!(0), |_| Ok(())).expect("it fits");
    assert_eq!(object.to_bytes(), r#"{"a":{"p":0},"b":[ 1.0,  2 ],"c":{"p":0}}"#);
}

#[test]
fn refuses_what_is_no_query() {
    let refused = |path: &str| Query::parse(path).expect_err(path);
    for path in ["", "a", "$.", "$[", "$.a[?]", "$.a[?@.b ==]", "$[?foo(@)]", "$[9007199254740993]"]
    {
        assert!(matches!(refused(path), QueryError::Syntax(_)), "{path}");
    }
    assert_eq!(refused("$[?in(@.a, $.b)]"), QueryError::Function("in".into()));
    assert_eq!(refused("$[?match(@.a, $.b)]"), QueryError::Pattern);
    assert!(matches!(refused("$[?search(@.a, '[')]"), QueryError::Regex(_)));
    assert!(matches!(refused("$[?search(@.a, '(a{99}){99}')]"), QueryError::Regex(_)));
    assert_eq!(refused(&format!("$.{}", "a".repeat(LENGTH))), QueryError::Length);
    let nested = |levels: usize| format!("$[?{}@.a{}]", "(".repeat(levels), ")".repeat(levels));
    assert_eq!(refused(&nested(NESTING)), QueryError::Nesting);
    Query::parse(&nested(NESTING - 1)).expect("few enough");
    Query::parse(r#"$[?search(@.a, '((((((\'((((((') || @["[[[[[["]]"#).expect_err("the pattern");
    Query::parse(r#"$[?search(@.a, '[(]{2}\'[(][(][(][(]') || @["[[[[[["]]"#).expect("all in text");
}

#[test]
fn a_query_that_would_take_long_is_given_up() {
    let mut deep = json!(1);
    for _ in 0..100 {
        deep = json!({"a": deep, "b": 1});
    }
    let tree = json!({"l": vec![0; MATCHES + 1], "d": deep});
    assert_eq!(pointers("$.l[*]", &tree), Err(QueryError::Matches));
    assert_eq!(pointers("$.d..*..*..*..*", &tree), Err(QueryError::Steps));
    let doubled = format!("$.d{}", "['a','a']".repeat(40));
    assert_eq!(pointers(&doubled, &tree), Err(QueryError::Steps));
    assert_eq!(pointers("$.l[?count($..*) > count($..*)]", &tree), Err(QueryError::Steps));
    assert_eq!(pointers("$.l[?$.l == $.l]", &tree), Err(QueryError::Steps));
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        Just(Tree::Null),
        any::<bool>().prop_map(Tree::from),
        (-3..4_i64).prop_map(Tree::from),
        "[a-c~/'é]{0,2}".prop_map(Tree::from),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Tree::from),
            prop::collection::btree_map("[a-c]|[/~']", inner, 0..4)
                .prop_map(|map| Tree::Object(map.into_iter().collect())),
        ]
    })
}

fn document() -> impl Strategy<Value = Tree> {
    prop::collection::btree_map("[a-c]", tree(), 0..5)
        .prop_map(|map| Tree::Object(map.into_iter().collect()))
}

/// Queries of all kinds of segments and filters.
fn path() -> BoxedStrategy<String> {
    let name = "[a-c]";
    let comparable = prop_oneof![
        name.prop_map(|name| format!("@.{name}")),
        Just("$.a".to_owned()),
        Just("@[0]".to_owned()),
        (-3..4_i64).prop_map(|number| number.to_string()),
        Just("'a'".to_owned()),
        Just("null".to_owned()),
        Just("length(@.b)".to_owned()),
    ]
    .boxed();
    let test = prop_oneof![
        (comparable.clone(), "==|!=|<=|>=|<|>", comparable)
            .prop_map(|(left, operator, right)| format!("{left} {operator} {right}")),
        Just("@.a".to_owned()),
        Just("!@.b".to_owned()),
        Just("@..c".to_owned()),
        Just("@.a[?@ == 1]".to_owned()),
        Just("match(@.a, '[ab]')".to_owned()),
        Just("search(@, 'a|b.')".to_owned()),
    ]
    .boxed();
    let filter = prop_oneof![
        test.clone(),
        (test.clone(), test.clone()).prop_map(|(a, b)| format!("{a} && {b}")),
        (test.clone(), test).prop_map(|(a, b)| format!("!({a}) || {b}")),
    ]
    .boxed();
    let bound = prop::option::of(-3..4_i64)
        .prop_map(|bound| bound.map_or_else(String::new, |bound| bound.to_string()));
    let selector = prop_oneof![
        name.prop_map(|name| format!("'{name}'")),
        Just("*".to_owned()),
        (-3..4_i64).prop_map(|index| index.to_string()),
        (bound.clone(), bound.clone(), bound).prop_map(|(a, b, c)| format!("{a}:{b}:{c}")),
        filter.prop_map(|filter| format!("?{filter}")),
    ]
    .boxed();
    let segment = prop_oneof![
        3 => name.prop_map(|name| format!(".{name}")),
        1 => name.prop_map(|name| format!("..{name}")),
        2 => selector.clone().prop_map(|selector| format!("[{selector}]")),
        1 => selector.clone().prop_map(|selector| format!("..[{selector}]")),
        1 => (selector.clone(), selector).prop_map(|(a, b)| format!("[{a},{b}]")),
    ]
    .boxed();
    prop::collection::vec(segment, 0..4)
        .prop_map(|segments| format!("${}", segments.concat()))
        .boxed()
}

proptest! {
    /// The parser's own evaluation, which has no bounds, finds the same values.
    #[test]
    fn finds_what_the_reference_finds(tree in document(), path in path()) {
        let reference = js_path(&path, &tree).expect("a query");
        let query = Query::parse(&path).expect("a query");
        let mut expected: Vec<_> = reference.iter().map(|found| found.val.to_string()).collect();
        let mut paths: Vec<_> = reference.iter().map(|found| found.path.clone()).collect();
        paths.sort_unstable();
        paths.dedup();
        let values = |places: &[Place<'_>]| {
            Ok(places.iter().map(|place| place.value.to_string()).collect::<Vec<_>>())
        };
        let mut found = query.look(&object(&tree), values).expect("few steps");
        prop_assert_eq!(found.len(), paths.len());
        if paths.len() == reference.len() {
            found.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }

    /// A pointer leads to the value in a plain tree, and pointers come in the order of the document.
    #[test]
    fn pointers_lead_to_what_was_found(tree in document(), path in path()) {
        let query = Query::parse(&path).expect("a query");
        let pairs = |places: &[Place<'_>]| {
            assert!(places.windows(2).all(|pair| pair[0].steps < pair[1].steps));
            Ok(places.iter().map(|p| (p.pointer(), p.value.clone())).collect::<Vec<_>>())
        };
        for (pointer, value) in query.look(&object(&tree), pairs).expect("few steps") {
            prop_assert_eq!(tree.pointer(&pointer), Some(&value));
        }
    }

    /// After a replacement the outermost places hold the new value, and all else is as in a plain tree.
    #[test]
    fn replaces_as_in_a_plain_tree(tree in document(), path in path(), new in tree()) {
        prop_assume!(path != "$");
        let places = found(&path, &tree);
        let mut expected = tree.clone();
        for place in places.iter().rev() {
            *expected.pointer_mut(place).expect("a place") = new.clone();
        }
        prop_assert_eq!(replaced(&path, &tree, &new), (places.len(), expected));
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\$([.\\[\\]()*?@'\"!=<>&|,:a0 -]|match|\\\\){0,40}|.{0,20}") {
        let _ = Query::parse(&text);
    }
}
