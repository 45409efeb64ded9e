//! From the bytes of a component to something that can be instantiated, or to the reason why not.

use std::sync::Arc;

use wasmtime::component::{
    Component, ComponentExportIndex, InstancePre,
    types::{self, ComponentExtern, ComponentItem},
};

use crate::{
    bindings::torana::plugin::types::{Action, Answer},
    cache::Cache,
    digest::Digest,
    engine::Engine,
    linker::{self, PACKAGE, VERSION},
    state::State,
};

/// Largest component file, in bytes.
pub(crate) const MAX_FILE: u64 = 64 << 20;

/// A compiled component with what it exports and asks for.
pub(crate) struct Loaded {
    /// Ready to be instantiated. Declared in front of the engine: it goes first.
    pub(crate) pre: InstancePre<State>,
    /// SHA-256 of its bytes.
    pub(crate) digest: Digest,
    /// Its `init`.
    pub(crate) init: Option<ComponentExportIndex>,
    /// Its hooks, by their names in `wit/`.
    pub(crate) hooks: Vec<(Hook, ComponentExportIndex)>,
    /// It imports functions that wait: it can only be called on fibers.
    pub(crate) waits: bool,
    /// It imports `torana:plugin/log`.
    pub(crate) logs: bool,
    /// It imports the function that reads bodies.
    pub(crate) reads_body: bool,
    /// What it runs in.
    pub(crate) engine: Arc<Engine>,
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
    #[error("it imports what this gateway does not offer: {}", .0.join(", "))]
    Imports(Vec<String>),
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
            Self::NotWasm | Self::CoreModule => {
                "build it with `cargo build --release --target wasm32-wasip2`, or make a component of it with your language's tool"
            }
            Self::Invalid(_) => "build it again; the file may be damaged",
            Self::Imports(_) => {
                "plugins have no files, sockets or environment: they may import the interfaces of `torana:plugin` only"
            }
            Self::Mismatch(_) | Self::Version(_) => {
                "build it again with the SDK of this gateway's version"
            }
            Self::NoHooks => {
                "export one of on-request, on-backend-request, on-backend-response, on-response, on-request-body, on-response-body, handle"
            }
        }
    }
}

impl Loaded {
    /// Compiles the component, or takes it from the cache, and looks at what it is.
    pub(crate) fn load(
        engine: Arc<Engine>,
        cache: &Cache,
        digest: Digest,
        bytes: &[u8],
    ) -> Result<Self, LoadError> {
        // The preamble: magic, then version and layer as two 16-bit numbers.
        match bytes {
            [b'\0', b'a', b's', b'm', _, _, 1, 0, ..] => {}
            [b'\0', b'a', b's', b'm', ..] => return Err(LoadError::CoreModule),
            _ => return Err(LoadError::NotWasm),
        }
        let (component, cached) = cache
            .load(engine.engine(), &digest, bytes)
            .map_err(|error| LoadError::Invalid(format!("{error:#}")))?;
        tracing::debug!(%digest, cached, "loaded a plugin");
        let imports = Imports::of(&engine, &component)?;
        let hooks = hooks(&engine, &component)?;
        let pre = engine
            .linker()
            .instantiate_pre(&component)
            .map_err(|error| LoadError::Mismatch(format!("{error:#}")))?;
        check_types(&engine, &pre, &hooks)?;
        let init = export(&engine, &component, "init", "init");
        let Imports { logs, waits, reads_body } = imports;
        Ok(Self { pre, digest, init, hooks, waits, logs, reads_body, engine })
    }

    /// The hooks that it exports, in words.
    pub(crate) fn words(&self) -> String {
        let words: Vec<_> = self.hooks.iter().map(|(hook, _)| hook.word()).collect();
        words.join(", ")
    }

    /// The export of a hook.
    pub(crate) fn hook(&self, hook: Hook) -> Option<&ComponentExportIndex> {
        self.hooks.iter().find(|(name, _)| *name == hook).map(|(_, index)| index)
    }
}

struct Imports {
    logs: bool,
    waits: bool,
    reads_body: bool,
}

impl Imports {
    fn of(engine: &Engine, component: &Component) -> Result<Self, LoadError> {
        let mut found = Self { logs: false, waits: false, reads_body: false };
        let mut unknown = Vec::new();
        for (name, item) in component.component_type().imports(engine.engine()) {
            if !linker::offers(name) {
                unknown.push(name.to_owned());
                continue;
            }
            let interface = name.split('@').next().unwrap_or(name);
            let ComponentItem::ComponentInstance(instance) = item.ty else { continue };
            match interface.strip_prefix("torana:plugin/") {
                Some("log") => found.logs = true,
                Some("http") => found.waits = true,
                Some("exchange") => {
                    found.reads_body = instance.get_export(engine.engine(), "body").is_some();
                }
                _ => {}
            }
        }
        if unknown.is_empty() { Ok(found) } else { Err(LoadError::Imports(unknown)) }
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
    if !found.is_empty() {
        return Ok(found);
    }
    let other = component.component_type().exports(engine.engine()).find_map(|(name, _)| {
        let (interface, version) = name.split_once('@')?;
        interface.strip_prefix(PACKAGE)?.strip_prefix('/')?;
        (!linker::fits(version)).then(|| version.to_owned())
    });
    Err(other.map_or(LoadError::NoHooks, LoadError::Version))
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
