//! The steps that every pipeline may have, in the order in which they run. Each file makes one step.

mod backend_header_filter;
mod backend_query_filter;
mod body_buffer;
mod decode;
mod input_filter;
mod request_builder;

pub use backend_header_filter::BackendHeaderFilter;
pub use backend_query_filter::BackendQueryFilter;
pub use body_buffer::{BODY_BUFFER_LIMIT, BodyBuffer};
pub use decode::{BackendHttpConfig, Decode};
pub use input_filter::{InputFilter, USER_AGENT};
pub use request_builder::{RequestBuilder, WILDCARD, method};

/// Keeps the pairs of a raw query whose name passes; their bytes stay as they came.
fn filter_query(query: &str, keep: impl Fn(&str) -> bool) -> String {
    let mut kept = String::with_capacity(query.len());
    // Some backends read `;` as `&`, and would find a name in what was a value here. Go's parser, KrakenD's, drops such
    // pairs as well.
    for pair in query.split('&').filter(|pair| !pair.is_empty() && !pair.contains(';')) {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        // In a query `+` means a space (WHATWG URL, application/x-www-form-urlencoded).
        let passes = if name.contains(['%', '+']) {
            crate::percent::decode(&name.replace('+', " ")).is_some_and(|name| keep(&name))
        } else {
            keep(name)
        };
        if passes {
            if !kept.is_empty() {
                kept.push('&');
            }
            kept.push_str(pair);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::filter_query;

    #[test]
    fn pairs_keep_their_bytes_and_order() {
        let keep = |name: &str| matches!(name, "b" | "a b");
        assert_eq!(filter_query("b=2&a=1&b=%33&&a%20b=x&b", keep), "b=2&b=%33&a%20b=x&b");
        assert_eq!(filter_query("a+b=1", keep), "a+b=1");
        assert_eq!(filter_query("", keep), "");
    }

    #[test]
    fn no_pair_hides_in_another() {
        let keep = |name: &str| name == "b";
        assert_eq!(filter_query("b=1;a=2&b=3&b;a", keep), "b=3");
        assert_eq!(filter_query("b=1%3Ba=2", keep), "b=1%3Ba=2");
    }
}
