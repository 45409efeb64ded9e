//! What is in a built component: the hooks that `export!` names and the functions that the plugin calls, nothing else.

use std::collections::{BTreeMap, BTreeSet};

use torana_plugins_build::plugin;
use wasmparser::{
    ComponentImport, ComponentType, ComponentTypeRef, InstanceTypeDeclaration, Parser, Payload,
};

/// The interfaces of the package that a component exports, and those it imports with their functions.
#[derive(Debug, Default)]
struct Found {
    exports: BTreeSet<String>,
    imports: BTreeMap<String, BTreeSet<String>>,
}

fn interface(name: &str) -> Option<String> {
    let path = name.strip_prefix("torana:plugin/")?;
    Some(path.split('@').next().unwrap_or(path).to_owned())
}

fn look(name: &str) -> Found {
    let bytes = std::fs::read(plugin(name)).expect("the plugin was built");
    let mut found = Found::default();
    // Types and imports take the numbers of types in the order in which they stand.
    let mut types: Vec<BTreeSet<String>> = Vec::new();
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(&bytes) {
        match payload.expect("the component is valid") {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentTypeSection(section) if depth == 0 => {
                types.extend(section.into_iter().map(|ty| functions(&ty.expect("a type"))));
            }
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    let ComponentImport { name, ty } = import.expect("an import");
                    let ComponentTypeRef::Instance(index) = ty else { continue };
                    let Some(interface) = interface(name.name) else { continue };
                    found.imports.insert(interface, types[index as usize].clone());
                }
            }
            Payload::ComponentAliasSection(section) if depth == 0 => {
                // Types that are taken out of an imported instance have numbers too.
                let aliases = section.into_iter().map(|alias| alias.expect("an alias"));
                let of_types = aliases.filter(|alias| {
                    matches!(
                        alias,
                        wasmparser::ComponentAlias::InstanceExport {
                            kind: wasmparser::ComponentExternalKind::Type,
                            ..
                        }
                    )
                });
                types.extend(of_types.map(|_| BTreeSet::new()));
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                let names = section.into_iter().map(|export| export.expect("an export").name.name);
                found.exports.extend(names.filter_map(interface));
            }
            _ => {}
        }
    }
    found
}

fn functions(ty: &ComponentType<'_>) -> BTreeSet<String> {
    let ComponentType::Instance(declarations) = ty else { return BTreeSet::new() };
    let exported = declarations.iter().filter_map(|declaration| match declaration {
        InstanceTypeDeclaration::Export { name, ty: ComponentTypeRef::Func(_) } => {
            Some(name.name.to_owned())
        }
        _ => None,
    });
    exported.collect()
}

#[test]
fn a_component_asks_for_what_it_calls() {
    let found = look("test-get-set");
    assert_eq!(found.exports, ["init", "on-request"].map(str::to_owned).into());
    let functions = |interface: &str| {
        let functions = found.imports.get(interface).cloned().unwrap_or_default();
        functions.into_iter().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(functions("exchange"), "get-header set-header");
    assert_eq!(functions("config"), "get");
    let others = found
        .imports
        .keys()
        .filter(|name| !["exchange", "config", "types"].contains(&name.as_str()));
    assert_eq!(others.count(), 0, "{:?}", found.imports);
}

#[test]
fn a_component_exports_the_hooks_that_it_names() {
    let hooks = ["init", "on-backend-request", "on-backend-response", "on-request", "on-response"];
    assert_eq!(look("header-edit").exports, hooks.map(str::to_owned).into());
}
