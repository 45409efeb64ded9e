//! The file of a component, and what tells whether it is still the same.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::Path,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

/// Largest component file, in bytes.
pub(crate) const MAX_FILE: u64 = 64 << 20;
/// How old the last change of a file must be before its stamp says anything: younger ones may change again within the
/// same instant of the file system's clock.
const SETTLED: Duration = Duration::from_secs(1);

/// What the file system says of a file. As long as all of it stays the same, so do the file's bytes: whatever changes
/// them also changes the time of the last change, which no program can set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    /// When the bytes were last written: seconds and nanoseconds since 1970.
    modified: (i64, i64),
    /// When anything about the file was last changed.
    changed: (i64, i64),
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Whether it can be relied on. Not if the file has changed just now, nor on file systems that count whole seconds:
    /// images that are made to be reproducible give the same time to every file of every version.
    pub(crate) fn is_reliable(&self, now: SystemTime) -> bool {
        let (seconds, nanoseconds) = self.changed;
        let (Ok(seconds), Ok(nanoseconds @ 1..)) =
            (u64::try_from(seconds), u32::try_from(nanoseconds))
        else {
            return false;
        };
        let changed = SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds);
        now.duration_since(changed).is_ok_and(|age| age >= SETTLED)
    }
}

/// The open file of a component.
#[derive(Debug)]
pub(crate) struct Source {
    file: File,
    stamp: Stamp,
    /// The stamp could be relied on when the file was opened: what is read after it is what it stands for.
    is_settled: bool,
}

impl Source {
    /// Opens a file.
    ///
    /// # Errors
    /// It cannot be opened, or is something else than a file.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        // Looked at first: opening a pipe waits for somebody who writes.
        let kind = fs::metadata(path)?.file_type();
        if kind.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if !kind.is_file() {
            return Err(io::Error::other("it is a pipe, a socket or a device, not a file"));
        }
        let file = File::open(path)?;
        let stamp = Stamp::of(&file.metadata()?);
        let is_settled = stamp.is_reliable(SystemTime::now());
        Ok(Self { file, stamp, is_settled })
    }

    /// What the file was when it was opened.
    pub(crate) fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// The stamp, if it can be remembered for the file's bytes.
    pub(crate) fn settled(&self) -> Option<Stamp> {
        self.is_settled.then_some(self.stamp)
    }

    /// Its bytes, but no more than one above [`MAX_FILE`].
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn read(self) -> io::Result<Vec<u8>> {
        let expected = self.stamp.size.min(MAX_FILE + 1);
        let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or_default());
        self.file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::{process::Command, sync::mpsc, thread};

    use super::*;

    fn stamp(path: &Path) -> Stamp {
        *Source::open(path).expect("a file").stamp()
    }

    #[test]
    fn every_change_of_a_file_changes_its_stamp() {
        let directory = tempfile::tempdir().expect("a directory");
        let (path, other) = (directory.path().join("a"), directory.path().join("b"));
        fs::write(&path, "first").expect("written");
        let first = stamp(&path);
        assert_eq!(stamp(&path), first);
        fs::write(&other, "other").expect("written");
        // The same size, and the same time of the last write.
        let modified = fs::metadata(&path).and_then(|m| m.modified()).expect("a time");
        File::options()
            .write(true)
            .open(&other)
            .expect("open")
            .set_modified(modified)
            .expect("set");
        fs::rename(&other, &path).expect("renamed");
        assert_ne!(stamp(&path), first);
    }

    #[test]
    fn what_is_no_file_is_refused_without_waiting_for_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let pipe = directory.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
        let (sender, opened) = mpsc::channel();
        thread::spawn(move || sender.send(Source::open(&pipe).map(drop)));
        let opened = opened.recv_timeout(Duration::from_secs(10)).expect("an answer at once");
        assert!(opened.is_err_and(|error| error.to_string().contains("not a file")));
        let error = Source::open(directory.path()).map(drop).expect_err("a directory");
        assert_eq!(error.kind(), io::ErrorKind::IsADirectory);
    }

    #[test]
    fn stamps_of_files_that_may_still_change_are_not_relied_on() {
        let at = |seconds, nanoseconds| Stamp {
            device: 1,
            inode: 2,
            size: 3,
            modified: (0, 0),
            changed: (seconds, nanoseconds),
        };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        assert!(at(998, 7).is_reliable(now));
        assert!(!at(999, 7).is_reliable(now), "a moment ago");
        assert!(!at(1_001, 7).is_reliable(now), "in the future");
        assert!(!at(998, 0).is_reliable(now), "whole seconds");
        assert!(!at(-5, 7).is_reliable(now), "before 1970");
    }
}
