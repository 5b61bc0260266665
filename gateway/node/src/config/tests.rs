//! The configuration read from text: defaults, faults, bounds.

use super::*;

pub(super) fn with(text: &str) -> Result<Config, Vec<Fault>> {
    let mut table: Table = DEFAULT.parse().expect("defaults");
    merge(&mut table, text.parse().expect("TOML"));
    read(table, None)
}

#[test]
fn the_defaults_are_complete() {
    let config = with("").expect("the defaults are a configuration");
    assert_eq!(config.listen, [SocketAddr::from(([127, 0, 0, 1], 8080))]);
    assert!(config.tls.is_none());
}

#[test]
fn all_faults_are_shown_at_once() {
    let faults = with(
        "[node]\nname = 'Gate 1'\n[data_plane]\nlisten = ['nowhere']\nsignature_window = '1 fortnight'\n\
         [limits]\nbody_bytes_max = '1MB'\ncolour = 'red'\n",
    )
    .expect_err("five faults");
    let mut paths: Vec<_> = faults.iter().map(|fault| fault.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(
        paths,
        [
            "data_plane.listen",
            "data_plane.signature_window",
            "limits.body_bytes_max",
            "limits.colour",
            "node.name"
        ]
    );
}

#[test]
fn every_key_that_makes_no_sense_is_refused_by_name() {
    let key = "x+00000001+BAAA";
    for (text, path) in [
        ("[node]\ndata_dir = ''", "node.data_dir"),
        ("[data_plane]\naudience = ''", "data_plane.audience"),
        ("[data_plane]\naudience = 'a b'", "data_plane.audience"),
        ("[data_plane]\nlisten = ['127.0.0.1:9090']", "operations.listen"),
        ("[control]\nlisten = '0.0.0.0:8080'", "control.listen"),
        ("[limits]\nrequests_per_connection_max = 5_000_000_000", "limits.requests_per_connection_max"),
        ("[limits]\nconnections_max = 0", "limits.connections_max"),
        ("[limits]\nbody_bytes_max = '1024GiB'", "limits.body_bytes_max"),
        ("[journal]\nsegment_bytes = '1KiB'", "journal.segment_bytes"),
        ("[evidence]\norigin = '../../x'", "evidence.origin"),
        ("[evidence]\norigin = 'a//b'", "evidence.origin"),
        ("[evidence]\norigin = '/a'", "evidence.origin"),
        ("[evidence]\norigin = 'a/'", "evidence.origin"),
        ("[evidence]\norigin = 'a/./b'", "evidence.origin"),
        ("[evidence]\norigin = 'a:b/c'", "evidence.origin"),
        ("[evidence]\norigin = 'a..b'", "evidence.origin"),
        (
            "[evidence]\nanchors = ['a http https://x.example', 'a http https://y.example']",
            "evidence.anchors",
        ),
        ("[evidence]\nanchors = ['a http http://u:p@x.example']", "evidence.anchors"),
        ("[evidence]\nanchor_fail_closed_after = '4h'", "evidence.anchor_fail_closed_after"),
        ("[consents]\nstatus_address = 'https://u@x.example'", "consents.status_address"),
        ("[upgrade]\nsocket = ''", "upgrade.socket"),
        ("limits = 5", "limits"),
    ] {
        let faults = with(text).expect_err(text);
        assert!(faults.iter().any(|fault| fault.path == path), "{text}: {faults:?}");
    }
    let long = format!("[upgrade]\nsocket = '/{}'", "d".repeat(120));
    assert_eq!(with(&long).expect_err("too long for the kernel")[0].path, "upgrade.socket");
    let witness = format!("[evidence]\nwitnesses = ['http://u:p@w.example {key}']");
    assert_eq!(with(&witness).expect_err("a password in it")[0].path, "evidence.witnesses");
    // With world files there is no control API, so its address takes nothing from anybody.
    with("[world]\nfiles = ['w.yaml']\n[control]\nlisten = '127.0.0.1:8080'").expect("no control API");
}

/// As a file says it and the command line a key of the same section.
#[test]
fn what_stands_where_a_section_should_is_told_whatever_is_laid_over_it() {
    let mut file: Table = "node = 'elsewhere'".parse().expect("TOML");
    merge(&mut file, "[node]\ndata_dir = 'd'".parse().expect("TOML"));
    let mut table: Table = DEFAULT.parse().expect("defaults");
    merge(&mut table, file);
    let faults = read(table, None).map(drop).expect_err("it is no section");
    assert!(faults.iter().any(|fault| fault.path == "node"), "{faults:?}");
}

#[test]
fn half_a_tls_pair_and_an_unknown_section_are_faults() {
    let faults = with("[data_plane]\ntls_key_file = 'k.pem'\n[extra]\na = 1\n").expect_err("two");
    assert_eq!(faults.len(), 2, "{faults:?}");
}
