//! The verbs of `torana plugin`, one file each.

mod build;
mod new;

use crate::cli::{Exit, Plugin, PluginVerb};

/// Does what the command line asks for.
pub(super) fn plugin(arguments: &Plugin) -> Exit {
    match &arguments.verb {
        PluginVerb::New(arguments) => new::new(arguments),
        PluginVerb::Build(arguments) => build::build(arguments),
    }
}
