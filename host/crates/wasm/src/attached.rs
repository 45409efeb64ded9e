//! All plugins of a configuration, wherever they stand.

use std::path::PathBuf;

use torana_config::{
    Diagnostic, Diagnostics, Pointer, Value, read,
    valid::{Endpoint, Extra, Gateway},
};

use crate::{
    factory::NAMESPACE,
    grants::{DEFAULT_QUOTA, StoreGrant},
    kv::Quota,
};

/// The files of all plugins of a configuration, to be watched for changes: each once, as written.
#[must_use]
pub fn watched_files(gateway: &Gateway) -> Vec<PathBuf> {
    let mut files = Vec::new();
    each(gateway, &mut |plugin, _| {
        let source = plugin.get("source").and_then(Value::as_str);
        files.extend(source.filter(|source| !is_remote(source)).map(PathBuf::from));
    });
    files.sort();
    files.dedup();
    files
}

/// Whether a source is no file.
pub(crate) fn is_remote(source: &str) -> bool {
    source.contains("://")
}

/// The quota of a store: all plugins that use it share it, wherever it is configured.
///
/// # Errors
/// Two plugins that disagree about it.
pub(crate) fn quota(gateway: &Gateway, store: &str) -> Result<Quota, Box<Diagnostic>> {
    let mut found: Option<(Quota, Pointer)> = None;
    let mut conflict = None;
    each(gateway, &mut |plugin, at| {
        let Some(grant) = plugin.pointer("/grants/kv") else { return };
        let at = at.key("grants").key("kv");
        // What is wrong with it is reported where its own plugin is built.
        let grant = read::<StoreGrant>(grant, &at, &mut Diagnostics::default());
        let Some(quota) = grant.filter(|grant| grant.store == store).and_then(|grant| grant.quota)
        else {
            return;
        };
        match &found {
            Some((other, first)) if *other != quota && conflict.is_none() => {
                let message = format!("the store `{store}` has two quotas");
                conflict = Some(
                    Diagnostic::error("plugin-grant", at, message)
                        .related(first.clone(), "the other one is here")
                        .help("give one, and use the store by its name elsewhere"),
                );
            }
            Some(_) => {}
            None => found = Some((quota, at)),
        }
    });
    match conflict {
        Some(conflict) => Err(Box::new(conflict)),
        None => Ok(found.map_or(DEFAULT_QUOTA, |(quota, _)| quota)),
    }
}

type Visit<'v> = dyn FnMut(&Value, Pointer) + 'v;

fn each(gateway: &Gateway, visit: &mut Visit<'_>) {
    of_extra(&gateway.extra, visit);
    gateway.endpoints.iter().for_each(|endpoint| of_endpoint(endpoint, visit));
}

fn of_endpoint(endpoint: &Endpoint, visit: &mut Visit<'_>) {
    of_extra(&endpoint.extra, visit);
    for backend in &endpoint.backends {
        of_extra(&backend.extra, visit);
        if let Some(plugin) = &backend.plugin {
            visit(&plugin.value, plugin.at.clone());
        }
        if let Some(workflow) = &backend.workflow {
            of_endpoint(&workflow.endpoint, visit);
        }
    }
}

fn of_extra(extra: &Extra, visit: &mut Visit<'_>) {
    let Some(component) = extra.get(NAMESPACE) else { return };
    let plugins = component.value.as_array().into_iter().flatten();
    plugins.enumerate().for_each(|(index, plugin)| visit(plugin, component.at.index(index)));
}
