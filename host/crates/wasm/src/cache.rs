//! Compiled components on disk, so that a start need not compile again.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::SystemTime,
};

use wasmtime::{Engine, component::Component};

use crate::digest::Digest;

/// Compiled components that are kept; beyond it the oldest go.
const ENTRIES: usize = 256;

/// A directory of compiled components that only this user can write.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    directory: PathBuf,
}

impl Cache {
    /// The cache of this process: `TORANA_CACHE_DIR`, or `torana` under the user's cache directory (`XDG_CACHE_HOME`,
    /// else `~/.cache`), or under the directory for temporary files.
    pub(crate) fn from_environment() -> Self {
        let variable = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let directory = variable("TORANA_CACHE_DIR")
            .or_else(|| Some(variable("XDG_CACHE_HOME")?.join("torana")))
            .or_else(|| Some(variable("HOME")?.join(".cache/torana")))
            .unwrap_or_else(|| {
                let user = rustix::process::geteuid().as_raw();
                std::env::temp_dir().join(format!("torana-{user}"))
            });
        Self { directory }
    }

    /// A cache in a directory of its own.
    #[cfg(test)]
    pub(crate) fn at(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// The compiled component of these bytes, from the cache or compiled now and put there. Says which.
    ///
    /// # Errors
    /// What the compiler says of the bytes. A cache that does not work is only logged.
    pub(crate) fn load(
        &self,
        engine: &Engine,
        digest: &Digest,
        bytes: &[u8],
    ) -> wasmtime::Result<(Component, bool)> {
        let file = self.directory.join(file_name(engine, digest));
        if let Err(error) = self.open() {
            tracing::warn!(
                "plugins are compiled at each start: no cache in {}: {error}",
                self.directory.display()
            );
            return Ok((Component::from_binary(engine, bytes)?, false));
        }
        if file.is_file() {
            match deserialize(engine, &file) {
                Ok(component) => return Ok((component, true)),
                Err(error) => tracing::warn!("ignoring {}: {error:#}", file.display()),
            }
        }
        let component = Component::from_binary(engine, bytes)?;
        if let Err(error) = self.store(&file, &component) {
            tracing::warn!("cannot keep a compiled plugin in {}: {error}", file.display());
        }
        Ok((component, false))
    }

    /// Makes the directory if need be, and refuses one that others can write: what is in it runs as native code.
    fn open(&self) -> io::Result<()> {
        match fs::symlink_metadata(&self.directory) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if let Some(parent) = self.directory.parent() {
                    fs::create_dir_all(parent)?;
                }
                match DirBuilder::new().mode(0o700).create(&self.directory) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                        return Err(error);
                    }
                    _ => {}
                }
            }
            Err(error) => return Err(error),
        }
        let metadata = fs::symlink_metadata(&self.directory)?;
        let ours = metadata.is_dir() && metadata.uid() == rustix::process::geteuid().as_raw();
        if !ours || metadata.permissions().mode() & 0o077 != 0 {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "it must be a directory of this user with mode 0700",
            ));
        }
        Ok(())
    }

    /// Writes beside and renames, so that nobody ever sees half a file.
    fn store(&self, file: &Path, component: &Component) -> io::Result<()> {
        let compiled =
            component.serialize().map_err(|error| io::Error::other(error.to_string()))?;
        let beside = file.with_extension(format!("{}.tmp", std::process::id()));
        let write = |mut out: File| out.write_all(&compiled);
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)
            .and_then(write)
            .and_then(|()| fs::rename(&beside, file))
            .inspect_err(|_| drop(fs::remove_file(&beside)))?;
        self.trim()
    }

    fn trim(&self) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            let changed = entry.metadata()?.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            files.push((changed, entry.path()));
        }
        files.sort();
        let excess = files.len().saturating_sub(ENTRIES);
        for (_, file) in &files[..excess] {
            fs::remove_file(file)?;
        }
        Ok(())
    }
}

/// Named by what went in and by everything about the engine that shapes what comes out.
fn file_name(engine: &Engine, digest: &Digest) -> String {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{digest}-{:016x}.cwasm", hasher.finish())
}

#[expect(unsafe_code, reason = "compiled code can only be loaded so")]
fn deserialize(engine: &Engine, file: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the file must be what `Component::serialize` wrote, and must not change while it is mapped. It lies in a
    // directory that `Cache::open` has just found to belong to this user with mode 0700, so nobody else could write or
    // replace it; this program only ever puts whole files there, by renaming. That it was made for this engine is
    // checked by wasmtime, which fails cleanly otherwise.
    unsafe { Component::deserialize_file(engine, file) }
}
