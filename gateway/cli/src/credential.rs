//! `shuzha credential confirm|revoke`: a unit's word on a credential that somebody else declared for it, and the end of one.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use ed25519_dalek::{Signer as _, SigningKey};
use shuzha_client::Expect;
use shuzha_control::Kind;
use shuzha_files::secret;
use shuzha_files::terminal::Out;
use shuzha_schema::object::{Change, Confirmation, Object, Reasoned, Words};

use super::api::{Connection, address, tried};

/// The verbs.
pub(super) const CONFIRM: &str = "confirm";
pub(super) const REVOKE: &str = "revoke";
/// Most bytes of a file that holds a seed.
const SEED_FILE_MAX: u64 = 512;

/// Which credential to bring into force.
#[derive(Args, Debug)]
pub(super) struct ConfirmArgs {
    /// The credential.
    name: String,
    /// File of the key's seed, as `shuzha keys pair` writes it; it is read here and goes nowhere.
    #[arg(long, value_name = "FILE", required_unless_present = "signature", conflicts_with = "signature")]
    key: Option<PathBuf>,
    /// The signature over the challenge in base 64, where the key is elsewhere.
    #[arg(long, value_name = "BASE64")]
    signature: Option<String>,
    /// Why.
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    connection: Connection,
}

/// Which credential to revoke.
#[derive(Args, Debug)]
pub(super) struct RevokeArgs {
    /// The credential.
    name: String,
    /// Why.
    #[arg(long, default_value = "")]
    reason: String,
    /// Tells what would happen, and changes nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Signs the credential's challenge and confirms it.
pub(super) fn confirm(out: &mut Out, kind: Kind, args: &ConfirmArgs) -> Result<()> {
    let api = args.connection.signed_on()?;
    let path = address(kind, &args.name);
    let object: Object = api.get(&path)?;
    let signature = match (&args.signature, &args.key) {
        (Some(signature), _) => signature.clone(),
        (None, Some(file)) => signed(&object, file)?,
        (None, None) => bail!("name the key by --key, or give --signature"),
    };
    let body = Confirmation { signature, words: Words::of(Some(&args.reason)) };
    let expect = Expect::Version(object.metadata.version);
    api.call::<Change>("POST", &format!("{path}:{CONFIRM}"), &body, expect)?;
    out.line(&format!("Credential/{} 已确认生效 confirmed and in force", args.name))
}

/// A signature over the text that `object` asks to be signed, where the key is the one that it names.
fn signed(object: &Object, file: &std::path::Path) -> Result<String> {
    let details = object.status.as_ref().map(|status| &status.details);
    let Some(challenge) = details.and_then(|details| details.get("challenge")?.as_str()) else {
        bail!("没有待确认的内容 it does not wait for a signature");
    };
    let seed = secret::load_word(file, SEED_FILE_MAX)?;
    let seed = BASE64_STANDARD.decode(seed.as_bytes()).ok().and_then(|seed| <[u8; 32]>::try_from(seed).ok());
    let key = SigningKey::from_bytes(&seed.with_context(|| format!("{} holds no seed", file.display()))?);
    let public = BASE64_STANDARD.encode(key.verifying_key().as_bytes());
    if object.spec.get("publicKey").and_then(|key| key.as_str()) != Some(public.as_str()) {
        bail!("{} 不是该凭据的密钥 is not the key of this credential", file.display());
    }
    Ok(BASE64_STANDARD.encode(key.sign(challenge.as_bytes()).to_bytes()))
}

/// Revokes a credential, whatever version it is at.
pub(super) fn revoke(out: &mut Out, kind: Kind, args: &RevokeArgs) -> Result<()> {
    let path = tried(format!("{}:{REVOKE}", address(kind, &args.name)), args.dry_run);
    args.connection.signed_on()?.post::<Change>(&path, &Reasoned::of(&args.reason))?;
    let tried = if args.dry_run { "试办 tried only: " } else { "" };
    out.line(&format!("{tried}Credential/{} 已吊销，不可恢复 revoked for good", args.name))
}
