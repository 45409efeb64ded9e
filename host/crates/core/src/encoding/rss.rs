//! `rss`: RSS 2.0, RSS 1.0 (RDF) and Atom feeds as one shape, that of KrakenD's `gofeed` (reference 5.2).
//!
//! Dates stay the text of the feed; `gofeed`'s parsed dates and raw extension trees are left out.

use bytes::Bytes;

use super::{
    COLLECTION, Decoder,
    xml::{
        element::{self, Element, Node},
        escape,
    },
};
use crate::{
    Error, ErrorKind,
    entity::{Map, Object, Tree},
};

/// Feeds.
pub(super) struct Rss;

impl Decoder for Rss {
    fn decode(&self, body: Bytes, is_collection: bool) -> Result<Option<Object>, Error> {
        let root = element::read(&body)?;
        let feed = match root.name.as_str() {
            "rss" | "RDF" => rss(&root),
            "feed" => Some(atom(&root)),
            _ => None,
        };
        let Some(feed) = feed else {
            return Err(Error::new(ErrorKind::Decode, "XML that is no RSS or Atom feed"));
        };
        let mut object = Object::from_tree(feed);
        if is_collection {
            let mut outer = Object::new();
            outer.insert(COLLECTION, object);
            object = outer;
        }
        Ok(Some(object))
    }
}

/// RSS: one channel; its items stand in it (2.0) or beside it (1.0).
fn rss(root: &Element) -> Option<Map> {
    let channel = child(root, "", "channel")?;
    let items = children(channel, "item").chain(children(root, "item")).map(rss_item);
    let author = text(channel, "", "managingEditor")
        .or_else(|| text(channel, "", "webMaster"))
        .or_else(|| text(channel, "dc", "creator"))
        .or_else(|| text(channel, "itunes", "author"));
    let mut feed = feed(
        "rss",
        items.collect(),
        author.map(|author| person(&author)),
        categories(channel, |category| Some(content(category))),
    );
    set(&mut feed, "title", text(channel, "", "title"));
    set(&mut feed, "description", text(channel, "", "description"));
    set(
        &mut feed,
        "language",
        text(channel, "", "language").or_else(|| text(channel, "dc", "language")),
    );
    set(
        &mut feed,
        "copyright",
        text(channel, "", "copyright").or_else(|| text(channel, "dc", "rights")),
    );
    set(
        &mut feed,
        "published",
        text(channel, "", "pubDate").or_else(|| text(channel, "dc", "date")),
    );
    set(
        &mut feed,
        "updated",
        text(channel, "", "lastBuildDate").or_else(|| text(channel, "dc", "date")),
    );
    let image = child(channel, "", "image").or_else(|| child(root, "", "image"));
    let image = image
        .and_then(|image| text(image, "", "url"))
        .or_else(|| child(channel, "itunes", "image").and_then(|image| attribute(image, "href")));
    set(&mut feed, "img_url", image);
    Some(feed)
}

fn rss_item(item: &Element) -> Tree {
    let mut map = Map::new();
    set(&mut map, "title", text(item, "", "title").or_else(|| text(item, "dc", "title")));
    set(&mut map, "description", text(item, "", "description"));
    set(&mut map, "content", text(item, "content", "encoded"));
    set_links(&mut map, children(item, "link").map(content).collect());
    set(&mut map, "published", text(item, "", "pubDate").or_else(|| text(item, "dc", "date")));
    let author = text(item, "", "author")
        .or_else(|| text(item, "dc", "creator"))
        .or_else(|| text(item, "itunes", "author"));
    set_author(&mut map, author.map(|author| person(&author)).into_iter().collect());
    set(&mut map, "guid", text(item, "", "guid"));
    set_list(&mut map, "categories", categories(item, |category| Some(content(category))));
    set_list(
        &mut map,
        "enclosures",
        children(item, "enclosure").map(|e| enclosure(e, "url")).collect(),
    );
    let image = child(item, "itunes", "image").and_then(|image| attribute(image, "href"));
    if let Some(url) = image {
        map.insert("image".to_owned(), Tree::from_iter([("url", url)]));
    }
    Tree::Object(map)
}

fn atom(root: &Element) -> Map {
    let items = children(root, "entry").map(atom_entry);
    let authors: Vec<_> = children(root, "author").map(atom_person).collect();
    let mut feed = feed(
        "atom",
        items.collect(),
        authors.into_iter().next(),
        categories(root, |category| attribute(category, "term")),
    );
    set(&mut feed, "title", construct(root, "title"));
    set(&mut feed, "description", construct(root, "subtitle"));
    set(&mut feed, "language", attribute(root, "lang"));
    set(&mut feed, "copyright", construct(root, "rights"));
    set(&mut feed, "updated", text(root, "", "updated"));
    set(&mut feed, "published", text(root, "", "published"));
    set(&mut feed, "img_url", text(root, "", "logo"));
    feed
}

fn atom_entry(entry: &Element) -> Tree {
    let mut map = Map::new();
    set(&mut map, "title", construct(entry, "title"));
    set(&mut map, "description", construct(entry, "summary"));
    set(&mut map, "content", construct(entry, "content"));
    let alternate = |link: &&Element| {
        attribute(link, "rel").is_none_or(|rel| rel.is_empty() || rel == "alternate")
    };
    let links =
        children(entry, "link").filter(alternate).filter_map(|link| attribute(link, "href"));
    set_links(&mut map, links.collect());
    set(&mut map, "updated", text(entry, "", "updated"));
    let published = text(entry, "", "published").or_else(|| text(entry, "", "updated"));
    set(&mut map, "published", published);
    set_author(&mut map, children(entry, "author").map(atom_person).collect());
    set(&mut map, "guid", text(entry, "", "id"));
    set_list(&mut map, "categories", categories(entry, |category| attribute(category, "term")));
    let enclosures = children(entry, "link")
        .filter(|link| attribute(link, "rel").is_some_and(|rel| rel == "enclosure"))
        .map(|link| enclosure(link, "href"));
    set_list(&mut map, "enclosures", enclosures.collect());
    Tree::Object(map)
}

/// A feed with all keys that are always there.
fn feed(kind: &str, items: Vec<Tree>, author: Option<Tree>, categories: Vec<Tree>) -> Map {
    let mut map = Map::new();
    for key in ["copyright", "description", "language", "title", "published", "updated"] {
        map.insert(key.to_owned(), "".into());
    }
    map.insert("type".to_owned(), kind.into());
    map.insert("items".to_owned(), Tree::Array(items));
    map.insert("author".to_owned(), author.unwrap_or_default());
    let categories = if categories.is_empty() { Tree::Null } else { Tree::Array(categories) };
    map.insert("categories".to_owned(), categories);
    map.insert("custom".to_owned(), Tree::Null);
    map
}

fn set(map: &mut Map, key: &str, value: Option<String>) {
    if let Some(value) = value {
        map.insert(key.to_owned(), value.into());
    }
}

fn set_list(map: &mut Map, key: &str, items: Vec<Tree>) {
    if !items.is_empty() {
        map.insert(key.to_owned(), Tree::Array(items));
    }
}

fn set_links(map: &mut Map, links: Vec<String>) {
    set(map, "link", links.first().cloned());
    set_list(map, "links", links.into_iter().map(Tree::from).collect());
}

fn set_author(map: &mut Map, authors: Vec<Tree>) {
    if let Some(first) = authors.first() {
        map.insert("author".to_owned(), first.clone());
    }
    set_list(map, "authors", authors);
}

fn categories(element: &Element, name: impl Fn(&Element) -> Option<String>) -> Vec<Tree> {
    let named = children(element, "category").filter_map(name);
    named.filter(|name| !name.is_empty()).map(Tree::from).collect()
}

fn enclosure(element: &Element, address: &str) -> Tree {
    let mut map = Map::new();
    set(&mut map, "url", attribute(element, address));
    set(&mut map, "length", attribute(element, "length"));
    set(&mut map, "type", attribute(element, "type"));
    Tree::Object(map)
}

fn atom_person(element: &Element) -> Tree {
    let mut map = Map::new();
    set(&mut map, "name", text(element, "", "name"));
    set(&mut map, "email", text(element, "", "email"));
    Tree::Object(map)
}

/// `mail@example.com (Name)`, `Name (mail@example.com)`, `Name <mail@example.com>`, or one of both.
fn person(text: &str) -> Tree {
    let (outside, inside) = match text.split_once(['(', '<']) {
        Some((outside, inside)) => (outside.trim(), inside.trim_end_matches([')', '>', ' '])),
        None => (text.trim(), ""),
    };
    let mut map = Map::new();
    for part in [outside, inside] {
        if !part.is_empty() {
            let key = if part.contains('@') { "email" } else { "name" };
            map.insert(key.to_owned(), part.into());
        }
    }
    Tree::Object(map)
}

fn elements(element: &Element) -> impl Iterator<Item = &Element> {
    element.nodes.iter().filter_map(|node| match node {
        Node::Element(child) => Some(child),
        Node::Text(_) => None,
    })
}

/// Children of the feed's own format: those without a prefix.
fn children<'e>(element: &'e Element, name: &'static str) -> impl Iterator<Item = &'e Element> {
    elements(element).filter(move |child| child.name == name && child.prefix.is_empty())
}

fn child<'e>(element: &'e Element, prefix: &str, name: &str) -> Option<&'e Element> {
    elements(element).find(|child| child.name == name && child.prefix == prefix)
}

/// The text of a child.
fn text(element: &Element, prefix: &str, name: &str) -> Option<String> {
    child(element, prefix, name).map(content)
}

fn attribute(element: &Element, name: &str) -> Option<String> {
    element.attributes.iter().find(|attribute| attribute.name == name).map(|a| a.value.clone())
}

/// An Atom text construct (RFC 4287, 3.1): text, or the markup inside of an element of type `xhtml`.
fn construct(element: &Element, name: &str) -> Option<String> {
    child(element, "", name).map(content)
}

/// What stands in an element: its text, with markup if it has children.
fn content(element: &Element) -> String {
    let mut out = String::new();
    let marked_up = elements(element).next().is_some();
    for node in &element.nodes {
        match node {
            Node::Text(text) if marked_up => escape(&mut out, text),
            Node::Text(text) => out.push_str(text),
            Node::Element(child) => markup(&mut out, child),
        }
    }
    out.trim().to_owned()
}

fn markup(out: &mut String, element: &Element) {
    out.extend(["<", &element.name]);
    for attribute in &element.attributes {
        out.extend([" ", &attribute.name, "=\""]);
        escape(out, &attribute.value);
        out.push('"');
    }
    out.push('>');
    for node in &element.nodes {
        match node {
            Node::Text(text) => escape(out, text),
            Node::Element(child) => markup(out, child),
        }
    }
    out.extend(["</", &element.name, ">"]);
}

#[cfg(test)]
mod tests;
