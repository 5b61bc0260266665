//! Whole worlds through the public interface: the demo world, bad files, requests in, answers out.

mod answers;
mod contracts;
mod credentials;
mod demo;
mod faults;
mod kinds;
mod models;
mod output;
mod pseudonyms;
mod requests;
mod sandbox;
mod tables;

use std::path::Path;

use shuzha_products::World;

/// The files of the demo world, as name and text.
fn demo_files() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/examples/demo");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the demo folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).expect("UTF-8"))
        })
        .collect();
    files.sort();
    files
}

/// The demo world; every fault is printed when it does not read.
fn demo() -> World {
    World::parse(&demo_files()).unwrap_or_else(|faults| {
        let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
        panic!("{}", lines.join("\n"))
    })
}

/// Faults of the demo world after replacing `from` by `to`, which must occur, in `file`.
fn demo_with(file: &str, from: &str, to: &str) -> Vec<String> {
    let mut files = demo_files();
    let (_, text) = files.iter_mut().find(|(name, _)| name == file).expect(file);
    assert!(text.contains(from), "{from}");
    *text = text.replacen(from, to, 1);
    match World::parse(&files) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
    }
}
