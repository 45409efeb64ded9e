//! What `torana plugin inspect` says of a component: what it is, what it asks for, and whether this gateway loads it.

use std::sync::Arc;

use wasmtime::component::{Component, types::ComponentItem};

use crate::{
    anatomy::Anatomy,
    cache::Cache,
    component::{Hook, LoadError, Loaded, check_preamble, compile_error},
    digest::Digest,
    engine::Engine,
    grants::Capability,
    linker::{VERSION, line},
    offer::{numbers, own, version_of},
    schema::Schema,
    wasi_http::{self, OUTGOING},
};

/// What a component is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Bytes of the file.
    pub size: usize,
    /// SHA-256 of the file in hexadecimal, as `sha256` in the configuration takes it.
    pub sha256: String,
    /// Where it can stand.
    pub kind: Kind,
    /// Newest version of `torana:plugin` that it names, such as `0.1.1`.
    pub version: Option<String>,
    /// Hooks that it exports, by their names in `wit/`.
    pub hooks: Vec<&'static str>,
    /// It exports `init`.
    pub init: bool,
    /// What it imports.
    pub imports: Vec<Import>,
    /// The grants that it asks for, and does not load without: `http`, `kv`, `log`, `metrics`.
    pub asks_for: Vec<&'static str>,
    /// It can read the variables that the grant `env` names.
    pub reads_env: bool,
    /// What it says about its `config`.
    pub config: Config,
    /// Bytes of memory that an instance has when it starts; `limits.memory` must be larger.
    pub memory: u64,
    /// Core modules inside.
    pub modules: u32,
    /// Who says to have made it.
    pub makers: Vec<Maker>,
    /// It has names of functions, so that a backtrace can be read.
    pub names: bool,
    /// It has DWARF, so that a backtrace has files and lines.
    pub debug_info: bool,
    /// Why this gateway does not load it.
    pub problem: Option<Problem>,
}

/// Where a component can stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// In a pipeline: it exports hooks.
    Plugin,
    /// In the place of a backend: it exports `handle`, and may export hooks too.
    Backend,
    /// In the place of a backend: it exports `wasi:http/incoming-handler`.
    WasiHttp,
    /// Nowhere.
    Unknown,
}

/// An interface that a component imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// Such as `torana:plugin/exchange@0.1.1`.
    pub interface: String,
    /// The functions of it.
    pub functions: Vec<String>,
}

/// What a component says about its `config`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Config {
    /// Nothing.
    Unknown,
    /// There is a JSON schema.
    Schema {
        /// Its title.
        title: Option<String>,
        /// What its author should know.
        warning: Option<String>,
    },
}

/// A language or tool that had a part in making the component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maker {
    /// `language`, `processed-by` or `sdk`.
    pub part: String,
    /// Such as `Rust`.
    pub name: String,
    /// Its version; may be empty.
    pub version: String,
}

/// Why something is no plugin for this gateway.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl From<&LoadError> for Problem {
    fn from(error: &LoadError) -> Self {
        Self { message: error.to_string(), help: error.help().to_owned() }
    }
}

impl Inspection {
    /// The version of `torana:plugin` that this gateway has.
    #[must_use]
    pub fn gateway_version() -> &'static str {
        VERSION
    }

    /// The versions of `torana:plugin` whose gateways load it: `0.1` stands for all that begin so.
    #[must_use]
    pub fn loads_on(&self) -> Option<&str> {
        self.version.as_deref().map(line)
    }
}

/// Looks at the bytes of a file. What it compiles is kept for the start of a gateway.
///
/// # Errors
/// The bytes are no component at all. A component that this gateway does not load gives an [`Inspection`] with a
/// [`Problem`].
pub fn inspect(bytes: &[u8]) -> Result<Inspection, Problem> {
    look(bytes, &Cache::from_environment()).map_err(|error| Problem::from(&error))
}

/// Looks at the schema that a component is about to carry; gives what its author should know.
///
/// # Errors
/// This gateway would not load the component.
pub fn check_config_schema(schema: &[u8]) -> Result<Option<String>, Problem> {
    let checked = Schema::of(&[schema]).map_err(LoadError::from);
    let schema = checked.map_err(|error| Problem::from(&error))?;
    Ok(schema.and_then(|schema| schema.unknown_format()))
}

pub(crate) fn look(bytes: &[u8], cache: &Cache) -> Result<Inspection, LoadError> {
    check_preamble(bytes)?;
    let anatomy =
        Anatomy::of(bytes).map_err(|error| LoadError::Invalid(error.message().to_owned()))?;
    let engine = Engine::new()
        .map(Arc::new)
        .map_err(|error| LoadError::TooLarge(format!("plugins cannot run here: {error:#}")))?;
    let digest = Digest::of(bytes);
    let (component, _) = cache.load(engine.engine(), &digest, bytes).map_err(compile_error)?;
    let mut found = describe(&engine, &component, &anatomy);
    found.size = bytes.len();
    found.sha256 = digest.to_string();
    let loaded = Schema::of(&anatomy.schemas)
        .map_err(LoadError::from)
        .and_then(|schema| Loaded::of(engine, &component, digest, anatomy.memory, schema));
    found.problem = loaded.err().as_ref().map(Problem::from);
    Ok(found)
}

fn describe(engine: &Engine, component: &Component, anatomy: &Anatomy<'_>) -> Inspection {
    let ty = component.component_type();
    let exports: Vec<String> =
        ty.exports(engine.engine()).map(|(name, _)| name.to_owned()).collect();
    let imports = imports(engine, component);
    let names = || exports.iter().chain(imports.iter().map(|import| &import.interface));
    let exports_own = |interface: &str| exports.iter().any(|name| own(name) == Some(interface));
    let hooks: Vec<_> =
        Hook::ALL.into_iter().map(Hook::word).filter(|hook| exports_own(hook)).collect();
    let kind = if exports_own(Hook::Handle.word()) {
        Kind::Backend
    } else if !hooks.is_empty() {
        Kind::Plugin
    } else if exports.iter().any(|name| name.starts_with(wasi_http::EXPORT)) {
        Kind::WasiHttp
    } else {
        Kind::Unknown
    };
    let makers = anatomy.producers.iter().map(|producer| Maker {
        part: producer.field.clone(),
        name: producer.name.clone(),
        version: producer.version.clone(),
    });
    Inspection {
        size: 0,
        sha256: String::new(),
        kind,
        version: names()
            .filter_map(|name| version_of(name))
            .max_by_key(|version| numbers(version))
            .map(str::to_owned),
        init: exports_own("init"),
        hooks,
        asks_for: asks_for(&imports),
        reads_env: imports.iter().any(|import| {
            own(&import.interface) == Some("config")
                && import.functions.iter().any(|function| function == "env")
        }),
        imports,
        config: match Schema::of(&anatomy.schemas) {
            Ok(Some(schema)) => Config::Schema {
                title: schema.title().map(str::to_owned),
                warning: schema.unknown_format(),
            },
            _ => Config::Unknown,
        },
        memory: anatomy.memory,
        modules: anatomy.modules,
        makers: makers.collect(),
        names: anatomy.names,
        debug_info: anatomy.debug_info,
        problem: None,
    }
}

fn imports(engine: &Engine, component: &Component) -> Vec<Import> {
    let functions = |item| match item {
        ComponentItem::ComponentInstance(instance) => instance
            .exports(engine.engine())
            .filter(|(_, item)| matches!(item.ty, ComponentItem::ComponentFunc(_)))
            .map(|(name, _)| name.to_owned())
            .collect(),
        _ => Vec::new(),
    };
    let ty = component.component_type();
    let imports = ty.imports(engine.engine());
    imports
        .map(|(name, item)| Import { interface: name.to_owned(), functions: functions(item.ty) })
        .collect()
}

/// The grants for its imports, by name.
fn asks_for(imports: &[Import]) -> Vec<&'static str> {
    let asked = |import: &Import| {
        let sends = import.interface.split('@').next() == Some(OUTGOING);
        let own = own(&import.interface).and_then(Capability::of_interface);
        own.or(sends.then_some(Capability::Http)).map(Capability::word)
    };
    let mut asked: Vec<_> = imports.iter().filter_map(asked).collect();
    asked.sort_unstable();
    asked.dedup();
    asked
}
