//! `negotiate`: which encoding a client's `Accept` asks for (reference 6.1).

use super::{Encoder, json::Json, xml::Xml, yaml::Yaml};

/// What is on offer. The first of those that a range matches is taken, so `*/*` means JSON.
const OFFERS: [(&str, &dyn Encoder); 4] = [
    ("application/json", &Json),
    ("text/plain", &Yaml),
    ("application/xml", &Xml),
    ("application/x-yaml", &Yaml),
];

/// The encoder for an `Accept` field: the acceptable range of highest weight, of equal ones the first. Where nothing
/// fits it is JSON rather than 406.
pub(super) fn encoder(accept: &str) -> &'static dyn Encoder {
    let mut best: (u16, &dyn Encoder) = (0, &Json);
    for range in accept.split(',') {
        let mut parts = range.split(';');
        let media = parts.next().unwrap_or_default().trim();
        let weight = parts.find_map(weight).unwrap_or(1000);
        if weight > best.0
            && let Some((_, encoder)) = OFFERS.iter().find(|(offer, _)| matches(media, offer))
        {
            best = (weight, *encoder);
        }
    }
    best.1
}

/// A `q` parameter in thousandths (RFC 9110, 12.4.2); anything malformed counts as 0.
fn weight(parameter: &str) -> Option<u16> {
    let (name, value) = parameter.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    let weight = value.trim().parse::<f32>().ok().filter(|weight| (0.0..=1.0).contains(weight));
    Some((weight.unwrap_or(0.0) * 1000.0) as u16)
}

fn matches(range: &str, offer: &str) -> bool {
    match range.split_once('/') {
        Some(("*", "*")) => true,
        Some((kind, "*")) => {
            offer.split('/').next().is_some_and(|offered| offered.eq_ignore_ascii_case(kind))
        }
        _ => offer.eq_ignore_ascii_case(range),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(accept: &str) -> String {
        encoder(accept).content_type().to_str().unwrap().to_owned()
    }

    #[test]
    fn takes_what_the_client_asks_for() {
        for (accept, expected) in [
            ("application/xml", "application/xml"),
            ("text/plain", "application/yaml; charset=utf-8"),
            ("application/x-yaml", "application/yaml; charset=utf-8"),
            ("application/json", "application/json; charset=utf-8"),
            ("text/html, application/xml;q=0.9, */*;q=0.8", "application/xml"),
            ("application/xml;q=0.1, application/json", "application/json; charset=utf-8"),
            ("application/xml; q=0, text/*", "application/yaml; charset=utf-8"),
            ("APPLICATION/XML", "application/xml"),
        ] {
            assert_eq!(chosen(accept), expected, "{accept}");
        }
    }

    #[test]
    fn means_json_where_nothing_fits() {
        for accept in
            ["", "*/*", "application/*", "image/png", "application/xml;q=0", ";;,=/", "a/*"]
        {
            assert_eq!(chosen(accept), "application/json; charset=utf-8", "{accept}");
        }
    }
}
