//! A directory of its own for each gateway under test, gone when the test is over.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

static NEXT: AtomicUsize = AtomicUsize::new(0);

/// A new empty directory, removed with everything in it on drop.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes the directory.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it touches the disk")]
    pub fn new() -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("torana-test-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).expect("the temporary directory is writable");
        Self(path)
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file into it and gives the file's path.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).expect("the directory is ours");
        }
        fs::write(&path, content).expect("the directory is ours");
        path
    }

    /// Puts `content` in the place of a file in one step, as editors and deployment tools do.
    pub fn replace(&self, name: &str, content: impl AsRef<[u8]>) {
        let new = self.write(&format!(".{name}.new"), content);
        fs::rename(new, self.0.join(name)).expect("the directory is ours");
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A directory that cannot be removed is no fault of the gateway.
        let _ = fs::remove_dir_all(&self.0);
    }
}
