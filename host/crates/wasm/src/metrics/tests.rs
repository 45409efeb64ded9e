use std::thread;

use proptest::prelude::*;

use super::*;

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn text(resources: &Resources) -> String {
    let mut out = String::new();
    render(resources, &mut out).expect("strings can be written to");
    out
}

#[test]
fn all_plugins_are_written_sorted_and_escaped() {
    let resources = Resources::default();
    let (a, b) = (Registry::of(&resources, "a\"\\\n"), Registry::of(&resources, "b"));
    b.count("hits_total", 2, labels(&[("who", "x\\y\"z\n")]));
    a.count("hits_total", 1, vec![]);
    b.count("hits_total", 3, labels(&[("who", "x\\y\"z\n")]));
    a.gauge("level", -0.5, vec![]);
    a.gauge("level", f64::INFINITY, vec![]);
    b.gauge("level", f64::NAN, vec![]);
    b.observe("seconds", 0.003, labels(&[("k", "v")]));
    b.observe("seconds", 0.005, labels(&[("k", "v")]));
    b.observe("seconds", 11.0, labels(&[("k", "v")]));
    let text = text(&resources);
    let expected = r#"# TYPE torana_plugin_hits_total counter
torana_plugin_hits_total{plugin="a\"\\\n"} 1
torana_plugin_hits_total{plugin="b",who="x\\y\"z\n"} 5
# TYPE torana_plugin_level gauge
torana_plugin_level{plugin="a\"\\\n"} +Inf
torana_plugin_level{plugin="b"} NaN
# TYPE torana_plugin_seconds histogram
torana_plugin_seconds_bucket{plugin="b",k="v",le="0.001"} 0
torana_plugin_seconds_bucket{plugin="b",k="v",le="0.0025"} 0
torana_plugin_seconds_bucket{plugin="b",k="v",le="0.005"} 2
torana_plugin_seconds_bucket{plugin="b",k="v",le="0.01"} 2
"#;
    assert!(text.starts_with(expected), "{text}");
    let end = r#"torana_plugin_seconds_bucket{plugin="b",k="v",le="10"} 2
torana_plugin_seconds_bucket{plugin="b",k="v",le="+Inf"} 3
torana_plugin_seconds_sum{plugin="b",k="v"} 11.008
torana_plugin_seconds_count{plugin="b",k="v"} 3
"#;
    assert!(text.ends_with(end), "{text}");
}

#[test]
fn labels_in_any_order_are_one_series() {
    let resources = Resources::default();
    let registry = Registry::of(&resources, "p");
    registry.count("n", 1, labels(&[("a", "1"), ("b", "2")]));
    registry.count("n", 1, labels(&[("b", "2"), ("a", "1")]));
    assert!(text(&resources).contains("torana_plugin_n{plugin=\"p\",a=\"1\",b=\"2\"} 2\n"));
}

#[test]
fn what_is_not_valid_is_dropped_and_counted() {
    let resources = Resources::default();
    let registry = Registry::of(&resources, "p");
    let long = "n".repeat(129);
    for name in ["", "1a", "a-b", "ä", "a:b", "a\nb", &long, "metrics_dropped_total"] {
        registry.count(name, 1, vec![]);
    }
    let value = "v".repeat(257);
    for pair in [("", "v"), ("a b", "v"), ("__a", "v"), ("plugin", "v"), ("le", "v"), ("a", &value)]
    {
        registry.count("n", 1, labels(&[pair]));
    }
    registry.count("n", 1, labels(&[("a", "1"), ("a", "2")]));
    registry.count("n", 1, (0..17).map(|n| (format!("l{n}"), String::new())).collect());
    registry.observe("n", f64::NAN, vec![]);
    let expected = "# TYPE torana_plugin_metrics_dropped_total counter\n\
                    torana_plugin_metrics_dropped_total{plugin=\"p\"} 17\n";
    assert_eq!(text(&resources), expected);
    registry.count("n", 1, vec![]);
    registry.gauge("n", 1.0, vec![]);
    assert!(text(&resources).contains("metrics_dropped_total{plugin=\"p\"} 18\n"), "another kind");
}

#[test]
fn two_plugins_may_disagree_about_a_name() {
    let resources = Resources::default();
    let (a, b) = (Registry::of(&resources, "a"), Registry::of(&resources, "b"));
    a.count("n", 1, vec![]);
    b.gauge("n", 2.0, vec![]);
    assert_eq!(
        text(&resources),
        "torana_plugin_n{plugin=\"a\"} 1\ntorana_plugin_n{plugin=\"b\"} 2\n"
    );
}

#[test]
fn series_are_bounded() {
    let resources = Resources::default();
    let registry = Registry::of(&resources, "p");
    for number in 0..SERIES + 5 {
        registry.count("n", 1, labels(&[("k", &number.to_string())]));
    }
    registry.count("n", 1, labels(&[("k", "0")]));
    let text = text(&resources);
    assert_eq!(text.lines().filter(|line| line.contains("k=")).count(), SERIES);
    assert!(text.contains("k=\"0\"} 2\n"), "those that are there go on");
    assert!(text.contains("metrics_dropped_total{plugin=\"p\"} 5\n"));
}

#[test]
fn counters_go_on_after_a_reload_and_end_with_the_plugin() {
    let resources = Resources::default();
    let old = Registry::of(&resources, "p");
    old.count("n", 1, vec![]);
    let new = Registry::of(&resources, "p");
    drop(old);
    resources.sweep();
    new.count("n", 1, vec![]);
    assert!(text(&resources).contains("torana_plugin_n{plugin=\"p\"} 2\n"));
    drop(new);
    resources.sweep();
    assert_eq!(text(&resources), "");
}

#[test]
fn threads_lose_nothing() {
    let resources = Resources::default();
    let registry = Registry::of(&resources, "p");
    thread::scope(|scope| {
        for thread in 0..4 {
            let registry = &registry;
            scope.spawn(move || {
                worker::enter(thread);
                for number in 0..5_000_u32 {
                    registry.count("n", 1, labels(&[("k", ["a", "b"][number as usize % 2])]));
                    registry.observe("h", 0.5, vec![]);
                }
            });
        }
    });
    let text = text(&resources);
    for line in [
        "n{plugin=\"p\",k=\"a\"} 10000",
        "h_sum{plugin=\"p\"} 10000",
        "h_count{plugin=\"p\"} 20000",
    ] {
        assert!(text.contains(&format!("torana_plugin_{line}\n")), "{text}");
    }
}

proptest! {
    /// Whatever a guest passes, each line of the text is of the format.
    #[test]
    fn the_text_is_always_of_the_format(
        calls in prop::collection::vec((".{0,4}|[a-z_]{1,3}", prop::collection::vec((".|[a-z]{1,2}", ".{0,3}"), 0..3), any::<f64>()), 0..20)
    ) {
        let resources = Resources::default();
        let registry = Registry::of(&resources, "p");
        for (name, labels, value) in calls {
            registry.count(&name, 1, labels.clone());
            registry.gauge(&format!("g{name}"), value, labels.clone());
            registry.observe(&format!("h{name}"), value, labels);
        }
        let sample = regex::Regex::new(
            r#"^torana_plugin_[a-zA-Z0-9_]+\{plugin="p"(,[a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\[n"\\])*")*\} (NaN|[+-]Inf|-?[0-9.]+)$"#,
        ).expect("valid");
        for line in text(&resources).split_terminator('\n') {
            prop_assert!(line.starts_with("# TYPE ") || sample.is_match(line), "{}", line);
        }
    }
}
