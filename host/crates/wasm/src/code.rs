//! The codes of the findings of this crate.

/// Each code with what it means, in alphabetical order.
#[must_use]
pub fn codes() -> &'static [(&'static str, &'static str)] {
    &[
        ("plugin-component", "a plugin's file is not a component for this gateway"),
        ("plugin-config", "a plugin refuses its configuration, or does not start"),
        ("plugin-digest", "a plugin's file is not the one whose digest is configured"),
        ("plugin-engine", "plugins cannot run on this machine"),
        ("plugin-grant", "a plugin asks for something that is not granted, or cannot be"),
        ("plugin-grant-unused", "a plugin is granted something that it does not ask for"),
        ("plugin-hook", "a plugin has no hook for the level at which it stands"),
        ("plugin-import", "a plugin needs something from its host that is not offered"),
        ("plugin-limit", "a limit is out of range"),
        ("plugin-memory", "a plugin has less memory than the bodies that it may read"),
        ("plugin-schema", "a plugin's `config` is not what the schema in its component asks for"),
        ("plugin-source", "a plugin's file cannot be read"),
    ]
}
