//! From the bytes of a component to something that can be instantiated, or to the reason why not.

use std::sync::Arc;

use wasmtime::component::{
    Component, ComponentExportIndex, InstancePre,
    types::{self, ComponentExtern, ComponentItem},
};

use crate::{
    anatomy::Anatomy,
    bindings::torana::plugin::types::{Action, Answer},
    cache::{Cache, Known},
    digest::Digest,
    engine::{Engine, MAX_MEMORY},
    grants::{Asks, Capability},
    linker::{self, PACKAGE, VERSION},
    offer::{self, Missing},
    schema::{Schema, SchemaError},
    source::Stamp,
    state::State,
    wasi_http,
};

/// A compiled component with what it exports and asks for.
pub(crate) struct Loaded {
    /// Ready to be instantiated. Declared in front of the engine: it goes first.
    pub(crate) pre: Pre,
    /// SHA-256 of its bytes.
    pub(crate) digest: Digest,
    /// Its `init`.
    pub(crate) init: Option<ComponentExportIndex>,
    /// Its hooks, by their names in `wit/`.
    pub(crate) hooks: Vec<(Hook, ComponentExportIndex)>,
    /// It imports functions that wait: it can only be called on fibers.
    pub(crate) waits: bool,
    /// What it must be granted.
    pub(crate) asks: Asks,
    /// It imports the function that reads bodies.
    pub(crate) reads_body: bool,
    /// It imports `context`, with what plugins keep for a request.
    pub(crate) shares: bool,
    /// Bytes of memory that an instance has when it starts.
    pub(crate) memory: u64,
    /// The schema of its `config`.
    pub(crate) schema: Option<Schema>,
    /// What it runs in.
    pub(crate) engine: Arc<Engine>,
}

/// A component that is ready to be instantiated.
pub(crate) enum Pre {
    /// One of the gateway's own interface.
    Plugin(InstancePre<State>),
    /// One of the standard world for HTTP.
    WasiHttp(wasi_http::Pre),
}

torana_config::config_enum! {
    /// The moments at which a plugin is called.
    pub enum Hook {
        /// A client's request.
        OnRequest = "on-request",
        /// A request about to be sent to a backend.
        OnBackendRequest = "on-backend-request",
        /// A backend's answer.
        OnBackendResponse = "on-backend-response",
        /// The answer to the client.
        OnResponse = "on-response",
        /// Chunks of a request's body.
        OnRequestBody = "on-request-body",
        /// Chunks of a response's body.
        OnResponseBody = "on-response-body",
        /// The backend itself.
        Handle = "handle",
    }
}

impl Hook {
    /// All of them, in the order of their declaration.
    pub(crate) const ALL: [Self; 7] = [
        Self::OnRequest,
        Self::OnBackendRequest,
        Self::OnBackendResponse,
        Self::OnResponse,
        Self::OnRequestBody,
        Self::OnResponseBody,
        Self::Handle,
    ];

    /// The function of its interface.
    fn function(self) -> &'static str {
        match self {
            Self::OnRequestBody | Self::OnResponseBody => "chunk",
            _ => "handle",
        }
    }
}

/// Why a file cannot be a plugin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("it is not WebAssembly")]
    NotWasm,
    #[error("it is a core WebAssembly module, not a component")]
    CoreModule,
    #[error("it is not a valid component: {0}")]
    Invalid(String),
    #[error("{}", imports_message(.0))]
    Imports(Vec<Missing>),
    #[error("it imports {}, which this gateway does not offer", quoted(.0))]
    StandardImports(Vec<String>),
    #[error("{0}")]
    Schema(#[from] SchemaError),
    #[error("it starts with {} MiB of memory, more than the {} MiB that any plugin can have", .0.div_ceil(1 << 20), MAX_MEMORY >> 20)]
    Memory(u64),
    #[error("it is too large to run here: {0}")]
    TooLarge(String),
    #[error("it does not fit the interface of this gateway: {0}")]
    Mismatch(String),
    #[error("it was built for {PACKAGE}@{0}, this gateway runs {PACKAGE}@{VERSION}")]
    Version(String),
    #[error("it exports no hook of `{PACKAGE}`")]
    NoHooks,
}

impl LoadError {
    /// What to do about it.
    pub(crate) fn help(&self) -> &'static str {
        match self {
            Self::Imports(missing) if missing.iter().any(Missing::is_newer) => {
                "use a newer gateway, or build it with the SDK of this gateway's version"
            }
            Self::NotWasm | Self::CoreModule => {
                "build it with `cargo build --release --target wasm32-wasip2`, or make a component of it with your language's tool"
            }
            Self::Invalid(_) => "build it again; the file may be damaged",
            Self::Imports(_) => {
                "plugins have no files, sockets or environment: they may import the interfaces of `torana:plugin` only"
            }
            Self::StandardImports(_) => {
                "it may import `wasi:http` and `wasi:cli` 0.2 with what belongs to them, and nothing else"
            }
            Self::Mismatch(_) | Self::Version(_) => {
                "build it again with the SDK of this gateway's version"
            }
            Self::Schema(_) => "the custom section `torana:config-schema` must be one JSON schema",
            Self::Memory(_) | Self::TooLarge(_) => {
                "build it with less initial memory and fewer modules, memories and tables"
            }
            Self::NoHooks => {
                "export one of on-request, on-backend-request, on-backend-response, on-response, on-request-body, on-response-body, handle"
            }
        }
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn imports_message(missing: &[Missing]) -> String {
    let names: Vec<_> = missing.iter().map(Missing::to_string).collect();
    let names = names.join(", ");
    let newer = missing.iter().any(Missing::is_newer);
    let hint = if newer { ": it needs a newer gateway" } else { "" };
    format!("it imports {names}, which this gateway ({PACKAGE}@{VERSION}) does not offer{hint}")
}

impl Loaded {
    /// Compiles the component, or takes it from the cache, and looks at what it is.
    pub(crate) fn load(
        engine: Arc<Engine>,
        cache: &Cache,
        digest: Digest,
        bytes: &[u8],
    ) -> Result<Self, LoadError> {
        check_preamble(bytes)?;
        let anatomy =
            Anatomy::of(bytes).map_err(|error| LoadError::Invalid(error.message().to_owned()))?;
        if anatomy.memory > MAX_MEMORY {
            return Err(LoadError::Memory(anatomy.memory));
        }
        let (component, cached) =
            cache.load(engine.engine(), &digest, bytes).map_err(compile_error)?;
        tracing::debug!(%digest, cached, "loaded a plugin");
        let schema = Schema::of(&anatomy.schemas)?;
        Self::of(engine, &component, digest, anatomy.memory, schema)
    }

    /// Loads what an earlier start has compiled, without a look at the component's bytes; `None` if that is gone, or
    /// anything about it is wrong. What has been found out about its compiled code is put into `known`.
    pub(crate) fn remembered(
        engine: Arc<Engine>,
        cache: &Cache,
        known: &mut Known,
    ) -> Option<Self> {
        let (component, code) = cache.compiled(engine.engine(), &known.digest, known.code)?;
        known.code = code.or(known.code);
        let Known { digest, memory, schema, .. } = known;
        let schema = schema.clone().map(Schema::from_value).transpose().ok()?;
        tracing::debug!(%digest, "loaded a plugin that is known");
        Self::of(engine, &component, *digest, *memory, schema).ok()
    }

    /// What to remember of it.
    pub(crate) fn known(&self, stamp: Stamp) -> Known {
        let schema = self.schema.as_ref().map(|schema| schema.text().clone());
        Known { stamp, digest: self.digest, memory: self.memory, schema, code: None }
    }

    /// Looks at what a compiled component is.
    pub(crate) fn of(
        engine: Arc<Engine>,
        component: &Component,
        digest: Digest,
        memory: u64,
        schema: Option<Schema>,
    ) -> Result<Self, LoadError> {
        if hooks(&engine, component).is_err()
            && let Some(found) = wasi_http::load(engine.engine(), component)?
        {
            let (pre, asks) = (Pre::WasiHttp(found.pre), found.asks);
            return Ok(Self {
                pre,
                digest,
                init: None,
                hooks: Vec::new(),
                waits: true,
                asks,
                reads_body: true,
                shares: false,
                memory,
                schema,
                engine,
            });
        }
        check_version(&engine, component)?;
        let imports = Imports::of(&engine, component)?;
        let pre = engine.linker().instantiate_pre(component).map_err(|error| {
            let missing = offer::missing(engine.engine(), component);
            if missing.is_empty() {
                LoadError::Mismatch(format!("{error:#}"))
            } else {
                LoadError::Imports(missing)
            }
        })?;
        let hooks = hooks(&engine, component)?;
        check_types(&engine, &pre, &hooks)?;
        let init = export(&engine, component, "init", "init");
        let Imports { asks, waits, reads_body, shares } = imports;
        let pre = Pre::Plugin(pre);
        Ok(Self {
            pre,
            digest,
            init,
            hooks,
            waits,
            asks,
            reads_body,
            shares,
            memory,
            schema,
            engine,
        })
    }

    /// What it is, if it is one of the standard world for HTTP.
    pub(crate) fn wasi_http(&self) -> Option<&wasi_http::Pre> {
        match &self.pre {
            Pre::WasiHttp(pre) => Some(pre),
            Pre::Plugin(_) => None,
        }
    }

    /// The hooks that it exports, in words.
    pub(crate) fn words(&self) -> String {
        if self.wasi_http().is_some() {
            return "wasi:http/incoming-handler".to_owned();
        }
        let words: Vec<_> = self.hooks.iter().map(|(hook, _)| hook.word()).collect();
        words.join(", ")
    }

    /// The export of a hook.
    pub(crate) fn hook(&self, hook: Hook) -> Option<&ComponentExportIndex> {
        self.hooks.iter().find(|(name, _)| *name == hook).map(|(_, index)| index)
    }
}

/// The preamble: magic, then version and layer as two 16-bit numbers.
pub(crate) fn check_preamble(bytes: &[u8]) -> Result<(), LoadError> {
    match bytes {
        [b'\0', b'a', b's', b'm', _, _, 1, 0, ..] => Ok(()),
        [b'\0', b'a', b's', b'm', ..] => Err(LoadError::CoreModule),
        _ => Err(LoadError::NotWasm),
    }
}

struct Imports {
    asks: Asks,
    waits: bool,
    reads_body: bool,
    shares: bool,
}

impl Imports {
    fn of(engine: &Engine, component: &Component) -> Result<Self, LoadError> {
        let mut found =
            Self { asks: Asks::default(), waits: false, reads_body: false, shares: false };
        for (name, item) in component.component_type().imports(engine.engine()) {
            if !linker::offers(name) {
                return Err(LoadError::Imports(offer::missing(engine.engine(), component)));
            }
            let interface = name.split('@').next().unwrap_or(name);
            let ComponentItem::ComponentInstance(instance) = item.ty else { continue };
            let own = interface.strip_prefix("torana:plugin/");
            found.asks.add(own.and_then(Capability::of_interface));
            found.asks.prints |= matches!(interface, "wasi:cli/stdout" | "wasi:cli/stderr");
            match own {
                Some("http" | "cache") => found.waits = true,
                Some("context") => found.shares = true,
                Some("config") if instance.get_export(engine.engine(), "env").is_some() => {
                    found.asks.add(Some(Capability::Env));
                }
                Some("exchange") => {
                    found.reads_body = instance.get_export(engine.engine(), "body").is_some();
                }
                _ => {}
            }
        }
        Ok(found)
    }
}

fn hooks(
    engine: &Engine,
    component: &Component,
) -> Result<Vec<(Hook, ComponentExportIndex)>, LoadError> {
    let found: Vec<_> = Hook::ALL
        .into_iter()
        .filter_map(|hook| Some((hook, export(engine, component, hook.word(), hook.function())?)))
        .collect();
    if found.is_empty() { Err(LoadError::NoHooks) } else { Ok(found) }
}

/// Whether everything of the gateway's package that it imports and exports is of a version that fits.
fn check_version(engine: &Engine, component: &Component) -> Result<(), LoadError> {
    let ty = component.component_type();
    let imports = ty.imports(engine.engine()).map(|(name, _)| name);
    let exports = ty.exports(engine.engine()).map(|(name, _)| name);
    let other =
        imports.chain(exports).filter_map(offer::version_of).find(|version| !linker::fits(version));
    other.map_or(Ok(()), |version| Err(LoadError::Version(version.to_owned())))
}

pub(crate) fn compile_error(error: wasmtime::Error) -> LoadError {
    let message = format!("{error:#}");
    // The runtime has no type for this.
    if message.contains("pooling allocator") {
        LoadError::TooLarge(message)
    } else {
        LoadError::Invalid(message)
    }
}

/// An exported interface of the package, in any version that fits.
fn interface(
    engine: &Engine,
    component: &Component,
    interface: &str,
) -> Option<(String, types::ComponentInstance)> {
    let ty = component.component_type();
    let found = ty.exports(engine.engine()).find(|(name, _)| {
        name.split_once('@').is_some_and(|(path, version)| {
            path.strip_prefix(PACKAGE).and_then(|p| p.strip_prefix('/')) == Some(interface)
                && linker::fits(version)
        })
    });
    match found {
        Some((name, ComponentExtern { ty: ComponentItem::ComponentInstance(instance), .. })) => {
            Some((name.to_owned(), instance))
        }
        _ => None,
    }
}

/// A function of an exported interface.
fn export(
    engine: &Engine,
    component: &Component,
    name: &str,
    function: &str,
) -> Option<ComponentExportIndex> {
    let (name, _) = interface(engine, component, name)?;
    let instance = component.get_export_index(None, &name)?;
    component.get_export_index(Some(&instance), function)
}

/// Whether the hooks have the types of `wit/`: found now, not at their first call.
fn check_types(
    engine: &Engine,
    pre: &InstancePre<State>,
    hooks: &[(Hook, ComponentExportIndex)],
) -> Result<(), LoadError> {
    for (hook, _) in hooks {
        let found = interface(engine, pre.component(), hook.word()).map(|(_, instance)| instance);
        let export = found.as_ref().and_then(|i| i.get_export(engine.engine(), hook.function()));
        let Some(ComponentItem::ComponentFunc(function)) = export.map(|export| export.ty) else {
            return Err(LoadError::Mismatch(format!("`{}` is no function", hook.word())));
        };
        let ty = pre.instance_type();
        match hook {
            Hook::OnRequest | Hook::OnBackendRequest => {
                function.typecheck::<(), (Result<Action, String>,)>(&ty)
            }
            Hook::OnResponse | Hook::OnBackendResponse => {
                function.typecheck::<(), (Result<(), String>,)>(&ty)
            }
            Hook::OnRequestBody | Hook::OnResponseBody => {
                function.typecheck::<(Vec<u8>, bool), (Result<Vec<u8>, String>,)>(&ty)
            }
            Hook::Handle => function.typecheck::<(), (Result<Answer, String>,)>(&ty),
        }
        .map_err(|error| LoadError::Mismatch(format!("{}: {error:#}", hook.word())))?;
    }
    Ok(())
}
