//! Cookies (RFC 6265 section 5.4: `name=value; other=value`).

/// The value of a cookie in header fields; the first one of that name.
pub(crate) fn find(fields: &[String], name: &str) -> Option<String> {
    let mut cookies = fields.iter().flat_map(|field| field.split(';'));
    cookies.find_map(|cookie| {
        let (found, value) = cookie.trim().split_once('=')?;
        (found == name).then(|| value.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cookie_is_found_among_others(
            others in prop::collection::vec("[b-d]{1,3}=[a-z=\"]{0,4}|[a-d; ]{0,6}", 0..4),
            value in "[a-z=]{0,6}",
            at in 0_usize..4,
        ) {
            let mut cookies = others;
            cookies.insert(at.min(cookies.len()), format!("a={value}"));
            let expected = Some(value);
            prop_assert_eq!(find(&[cookies.join("; ")], "a"), expected.clone());
            prop_assert_eq!(find(&cookies, "a"), expected);
        }

        #[test]
        fn any_field_is_read(field: String, name: String) {
            if let Some(value) = find(std::slice::from_ref(&field), &name) {
                prop_assert!(!value.contains(';') && field.contains(&value));
            }
        }
    }
}
