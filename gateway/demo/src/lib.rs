//! `shuzha demo`: everything on one machine, and real calls through it.
//!
//! It starts the reference product services as programs of their own and a gateway with a journal, a store and a register
//! of its own. Then a small world comes into being over the control API, every object by the person whose it is to
//! declare or to decide; and then that world is called, to show what is answered, what is refused and why, what it costs
//! in money and in privacy. What there is to bring about stands under `config/examples/demo`.

mod calls;
mod cast;
mod disk;
mod gateway;
mod guests;
mod script;
mod services;
mod story;
mod table;
mod view;
mod words;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use shuzha_core::Lang;
use shuzha_journal::disk::Directory;
use shuzha_products::World;

use cast::Cast;
use disk::DemoDisk;
use gateway::{Gateway, Place};
use guests::Guest;
use services::Services;
use shuzha_files::secret;
use shuzha_files::terminal::{Out, say};
use shuzha_node::config::Sources;
use shuzha_node::control::REGISTER_FILE;
use shuzha_node::node::JOURNAL_DIR;
use shuzha_node::signals;
use shuzha_node::world;
use view::View;

/// What the demo's world consists of.
const WORLD: &[(&str, &str)] = &[
    ("data-sets", include_str!("../../../config/examples/demo/data-sets.yaml")),
    ("grants", include_str!("../../../config/examples/demo/grants.yaml")),
    ("jurisdiction", include_str!("../../../config/examples/demo/jurisdiction.yaml")),
    ("operating", include_str!("../../../config/examples/demo/operating.yaml")),
    ("organisations", include_str!("../../../config/examples/demo/organisations.yaml")),
    ("prices", include_str!("../../../config/examples/demo/prices.yaml")),
    ("products-data", include_str!("../../../config/examples/demo/products-data.yaml")),
    ("products-privacy", include_str!("../../../config/examples/demo/products-privacy.yaml")),
    ("products-verification", include_str!("../../../config/examples/demo/products-verification.yaml")),
    ("registration", include_str!("../../../config/examples/demo/registration.yaml")),
    ("scenarios", include_str!("../../../config/examples/demo/scenarios.yaml")),
    ("suspensions", include_str!("../../../config/examples/demo/suspensions.yaml")),
    ("units", include_str!("../../../config/examples/demo/units.yaml")),
    ("upstreams", include_str!("../../../config/examples/demo/upstreams.yaml")),
];

/// Starts everything on this machine, makes real calls, and shows what happened.
#[derive(clap::Args, Clone, Debug)]
pub struct DemoArgs {
    /// End when the calls are made, instead of staying up.
    #[arg(long)]
    once: bool,
    /// Print one JSON object instead of tables.
    #[arg(long)]
    json: bool,
    /// Read the world from files, as `shuzha serve --world` does: no register, no story.
    #[arg(long)]
    files: bool,
    /// 语言 zh or en alone, instead of both.
    #[arg(long, value_parser = ["zh", "en"])]
    lang: Option<String>,
    /// Columns of the tables, 80 to 240; the terminal's own where it says them.
    #[arg(long, value_parser = clap::value_parser!(u16).range(80..=240))]
    width: Option<u16>,
}

impl DemoArgs {
    fn view(&self) -> View {
        let lang = self.lang.as_deref().map(|lang| if lang == "zh" { Lang::Zh } else { Lang::En });
        View::new(lang, self.width)
    }
}

/// What was shown, and how long it took.
struct Shown {
    as_expected: bool,
    /// Tokens of those who may look around afterwards; none where there is no control API.
    guests: Vec<Guest>,
}

/// Runs the demo; `true` when every step and every call went as expected.
pub fn run(out: &mut Out, args: &DemoArgs, sources: Sources) -> Result<bool> {
    let started = now();
    let temporary = tempfile::Builder::new().prefix("shuzha-demo-").tempdir()?;
    let place = Place::read(sources, temporary.path(), !args.once)?;
    let data_dir = place.config.data_dir.clone();
    ensure!(
        args.files || !data_dir.join(REGISTER_FILE).exists(),
        "{} holds a register already; the demo begins with an empty one: name another folder",
        data_dir.display()
    );
    secret::private_dir(&data_dir.join("keys"))?;
    let cast = Cast::prepare(&data_dir)?;
    let mut services = Services::start(&data_dir)?;
    let (directory, _lock) = journal_directory(&data_dir)?;
    let disk = Arc::new(DemoDisk::new(directory));
    let files = args.files.then(declared).transpose()?;
    let gateway = Gateway::start(&place, &services, Arc::clone(&disk), files)?;
    let (view, once) = (args.view(), args.once);
    let shown = show(out, args, started, &gateway, &cast, (&mut services, &disk));
    let done = shown.and_then(|shown| {
        if !once {
            stay_up(view, &cast, &gateway, &data_dir, &shown.guests)?;
        }
        Ok(shown.as_expected)
    });
    let ended = gateway.end();
    done.and_then(|as_expected| ended.map(|()| as_expected))
}

/// The story, where the world is not there already; then the calls.
fn show(
    out: &mut Out,
    args: &DemoArgs,
    started: Instant,
    gateway: &Gateway,
    cast: &Cast,
    (services, disk): (&mut Services, &DemoDisk),
) -> Result<Shown> {
    let view = args.view();
    let story = match &gateway.control {
        None => None,
        Some(control) => {
            if !args.json {
                say(&view.line("数闸演示：从空的登记簿到第一次调用 Shuzha demo: from an empty register to the first call"));
            }
            let stage = story::Stage {
                control: format!("http://{}", control.address),
                data: gateway.base(),
                first_token: &control.first_token,
                invitations: gateway.data_dir.join("invitations"),
                plane: &control.plane,
                clock: &gateway.clock,
                cast,
            };
            Some(story::play(&stage, view, (!args.json).then_some(&mut *out))?)
        }
    };
    let ready = started.elapsed();
    if !args.json {
        let steps = story.as_ref().and_then(|story| story.json.as_array()).map_or(0, Vec::len);
        let seconds = ready.as_secs_f64();
        let zh = if steps > 0 { format!("共 {steps} 步，") } else { String::new() };
        let en = if steps > 0 { format!("{steps} steps, ") } else { String::new() };
        let told =
            view.either(&format!("{zh}就绪用时 {seconds:.1} 秒"), &format!("{en}ready after {seconds:.1} s"));
        say(&format!("\n{told}"));
    }
    let results = script::play(&gateway.base(), cast, &gateway.keys, services, disk)?;
    let told = story.as_ref().map_or_else(|| json!([]), |story| story.json.clone());
    if args.json {
        out.line(&table::json(&results, ready, &told).to_string())?;
    } else {
        table::print(out, view, &results)?;
        let seconds = started.elapsed().as_secs_f64();
        say(&view.either(&format!("全程用时 {seconds:.1} 秒"), &format!("the whole took {seconds:.1} s")));
    }
    let as_expected =
        results.iter().all(|result| result.ok) && story.as_ref().is_none_or(|story| story.as_expected);
    Ok(Shown { as_expected, guests: story.map(|story| story.guests).unwrap_or_default() })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the time to be ready, shown to a person, is measured on the wall"
)]
fn now() -> Instant {
    Instant::now()
}

/// The world as files declare it.
fn declared() -> Result<World> {
    let files: Vec<_> =
        WORLD.iter().map(|(name, text)| (format!("{name}.yaml"), (*text).to_owned())).collect();
    Ok(world::from_texts(&files)?.world)
}

/// The journal's folder, locked against another demo: the demo's own disk does not take the journal's lock.
fn journal_directory(data_dir: &Path) -> Result<(Directory, File)> {
    let dir = data_dir.join(JOURNAL_DIR);
    secret::private_dir(&dir)?;
    let lock = File::create(dir.join("LOCK"))?;
    lock.try_lock().with_context(|| format!("another gateway uses {}", dir.display()))?;
    Ok((Directory::create(&dir).context("the demo's journal")?, lock))
}

/// Says how to try it, and waits for Ctrl-C.
fn stay_up(view: View, cast: &Cast, gateway: &Gateway, data_dir: &Path, guests: &[Guest]) -> Result<()> {
    for (name, secret) in [("bank-1", cast.secret("bank-1")), ("bank-sandbox", cast.secret("bank-sandbox"))] {
        keep(&data_dir.join(format!("{name}.key")), BASE64_STANDARD.encode(secret).as_bytes())?;
    }
    let (base, (uscc, name)) = (gateway.base(), cast::COMPANY);
    let data = data_dir.display();
    say(&format!("\n{}", view.line("网关仍在运行，可以自己试 The gateway stays up; try it:")));
    say(&format!(
        "  shuzha call company-check verify --url {base} --key-id bank-1 --key-file {data}/bank-1.key \\"
    ));
    say(&format!("    --scenario bank-onboarding --data '{{\"uscc\":\"{uscc}\",\"name\":\"{name}\"}}'"));
    say(&format!(
        "  {}",
        view.line("沙箱试调，合成数据，无需个人授权 in the sandbox, on synthetic data, without consent:")
    ));
    say(&format!(
        "  shuzha call person-check verify --url {base} --key-id bank-sandbox --key-file {data}/bank-sandbox.key \\"
    ));
    let (number, name) = cast::PERSON;
    say(&format!("    --data '{{\"id_number\":\"{number}\",\"name\":\"{name}\"}}'"));
    if let (Some(control), Some(authority)) = (&gateway.control, guests.first()) {
        let api = format!("http://{}", control.address);
        guests::leave(view, guests, data_dir, &api)?;
        let file = guests::token_file(data_dir, authority.account);
        let options = format!("--api {api} --token-file {}", file.display());
        say(&format!(
            "  {}",
            view.line("以数据主管部门的身份查看登记簿 as the authority, look at the register:")
        ));
        say(&format!("    shuzha registration show company-check {options}"));
        say(&format!("    shuzha scenario list {options}"));
        say(&format!("    shuzha suspend product person-check --reason 试一试 {options}"));
    }
    if let Some(operations) = gateway.handle.addresses().operations {
        say(&format!("  curl http://{operations}/status        curl http://{operations}/metrics"));
    }
    say(&format!("  curl {base}/errors/C401            shuzha journal inspect --data-dir {data}"));
    say(&view.either("按 Ctrl-C 结束", "Ctrl-C ends it."));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        signals::stopped_or_left()?.await;
        Ok(())
    })
}

/// Keeps a secret in a file for its owner, in place of an earlier demo's.
fn keep(file: &Path, secret: &[u8]) -> Result<()> {
    if file.exists() {
        std::fs::remove_file(file)?;
    }
    secret::write_new(file, secret)
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_file_of_the_worked_example_is_told() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/examples/demo");
        let there = shuzha_files::expand(&[folder.into()]).expect("the worked example");
        let there: Vec<_> = there.iter().filter_map(|path| path.file_stem()?.to_str()).collect();
        let told: Vec<_> = super::WORLD.iter().map(|(name, _)| *name).collect();
        assert_eq!(told, there, "add the file to WORLD");
    }
}
