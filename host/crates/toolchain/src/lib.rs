//! What `torana plugin new` and `torana plugin build` do: write a plugin project, and make a component of one with the
//! language's own tool chain. Knows nothing of the engine that runs plugins.
//!
//! A language is one file in `languages/` with one line in its table, and a folder of `templates/`.

mod build;
mod command;
mod componentize;
mod embedded;
mod error;
mod interface;
mod language;
mod languages;
mod project;
mod reference;
mod schema;
#[cfg(test)]
mod tests;
mod tool;
mod world;

pub use build::{Built, Options, build};
pub use error::Error;
pub use project::{Created, create};
pub use reference::interfaces;
pub use schema::{SECTION, embed_config_schema};

/// The languages of projects, as `--lang` names them.
pub fn languages() -> impl Iterator<Item = &'static str> {
    languages::ALL.iter().map(|language| language.name)
}

/// The file that `torana plugin build` writes into the project's folder unless it is told another.
pub const OUTPUT: &str = "plugin.wasm";
/// The file of a project that holds the JSON schema of the plugin's configuration.
pub const CONFIG_SCHEMA: &str = "config.schema.json";
