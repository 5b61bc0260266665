//! Anchors of a running gateway: a real time-stamping authority (`openssl ts`) over HTTP, a folder, a command; one that goes away and comes
//! back; and `shuzha verify anchors` over what is left.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::caller::{Ask, Caller};
use crate::home::{COMPANY, Home, shuzha, text};
use crate::node::{Node, patiently};

/// What `openssl` is told.
const CONFIG: &str = "\
[ca]\nbasicConstraints = critical,CA:true\nkeyUsage = critical,keyCertSign\nsubjectKeyIdentifier = hash\n\
[stamps]\nbasicConstraints = CA:false\nkeyUsage = critical,digitalSignature\nextendedKeyUsage = critical,timeStamping\n\
[req]\ndistinguished_name = dn\n[dn]\n\
[tsa]\ndefault_tsa = one\n[one]\nserial = serial\ncrypto_device = builtin\nsigner_digest = sha256\ndefault_policy = 1.2.3.4.1\n\
digests = sha256\ness_cert_id_alg = sha256\n";

fn openssl(dir: &Path, arguments: &[&str]) {
    let done =
        Command::new("openssl").args(arguments).current_dir(dir).output().expect("openssl is installed");
    assert!(done.status.success(), "{arguments:?}: {}", text(&done.stderr));
}

/// Makes the keys and certificates of a time-stamping authority in `dir`.
fn authority(dir: &Path) {
    std::fs::create_dir_all(dir).expect("made");
    std::fs::write(dir.join("tsa.cnf"), CONFIG).expect("written");
    let new = ["req", "-config", "tsa.cnf", "-newkey", "rsa:2048", "-nodes", "-sha256"];
    let ca = ["-x509", "-days", "30", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem"];
    openssl(dir, &[&new[..], &ca, &["-extensions", "ca"]].concat());
    openssl(
        dir,
        &[&new[..], &["-subj", "/CN=tsa.example", "-keyout", "tsa.key", "-out", "tsa.csr"]].concat(),
    );
    let sign = ["x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "7"];
    let more = ["-days", "30", "-extfile", "tsa.cnf", "-extensions", "stamps", "-out", "tsa.pem"];
    openssl(dir, &[&sign[..], &more].concat());
}

fn stamp(dir: &Path, request: &[u8]) -> Vec<u8> {
    std::fs::write(dir.join("q"), request).expect("written");
    let reply = ["ts", "-reply", "-config", "tsa.cnf", "-queryfile", "q", "-signer", "tsa.pem"];
    openssl(dir, &[&reply[..], &["-inkey", "tsa.key", "-out", "r"]].concat());
    std::fs::read(dir.join("r")).expect("there")
}

/// A server that answers POSTs with what `answer` makes of their bodies, until it is stopped.
struct Server {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start(at: &str, answer: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind(at).expect("a free port");
        let address = listener.local_addr().expect("bound");
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopping);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::Acquire) {
                    return;
                }
                let Ok(mut stream) = stream else { continue };
                let mut from = BufReader::new(stream.try_clone().expect("a socket"));
                let mut length = 0;
                let mut line = String::new();
                while from.read_line(&mut line).is_ok_and(|read| read > 2) {
                    if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().expect("a number");
                    }
                    line.clear();
                }
                let mut body = vec![0; length];
                if from.read_exact(&mut body).is_ok() {
                    let answer = answer(&body);
                    let head = format!(
                        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                        answer.len()
                    );
                    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&answer));
                }
            }
        });
        Self { address, stopping, thread: Some(thread) }
    }

    fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    fn stop(mut self) -> String {
        self.stopping.store(true, Ordering::Release);
        drop(std::net::TcpStream::connect(self.address));
        self.thread.take().expect("it runs").join().expect("it ends");
        self.address.to_string()
    }
}

/// What an anchor answers that took the checkpoint it was shown.
fn taken(shown: &[u8]) -> Vec<u8> {
    use shuzha_evidence::merkle::{Digest as _, Sha256};

    let hex: String = shuzha_core::hex::encode(&Sha256::digest(shown));
    format!("taken sha256:{hex}\n").into_bytes()
}

/// E12: an answer that does not say what was taken is none, whatever its status.
#[test]
fn e12_any_200_is_no_anchor() {
    let home = Home::new();
    let server = Server::start("127.0.0.1:0", |_| b"<html>please sign on</html>".to_vec());
    let config =
        format!("[evidence]\nanchors = [\"notary http {}\"]\nanchor_interval = \"1s\"\n", server.url());
    let config = home.file("shuzha.toml", &config);
    let node = Node::start_with(&home, &["--config", config.to_str().expect("UTF-8")]);
    let caller = Caller::new(node.data);
    let bank = home.credential("bank-1");
    assert_eq!(caller.call(&bank, &Ask::company("bank-scenario", COMPANY.1)).status, 200);
    wait_for("the alarm", || metric(&node, "shuzha_evidence_anchors_failing") == Some(1));
    assert!(kept(&home).is_empty(), "nothing is kept as an anchor's answer");
    node.drain();
    server.stop();
}

fn metric(node: &Node, name: &str) -> Option<i64> {
    let mut answer = ureq::get(format!("http://{}/metrics", node.operations)).call().ok()?;
    let body = answer.body_mut().read_to_string().ok()?;
    let line = body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned))?;
    line.parse().ok()
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    patiently(what, || done().then_some(()));
}

/// Every file that an anchoring left.
fn kept(home: &Home) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for half_year in std::fs::read_dir(home.data().join("evidence")).expect("there") {
        let folder = half_year.expect("there").path().join("anchors");
        let inside = std::fs::read_dir(folder).into_iter().flatten();
        found.extend(inside.map(|entry| entry.expect("there").path()));
    }
    found.sort();
    found
}

#[test]
fn h5_checkpoints_are_anchored_outside_and_verify_says_by_whom() {
    let home = Home::new();
    let tsa = home.data().join("../tsa");
    authority(&tsa);
    let box_ = home.data().join("../box");
    std::fs::create_dir_all(&box_).expect("made");
    let dir = tsa.clone();
    let server = Server::start("127.0.0.1:0", move |request| stamp(&dir, request));
    let config = format!(
        "[evidence]\nanchors = [\"tsa rfc3161 {}\", \"box file {}\", \"chain exec sha256sum -\", \"gone exec /nowhere\"]\n\
         anchor_interval = \"1s\"\nanchor_authorities_file = \"{}\"\n",
        server.url(),
        box_.display(),
        tsa.join("ca.pem").display()
    );
    let config = home.file("shuzha.toml", &config);
    let node = Node::start_with(&home, &["--config", config.to_str().expect("UTF-8")]);
    let caller = Caller::new(node.data);
    assert_eq!(
        caller.call(&home.credential("bank-1"), &Ask::company("bank-scenario", COMPANY.1)).status,
        200
    );
    let of = |name: &str| kept(&home).iter().filter(|path| path.display().to_string().contains(name)).count();
    wait_for("three anchorings", || ["-tsa.", "-box.", "-chain."].iter().all(|name| of(name) > 0));
    wait_for("the metric", || metric(&node, "shuzha_evidence_anchors_failing") == Some(1));
    let (status, log) = node.drain();
    assert!(status.success(), "{log:#?}");
    drop(server.stop());

    let keys = home.file("log.keys", text(&home.run(&["keys", "log"]).stdout));
    let evidence = home.data().join("evidence");
    let verify = |authorities: Option<&Path>| {
        let mut command = shuzha();
        command.args(["verify", "anchors"]).arg(&evidence).arg("--keys").arg(&keys);
        if let Some(path) = authorities {
            command.arg("--authorities").arg(path);
        }
        let done = command.output().expect("the program starts");
        (done.status.code(), format!("{}{}", text(&done.stdout), text(&done.stderr)))
    };
    let (code, said) = verify(Some(&tsa.join("ca.pem")));
    assert!(code == Some(0) && said.contains("CN=tsa.example") && said.contains("chain (exec)"), "{said}");
    assert_eq!(verify(None).0, Some(2), "whom to trust is not said");
    // What the folder holds is the checkpoint that the log says it was shown.
    let outside = std::fs::read_dir(&box_).expect("there").next().expect("one").expect("there").path();
    let shown = std::fs::read_to_string(outside).expect("there");
    let anchored = kept(&home).into_iter().find(|path| path.display().to_string().contains("-box."));
    let anchored = std::fs::read_to_string(anchored.expect("one")).expect("there");
    assert!(anchored.ends_with(&shown), "{anchored}\n{shown}");
    // A token that is not the one recorded, one that is missing, and a log that is not the one that was seen.
    let file =
        kept(&home).into_iter().find(|path| path.display().to_string().contains("-chain.")).expect("one");
    let good = std::fs::read_to_string(&file).expect("there");
    let token = good.lines().find(|line| line.starts_with("token ")).expect("a token");
    std::fs::write(&file, good.replace(token, "token AAAA")).expect("written");
    let (code, said) = verify(Some(&tsa.join("ca.pem")));
    assert!(code == Some(1) && said.contains("not the one that the log records"), "{said}");
    std::fs::remove_file(&file).expect("there");
    let (code, said) = verify(Some(&tsa.join("ca.pem")));
    assert!(code == Some(2) && said.contains("chain"), "{said}");
    std::fs::write(&file, &good).expect("written");
    assert_eq!(verify(Some(&tsa.join("ca.pem"))).0, Some(0));
}

/// E12 with a real anchor: it goes away, the gateway stops when it has to, and serves again when the anchor is back.
#[test]
fn e12_c1717_an_anchor_goes_away_and_comes_back() {
    let home = Home::new();
    let server = Server::start("127.0.0.1:0", taken);
    let config = format!(
        "[evidence]\nanchors = [\"notary http {}\"]\nanchor_interval = \"1s\"\nanchor_fail_closed_after = \"6s\"\n",
        server.url()
    );
    let config = home.file("shuzha.toml", &config);
    let node = Node::start_with(&home, &["--config", config.to_str().expect("UTF-8")]);
    let caller = Caller::new(node.data);
    let bank = home.credential("bank-1");
    let call = || caller.call(&bank, &Ask::company("bank-scenario", COMPANY.1));
    wait_for("an anchoring", || !kept(&home).is_empty());
    // On a busy machine the next anchoring may be late too: it serves as soon as one is in time.
    wait_for("an answer", || call().status == 200);
    let address = server.stop();
    wait_for("the alarm", || {
        call();
        metric(&node, "shuzha_evidence_anchors_failing") == Some(1)
    });
    wait_for("the stop", || call().status == 503);
    let refused = call();
    assert!(refused.body.contains("C1717"), "{refused:?}");
    let _back = Server::start(&address, taken);
    wait_for("serving again", || call().status == 200);
    wait_for("the end of the alarm", || metric(&node, "shuzha_evidence_anchors_failing") == Some(0));
    let (status, log) = node.drain();
    assert!(status.success(), "{log:#?}");
    // Refusals are recorded as any other.
    let said = home.run(&["journal", "inspect", "--limit", "10000"]);
    assert!(text(&said.stdout).contains("C1717"), "the journal has them");
}
