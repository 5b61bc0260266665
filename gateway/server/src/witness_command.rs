//! `shuzha witness`: a witness of other parties' logs (C2SP tlog-witness). It signs that it saw a tree, and that nothing in it changed
//! since the tree that it saw before; what it saw last is on disk before it answers.

use shuzha_core::hex;
use shuzha_files::secret;
use shuzha_files::terminal::Out;
use shuzha_node::config::LogFormat;
use shuzha_node::logging;
use shuzha_node::signals;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result, bail};
use shuzha_api::Limits;
use shuzha_api::witness::Answered;
use shuzha_core::clock::SystemClock;
use shuzha_evidence::log::{Files as _, Source as _};
use shuzha_evidence::merkle::{Digest as _, Sha256};
use shuzha_evidence::note::{CosignatureSigner, Note, Signer as _};
use shuzha_evidence::policy::Policy;
use shuzha_evidence::witness::{AddCheckpoint, Declined, REQUEST_BYTES_MAX, cosign, decide};
use shuzha_store::tiles::{Directory, Lock};
use tokio::net::TcpListener;

use shuzha_verify::trust::read_keys;

/// Seed of the witness's key, in its folder.
const KEY_FILE: &str = "witness.key";
/// The latest checkpoint of a log, in the log's folder.
const LATEST: &str = "latest";

/// Most proofs of split views that are kept of one log: any of them convicts it.
const SPLIT_VIEWS_MAX: usize = 16;

/// Content types of tlog-witness.
const TEXT: &str = "text/plain; charset=utf-8";
const SIZE: &str = "text/x.tlog.size";

/// Watches logs for others.
#[derive(clap::Subcommand, Debug)]
pub(crate) enum WitnessCommand {
    /// Serves `POST /add-checkpoint` until stopped.
    Serve {
        #[command(flatten)]
        who: WhoArgs,
        /// Address to listen at.
        #[arg(long, default_value = "127.0.0.1:8082")]
        listen: SocketAddr,
        /// File of public keys of the logs to watch, one a line, as `shuzha keys log` prints them.
        #[arg(long, required = true)]
        logs: Vec<PathBuf>,
    },
    /// Prints the witness's public key, for those who count its signatures.
    Key(WhoArgs),
}

/// Who the witness is.
#[derive(clap::Args, Debug)]
pub(crate) struct WhoArgs {
    /// Folder of the key and of what was seen; made where it is missing.
    #[arg(long)]
    folder: PathBuf,
    /// Name of the key, like an address without a scheme.
    #[arg(long)]
    name: String,
}

impl WhoArgs {
    fn signer(&self) -> Result<CosignatureSigner> {
        secret::private_dir(&self.folder)?;
        let seed = secret::load_or_create(&self.folder.join(KEY_FILE))?;
        CosignatureSigner::new(&self.name, &seed, Arc::new(SystemClock)).context("--name")
    }
}

/// What was seen last of each log. One request at a time: between reading what is remembered and replacing it nothing may come.
struct Witness {
    signer: CosignatureSigner,
    logs: Policy,
    files: Mutex<Directory>,
    _lock: Lock,
}

impl Witness {
    fn answer(&self, body: &[u8]) -> Answered {
        let plain = |status, body| Answered { status, kind: TEXT, body };
        let Ok(request) = AddCheckpoint::parse(body) else { return plain(400, String::new()) };
        match self.add(&request) {
            Ok(Ok(signature)) => plain(200, signature),
            Ok(Err(Declined::Conflict(size))) => {
                Answered { status: 409, kind: SIZE, body: format!("{size}\n") }
            }
            Ok(Err(declined)) => plain(declined.status(), String::new()),
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "the witness cannot sign");
                plain(503, String::new())
            }
        }
    }

    fn add(&self, request: &AddCheckpoint) -> Result<Result<String, Declined>> {
        let files = self.files.lock().expect("nothing panics while it holds this");
        let remembered = |origin: &str| remembered(&files, origin);
        let checkpoint = match decide(request, &self.logs, remembered)? {
            Ok(checkpoint) => checkpoint,
            Err(declined) => {
                if let Declined::SplitView { known, other } = &declined {
                    keep_proof(&files, known, other)?;
                }
                return Ok(Err(declined));
            }
        };
        let path = format!("{}/{LATEST}", folder(&checkpoint.origin));
        files.replace(&path, request.note.to_string().as_bytes()).context("what was seen cannot be kept")?;
        let signature = cosign(&request.note, &self.signer)?;
        Ok(Ok(signature.to_string()))
    }
}

/// The folder of a log, whose origin may hold any character.
fn folder(origin: &str) -> String {
    hex::encode(&Sha256::digest(origin.as_bytes()))
}

fn remembered(files: &Directory, origin: &str) -> Result<Option<Note>> {
    let path = format!("{}/{LATEST}", folder(origin));
    let Some(bytes) = files.read(&path).with_context(|| path.clone())? else { return Ok(None) };
    // What it saw is what it swears by: damage is not the same as having seen nothing.
    Note::parse(&bytes).map(Some).with_context(|| path.clone())
}

/// Keeps both heads, as the log signed them: together they convict it.
fn keep_proof(files: &Directory, known: &Note, other: &Note) -> Result<()> {
    let origin = known.text().lines().next().unwrap_or_default();
    // Named by their number: the first so many are kept, and each of them is enough.
    let proofs = format!("{}/split-view", folder(origin));
    let number = (0..SPLIT_VIEWS_MAX).find(|number| !files.holds(&format!("{proofs}/{number:02}.other")));
    let Some(number) = number else {
        tracing::error!(
            origin,
            "a log shows more trees of one size; {SPLIT_VIEWS_MAX} proofs of it are kept already"
        );
        return Ok(());
    };
    let seen = (0..number).any(|number| {
        let before = files.read(&format!("{proofs}/{number:02}.other"));
        before.is_ok_and(|before| before.as_deref() == Some(other.to_string().as_bytes()))
    });
    if seen {
        return Ok(());
    }
    let name = format!("{number:02}");
    for (which, note) in [("known", known), ("other", other)] {
        let path = format!("{proofs}/{name}.{which}");
        files
            .replace(&path, note.to_string().as_bytes())
            .context("the proof of a split view cannot be kept")?;
    }
    tracing::error!(origin, "a log has shown two trees of one size: both heads are kept");
    Ok(())
}

/// Runs the command.
pub(crate) fn run(out: &mut Out, command: &WitnessCommand) -> Result<()> {
    match command {
        WitnessCommand::Key(who) => out.line(&who.signer()?.verifier().to_string()),
        WitnessCommand::Serve { who, listen, logs } => serve(who, *listen, logs),
    }
}

fn serve(who: &WhoArgs, listen: SocketAddr, logs: &[PathBuf]) -> Result<()> {
    logging::start(tracing::Level::INFO, LogFormat::Json);
    let mut policy = Policy::default();
    for path in logs {
        policy.log.extend(read_keys(path)?);
    }
    if policy.log.is_empty() {
        bail!("no log's key is given: there is nothing to watch");
    }
    let signer = who.signer()?;
    let lock = Lock::take(&who.folder)?;
    let key = signer.verifier().to_string();
    let witness =
        Witness { signer, logs: policy, files: Mutex::new(Directory::new(&who.folder)), _lock: lock };
    let api =
        shuzha_api::witness::witness(Limits::default(), REQUEST_BYTES_MAX, move |body| witness.answer(body));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let socket = TcpListener::bind(listen).await.with_context(|| format!("cannot listen at {listen}"))?;
        let stop = signals::stopped()?;
        // Scripts and tests that asked for port 0 read the address from this line.
        tracing::info!(address = %socket.local_addr()?, key, "ready");
        api.serve(socket, stop).await;
        Ok(())
    })
}
