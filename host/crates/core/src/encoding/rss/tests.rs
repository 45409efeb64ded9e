//! RSS and Atom to data.

use serde_json::{Value as Json, json};

use super::*;

fn decode(body: &str) -> Result<Json, ErrorKind> {
    Rss.decode(Bytes::copy_from_slice(body.as_bytes()), false)
        .map(|data| Json::Object(data.unwrap().into_tree().unwrap()))
        .map_err(|error| error.kind())
}

#[test]
fn rss_2_0_has_its_keys() {
    let feed = r#"<?xml version="1.0"?>
        <rss version="2.0" xmlns:dc="d" xmlns:content="c" xmlns:itunes="i"><channel>
          <title>News &amp; more</title><link>http://e.com</link><description>All</description>
          <language>en</language><copyright>me</copyright><managingEditor>ed@e.com (Ed)</managingEditor>
          <pubDate>Mon, 01 Jan 2024 00:00:00 GMT</pubDate><lastBuildDate>Tue, 02 Jan 2024 00:00:00 GMT</lastBuildDate>
          <category>a</category><category>b</category><image><url>http://e.com/i.png</url></image>
          <item><title>One</title><link>http://e.com/1</link><description><![CDATA[<b>x</b>]]></description>
            <content:encoded>long</content:encoded><dc:creator>Ann</dc:creator><guid>g1</guid><pubDate>P1</pubDate>
            <category>c</category><enclosure url="u" length="7" type="audio/mpeg"/><itunes:image href="h"/></item>
          <item><title>Two</title></item>
        </channel></rss>"#;
    assert_eq!(
        decode(feed).unwrap(),
        json!({
            "type": "rss", "title": "News & more", "description": "All", "language": "en", "copyright": "me",
            "author": {"email": "ed@e.com", "name": "Ed"}, "categories": ["a", "b"], "custom": null,
            "published": "Mon, 01 Jan 2024 00:00:00 GMT", "updated": "Tue, 02 Jan 2024 00:00:00 GMT",
            "img_url": "http://e.com/i.png",
            "items": [
                {"title": "One", "link": "http://e.com/1", "links": ["http://e.com/1"], "description": "<b>x</b>",
                 "content": "long", "author": {"name": "Ann"}, "authors": [{"name": "Ann"}], "guid": "g1", "published": "P1",
                 "categories": ["c"], "enclosures": [{"url": "u", "length": "7", "type": "audio/mpeg"}], "image": {"url": "h"}},
                {"title": "Two"},
            ],
        })
    );
}

#[test]
fn rss_1_0_items_stand_beside_the_channel() {
    let feed = r#"<rdf:RDF xmlns:rdf="r" xmlns="p" xmlns:dc="d"><channel><title>T</title><dc:date>D</dc:date></channel>
        <item><title>I</title></item></rdf:RDF>"#;
    let data = decode(feed).unwrap();
    assert_eq!((&data["title"], &data["items"]), (&json!("T"), &json!([{"title": "I"}])));
    assert_eq!(
        (&data["published"], &data["author"], &data["categories"]),
        (&json!("D"), &Json::Null, &Json::Null)
    );
    assert!(data.get("img_url").is_none());
}

#[test]
fn atom_has_the_same_keys() {
    let feed = r#"<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de"><title>T</title><subtitle>S</subtitle>
        <updated>U</updated><author><name>N</name><email>n@e.com</email></author><category term="c"/><logo>L</logo><rights>R</rights>
        <entry><title type="html">&lt;i&gt;E&lt;/i&gt;</title><id>id1</id><link href="a"/><link rel="enclosure" href="b" length="3" type="t"/>
          <updated>V</updated><content type="xhtml"><div class="x">a <b>b</b> &amp; c</div></content></entry></feed>"#;
    assert_eq!(
        decode(feed).unwrap(),
        json!({
            "type": "atom", "title": "T", "description": "S", "language": "de", "copyright": "R", "updated": "U", "published": "",
            "author": {"name": "N", "email": "n@e.com"}, "categories": ["c"], "custom": null, "img_url": "L",
            "items": [{
                "title": "<i>E</i>", "guid": "id1", "link": "a", "links": ["a"], "updated": "V", "published": "V",
                "content": "<div class=\"x\">a <b>b</b> &amp; c</div>",
                "enclosures": [{"url": "b", "length": "3", "type": "t"}],
            }],
        })
    );
}

#[test]
fn persons_come_in_several_notations() {
    for (text, expected) in [
        ("a@b.c", json!({"email": "a@b.c"})),
        ("Ann", json!({"name": "Ann"})),
        ("a@b.c (Ann B)", json!({"email": "a@b.c", "name": "Ann B"})),
        ("Ann B <a@b.c>", json!({"email": "a@b.c", "name": "Ann B"})),
        ("Ann (a@b.c)", json!({"email": "a@b.c", "name": "Ann"})),
        ("", json!({})),
    ] {
        assert_eq!(person(text), expected, "{text}");
    }
}

#[test]
fn what_is_no_feed_is_an_error() {
    for body in ["", "<a/>", "<rss/>", "{}", "<rss><channel>"] {
        assert_eq!(decode(body), Err(ErrorKind::Decode), "{body}");
    }
    let data = Rss.decode(Bytes::from_static(b"<rss><channel/></rss>"), true).unwrap().unwrap();
    assert!(data.get("collection").is_some_and(|feed| feed.is_object()));
}
