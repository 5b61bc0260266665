//! The demo's first part: one product from its registration to its first call, every step by the person whose it is,
//! over the control API of a gateway of its own.
//!
//! Its clock starts some weeks back and is moved forward, so that working days and the publicity period pass; it shows
//! the machine's time again when the product is called.

mod desk;
mod steps;

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, Table};
use serde_json::{Value, json};
use shuzha_core::clock::ShiftedClock;
use shuzha_core::{Clock, OsRng, Rng, SystemClock};
use shuzha_products::World;
use shuzha_proxy::Sockets;
use toml::Value as Toml;

use super::services::Services;
use super::{RunningNode, addresses, cast};
use crate::client::{Client, Profile, Request, Signer, SigningKey};
use crate::config::{self, Sources};
use crate::node::{Node, Setup};
use crate::output::Out;
use crate::secret_file;
use desk::{Desk, date};
use steps::{CREDENTIAL, SCENARIO, Step, What};

/// How far back the story begins.
const BEGINS_BEFORE: Duration = Duration::from_secs(50 * 86_400);
/// The rules it happens under: Gansu's demand a certificate and a publicity period.
const RULES: &str = "gansu";

/// A step and what came of it.
pub(super) struct Told {
    at: String,
    step: Step,
    came: String,
    ok: bool,
}

/// Plays the story on a gateway in `data_dir`; the product services are those of the demo.
pub(super) fn play(data_dir: &Path, services: &Services, gateway_key: &Path) -> Result<Vec<Told>> {
    let keys = data_dir.join("keys");
    secret_file::private_dir(&keys)?;
    secret_file::write_new(&keys.join("gateway.key"), &std::fs::read(gateway_key)?)?;
    let clock = ShiftedClock::default();
    clock.show(SystemClock.now().minus(BEGINS_BEFORE));
    let node = start(data_dir, services, clock.clone())?;
    let told = tell(&node, &clock);
    node.node.handle.drain();
    let ended = node.node.thread.join();
    let told = told?;
    match ended {
        Ok(done) => done?,
        Err(_) => bail!("the gateway's thread panicked"),
    }
    Ok(told)
}

/// The story's gateway.
struct StoryNode {
    node: RunningNode,
    control: std::net::SocketAddr,
    first_token: String,
    plane: std::sync::Arc<shuzha_control::Control>,
}

fn start(data_dir: &Path, services: &Services, clock: ShiftedClock) -> Result<StoryNode> {
    let text = |text: &str| Toml::String(text.to_owned());
    let flags = vec![
        ("node", "data_dir", text(&data_dir.display().to_string())),
        ("node", "name", text("story")),
        ("control", "listen", text("127.0.0.1:0")),
        ("control", "rules", text(RULES)),
    ];
    let config = config::load(&Sources { file: None, flags })
        .map_err(|faults| anyhow::anyhow!("the story's configuration: {faults:?}"))?;
    let setup = Setup {
        files: None,
        clock,
        sockets: Sockets::bind(&addresses(0, 0)).context("no address to listen on")?,
        endpoints: services.endpoints.clone().into_iter().collect::<HashMap<_, _>>(),
        disk: None,
        journal_wait: Duration::from_secs(1),
    };
    let node = Node::build(&config, setup)?;
    let controlled = node.control.as_ref().context("a node without world files has a control plane")?;
    let token = controlled.plane.first_token.as_ref().context("the register is new")?.to_string();
    let (control, plane) = (controlled.plane.address(), controlled.plane.control());
    let handle = node.handle.clone();
    let thread = std::thread::Builder::new().name("story".into()).spawn(move || node.run())?;
    Ok(StoryNode { node: RunningNode { handle, thread }, control, first_token: token, plane })
}

fn tell(node: &StoryNode, clock: &ShiftedClock) -> Result<Vec<Told>> {
    let seed = OsRng.bytes::<32>();
    let public = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key().to_bytes();
    let world =
        World::parse(super::WORLD).map_err(|faults| anyhow::anyhow!("the demo's world: {faults:?}"))?;
    let desk = Desk::open(&format!("http://{}", node.control), &node.first_token, clock.now())?;
    let caller = Client::new(&format!("http://{}", node.node.handle.addresses().data[0]))?;
    let signer = Signer {
        key_id: CREDENTIAL.to_owned(),
        key: SigningKey::new("ed25519", &seed)?,
        profile: Profile::Rfc9421,
    };
    let mut told = Vec::new();
    for step in steps::all(&world, &public, clock.now())? {
        let (came, ok) = match &step.what {
            What::Put { plural, kind, name, spec } => desk.put(step.who, plural, kind, name, spec)?,
            What::Act { path, verb, body, state } => desk.act(step.who, path, verb, body, state)?,
            What::Pass { days } => {
                clock.show(clock.now().plus(Duration::from_secs(days * 86_400)));
                while node.plane.tick()? > 0 {}
                (format!("→ {}", date(clock.now())), true)
            }
            What::Today => {
                clock.release();
                while node.plane.tick()? > 0 {}
                (format!("→ {}", date(clock.now())), true)
            }
            What::Look { path, state } => desk.look(step.who, path, state)?,
            What::Call { expected } => call(&caller, &signer, expected)?,
        };
        told.push(Told { at: date(clock.now()), step, came, ok });
    }
    Ok(told)
}

/// Calls the product; what came, and whether it is what was expected: a verdict or a refusal code.
fn call(caller: &Client, signer: &Signer, expected: &str) -> Result<(String, bool)> {
    let (uscc, name) = cast::COMPANY;
    let request = Request {
        method: "POST".to_owned(),
        path: format!("/v1/products/{}/verify", steps::PRODUCT),
        body: json!({"uscc": uscc, "name": name}).to_string().into_bytes(),
        headers: vec![("X-Scenario".to_owned(), SCENARIO.to_owned())],
        nonce: None,
    };
    let answer = caller.send(Some(signer), &request)?;
    let json = answer.json();
    let came = if answer.status < 300 { json["result"].as_str() } else { json["code"].as_str() };
    let came = came.unwrap_or("?").to_owned();
    let fee = answer.header("x-fee").unwrap_or("0");
    let ok = came == expected;
    Ok((if answer.status < 300 { format!("{came} · ¥{fee}") } else { came }, ok))
}

/// Whether everything came as it should.
pub(super) fn as_expected(told: &[Told]) -> bool {
    told.iter().all(|told| told.ok)
}

/// The story as a table.
pub(super) fn print(out: &mut Out, told: &[Told]) -> Result<()> {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header([
        "日期 date",
        "谁 who",
        "角色 role",
        "做什么 does what",
        "结果 outcome",
        "",
    ]);
    for told in told {
        let role = steps::role_of(told.step.who).map_or("", |role| role.title_zh());
        table.add_row([
            Cell::new(&told.at),
            Cell::new(told.step.who),
            Cell::new(role),
            Cell::new(&told.step.title),
            Cell::new(&told.came),
            Cell::new(if told.ok { "✓" } else { "✗" }),
        ]);
    }
    out.line(&table.to_string())
}

/// The story for scripts.
pub(super) fn json(told: &[Told]) -> Value {
    let step = |told: &Told| json!({"date": told.at, "who": told.step.who, "what": told.step.title, "outcome": told.came, "ok": told.ok});
    told.iter().map(step).collect()
}

/// What an answer of the control API says went wrong.
fn refusal(answer: &crate::client::Answer) -> String {
    let json = answer.json();
    let faults: Vec<String> = json["faults"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|fault| {
            format!("{}: {}", fault["path"].as_str().unwrap_or(""), fault["reason"].as_str().unwrap_or(""))
        })
        .collect();
    format!("{} {} {}", answer.status, json["code"].as_str().unwrap_or("?"), faults.join("; "))
}

/// Fails with what the control API said.
fn expect(answer: &crate::client::Answer, what: &str) -> Result<()> {
    ensure!(answer.status < 300, "{what}: {}", refusal(answer));
    Ok(())
}
