//! `shuzha call`: signs a call and makes it; with `--blind`, as many as a list of entries takes, none of which it shows.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use serde_json::json;
use shuzha_client::{CallKey, CallSigner, HttpAnswer, HttpClient, HttpRequest, SignatureProfile};
use shuzha_core::Id;
use shuzha_files::NewFile;
use shuzha_files::terminal::{Out, say};
use shuzha_privacy::blind::ELEMENTS_MAX;

use crate::blind::{self, BlindedEntries, TagList};

/// Signs a call and makes it. The answer goes to the standard output, its headers to the standard error.
#[derive(clap::Args, Debug)]
pub struct CallArgs {
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
    #[arg(long, default_value = "simple", value_parser = PossibleValuesParser::new(
        SignatureProfile::ALL.map(SignatureProfile::as_str)
    ).map(|name| SignatureProfile::from_name(&name).expect("it is one of these")))]
    profile: SignatureProfile,
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
    /// File of the answer's body, instead of the standard output.
    #[arg(long)]
    output: Option<PathBuf>,
    #[command(flatten)]
    blind: BlindArgs,
}

/// Blinded verification: the gateway and the product service never see an entry, nor whether it matches.
#[derive(clap::Args, Debug)]
struct BlindArgs {
    /// Entries to match, one in each line, parts separated by tabs; `-` reads the standard input.
    #[arg(long = "blind", conflicts_with_all = ["data", "range", "idempotency_key", "output"])]
    entries: Option<PathBuf>,
    /// The list's tag file, as its product delivers it.
    #[arg(long, requires = "entries")]
    tags: Option<PathBuf>,
    /// The list's public key, as the product's declaration publishes it.
    #[arg(long, requires = "entries", allow_hyphen_values = true)]
    public_key: Option<String>,
    /// SHA-256 of the tag file, as the product's declaration publishes it (`list.tags`): another list is refused.
    #[arg(long, requires = "tags")]
    tags_sha256: Option<String>,
    /// Entries in one request.
    #[arg(long, requires = "entries", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=i64::from(ELEMENTS_MAX)))]
    batch: u32,
    /// With `--prepare`, the new file for the secret of a single entry; without, that file.
    #[arg(long, requires = "entries")]
    blind_state: Option<PathBuf>,
    /// Blinds the entry, prints what its consent is given for, and makes no call.
    #[arg(long, requires = "blind_state")]
    prepare: bool,
}

impl BlindArgs {
    fn read(&self, file: &std::path::Path) -> Result<Vec<Vec<u8>>> {
        let text = if file.as_os_str() == "-" {
            std::io::read_to_string(std::io::stdin()).context("the standard input")?
        } else {
            std::fs::read_to_string(file).with_context(|| format!("list of entries {}", file.display()))?
        };
        blind::entries(&text)
    }

    /// The one entry of `entries`.
    fn single(entries: &[Vec<u8>]) -> Result<&[u8]> {
        ensure!(entries.len() == 1, "a blind state is for one entry");
        Ok(&entries[0])
    }
}

/// Makes the call; `false` when it was refused.
pub fn run(out: &mut Out, args: CallArgs) -> Result<bool> {
    // Matching makes calls that are charged; whoever asks for a plan wants none made.
    ensure!(
        !args.plan || args.blind.entries.is_none(),
        "--plan 与 --blind 不能同用：隐匿核验没有可预估的隐私预算，未发出任何调用 --plan and --blind exclude each other: a \
         blinded verification spends no privacy budget that could be told beforehand; no call was made"
    );
    if let (true, Some(file), Some(state)) =
        (args.blind.prepare, &args.blind.entries, &args.blind.blind_state)
    {
        let entries = args.blind.read(file)?;
        return out.line(&blind::prepare(BlindArgs::single(&entries)?, state)?.to_string()).map(|()| true);
    }
    let secret = std::fs::read_to_string(&args.key_file)
        .with_context(|| format!("key file {}", args.key_file.display()))?;
    let secret = BASE64_STANDARD.decode(secret.trim()).context("the key file does not hold base64")?;
    if args.profile == SignatureProfile::Simple && args.algorithm == "ed25519" {
        bail!("the simple profile is for shared secrets; an Ed25519 key signs with --profile rfc9421");
    }
    let signer = CallSigner {
        key_id: args.key_id,
        key: CallKey::new(&args.algorithm, &secret)?,
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
    let path = format!("/v1/products/{}/{}", args.product, args.operation);
    let client = HttpClient::new(&args.url)?;
    if let Some(file) = &args.blind.entries {
        let call = |body| HttpRequest {
            method: "POST".to_owned(),
            path: path.clone(),
            body,
            headers: headers.clone(),
            nonce: None,
        };
        return match_entries(out, &args.blind, file, |body| Ok(client.send(Some(&signer), &call(body))?));
    }
    let request = HttpRequest {
        method: if body.is_empty() { "GET" } else { "POST" }.to_owned(),
        path: if args.plan { format!("{path}:plan") } else { path },
        body,
        headers,
        nonce: None,
    };
    let answer = client.send(Some(&signer), &request)?;
    tell(&answer);
    match args.output {
        Some(file) if answer.is_success() => NewFile::private(&file)?.keep_all(&answer.body)?,
        _ => out.bytes_line(&answer.body)?,
    }
    Ok(answer.is_success())
}

/// Status, latency and headers, to the standard error.
fn tell(answer: &HttpAnswer) {
    say(&format!("HTTP {} in {:.1} ms", answer.status, answer.latency.as_secs_f64() * 1e3));
    for (name, value) in &answer.headers {
        say(&format!("{name}: {value}"));
    }
}

/// Matches the entries in `file` batch by batch and prints one line for each; ends at the first refusal.
fn match_entries(
    out: &mut Out,
    args: &BlindArgs,
    file: &std::path::Path,
    send: impl Fn(Vec<u8>) -> Result<HttpAnswer>,
) -> Result<bool> {
    let (Some(tags), Some(key)) = (&args.tags, &args.public_key) else {
        bail!("--blind needs --tags and --public-key");
    };
    let list = match &args.tags_sha256 {
        Some(sha256) => TagList::read_committed(tags, key, sha256)?,
        None => TagList::read(tags, key)?,
    };
    let entries = args.read(file)?;
    let mut line = 0;
    for chunk in entries.chunks(args.batch as usize) {
        let batch = match &args.blind_state {
            Some(state) => BlindedEntries::prepared(BlindArgs::single(&entries)?, state)?,
            None => BlindedEntries::new(chunk)?,
        };
        let answer = send(batch.body(&list))?;
        tell(&answer);
        if !answer.is_success() {
            out.bytes_line(&answer.body)?;
            return Ok(false);
        }
        for matched in batch.matches(&answer.json().unwrap_or_default(), &list)? {
            line += 1;
            out.line(&json!({"entry": line, "match": matched}).to_string())?;
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        call: CallArgs,
    }

    #[test]
    fn a_plan_of_a_blinded_verification_makes_no_call() {
        let gateway = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        gateway.set_nonblocking(true).expect("a socket");
        let url = format!("http://{}", gateway.local_addr().expect("bound"));
        let words =
            "call risk-match evaluate --key-id k --key-file none --tags none --public-key none --blind none";
        let words = words.split(' ').chain(["--plan", "--url", &url]);
        let line = Line::try_parse_from(words).map_err(|error| error.to_string()).expect("they are flags");
        let refused = run(&mut Out::stdout(), line.call).expect_err("it is refused").to_string();
        assert!(refused.contains("--plan 与 --blind 不能同用"), "{refused}");
        assert!(refused.contains("--plan and --blind exclude each other"), "{refused}");
        assert!(gateway.accept().is_err(), "somebody called");
    }
}
