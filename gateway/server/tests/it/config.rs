//! `shuzha config check|dump`: every fault at once, and what is dumped is what applies.

use crate::home::{Home, WORLD, shuzha, text};
use crate::node::Node;

/// Exit code for a configuration with faults.
const EXIT_CONFIG: i32 = 64;

#[test]
fn a_file_with_five_errors_shows_all_five() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("shuzha.toml");
    let faulty = "[node]\nname = 'Gate 1'\n[data_plane]\nlisten = ['nowhere']\nsignature_window = '1 fortnight'\n\
                  [limits]\nbody_bytes_max = '1MB'\ncolour = 'red'\n";
    std::fs::write(&file, faulty).expect("written");
    for command in [["config", "check"], ["config", "dump"]] {
        let done = shuzha().args(command).arg("--config").arg(&file).output().expect("it starts");
        assert_eq!(done.status.code(), Some(EXIT_CONFIG), "{command:?}");
        assert!(done.stdout.is_empty(), "faults go to the standard error");
        let errors = text(&done.stderr);
        for path in [
            "node.name:",
            "data_plane.listen:",
            "data_plane.signature_window:",
            "limits.body_bytes_max:",
            "limits.colour: unknown key",
        ] {
            assert_eq!(errors.matches(path).count(), 1, "{path} in {errors}");
        }
        assert!(errors.contains("5 faults"), "{errors}");
    }
}

#[test]
fn a_file_that_is_not_there_or_not_toml_is_a_fault_with_its_name() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("shuzha.toml");
    for content in [None, Some("[node\n")] {
        if let Some(content) = content {
            std::fs::write(&file, content).expect("written");
        }
        let done = shuzha().args(["config", "check", "--config"]).arg(&file).output().expect("it starts");
        assert_eq!(done.status.code(), Some(EXIT_CONFIG));
        assert!(text(&done.stderr).contains("shuzha.toml"), "{done:?}");
    }
}

#[test]
fn a_world_with_several_faults_shows_all() {
    let home = Home::new();
    let faulty = WORLD
        .replace("purpose: industry, title: 业务核验", "purpose: amusement, title: 业务核验")
        .replace("kind: PriceAct\nmetadata: {name: ceilings}", "kind: PriceAct\nmetadata: {name: ceilings-2}")
        .replace("perCall: \"0.70\"", "perCall: seventy");
    assert_ne!(faulty, WORLD);
    home.declare(&faulty);
    let config = home.file("shuzha.toml", "[world]\nfiles = ['world.yaml']\n");
    let done = home.command(&["config", "check"]).arg("--config").arg(&config).output().expect("it starts");
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    let errors = text(&done.stderr);
    for (object, times) in [("Scenario/", 3), ("Ceiling/", 3), ("Price/census-report", 1)] {
        assert!(errors.matches(object).count() >= times, "{object} in {errors}");
    }
    assert!(errors.contains("world.yaml:"), "with file and line: {errors}");

    home.declare(WORLD);
    let config = home.file("shuzha.toml", "[world]\nfiles = ['world.yaml']\n");
    let done = home.command(&["config", "check"]).arg("--config").arg(&config).output().expect("it starts");
    assert!(done.status.success(), "{done:?}");
}

#[test]
fn what_is_dumped_is_a_configuration_that_dumps_the_same() {
    let dir = tempfile::tempdir().expect("a folder");
    let dump = |arguments: &[&str]| {
        let done = shuzha().args(["config", "dump"]).args(arguments).output().expect("it starts");
        assert!(done.status.success(), "{done:?}");
        text(&done.stdout).to_owned()
    };
    let changed = dir.path().join("changed.toml");
    std::fs::write(&changed, "[node]\nname = 'gate-7'\n[limits]\nbody_bytes_max = '2MiB'\n")
        .expect("written");
    let first = dump(&["--config", changed.to_str().expect("UTF-8")]);
    assert!(first.contains("gate-7") && first.contains("2MiB"), "{first}");
    let file = dir.path().join("dumped.toml");
    std::fs::write(&file, &first).expect("written");
    assert_eq!(dump(&["--config", file.to_str().expect("UTF-8")]), first);
    assert_ne!(dump(&[]), first, "the defaults are something else");
}

#[test]
fn the_environment_is_over_the_file_and_flags_are_over_the_environment() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("shuzha.toml");
    std::fs::write(&file, "[node]\nname = 'from-file'\ndata_dir = 'from-file'\n").expect("written");
    let mut command = shuzha();
    command.args(["config", "dump", "--data-dir", "from-flag", "--config"]).arg(&file);
    command.env("SHUZHA__NODE__NAME", "from-env").env("SHUZHA__NODE__DATA_DIR", "from-env");
    command.env("SHUZHA__DATA_PLANE__THREADS", "3");
    let done = command.output().expect("it starts");
    assert!(done.status.success(), "{done:?}");
    let table: toml::Table = text(&done.stdout).parse().expect("TOML");
    assert_eq!(table["node"]["name"].as_str(), Some("from-env"));
    assert_eq!(table["node"]["data_dir"].as_str(), Some("from-flag"));
    assert_eq!(table["data_plane"]["threads"].as_integer(), Some(3));

    let unknown =
        shuzha().args(["config", "dump"]).env("SHUZHA__NODE__COLOUR", "red").output().expect("it starts");
    assert_eq!(unknown.status.code(), Some(EXIT_CONFIG));
    assert!(text(&unknown.stderr).contains("node.colour: unknown key"), "{unknown:?}");
}

/// Keys with a size, and both ends of each: the configuration says them behind its defaults.
fn ends() -> Vec<(String, String, [String; 2])> {
    let mut found = Vec::new();
    let mut section = String::new();
    for line in include_str!("../../../../config/default.toml").lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.clone_into(&mut section);
        }
        let Some(((key, _), (least, most))) = line.split_once(" = ").and_then(|(key, rest)| {
            let (value, ends) = rest.rsplit_once(" # ")?;
            Some(((key, value), ends.split_once(" – ")?))
        }) else {
            continue;
        };
        let value = |end: &str| match end.replace('_', "").parse::<u64>() {
            Ok(number) => number.to_string(),
            Err(_) => format!("'{end}'"),
        };
        found.push((section.clone(), key.to_owned(), [value(least), value(most)]));
    }
    found
}

/// What `config check` passes, `serve` accepts: at both ends of every key. What it refuses names the key.
#[test]
fn what_check_passes_serve_accepts() {
    let ends = ends();
    assert!(ends.len() >= 15, "{ends:?}");
    let home = Home::new();
    let mut starts = 0;
    for (section, key, values) in &ends {
        for value in values {
            let more = if key == "anchor_fail_closed_after" {
                "anchors = ['box file /tmp']\nanchor_interval = '1s'\n"
            } else {
                ""
            };
            let config = home.file("end.toml", &format!("[{section}]\n{key} = {value}\n{more}"));
            let config = config.to_str().expect("UTF-8");
            let checked = home.command(&["config", "check", "--config", config]).output().expect("it starts");
            if !checked.status.success() {
                // More than this machine has.
                assert!(text(&checked.stderr).contains("  limits: "), "{key} = {value}: {checked:?}");
                continue;
            }
            let mut node = Node::spawn(&home, &["--config", config]);
            assert!(node.wait_line_or_end("ready").is_some(), "{key} = {value}: {:#?}", node.log);
            let (status, log) = node.drain();
            assert!(status.success(), "{key} = {value}: {log:#?}");
            starts += 1;
        }
    }
    assert!(starts >= ends.len(), "{starts} starts");
}

#[test]
fn what_makes_no_sense_is_refused_all_at_once() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("shuzha.toml");
    let faulty = "[limits]\nconnections_max = 0\nbody_bytes_max = '1024GiB'\n[journal]\nsegment_bytes = '1KiB'\n\
                  [evidence]\norigin = '../../x'\n[data_plane]\nlisten = ['127.0.0.1:9090']\n";
    std::fs::write(&file, faulty).expect("written");
    for command in [&["config", "check"][..], &["serve"], &["doctor"]] {
        let done = shuzha().args(command).arg("--config").arg(&file).output().expect("it starts");
        assert_eq!(done.status.code(), Some(EXIT_CONFIG), "{command:?}: {done:?}");
        let errors = text(&done.stderr);
        for path in [
            "limits.connections_max",
            "limits.body_bytes_max",
            "journal.segment_bytes",
            "evidence.origin",
            "operations.listen",
        ] {
            assert_eq!(errors.matches(&format!(" {path}: ")).count(), 1, "{path} in {errors}");
        }
    }
}

#[test]
fn a_variable_of_somebody_else_s_that_is_no_text_is_no_matter() {
    use std::os::unix::ffi::OsStrExt as _;
    let mut command = shuzha();
    command.args(["config", "check"]).env("NOISE", std::ffi::OsStr::from_bytes(b"\xff"));
    let done = command.output().expect("it starts");
    assert!(done.status.success(), "{done:?}");
}
