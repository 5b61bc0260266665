//! The thread that takes checkpoints to witnesses (C2SP tlog-witness) and keeps what they sign.
//!
//! Nothing waits for it: a witness that is away costs its signature and no more. What was cosigned stands beside the latest checkpoint,
//! in `cosigned`, and receipts carry it as soon as it covers them.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use shuzha_evidence::checkpoint::Checkpoint;
use shuzha_evidence::log::LogReader;
use shuzha_evidence::merkle::{Digest, Sha256, Sm3};
use shuzha_evidence::note::{Note, Signature};
use shuzha_evidence::witness::AddCheckpoint;
use shuzha_store::tiles::Library;

use crate::config::WitnessConfig;
use crate::worker::{Waker, Worker};

/// Least time between two rounds.
const INTERVAL: Duration = Duration::from_secs(10);

/// Longest wait for one witness.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Largest answer of a witness that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 16 << 10;

/// Starts the thread, where there is a witness. It ends within the time that one witness may take.
pub(super) fn start(witnesses: Vec<WitnessConfig>, library: Library) -> Result<Option<Worker>> {
    if witnesses.is_empty() {
        return Ok(None);
    }
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .max_redirects(0)
        .build();
    let mut rounds = Rounds { witnesses, library, agent: config.new_agent(), sizes: HashMap::new() };
    let mut due = false;
    let round = move || {
        // The first checkpoint is not there yet when this starts.
        if std::mem::replace(&mut due, true) {
            rounds.round_of_both();
        }
        INTERVAL
    };
    Ok(Some(Worker::start("cosigner", Waker::default(), round)?))
}

struct Rounds {
    witnesses: Vec<WitnessConfig>,
    library: Library,
    agent: ureq::Agent,
    /// What each witness remembers of an origin, as far as known: it says so itself where this is wrong.
    sizes: HashMap<(String, String), u64>,
}

impl Rounds {
    fn round_of_both(&mut self) {
        for outcome in [self.round::<Sha256>(), self.round::<Sm3>()] {
            if let Err(error) = outcome {
                tracing::warn!(error = format!("{error:#}"), "a checkpoint was not cosigned");
            }
        }
    }

    /// Takes the latest checkpoint of one tree to every witness that has not signed it.
    fn round<D: Digest>(&mut self) -> Result<()> {
        let Some(log) = self.library.latest()? else { return Ok(()) };
        let Some(mut note) = log.checkpoint::<D>()? else { return Ok(()) };
        let tree = Checkpoint::parse(note.text())?;
        if let Some(before) = log.cosigned::<D>()?
            && before.text() == note.text()
        {
            note = before;
        }
        let mut signed = false;
        for witness in self.witnesses.clone() {
            if note.verified_by(&witness.key).is_ok() {
                continue;
            }
            match self.ask::<D>(&log, &note, &tree, &witness) {
                Ok(signature) => {
                    note.add(signature);
                    signed = true;
                }
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::warn!(witness = witness.key.name(), error, "a witness did not sign");
                }
            }
        }
        if signed {
            self.library.keep_cosigned::<D>(&log, &note)?;
        }
        Ok(())
    }

    fn ask<D: Digest>(
        &mut self,
        log: &LogReader,
        note: &Note,
        tree: &Checkpoint,
        witness: &WitnessConfig,
    ) -> Result<Signature> {
        let key = (witness.url.clone(), tree.origin.clone());
        let mut old_size = self.sizes.get(&key).copied().unwrap_or(0);
        // A second time where it says that it remembers another size.
        for _ in 0..2 {
            let proof = log.consistency::<D>(old_size.min(tree.size), tree.size)?;
            let request = AddCheckpoint { old_size, proof, note: note.clone() };
            let sent = self.agent.post(format!("{}/add-checkpoint", witness.url)).send(request.to_string());
            let mut answer = sent.context("it cannot be reached")?;
            let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string()?;
            match answer.status().as_u16() {
                200 => {
                    self.sizes.insert(key, tree.size);
                    return own(&body, note, witness);
                }
                409 => old_size = body.trim_end().parse().context("it names no size")?,
                status => bail!("it answered {status}"),
            }
        }
        bail!("it remembers {old_size} entries, the log has {}", tree.size)
    }
}

/// The signature of this witness among what it answered, if it is good.
fn own(body: &str, note: &Note, witness: &WitnessConfig) -> Result<Signature> {
    let mut checked = note.clone();
    for signature in Signature::parse_lines(body)? {
        if witness.key.made(&signature) {
            checked.add(signature.clone());
            checked.verified_by(&witness.key).context("its signature is wrong")?;
            return Ok(signature);
        }
    }
    bail!("its answer holds no signature of {}", witness.key.name())
}
