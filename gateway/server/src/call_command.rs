//! `shuzha call`: signs a call and makes it.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use shuzha_core::Id;

use crate::client::{Client, Profile, Request, Signer, SigningKey};
use crate::output::{Out, say};

/// Signs a call and makes it. The answer goes to the standard output, its headers to the standard error.
#[derive(clap::Args, Debug)]
pub(crate) struct CallArgs {
    /// Product to call.
    product: Id,
    /// Operation of the product.
    operation: Id,
    /// Body of the call: JSON, or `@FILE`. None for a package.
    #[arg(long, short)]
    data: Option<String>,
    /// The gateway.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Name of the credential.
    #[arg(long)]
    key_id: String,
    /// File with the credential's secret or seed in base64.
    #[arg(long)]
    key_file: PathBuf,
    /// hmac-sha256, hmac-sm3 or ed25519.
    #[arg(long, default_value = "hmac-sha256")]
    algorithm: String,
    /// Signature profile.
    #[arg(long, value_enum, default_value = "simple")]
    profile: Profile,
    /// Scenario the call is made for.
    #[arg(long)]
    scenario: Option<String>,
    /// File with a consent token.
    #[arg(long)]
    consent_file: Option<PathBuf>,
    /// Key under which a retry is the same call.
    #[arg(long)]
    idempotency_key: Option<String>,
    /// Only ask what the query would cost in privacy budget, what is left, and how accurate its answer would be: free.
    #[arg(long)]
    plan: bool,
    /// Bytes of a package, as in `0-99`.
    #[arg(long)]
    range: Option<String>,
}

/// Makes the call; `false` when it was refused.
pub(crate) fn run(out: &mut Out, args: CallArgs) -> Result<bool> {
    let secret = std::fs::read_to_string(&args.key_file)
        .with_context(|| format!("key file {}", args.key_file.display()))?;
    let secret = BASE64_STANDARD.decode(secret.trim()).context("the key file does not hold base64")?;
    if args.profile == Profile::Simple && args.algorithm == "ed25519" {
        bail!("the simple profile is for shared secrets; an Ed25519 key signs with --profile rfc9421");
    }
    let signer = Signer {
        key_id: args.key_id,
        key: SigningKey::new(&args.algorithm, &secret)?,
        profile: args.profile,
    };
    let body = match args.data {
        None => Vec::new(),
        Some(text) => match text.strip_prefix('@') {
            Some(file) => std::fs::read(file).with_context(|| format!("body file {file}"))?,
            None => text.into_bytes(),
        },
    };
    let mut headers = Vec::new();
    let mut header = |name: &str, value: Option<String>| {
        headers.extend(value.map(|value| (name.to_owned(), value)));
    };
    header("X-Scenario", args.scenario);
    header("Idempotency-Key", args.idempotency_key);
    header("Range", args.range.map(|range| format!("bytes={range}")));
    if let Some(file) = args.consent_file {
        let token =
            std::fs::read_to_string(&file).with_context(|| format!("consent file {}", file.display()))?;
        header("X-Consent", Some(token.trim().to_owned()));
    }
    let request = Request {
        method: if body.is_empty() { "GET" } else { "POST" }.to_owned(),
        path: format!(
            "/v1/products/{}/{}{}",
            args.product,
            args.operation,
            if args.plan { ":plan" } else { "" }
        ),
        body,
        headers,
        nonce: None,
    };
    let answer = Client::new(&args.url)?.send(Some(&signer), &request)?;
    say(&format!("HTTP {} in {:.1} ms", answer.status, answer.latency.as_secs_f64() * 1e3));
    for (name, value) in &answer.headers {
        say(&format!("{name}: {value}"));
    }
    out.line(&String::from_utf8_lossy(&answer.body))?;
    Ok((200..300).contains(&answer.status))
}
