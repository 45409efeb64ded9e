//! Watching files: the configuration, and the certificates and plugins that it names.
//!
//! Watched are the *directories*, as editors replace files by renaming and Kubernetes replaces a mounted `ConfigMap` by
//! renaming a link two levels up. A change counts when a file's content differs from what it was.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    time::{Duration, Instant},
};

use notify::{
    EventKind, RecommendedWatcher, RecursiveMode, Watcher, event::AccessKind, event::AccessMode,
};
use sha2::{Digest, Sha256};

/// Silence after which a burst of events counts as ended.
const QUIET: Duration = Duration::from_millis(20);

/// A burst is acted upon after this time even if it goes on.
const LONGEST_BURST: Duration = Duration::from_millis(60);

/// Bytes of a file that are looked at, as many as a plugin may have: what is larger by mistake must not fill the memory.
const MOST_BYTES: u64 = 64 << 20;

/// Bytes that are read at once.
const PIECE: usize = 64 << 10;

/// Most links that are followed from a file to its content.
const MOST_LINKS: usize = 16;

/// What a file held: a digest, or nothing if it cannot be read.
type Content = Option<[u8; 32]>;

enum Message {
    /// Something happened in a watched directory.
    Changed,
    /// Watch these files from now on.
    Files(Vec<PathBuf>),
}

/// Watches files until it is dropped.
#[derive(Debug)]
pub struct Watch {
    messages: Sender<Message>,
}

impl Watch {
    /// Watches `files` and calls `changed` on a thread of its own when the content of one differs.
    ///
    /// # Errors
    /// The system gives no watcher.
    pub fn new(
        files: Vec<PathBuf>,
        changed: impl Fn() + Send + 'static,
    ) -> Result<Self, notify::Error> {
        let (messages, received) = mpsc::channel();
        let on_event = messages.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // An error may be a queue that ran over: look at the files then.
            if event.is_ok_and(|event| !may_change(&event.kind)) {
                return;
            }
            let _ = on_event.send(Message::Changed);
        })?;
        let mut watching =
            Watching { watcher, files: BTreeMap::new(), directories: BTreeSet::new() };
        // Before this returns, so that no change after it goes unseen.
        watching.replace(files);
        std::thread::Builder::new()
            .name("watch".into())
            .spawn(move || watching.run(&received, &changed))
            .map_err(notify::Error::io)?;
        Ok(Self { messages })
    }

    /// Replaces the list of files. What is already watched keeps the content that is known of it: a change during a
    /// reload is seen after it.
    pub fn set_files(&self, files: Vec<PathBuf>) {
        let _ = self.messages.send(Message::Files(files));
    }
}

/// Reading makes events too, among them our own reading.
fn may_change(kind: &EventKind) -> bool {
    match kind {
        EventKind::Access(kind) => *kind == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

struct Watching {
    watcher: RecommendedWatcher,
    files: BTreeMap<PathBuf, Content>,
    directories: BTreeSet<PathBuf>,
}

impl Watching {
    fn run(mut self, received: &Receiver<Message>, changed: &dyn Fn()) {
        while let Ok(message) = received.recv() {
            match message {
                Message::Files(files) => self.replace(files),
                Message::Changed => {
                    let list = end_of_burst(received);
                    if self.look() {
                        changed();
                    }
                    if let Some(files) = list {
                        self.replace(files);
                    }
                }
            }
        }
    }

    fn replace(&mut self, files: Vec<PathBuf>) {
        let mut known = std::mem::take(&mut self.files);
        let directories = files.iter().flat_map(|file| directories_of(file)).collect();
        self.watch(directories);
        self.files = files
            .into_iter()
            .map(|file| {
                let content = known.remove(&file).unwrap_or_else(|| content_of(&file));
                (file, content)
            })
            .collect();
    }

    fn watch(&mut self, directories: BTreeSet<PathBuf>) {
        for gone in self.directories.difference(&directories) {
            // It may not exist any more.
            let _ = self.watcher.unwatch(gone);
        }
        let mut watched: BTreeSet<_> =
            self.directories.intersection(&directories).cloned().collect();
        for new in directories {
            if watched.contains(&new) {
                continue;
            }
            match self.watcher.watch(&new, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    watched.insert(new);
                }
                Err(error) => tracing::warn!(
                    directory = %new.display(), %error,
                    "changes in this directory will not be noticed"
                ),
            }
        }
        self.directories = watched;
    }

    /// Compares all files with what they were. True if one differs.
    fn look(&mut self) -> bool {
        let mut differs = false;
        for (file, known) in &mut self.files {
            let content = content_of(file);
            if content != *known {
                *known = content;
                differs = true;
            }
        }
        // Links may point elsewhere now.
        let directories = self.files.keys().flat_map(|file| directories_of(file)).collect();
        self.watch(directories);
        differs
    }
}

/// Waits for silence. Gives the list of files that was set meanwhile.
fn end_of_burst(received: &Receiver<Message>) -> Option<Vec<PathBuf>> {
    let end = Instant::now() + LONGEST_BURST;
    let mut list = None;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        match received.recv_timeout(QUIET.min(left)) {
            Ok(Message::Changed) if left.is_zero() => return list,
            Ok(Message::Changed) => {}
            Ok(Message::Files(files)) => list = Some(files),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return list,
        }
    }
}

fn content_of(file: &Path) -> Content {
    digest_of(file).ok()
}

/// The digest of a file's length and first bytes.
fn digest_of(file: &Path) -> io::Result<[u8; 32]> {
    let metadata = fs::metadata(file)?;
    if !metadata.is_file() {
        // Opening a pipe waits for somebody who writes, and a device may never end.
        return Err(io::ErrorKind::Unsupported.into());
    }
    let mut digest = Sha256::new();
    digest.update(metadata.len().to_le_bytes());
    let mut bytes = File::open(file)?.take(MOST_BYTES);
    let mut piece = vec![0; PIECE];
    loop {
        match bytes.read(&mut piece)? {
            0 => return Ok(digest.finalize().into()),
            length => digest.update(&piece[..length]),
        }
    }
}

/// The directories in which a change of `file` can happen: its own, and those of the links on the way to its content.
fn directories_of(file: &Path) -> BTreeSet<PathBuf> {
    let mut directories = BTreeSet::new();
    let mut path = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    for _ in 0..MOST_LINKS {
        let Some(directory) = path.parent().map(Path::to_owned) else { break };
        directories.insert(directory.clone());
        // A directory on the way may be a link itself (`..data` of a ConfigMap).
        if let Ok(real) = fs::canonicalize(&directory) {
            directories.insert(real);
        }
        if let Some(link) = directory.ancestors().find(|above| above.is_symlink())
            && let Some(above) = link.parent()
        {
            directories.insert(above.to_owned());
        }
        match fs::read_link(&path) {
            Ok(target) => path = directory.join(target),
            Err(_) => break,
        }
    }
    directories
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::symlink, process::Command};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    struct Fixture {
        directory: tempfile::TempDir,
        changes: Receiver<()>,
        watch: Watch,
    }

    /// Watches `name` after `prepare` has made it.
    fn watching(name: &str, prepare: impl FnOnce(&Path)) -> Fixture {
        let directory = tempfile::tempdir().unwrap();
        prepare(directory.path());
        let (sender, changes) = mpsc::channel();
        let watch = Watch::new(vec![directory.path().join(name)], move || {
            let _ = sender.send(());
        })
        .unwrap();
        Fixture { directory, changes, watch }
    }

    impl Fixture {
        fn path(&self, name: &str) -> PathBuf {
            self.directory.path().join(name)
        }

        fn expect_change(&self) {
            self.changes.recv_timeout(LIMIT).unwrap();
        }
    }

    #[test]
    fn writing_in_place_and_renaming_over_are_changes() {
        let fixture = watching("a.json", |dir| fs::write(dir.join("a.json"), "1").unwrap());
        fs::write(fixture.path("a.json"), "2").unwrap();
        fixture.expect_change();
        fs::write(fixture.path("a.json.new"), "3").unwrap();
        fs::rename(fixture.path("a.json.new"), fixture.path("a.json")).unwrap();
        fixture.expect_change();
    }

    #[test]
    fn a_file_that_is_far_too_large_counts_like_any_other() {
        let fixture = watching("a.wasm", |dir| fs::write(dir.join("a.wasm"), "1").unwrap());
        for first in ["2", "3"] {
            let new = fixture.path("new");
            fs::write(&new, first).unwrap();
            File::options().write(true).open(&new).unwrap().set_len(1 << 40).unwrap();
            fs::rename(&new, fixture.path("a.wasm")).unwrap();
            fixture.expect_change();
        }
    }

    #[test]
    fn nobody_waits_for_a_pipe() {
        let fixture = watching("a.wasm", |dir| {
            let made = Command::new("mkfifo").arg(dir.join("a.wasm")).status().unwrap();
            assert!(made.success());
        });
        fs::write(fixture.path("new"), "2").unwrap();
        fs::rename(fixture.path("new"), fixture.path("a.wasm")).unwrap();
        fixture.expect_change();
    }

    #[test]
    fn a_change_without_new_content_is_none() {
        let fixture = watching("a.json", |dir| fs::write(dir.join("a.json"), "1").unwrap());
        fs::write(fixture.path("other"), "x").unwrap();
        fs::write(fixture.path("same"), "1").unwrap();
        fs::rename(fixture.path("same"), fixture.path("a.json")).unwrap();
        // The next real change is the first one reported: had the others counted, there would be two.
        fs::write(fixture.path("new"), "2").unwrap();
        fs::rename(fixture.path("new"), fixture.path("a.json")).unwrap();
        fixture.expect_change();
        fs::write(fixture.path("new"), "3").unwrap();
        fs::rename(fixture.path("new"), fixture.path("a.json")).unwrap();
        fixture.expect_change();
        assert!(fixture.changes.try_recv().is_err());
    }

    #[test]
    fn a_mounted_config_map_is_followed() {
        let fixture = watching("gateway.json", |dir| {
            fs::create_dir(dir.join("..1")).unwrap();
            fs::write(dir.join("..1/gateway.json"), "1").unwrap();
            symlink("..1", dir.join("..data")).unwrap();
            symlink("..data/gateway.json", dir.join("gateway.json")).unwrap();
        });
        for (old, new) in [("..1", "..2"), ("..2", "..3")] {
            fs::create_dir(fixture.path(new)).unwrap();
            fs::write(fixture.path(new).join("gateway.json"), new).unwrap();
            symlink(new, fixture.path("..data_tmp")).unwrap();
            fs::rename(fixture.path("..data_tmp"), fixture.path("..data")).unwrap();
            fs::remove_dir_all(fixture.path(old)).unwrap();
            fixture.expect_change();
        }
    }

    #[test]
    fn the_target_of_a_link_elsewhere_is_watched() {
        let elsewhere = tempfile::tempdir().unwrap();
        let target = elsewhere.path().join("real.json");
        fs::write(&target, "1").unwrap();
        let fixture = watching("a.json", |dir| symlink(&target, dir.join("a.json")).unwrap());
        fs::write(&target, "2").unwrap();
        fixture.expect_change();
    }

    #[test]
    fn the_list_of_files_can_be_replaced() {
        let fixture = watching("a.json", |dir| fs::write(dir.join("a.json"), "1").unwrap());
        let elsewhere = tempfile::tempdir().unwrap();
        let plugin = elsewhere.path().join("plugin.wasm");
        fs::write(&plugin, "1").unwrap();
        fixture.watch.set_files(vec![fixture.path("a.json"), plugin.clone()]);
        // The list is replaced once this change of a file that was watched all along is seen.
        fs::write(fixture.path("a.json"), "2").unwrap();
        fixture.expect_change();
        fs::write(&plugin, "2").unwrap();
        fixture.expect_change();
        // A file that is removed and comes back counts both times.
        fs::remove_file(&plugin).unwrap();
        fixture.expect_change();
        fs::write(&plugin, "2").unwrap();
        fixture.expect_change();
    }
}
