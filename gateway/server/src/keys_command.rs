//! `shuzha keys`: makes credentials' secrets and key pairs. A secret is shown once and then only sealed.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use shuzha_cli::ask_secret;
use shuzha_core::{Clock as _, Id, OsRng, Rng, SystemClock};
use shuzha_evidence::commit::HalfYear;
use shuzha_evidence::log::LogKeys as _;
use shuzha_files::secret;
use shuzha_files::terminal::{Out, say};
use shuzha_node::config::Config;
use shuzha_node::control::REGISTER_FILE;
use shuzha_node::evidence::custody::{Custody, passphrase_in};
use shuzha_node::evidence::origin_of;
use shuzha_node::issued::IssuedSecrets;
use shuzha_node::node::{PSEUDONYM_KEY_FILE, PSEUDONYM_KEY_ID};
use shuzha_node::period_keys::PeriodKeyFiles;
use shuzha_node::store::open_store;
use shuzha_privacy::subject::{CanonicalId, IdKind, Pseudonymiser};
use zeroize::Zeroizing;

/// Makes and lists keys.
#[derive(clap::Subcommand, Debug)]
pub(crate) enum KeysCommand {
    /// Makes a new HMAC secret for a credential of world files, keeps it sealed, and prints it once. Beside a register,
    /// `shuzha credential issue-secret` does.
    Issue {
        /// The credential, as a world file names it.
        credential: Id,
        /// hmac-sha256 or hmac-sm3, as the world file says.
        #[arg(long, default_value = "hmac-sha256")]
        algorithm: String,
    },
    /// Lists the credentials whose secrets are kept.
    List,
    /// Prints the public keys of the evidence log, present ones first and then former ones, for those who check receipts.
    Log {
        /// Prints the statements by which keys were handed over instead: whoever trusts former keys comes to trust the present ones.
        #[arg(long)]
        handovers: bool,
    },
    /// 加密保管 Puts the evidence log's private keys under a passphrase: of `evidence.key_passphrase_file`, or asked for.
    SealLog,
    /// 密钥轮换 Makes new keys for the evidence log, or takes them from files; the next start of the node hands over to them and records
    /// it, and the old private keys are gone.
    RotateLog {
        /// File with the new key of the SHA-256 tree, in any form that a key file has.
        #[arg(long, requires = "sm2")]
        ed25519: Option<PathBuf>,
        /// File with the new key of the SM3 tree.
        #[arg(long, requires = "ed25519")]
        sm2: Option<PathBuf>,
    },
    /// Prints the tag of a canary record (诱饵记录), for its product's `canaries`. The identifier, which must belong to
    /// nobody, is read from the standard input.
    Canary {
        /// The product.
        product: Id,
        /// person or organisation.
        #[arg(long, default_value = "person")]
        kind: String,
    },
    /// 销毁 Erases the key of a past half-year's commitments: what its records were about cannot be found or tested by
    /// anyone any more, and every proof still holds. The next start of the node records it.
    Erase {
        /// The half-year, such as 2026h1.
        period: HalfYear,
    },
    /// Lists the half-years whose commitments can still be opened.
    Periods,
    /// Makes an Ed25519 key pair: FILE with the seed for its owner, FILE.pub for the gateway.
    Pair {
        /// File of the seed.
        file: PathBuf,
    },
}

/// Runs the command on the data folder that `config` names.
pub(crate) fn run(out: &mut Out, config: &Config, command: KeysCommand) -> Result<()> {
    let data_dir = config.data_dir.as_path();
    let passphrase = || match &config.key_passphrase_file {
        Some(path) => passphrase_in(path),
        None => ask_secret("口令 passphrase:").map(Zeroizing::new),
    };
    match command {
        KeysCommand::Issue { credential, algorithm } => {
            if !matches!(algorithm.as_str(), "hmac-sha256" | "hmac-sm3") {
                bail!("{algorithm} is neither hmac-sha256 nor hmac-sm3; for Ed25519 use `shuzha keys pair`");
            }
            may_issue(config, &credential, &algorithm)?;
            let secret = OsRng.bytes::<32>();
            let data = open_store(data_dir)?;
            IssuedSecrets::new(data_dir).mark(&credential, &algorithm, SystemClock.now())?;
            data.put_secret(&credential, &algorithm, &secret)?;
            say("此密钥只显示这一次，请交给应用单位妥善保管。");
            say("This secret is shown once. Hand it to the application unit; restart or reload the gateway.");
            out.line(&BASE64_STANDARD.encode(secret))
        }
        KeysCommand::List => {
            for (credential, algorithm) in open_store(data_dir)?.secret_names()? {
                out.line(&format!("{credential}\t{algorithm}"))?;
            }
            Ok(())
        }
        KeysCommand::Log { .. } | KeysCommand::SealLog if !data_dir.is_dir() => {
            bail!("没有这个数据目录 there is no data folder {}: nothing is made here", data_dir.display())
        }
        KeysCommand::Log { handovers } => {
            let origin = origin_of(config)?;
            let custody = Custody { data_dir, origin: &origin, passphrase: &passphrase };
            if handovers {
                return custody
                    .handovers()?
                    .iter()
                    .try_for_each(|note| out.line(note.to_string().trim_end()));
            }
            custody.present()?.known().iter().try_for_each(|key| out.line(&key.to_string()))
        }
        KeysCommand::SealLog => {
            let origin = origin_of(config)?;
            let custody = Custody { data_dir, origin: &origin, passphrase: &passphrase };
            custody.seal(&passphrase()?)?;
            say("已加密保管；启动时需要 evidence.key_passphrase_file。");
            say("Sealed. The gateway needs evidence.key_passphrase_file from its next start on.");
            Ok(())
        }
        KeysCommand::RotateLog { ed25519, sm2 } => {
            let origin = origin_of(config)?;
            let custody = Custody { data_dir, origin: &origin, passphrase: &passphrase };
            let given = ed25519.as_deref().zip(sm2.as_deref()).map(|(one, other)| [one, other]);
            let public = custody.prepare(given)?;
            say("新密钥已备好，下次启动（或热升级）时完成交接并记入日志。");
            say(
                "The new keys wait. The next start of the node, or upgrade, hands over to them and records it.",
            );
            public.iter().try_for_each(|key| out.line(&key.to_string()))
        }
        KeysCommand::Canary { product, kind } => {
            let kind = match kind.as_str() {
                "person" => IdKind::Person,
                "organisation" => IdKind::Organisation,
                _ => bail!("{kind} is neither person nor organisation"),
            };
            let identifier = std::io::read_to_string(std::io::stdin()).context("the standard input")?;
            let subject = CanonicalId::new(kind, identifier.trim())?;
            let key = secret::load_or_create(&data_dir.join(PSEUDONYM_KEY_FILE))?;
            let prf = config.consents.pseudonyms.function(PSEUDONYM_KEY_ID, &key);
            out.line(&Pseudonymiser::new(prf).canary(&product, &subject).to_string())
        }
        KeysCommand::Erase { period } => {
            PeriodKeyFiles::new(data_dir).erase(period, SystemClock.now())?;
            say("已销毁，不可恢复。 Erased; nothing brings it back.");
            out.line(&period.to_string())
        }
        KeysCommand::Periods => {
            let periods = PeriodKeyFiles::new(data_dir).list();
            periods.iter().try_for_each(|period| out.line(&period.to_string()))
        }
        KeysCommand::Pair { file } => {
            let public = secret::write_pair(&file, &OsRng.bytes::<32>())?;
            say(&format!("seed: {}  public key: {}", file.display(), public.display()));
            Ok(())
        }
    }
}

/// Whether a secret made here would be the one that calls are signed with. Where a register says what is in force, secrets are
/// its own to issue: by an act on record, once, and to the unit.
fn may_issue(config: &Config, credential: &Id, algorithm: &str) -> Result<()> {
    if config.world.is_empty() {
        if config.data_dir.join(REGISTER_FILE).exists() {
            bail!(
                "登记簿模式下由登记簿签发密钥，请应用单位的人员执行：shuzha credential issue-secret {credential}\n\
                 a register issues the secrets here: have a person of the application unit run \
                 `shuzha credential issue-secret {credential}`"
            );
        }
        return Ok(());
    }
    let world = shuzha_node::world::load(&config.world)?.world;
    let Some(declared) = world.credentials.get(credential) else {
        bail!("没有这个凭据 {credential} is not declared in the world files");
    };
    let word = declared.algorithm.as_str();
    if word != algorithm {
        bail!("{credential} is declared with {word}: `shuzha keys issue {credential} --algorithm {word}`");
    }
    Ok(())
}
