//! From a core module to a component, in this process.

use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::WorldId;

use crate::{error::Error, interface::Interface};

/// The module that modules for WASI preview 1 import.
const PREVIEW1: &str = "wasi_snapshot_preview1";
/// What stands behind it, see `adapter/preview1.wat`.
const ADAPTER: &str = include_str!("../adapter/preview1.wat");
const ADAPTER_WORLD: &str = include_str!("../adapter/preview1.wit");

/// Makes a component with these exports, by their names in the folder `wit`, of a module that has them as functions with
/// the names of the canonical ABI, such as `torana:plugin/init@0.1.1#init`. It imports the interfaces that the module
/// imports, and what the adapter needs if the module is one for WASI preview 1.
pub(crate) fn componentize(
    module: &[u8],
    wit: &Path,
    exports: &[String],
) -> Result<Vec<u8>, Error> {
    let mut interface = Interface::read(wit)?;
    let plugin = interface.plugin(exports)?;
    let mut module = module.to_owned();
    embed(&mut module, &interface, plugin)?;
    encode(&module, &mut interface)
}

/// Makes a component of a module that says itself what it exports and imports. What it imports of WASI preview 1 is the
/// adapter's.
pub(crate) fn encode(module: &[u8], interface: &mut Interface) -> Result<Vec<u8>, Error> {
    let adapter = adapter(interface)?;
    let mut encoder = ComponentEncoder::default();
    encoder
        .validate(true)
        .module(module)
        .and_then(|encoder| encoder.adapter(PREVIEW1, &adapter))
        .and_then(|encoder| encoder.encode())
        .map_err(no_component)
}

/// The adapter as a module, for the version of the interface.
fn adapter(interface: &mut Interface) -> Result<Vec<u8>, Error> {
    let text = ADAPTER.replace("{{version}}", &interface.version());
    let mut adapter = wat::parse_str(text).map_err(|wrong| Error::Interface(wrong.to_string()))?;
    let world = interface.world(ADAPTER_WORLD, "adapter")?;
    embed(&mut adapter, interface, world)?;
    Ok(adapter)
}

/// Writes the world of a module into it.
fn embed(module: &mut Vec<u8>, interface: &Interface, world: WorldId) -> Result<(), Error> {
    embed_component_metadata(module, &interface.resolve, world, StringEncoding::UTF8)
        .map_err(no_component)
}

/// The libraries' errors have a source that says more; `{:#}` shows it.
pub(crate) fn no_component(error: impl std::fmt::Display) -> Error {
    Error::NoComponent(format!("{error:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module for preview 1 with one hook, which uses one function of one interface.
    fn module(version: &str) -> Vec<u8> {
        let text = r#"(module
            (import "wasi_snapshot_preview1" "random_get" (func (param i32 i32) (result i32)))
            (import "torana:plugin/exchange@V" "status" (func (result i32)))
            (memory (export "memory") 1)
            (func (export "torana:plugin/on-response@V#handle") (result i32) (i32.const 8))
            (func (export "torana:plugin/on-request@V#handle") (result i32) (i32.const 8)))"#;
        wat::parse_str(text.replace('V', version)).unwrap()
    }

    fn names(component: &[u8]) -> String {
        String::from_utf8_lossy(component).into_owned()
    }

    #[test]
    fn a_component_has_what_is_named_and_asks_for_what_is_used() {
        let wit = Path::new("/no/such/folder");
        let version = Interface::read(wit).unwrap().version();
        let component = componentize(&module(&version), wit, &["on-response".to_owned()]).unwrap();
        wasmparser::Validator::new().validate_all(&component).unwrap();
        let names = names(&component);
        for there in ["ty-torana:plugin/exchange", "ty-torana:plugin/random", "on-response@"] {
            assert!(names.contains(there), "{there}");
        }
        for not in ["ty-torana:plugin/log", "ty-torana:plugin/clock", "on-request@0.1.1-shim"] {
            assert!(!names.contains(not), "{not}");
        }
    }

    #[test]
    fn a_hook_that_the_module_lacks_is_named() {
        let wit = Path::new("/no/such/folder");
        let version = Interface::read(wit).unwrap().version();
        let error = componentize(&module(&version), wit, &["handle".to_owned()]).unwrap_err();
        assert!(error.to_string().contains("torana:plugin/handle"), "{error}");
    }
}
