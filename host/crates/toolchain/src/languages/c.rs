//! C: bindings are made in this process, a C compiler makes a core module, and that becomes a component in this process.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use wasmparser::{KnownCustom, Linking, Parser, Payload, SymbolFlags, SymbolInfo};
use wit_bindgen_core::Files;
use wit_parser::Resolve;

use crate::{
    command::Commands,
    componentize::{encode, no_component},
    embedded,
    error::Error,
    interface::Interface,
    language::{Language, Project},
    tool::{Tool, runs},
    world::{EXPORTS, WORK, WORLD, World, snake},
};

/// What the names of generated types and files begin with.
const BINDINGS: &str = "wit";

/// Bytes of the stack of C, in the memory of the instance.
const STACK: usize = 256 << 10;

/// The language.
pub(crate) static C: Language = Language {
    name: "c",
    marker: "plugin.c",
    tools: &[Tool {
        name: "a C compiler for WebAssembly",
        is_there: |folder| compiler(folder).is_some(),
        hint: "install Zig (https://ziglang.org/download, or `pip install ziglang`), or a WASI SDK and set \
               WASI_SDK_PATH, or what Debian calls `clang lld wasi-libc libclang-rt-dev-wasm32`",
    }],
    template: embedded::C,
    carried: &[("sdk", embedded::C_SDK), ("wit", embedded::WIT)],
    build,
    test: "make test",
};

/// The words that begin a command line of the compiler. What the author names comes before what happens to be there.
fn compiler(folder: &Path) -> Option<Vec<OsString>> {
    if let Some(sdk) = std::env::var_os("WASI_SDK_PATH") {
        return clang(folder, PathBuf::from(sdk).join("bin/clang").into_os_string());
    }
    let words = |words: &[&str]| words.iter().map(OsString::from).collect();
    if runs(folder, "zig", &["version"]) {
        return Some(words(&["zig", "cc", "-target", "wasm32-wasi"]));
    }
    if runs(folder, "python3", &["-m", "ziglang", "version"]) {
        return Some(words(&["python3", "-m", "ziglang", "cc", "-target", "wasm32-wasi"]));
    }
    clang(folder, "clang".into())
}

/// Clang, if it has a library of C and a linker for WebAssembly.
fn clang(folder: &Path, program: OsString) -> Option<Vec<OsString>> {
    let target = "--target=wasm32-wasi";
    let link =
        [target, "-mexec-model=reactor", "-include", "stdlib.h", "-o", "/dev/null", "-xc", "-"];
    runs(folder, program.to_str()?, &link).then(|| vec![program, target.into()])
}

fn build(project: &Project<'_>, commands: &mut Commands<'_>) -> Result<Vec<u8>, Error> {
    let folder = project.folder;
    let work = folder.join(WORK);
    // All interfaces: what is not called does not get as far as the component.
    let interfaces = interfaces(folder)?;
    let all = |world: World| world.importing(interfaces.iter().map(String::as_str));
    // Sources may include the bindings, and only their objects tell the hooks, which the bindings export.
    generate(&all(World::default()).write(folder)?, &work)?;
    let objects = compile(folder, commands)?;
    let mut defined = Vec::new();
    for object in &objects {
        let bytes = fs::read(object).map_err(Error::io(object))?;
        defined.extend(functions(&bytes).map_err(no_component)?);
    }
    let world = all(World::new(defined.iter().map(String::as_str), name, "plugin.c")?);
    generate(&world.write(folder)?, &work)?;
    let file = work.join("plugin.wasm");
    let mut link = command(folder)?;
    // Zig's stack of 16 MiB is more than a plugin may have by default.
    link.arg(format!("-Wl,-z,stack-size={STACK}"))
        .args([
            "-mexec-model=reactor",
            "-Wl,--strip-debug",
            "-Wl,--gc-sections",
            "-ffunction-sections",
        ])
        .args(world.exports.iter().map(|export| has(export)))
        .args(["sdk/gateway.c", "sdk/services.c", "sdk/text.c"])
        .args([work.join("wit.c"), work.join("wit_component_type.o")])
        .args(&objects)
        .arg("-o")
        .arg(&file);
    commands.output_of(link)?;
    let module = fs::read(&file).map_err(Error::io(&file))?;
    encode(&module, &mut Interface::read(&folder.join("wit"))?)
}

/// A command line of the compiler, with what all of them have.
fn command(folder: &Path) -> Result<Command, Error> {
    let words = compiler(folder).unwrap_or_default();
    let missing = || Error::Tools(C.tools.iter().map(|tool| (tool.name, tool.hint)).collect());
    let (program, arguments) = words.split_first().ok_or_else(missing)?;
    let mut command = Command::new(program);
    command.args(arguments).args(["-O2", "-Wall", "-Isdk"]).arg(format!("-I{WORK}"));
    Ok(command)
}

/// Makes an object of each C file of the project.
fn compile(folder: &Path, commands: &mut Commands<'_>) -> Result<Vec<PathBuf>, Error> {
    let objects = folder.join(WORK).join("objects");
    fs::create_dir_all(&objects).map_err(Error::io(&objects))?;
    let mut made = Vec::new();
    for source in sources(folder)? {
        let object = objects.join(&source).with_extension("o");
        let mut compile = command(folder)?;
        compile.arg("-c").arg(&source).arg("-o").arg(&object);
        commands.output_of(compile)?;
        made.push(object);
    }
    Ok(made)
}

/// Tells `gateway.c` that the plugin has a hook.
fn has(export: &str) -> String {
    format!("-DTORANA_HAS_{}", snake(export).to_uppercase())
}

fn name(export: &str) -> String {
    format!("torana_{}", snake(export))
}

/// The C files of the project, without its tests.
fn sources(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut sources = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::io(folder))? {
        let name = PathBuf::from(entry.map_err(Error::io(folder))?.file_name());
        let stem = name.file_stem().unwrap_or_default().to_string_lossy();
        if name.extension().is_some_and(|it| it == "c") && !stem.ends_with("_test") {
            sources.push(name);
        }
    }
    sources.sort();
    Ok(sources)
}

/// The interfaces of the project's `wit/` that may be imported: all that are no hooks.
fn interfaces(folder: &Path) -> Result<Vec<String>, Error> {
    let wit = folder.join("wit");
    let mut names = Vec::new();
    for entry in fs::read_dir(&wit).map_err(Error::io(&wit))? {
        let path = entry.map_err(Error::io(&wit))?.path();
        let text = fs::read_to_string(&path).map_err(Error::io(&path))?;
        let lines = text.lines().filter_map(|line| line.strip_prefix("interface "));
        let found = lines.filter_map(|line| line.split_whitespace().next());
        names.extend(found.filter(|name| !EXPORTS.contains(name)).map(str::to_owned));
    }
    Ok(names)
}

/// The functions that an object file defines.
fn functions(object: &[u8]) -> wasmparser::Result<Vec<String>> {
    let mut names = Vec::new();
    for payload in Parser::new(0).parse_all(object) {
        let Payload::CustomSection(section) = payload? else { continue };
        let KnownCustom::Linking(linking) = section.as_known() else { continue };
        for part in linking.subsections() {
            let Linking::SymbolTable(symbols) = part? else { continue };
            for symbol in symbols {
                if let SymbolInfo::Func { flags, name: Some(name), .. } = symbol?
                    && !flags.contains(SymbolFlags::UNDEFINED)
                {
                    names.push(name.to_owned());
                }
            }
        }
    }
    Ok(names)
}

/// Writes the bindings of a world.
fn generate(wit: &Path, to: &Path) -> Result<(), Error> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(wit).map_err(no_component)?;
    let world = resolve.select_world(&[package], Some(WORLD)).map_err(no_component)?;
    let options = wit_bindgen_c::Opts {
        rename_world: Some(BINDINGS.to_owned()),
        ..wit_bindgen_c::Opts::default()
    };
    let mut files = Files::default();
    options.build().generate(&mut resolve, world, &mut files).map_err(no_component)?;
    for (name, bytes) in files.iter() {
        let file = to.join(name);
        fs::write(&file, bytes).map_err(Error::io(&file))?;
    }
    Ok(())
}
