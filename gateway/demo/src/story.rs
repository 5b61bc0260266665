//! The demo's first part: its whole world comes into being over the control API, every object by the person whose it is
//! to declare, to apply for, to review, to decide. One product is told in full, from its registration to its first call.
//!
//! The clock starts some weeks back and is moved forward, so that working days and the publicity period pass; it shows
//! the machine's time again when the product is called.

mod desk;
mod founding;
mod operating;
mod persons;
mod registered;
mod shown;
mod steps;
mod town;

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use shuzha_client::{CallSigner, ControlRefusal, HttpClient, HttpRequest};
use shuzha_control::Control;
use shuzha_core::clock::ShiftedClock;
use shuzha_core::{Clock, SystemClock, Timestamp};
use shuzha_files::terminal::Out;

use super::WORLD;
use super::calls::{code_of, verdict_of};
use super::cast::{self, Cast};
use super::guests::{GUESTS, Guest};
use super::view::View;
use desk::{Came, Desk};
use founding::Founding;
use steps::{Chapter, Step, What};
use town::Town;

/// How far back the story begins.
const BEGINS_BEFORE: Duration = Duration::from_secs(50 * 86_400);
/// The rules it happens under: Gansu's demand a certificate and a publicity period.
pub(super) const RULES: &str = "gansu";
/// A step and what came of it.
struct Told {
    at: String,
    step: Step,
    came: Came,
}

/// Where the story happens.
pub(super) struct Stage<'s> {
    /// Address of the control API.
    pub(super) control: String,
    /// Address for callers.
    pub(super) data: String,
    /// The one-time token of the first administrator.
    pub(super) first_token: &'s str,
    /// Where invitations are left.
    pub(super) invitations: PathBuf,
    pub(super) plane: &'s Control,
    pub(super) clock: &'s ShiftedClock,
    pub(super) cast: &'s Cast,
}

/// What the story left behind.
pub(super) struct Story {
    /// Every step, for scripts.
    pub(super) json: Value,
    pub(super) as_expected: bool,
    /// Tokens for whoever tries the control API after the story, one a role.
    pub(super) guests: Vec<Guest>,
}

/// A token for each role, of a person who has it.
fn guests(desk: &Desk) -> Result<Vec<Guest>> {
    let each = GUESTS.iter().map(|(role, account, command)| {
        let person = persons::behind(account).with_context(|| format!("{account} has no account"))?;
        let token = desk.token(account)?.to_owned();
        Ok(Guest { role: *role, account, person: person.name, token, command })
    });
    each.collect()
}

/// Sets the clock to the day on which the story begins.
pub(super) fn begin(clock: &ShiftedClock) {
    clock.show(SystemClock.now().minus(BEGINS_BEFORE));
}

/// Plays the story; prints it to `out` chapter by chapter where there is one.
pub(super) fn play(stage: &Stage<'_>, view: View, mut out: Option<&mut Out>) -> Result<Story> {
    let now = stage.clock.now();
    let desk = Desk::open(&Founding {
        base: &stage.control,
        first_token: stage.first_token,
        invitations: &stage.invitations,
        clock: stage.clock,
    })?;
    let chapters = steps::chapters(&Town::read(WORLD, now)?)?;
    let caller = HttpClient::new(&stage.data)?;
    let signer = stage.cast.signer(steps::CREDENTIAL)?;
    let total = chapters.iter().map(|chapter| chapter.steps.len()).sum();
    let mut teller =
        Teller { stage, desk, caller, signer, progress: Progress::new(total, view, out.is_some()) };
    let mut told = Vec::new();
    for Chapter { title, steps } in chapters {
        let begin = told.len();
        for step in steps {
            let came = teller.take(&step).with_context(|| step.title.clone())?;
            teller.progress.step();
            told.push(Told { at: date(stage.clock.now()), step, came });
        }
        if let Some(out) = &mut out {
            teller.progress.clear();
            shown::print(out, view, title, &told[begin..])?;
        }
    }
    Ok(Story {
        json: shown::json(&told),
        as_expected: told.iter().all(|told| told.came.ok),
        guests: guests(&teller.desk)?,
    })
}

struct Teller<'t> {
    stage: &'t Stage<'t>,
    desk: Desk,
    caller: HttpClient,
    signer: CallSigner,
    progress: Progress,
}

impl Teller<'_> {
    fn take(&mut self, step: &Step) -> Result<Came> {
        let (stage, who) = (self.stage, step.who);
        match &step.what {
            What::Put { kind, name, spec } => self.desk.put(who, *kind, name, spec),
            What::Act { path, verb, body, state } => self.desk.act(who, path, verb, body, state),
            What::Look { path, state } => self.desk.look(who, path, state),
            What::Pass { days } => {
                stage.clock.show(stage.clock.now().plus(Duration::from_secs(days * 86_400)));
                self.settle()
            }
            What::Today => {
                stage.clock.release();
                self.settle()
            }
            What::Call { expected } => self.call(expected),
        }
    }

    /// Lets the time that passed act.
    fn settle(&self) -> Result<Came> {
        while self.stage.plane.tick()? > 0 {}
        Ok(Came::new(format!("→ {}", date(self.stage.clock.now())), true))
    }

    /// Calls the product; what came, and whether it is what was expected: a verdict or a refusal code.
    fn call(&self, expected: &str) -> Result<Came> {
        let (uscc, name) = cast::COMPANY;
        let request = HttpRequest {
            method: "POST".to_owned(),
            path: format!("/v1/products/{}/verify", steps::PRODUCT),
            body: json!({"uscc": uscc, "name": name}).to_string().into_bytes(),
            headers: vec![("X-Scenario".to_owned(), steps::SCENARIO.to_owned())],
            nonce: None,
        };
        let answer = self.caller.send(Some(&self.signer), &request)?;
        let came = if answer.is_success() { Some(verdict_of(&answer)) } else { code_of(&answer) };
        let came = came.unwrap_or_else(|| "?".to_owned());
        let fee = answer.header("x-fee").filter(|_| answer.status < 300);
        let note = fee.map(|fee| format!("费用 {fee} 元")).unwrap_or_default();
        Ok(Came { ok: came == expected, what: came, note })
    }
}

/// How far the story is, on a terminal.
struct Progress {
    done: usize,
    total: usize,
    view: View,
    shown: bool,
}

impl Progress {
    fn new(total: usize, view: View, wanted: bool) -> Self {
        Self { done: 0, total, view, shown: wanted && std::io::stderr().is_terminal() }
    }

    fn step(&mut self) {
        self.done += 1;
        if self.shown {
            let (done, total) = (self.done, self.total);
            let told =
                self.view.either(&format!("第 {done} 步，共 {total} 步"), &format!("step {done} of {total}"));
            let _ = write!(std::io::stderr(), "\r  {told}");
        }
    }

    /// Makes room for what is told.
    fn clear(&self) {
        if self.shown {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

/// The date in China.
fn date(at: Timestamp) -> String {
    shuzha_core::calendar::Day::of(at).to_string()
}

/// What the control API says went wrong.
fn refusal(refusal: &ControlRefusal) -> String {
    let faults = refusal.faults().iter().map(|fault| format!("{}: {}", fault.path, fault.reason));
    let code = Some(refusal.code()).filter(|code| !code.is_empty()).unwrap_or("?");
    format!("{} {code} {}", refusal.status, faults.collect::<Vec<_>>().join("; "))
}
