//! Golden scenarios: folders with a configuration, the upstream's script, requests, and what must come of them.
//! `tests/golden/README.md` describes the format.

mod check;
mod exchange;
mod script;
mod text;

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    VERSION,
    gateway::Gateway,
    upstream::{Dead, Upstream},
};

/// What went wrong, for a person to read.
pub type Failure = String;

/// The folders under `root` that hold scenarios, sorted by name.
///
/// # Panics
/// When `root` cannot be read.
#[must_use]
pub fn folders(root: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(root)
        .expect("the scenarios are there")
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

/// Plays a scenario.
///
/// # Errors
/// With the first thing that is not as expected.
pub fn run(folder: &Path) -> Result<(), Failure> {
    let config = find_config(folder)?;
    let exchanges = exchange::load(folder)?;
    let check = folder.join("check.expect");
    if exchanges.is_empty() && !check.exists() {
        return Err("the folder has neither requests nor a check.expect".to_owned());
    }
    let world = World::new(folder)?;
    if check.exists() {
        check::run(folder, &config, &check, &world)?;
    }
    if exchanges.is_empty() {
        return Ok(());
    }
    let gateway = start(folder, &config, &world)?;
    for exchange in exchanges {
        exchange
            .run(&gateway, &world)
            .map_err(|failure| format!("{}: {failure}", exchange.name()))?;
    }
    Ok(())
}

/// The upstreams of one scenario.
struct World {
    upstreams: Vec<Upstream>,
    dead: Dead,
}

impl World {
    fn new(folder: &Path) -> Result<Self, Failure> {
        let script = folder.join("upstream.txt");
        let text = if script.exists() { read(&script)? } else { String::new() };
        let upstreams = (1..=2)
            .map(|number| Ok(Upstream::start(script::parse(&text, number)?)))
            .collect::<Result<_, Failure>>()?;
        Ok(Self { upstreams, dead: Dead::new() })
    }

    /// Fills in the names that only a run knows.
    fn fill(&self, text: &str) -> String {
        let mut text = text
            .replace("{{dead}}", &self.dead.address().to_string())
            .replace("{{version}}", VERSION)
            .replace("{{chunked}}", "3\r\ntwo\r\n7;x=y\r\n chunks\r\n0\r\n\r\n")
            .replace("{{agent}}", &format!("KrakenD Version {VERSION}"));
        for (index, upstream) in self.upstreams.iter().enumerate() {
            let name = match index {
                0 => "{{upstream}}".to_owned(),
                _ => format!("{{{{upstream{}}}}}", index + 1),
            };
            text = text.replace(&name, &upstream.address().to_string());
        }
        for length in [800, 6000] {
            text = text.replace(&format!("{{{{{length}}}}}"), &"x".repeat(length));
        }
        text
    }
}

fn start(folder: &Path, config: &Path, world: &World) -> Result<Gateway, Failure> {
    let name = config.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut builder = Gateway::builder().named(&name);
    let options = folder.join("options");
    if options.exists() {
        for line in read(&options)?.lines() {
            builder = match line.split_once(' ').unwrap_or((line, "")) {
                ("env", pair) => {
                    let (name, value) = pair.split_once('=').ok_or("env needs NAME=VALUE")?;
                    builder.environment(name, &world.fill(value))
                }
                ("debug", "") => builder.debug(true),
                _ => return Err(format!("unknown option {line:?}")),
            };
        }
    }
    let text = world.fill(&read(config)?);
    builder.try_start(text).map_err(|error| format!("the gateway does not start: {error}"))
}

fn find_config(folder: &Path) -> Result<PathBuf, Failure> {
    ["json", "yml", "yaml", "toml"]
        .iter()
        .map(|suffix| folder.join(format!("gateway.{suffix}")))
        .find(|path| path.exists())
        .ok_or_else(|| format!("no gateway.json (.yml, .yaml, .toml) in {}", folder.display()))
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}
