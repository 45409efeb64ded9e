//! Runs the golden scenarios, one test for each folder: `cargo test -p torana-tests --test golden RSP-16` proves a row.

use std::path::Path;

use libtest_mimic::{Arguments, Trial};
use torana_tests::scenario;

fn main() {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let trials = scenario::folders(&root)
        .into_iter()
        .map(|folder| {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Trial::test(name, move || scenario::run(&folder).map_err(Into::into))
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit();
}
