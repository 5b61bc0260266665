//! Packages end to end: a unit's file, a part of it, and whose it was when it is found.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Output;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::home::{Home, WORLD, shuzha, text};
use crate::node::Node;

fn original() -> String {
    let rows = (0..4_000).map(|row| (row, 1_000 + row * 37 % 9_000));
    rows.fold("code,index\n".to_owned(), |mut text, (row, index)| {
        writeln!(text, "9169{row:08},{index}").expect("a string takes text");
        text
    })
}

/// A service that has the file and knows no ranges. Its threads end with the test's process.
fn store() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || serve(&stream));
        }
    });
    address
}

fn serve(mut stream: &TcpStream) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
        if line.trim_end().is_empty() {
            let file = original();
            let head = format!("HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: {}\r\n\r\n", file.len());
            if stream.write_all([head, file].concat().as_bytes()).is_err() {
                return;
            }
        }
        line.clear();
    }
}

fn download(home: &Home, node: &Node, name: &str, more: &[&str]) -> Vec<u8> {
    let key = home.file("bank-1.secret", &BASE64_STANDARD.encode(home.credential("bank-1").secret));
    let file = home.file(name, "");
    let mut command = shuzha();
    command.args([
        "call",
        "firms",
        "download",
        "--key-id",
        "bank-1",
        "--scenario",
        "bank-scenario",
        "--key-file",
    ]);
    command.arg(key).arg("--url").arg(format!("http://{}", node.data)).arg("--output").arg(&file).args(more);
    let done = command.output().expect("it starts");
    assert!(done.status.success(), "{done:?}");
    std::fs::read(file).expect("it was written")
}

fn trace(home: &Home, file: &PathBuf, more: &[&str]) -> Output {
    let mut command = home.command(&["package", "trace", "--product", "firms"]);
    command.arg("--config").arg(home.file("trace.toml", &format!("[world]\nfiles = [{:?}]\n", home.world())));
    command.arg(file).args(more).output().expect("it starts")
}

#[test]
fn e9_a_found_file_names_the_unit_that_it_was_made_for() {
    let home = Home::new();
    let world = include_str!("world/packages.yaml").replace("STORE", &store().to_string());
    home.declare(&[WORLD, &world].concat());
    let node = Node::start(&home);
    let file = download(&home, &node, "firms.csv", &[]);
    assert_eq!(file.len(), original().len());
    assert_ne!(file, original().as_bytes());
    let part = download(&home, &node, "part.csv", &["--range", "100-199"]);
    assert_eq!(
        part,
        &file[100..200],
        "ranges are those of the unit's own file, which the service knows nothing of"
    );
    // Found with three rows in four gone.
    let lines = text(&file).lines().enumerate().filter(|(number, _)| number % 4 == 0).map(|(_, line)| line);
    let found = home.file("found.csv", &lines.collect::<Vec<_>>().join("\n"));
    let traced = trace(&home, &found, &[]);
    assert!(traced.status.success(), "{traced:?}");
    let told = text(&traced.stdout);
    assert!(told.contains("云泽商业银行股份有限公司 (bank)") && !told.contains("insurer"), "{told}");
    let nobody = trace(&home, &home.file("other.csv", &original()), &["--json"]);
    assert_eq!(nobody.status.code(), Some(1), "{nobody:?}");
    assert!(text(&nobody.stdout).contains("\"found\":[]"), "{nobody:?}");
}
