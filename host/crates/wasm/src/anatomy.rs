//! What the bytes of a component say without being compiled: custom sections, memory, producers.

use std::collections::BTreeSet;

use wasmparser::{
    Chunk, CustomSectionReader, KnownCustom, MemorySectionReader, Parser, Payload,
    ProducersSectionReader,
};

/// Name of the custom section with the JSON schema of a plugin's `config`.
pub(crate) const SCHEMA_SECTION: &str = "torana:config-schema";
/// Bytes of a page of linear memory, unless the memory says otherwise.
const PAGE_SIZE_LOG2: u32 = 16;

/// What a walk through all sections has found, also in the modules and components inside.
#[derive(Debug, Default)]
pub(crate) struct Anatomy<'a> {
    /// Contents of the sections called [`SCHEMA_SECTION`], each once.
    pub(crate) schemas: Vec<&'a [u8]>,
    /// Bytes of all linear memories when an instance starts.
    pub(crate) memory: u64,
    /// Core modules inside.
    pub(crate) modules: u32,
    /// Languages and tools that say they have made it, such as `Rust 1.95`.
    pub(crate) producers: BTreeSet<Producer>,
    /// It carries DWARF.
    pub(crate) debug_info: bool,
    /// It carries names of functions.
    pub(crate) names: bool,
}

/// A line of a `producers` section.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Producer {
    /// `language`, `processed-by` or `sdk`.
    pub(crate) field: String,
    pub(crate) name: String,
    pub(crate) version: String,
}

impl<'a> Anatomy<'a> {
    /// Walks through the bytes. Code is skipped, so this is fast also for large components.
    ///
    /// # Errors
    /// What is not valid about the sections.
    pub(crate) fn of(mut bytes: &'a [u8]) -> wasmparser::Result<Self> {
        let mut found = Self::default();
        let mut parser = Parser::new(0);
        let mut outer = Vec::new();
        loop {
            // All bytes are here, so the parser never waits for more.
            let Chunk::Parsed { consumed, payload } = parser.parse(bytes, true)? else {
                return Ok(found);
            };
            bytes = bytes.get(consumed..).unwrap_or_default();
            match payload {
                Payload::ModuleSection { parser: inner, .. } => {
                    found.modules = found.modules.saturating_add(1);
                    outer.push(std::mem::replace(&mut parser, inner));
                }
                Payload::ComponentSection { parser: inner, .. } => {
                    outer.push(std::mem::replace(&mut parser, inner));
                }
                Payload::CodeSectionStart { size, .. } => {
                    parser.skip_section();
                    let size = usize::try_from(size).unwrap_or(usize::MAX);
                    bytes = bytes.get(size..).unwrap_or_default();
                }
                Payload::MemorySection(memories) => found.add_memories(memories)?,
                Payload::CustomSection(section) => found.add_custom(&section),
                Payload::End(_) => match outer.pop() {
                    Some(next) => parser = next,
                    None => return Ok(found),
                },
                _ => {}
            }
        }
    }

    fn add_memories(&mut self, memories: MemorySectionReader<'_>) -> wasmparser::Result<()> {
        for memory in memories {
            let memory = memory?;
            let page = 1_u64.checked_shl(memory.page_size_log2.unwrap_or(PAGE_SIZE_LOG2));
            let bytes = memory.initial.saturating_mul(page.unwrap_or(u64::MAX));
            self.memory = self.memory.saturating_add(bytes);
        }
        Ok(())
    }

    fn add_custom(&mut self, section: &CustomSectionReader<'a>) {
        match section.as_known() {
            KnownCustom::Producers(producers) => self.add_producers(producers),
            KnownCustom::Name(_) | KnownCustom::ComponentName(_) => self.names = true,
            _ if section.name().starts_with(".debug_") => self.debug_info = true,
            _ if section.name() == SCHEMA_SECTION && !self.schemas.contains(&section.data()) => {
                self.schemas.push(section.data());
            }
            _ => {}
        }
    }

    /// These sections are for people: what cannot be read is left out.
    fn add_producers(&mut self, producers: ProducersSectionReader<'_>) {
        for field in producers.into_iter().flatten() {
            for value in field.values.into_iter().flatten() {
                self.producers.insert(Producer {
                    field: field.name.to_owned(),
                    name: value.name.to_owned(),
                    version: value.version.to_owned(),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn component(text: &str) -> Vec<u8> {
        wat::parse_str(text).expect("a component")
    }

    #[test]
    fn sections_are_found_at_any_depth_and_once() {
        let bytes = component(
            r#"(component
                (@custom "torana:config-schema" "outer")
                (core module (memory 2) (func (nop))
                    (@custom "torana:config-schema" "inner")
                    (@producers (language "C11" "17") (processed-by "clang" "20")))
                (component
                    (core module (memory 1) (@custom "torana:config-schema" "outer"))))"#,
        );
        let found = Anatomy::of(&bytes).expect("a valid component");
        assert_eq!(found.schemas, [&b"outer"[..], b"inner"]);
        assert_eq!((found.memory, found.modules), (3 << 16, 2));
        let producers: Vec<_> =
            found.producers.iter().map(|p| (&*p.field, &*p.name, &*p.version)).collect();
        assert_eq!(producers, [("language", "C11", "17"), ("processed-by", "clang", "20")]);
        assert!(!found.debug_info);
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes: Vec<u8>) {
            let _ = Anatomy::of(&bytes);
            let mut component = b"\0asm\x0d\0\x01\0".to_vec();
            component.extend(bytes);
            let _ = Anatomy::of(&component);
        }
    }
}
