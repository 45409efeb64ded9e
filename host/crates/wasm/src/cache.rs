//! Compiled components on disk, so that a start need not compile again; and what is known of their files, so that it
//! need not read them either.

use std::{
    collections::BTreeSet,
    fs::{self, DirBuilder, File, OpenOptions},
    hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use serde::{Deserialize, Serialize};
use wasmtime::{Engine, component::Component};

use crate::{digest::Digest, source::Stamp};

/// Files that are kept, two for a component; beyond it the oldest go.
const ENTRIES: usize = 512;
/// Bytes of the sum behind compiled code.
const SUM: usize = 8;
/// Bytes that are read at once.
const PIECE: usize = 64 << 10;

/// Directories of which the log says already that they cannot be written.
static UNWRITABLE: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// What is needed of a component's file beside its compiled code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    /// The file of which it was found out.
    pub(crate) stamp: Stamp,
    /// SHA-256 of its bytes.
    pub(crate) digest: Digest,
    /// Bytes of memory that an instance has when it starts.
    pub(crate) memory: u64,
    /// The schema of its `config`.
    pub(crate) schema: Option<serde_json::Value>,
    /// The file of its compiled code, if that has been found undamaged: the sum of a large one takes longer than all
    /// else that is done to load it.
    pub(crate) code: Option<Stamp>,
}

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
        if let Err(error) = self.open() {
            tracing::warn!(
                "plugins are compiled at each start: no cache in {}: {error}",
                self.directory.display()
            );
            return Ok((Component::from_binary(engine, bytes)?, false));
        }
        if let Some((component, _)) = self.compiled(engine, digest, None) {
            return Ok((component, true));
        }
        let component = Component::from_binary(engine, bytes)?;
        match component.serialize() {
            Ok(mut compiled) => {
                let sum = sum_of(&compiled[..])?;
                compiled.extend(sum);
                self.keep(&self.compiled_file(engine, digest), &compiled);
            }
            Err(error) => tracing::warn!("cannot keep a compiled plugin: {error:#}"),
        }
        Ok((component, false))
    }

    /// What is known of a file.
    pub(crate) fn known(&self, stamp: &Stamp) -> Option<Known> {
        if !stamp.is_reliable(SystemTime::now()) {
            return None;
        }
        self.open().ok()?;
        let known = fs::read(self.known_file(stamp)).ok()?;
        // What is damaged is written anew.
        let known: Known = serde_json::from_slice(&known).ok()?;
        (known.stamp == *stamp).then_some(known)
    }

    /// Remembers what is known of a file that had settled before it was read.
    pub(crate) fn remember(&self, known: &Known) {
        if self.open().is_err() {
            return;
        }
        let text = serde_json::to_vec(known).unwrap_or_default();
        self.keep(&self.known_file(&known.stamp), &text);
    }

    /// The compiled component with this digest, if it is here, and the stamp of its file, if that can be remembered.
    /// The file is not checked if it is still the one with the stamp `checked`.
    pub(crate) fn compiled(
        &self,
        engine: &Engine,
        digest: &Digest,
        checked: Option<Stamp>,
    ) -> Option<(Component, Option<Stamp>)> {
        self.open().ok()?;
        let file = self.compiled_file(engine, digest);
        let stamp = Stamp::of(&fs::metadata(&file).ok().filter(fs::Metadata::is_file)?);
        let settled = Some(stamp).filter(|stamp| stamp.is_reliable(SystemTime::now()));
        let check =
            || if checked.is_some() && checked == settled { Ok(()) } else { check_sum(&file) };
        check()
            .map_err(wasmtime::Error::from)
            .and_then(|()| Ok((deserialize(engine, &file)?, settled)))
            .inspect_err(|error| tracing::warn!("ignoring {}: {error:#}", file.display()))
            .ok()
    }

    /// Named by what went in and by everything about the engine that shapes what comes out.
    fn compiled_file(&self, engine: &Engine, digest: &Digest) -> PathBuf {
        let of_engine = hash(&engine.precompile_compatibility_hash());
        self.directory.join(format!("{digest}-{of_engine:016x}.cwasm"))
    }

    /// Named by all of the stamp, as gateways that see different files must not write over each other's; and by the
    /// version of this program, as a newer one may want to know more, or accept less.
    fn known_file(&self, stamp: &Stamp) -> PathBuf {
        let name = hash(&(env!("CARGO_PKG_VERSION"), stamp));
        self.directory.join(format!("{name:016x}.json"))
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

    /// Puts a file there. A failure is only logged, once for the directory: all attachments of all plugins come here at
    /// each reload.
    pub(crate) fn keep(&self, file: &Path, bytes: &[u8]) {
        let Err(error) = self.write(file, bytes) else { return };
        // A panic elsewhere cannot leave it half changed.
        let mut logged = UNWRITABLE.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.insert(self.directory.clone()) {
            let directory = self.directory.display();
            tracing::warn!("cannot keep what is known of plugins in {directory}: {error}");
        }
    }

    /// Writes beside and renames, so that nobody ever sees half a file: not even after a loss of power, as the bytes are
    /// on the disk before the name is.
    fn write(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        // A name of its own: gateways in containers that share this directory all have the same process number.
        let name = format!("{:016x}.tmp", RandomState::new().hash_one(file));
        let beside = self.directory.join(name);
        let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        out.write_all(bytes)
            .and_then(|()| out.sync_all())
            .and_then(|()| fs::rename(&beside, file))
            .inspect_err(|_| drop(fs::remove_file(&beside)))?;
        self.trim()
    }

    fn trim(&self) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            // Another gateway may have removed it.
            let Ok(metadata) = entry.metadata() else { continue };
            let changed = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            files.push((changed, entry.path()));
        }
        files.sort();
        let excess = files.len().saturating_sub(ENTRIES);
        for (_, file) in &files[..excess] {
            match fs::remove_file(file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

fn hash(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

/// What is written behind compiled code: a damaged file may still look like one, and running it would end the process at
/// every start.
fn sum_of(mut bytes: impl Read) -> io::Result<[u8; SUM]> {
    let mut hasher = DefaultHasher::new();
    let mut piece = vec![0; PIECE];
    loop {
        match bytes.read(&mut piece)? {
            0 => return Ok(hasher.finish().to_le_bytes()),
            length => hasher.write(&piece[..length]),
        }
    }
}

/// Whether a file is what was written.
fn check_sum(file: &Path) -> io::Result<()> {
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "it is damaged");
    let file = File::open(file)?;
    let length = file.metadata()?.len().checked_sub(SUM as u64).ok_or_else(damaged)?;
    let sum = sum_of((&file).take(length))?;
    let mut written = [0; SUM];
    (&file).read_exact(&mut written)?;
    if written == sum { Ok(()) } else { Err(damaged()) }
}

#[expect(unsafe_code, reason = "compiled code can only be loaded so")]
fn deserialize(engine: &Engine, file: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the file must be what `Component::serialize` wrote, and must not change while it is mapped. It lies in a
    // directory that `Cache::open` has just found to belong to this user with mode 0700, so nobody else could write or
    // replace it; this program only ever puts whole files there, by renaming, and `check_sum` has found this one
    // undamaged. That it was made for this engine is checked by wasmtime, which fails cleanly otherwise.
    unsafe { Component::deserialize_file(engine, file) }
}
