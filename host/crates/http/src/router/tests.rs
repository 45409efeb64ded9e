//! Which route a path leads to, and with which parameters.

use proptest::prelude::*;

use super::*;

fn route(path: &str) -> Route {
    let catch_all = path == "/__catchall";
    let (path, wildcard) = match path.strip_suffix("/*") {
        Some(path) => (path, true),
        None => (path, false),
    };
    let segments = path
        .strip_prefix('/')
        .map(|path| {
            path.split('/')
                .map(|segment| match segment.strip_prefix('{').and_then(|s| s.strip_suffix('}')) {
                    Some(name) if !name.contains('{') => RouteSegment::Param(name.into()),
                    _ if segment.contains('{') => RouteSegment::Mixed(mixed(segment)),
                    _ => RouteSegment::Literal(segment.into()),
                })
                .collect()
        })
        .unwrap_or_default();
    Route { segments, wildcard, catch_all }
}

fn mixed(mut text: &str) -> Vec<SegmentPart> {
    let mut parts = Vec::new();
    while let Some((before, after)) = text.split_once('{') {
        if !before.is_empty() {
            parts.push(SegmentPart::Literal(before.into()));
        }
        let (name, rest) = after.split_once('}').unwrap();
        parts.push(SegmentPart::Param(name.into()));
        text = rest;
    }
    if !text.is_empty() {
        parts.push(SegmentPart::Literal(text.into()));
    }
    parts
}

fn router(paths: &[&str]) -> Router {
    let mut router = Router::default();
    for (index, path) in paths.iter().enumerate() {
        router.add(&Method::GET, &route(path), index);
    }
    router
}

fn target(router: &Router, path: &str) -> Option<(usize, Vec<String>)> {
    match router.find(&Method::GET, path) {
        Found::Match(found) => {
            Some((found.target, found.values.iter().map(ToString::to_string).collect()))
        }
        _ => None,
    }
}

#[test]
fn literals_win_over_parameters_and_those_over_wildcards() {
    let router = router(&["/a/{x}", "/a/b", "/a/*", "/a/{x}/c", "/f.{ext}", "/{x}/z"]);
    let some = |index: usize, values: &[&str]| {
        Some((index, values.iter().map(ToString::to_string).collect::<Vec<_>>()))
    };
    assert_eq!(target(&router, "/a/b"), some(1, &[]));
    assert_eq!(target(&router, "/a/q"), some(0, &["q"]));
    assert_eq!(target(&router, "/a/q/c"), some(3, &["q"]));
    assert_eq!(target(&router, "/a/q/d"), some(2, &["q/d"]));
    assert_eq!(target(&router, "/a/b/c"), some(3, &["b"]));
    assert_eq!(target(&router, "/a/"), some(2, &[""]));
    assert_eq!(target(&router, "/a"), None);
    assert_eq!(target(&router, "/f.txt"), some(4, &["txt"]));
    assert_eq!(target(&router, "/f."), None);
    assert_eq!(target(&router, "/a/z"), some(0, &["z"]));
    assert_eq!(target(&router, "/q/z"), some(5, &["q"]));
}

#[test]
fn an_escaped_slash_stays_in_its_segment() {
    let router = router(&["/u/{id}", "/u/a/b", "/caf\u{e9}"]);
    assert_eq!(target(&router, "/u/a%2Fb"), Some((0, vec!["a%2Fb".to_owned()])));
    assert_eq!(target(&router, "/caf%C3%A9"), Some((2, vec![])));
}

#[test]
fn methods_backtrack_and_405_lists_them() {
    let mut router = router(&["/a/{x}"]);
    router.add(&Method::POST, &route("/a/b"), 7);
    assert_eq!(target(&router, "/a/b"), Some((0, vec!["b".to_owned()])));
    assert_eq!(
        router.find(&Method::PUT, "/a/b"),
        Found::OtherMethods(vec![Method::GET, Method::POST])
    );
    assert_eq!(router.find(&Method::GET, "/none"), Found::Nothing);
}

#[test]
fn redirects_find_slashes_case_and_clean_paths() {
    let router = router(&["/foo", "/bar/", "/Static/{x}/End"]);
    assert_eq!(router.other_slash(&Method::GET, "/foo/").as_deref(), Some("/foo"));
    assert_eq!(router.other_slash(&Method::GET, "/bar").as_deref(), Some("/bar/"));
    assert_eq!(router.fixed(&Method::GET, "/FOO").as_deref(), Some("/foo"));
    assert_eq!(router.fixed(&Method::GET, "//x/../foo").as_deref(), Some("/foo"));
    assert_eq!(router.fixed(&Method::GET, "/static/Q/end").as_deref(), Some("/Static/Q/End"));
    assert_eq!(router.fixed(&Method::GET, "/nothing"), None);
    assert_eq!(without_extra_slashes("//a///b/").as_deref(), Some("/a/b/"));
}

#[test]
fn the_catch_all_takes_every_method() {
    let router = router(&["/a", "/__catchall"]);
    let Found::Match(found) = router.find(&Method::DELETE, "/x/y") else { panic!("no match") };
    assert_eq!((found.target, &*found.values[0]), (1, "/x/y"));
}

proptest! {
    /// The tree finds what trying every route in order of precedence would find.
    #[test]
    fn agrees_with_a_plain_search(
        routes in prop::collection::vec("(/(a|b|\\{x\\})){1,3}", 1..6),
        path in "(/(a|b|c)){1,3}",
    ) {
        let mut unique: Vec<&str> = Vec::new();
        for route in &routes {
            if !unique.contains(&route.as_str()) {
                unique.push(route);
            }
        }
        let router = router(&unique);
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let expected = unique
            .iter()
            .enumerate()
            .filter(|(_, route)| {
                let pattern: Vec<&str> = route.split('/').skip(1).collect();
                pattern.len() == segments.len()
                    && pattern.iter().zip(&segments).all(|(p, s)| *p == "{x}" || p == s)
            })
            // Left to right, a literal is better than a parameter.
            .min_by_key(|(_, route)| route.split('/').map(|p| p == "{x}").collect::<Vec<_>>())
            .map(|(index, _)| index);
        prop_assert_eq!(target(&router, &path).map(|(index, _)| index), expected);
    }

    #[test]
    fn never_panics(path in "/.*") {
        let router = router(&["/a/{x}", "/a/*", "/m-{x}.{y}", "/b"]);
        let _ = router.find(&Method::GET, &path);
        let _ = router.fixed(&Method::GET, &path);
        let _ = router.other_slash(&Method::GET, &path);
    }
}
