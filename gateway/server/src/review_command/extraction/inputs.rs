//! Inputs of a model, as numbers: out of a file of clients, and what its input contract permits.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Map, Value};
use shuzha_privacy::extraction::{AXES_MAX, Axis, Input, made_up};
use shuzha_products::input::Choice;
use shuzha_products::product::Operation;

use super::super::LINE_BYTES_MAX;

/// Most clients of one file.
const CLIENTS_MAX: usize = 200_000;

/// Clients and the way between their inputs and numbers.
pub(super) struct Inputs {
    /// Where a number of an input stands, in the order of the numbers.
    places: Vec<Place>,
    clients: Vec<Input>,
    /// Answers that the file holds, by client.
    pub(super) answers: Vec<Option<Value>>,
    axes: Option<Vec<Axis>>,
}

struct Place {
    pointer: String,
    /// What stands there where it is no number; the number is the position in this list.
    words: Vec<Value>,
}

/// A line of the file.
#[derive(Deserialize)]
struct Line {
    input: Value,
    answer: Option<Value>,
}

impl Inputs {
    /// Reads the clients. Inputs can be made up where the operation takes any, and `is_live`: somebody answers them.
    pub(super) fn read(operation: &Operation, file: Option<&Path>, is_live: bool) -> Result<Self> {
        let choices = operation.input.as_ref().and_then(|input| input.choices());
        // A request that holds texts and nothing else names subjects: what the copyist knows of them is for the file to say.
        let is_open = |choice: &Choice| !matches!(choice, Choice::Text);
        let choices = choices.filter(|choices| is_live && choices.values().any(is_open));
        let mut inputs = Self { places: Vec::new(), clients: Vec::new(), answers: Vec::new(), axes: None };
        for (pointer, choice) in choices.iter().flatten() {
            let words = if let Choice::Among(values) = choice { values.clone() } else { Vec::new() };
            inputs.places.push(Place { pointer: pointer.clone(), words });
        }
        if let Some(file) = file {
            inputs.load(file, is_live).with_context(|| file.display().to_string())?;
            // Whoever gives a file wants it measured on: made-up clients do not stand in for those that are missing.
            ensure!(!inputs.clients.is_empty(), "{}: 文件没有客户 holds no client", file.display());
        }
        ensure!(inputs.places.len() <= AXES_MAX, "more than {AXES_MAX} leaves in an input");
        inputs.axes = choices.and_then(|choices| inputs.range(&choices));
        ensure!(
            file.is_some() || inputs.axes.is_some(),
            "输入无法虚构 inputs cannot be made up from the input contract alone: give --clients"
        );
        Ok(inputs)
    }

    fn load(&mut self, file: &Path, is_live: bool) -> Result<()> {
        for (at, line) in BufReader::new(File::open(file)?).lines().enumerate() {
            let place = at + 1;
            let line = line.with_context(|| format!("line {place}"))?;
            if line.trim().is_empty() {
                continue;
            }
            ensure!(line.len() <= LINE_BYTES_MAX, "line {place}: more than {LINE_BYTES_MAX} bytes");
            // The parser's own words may quote the line: only the place is told.
            let read: Line = serde_json::from_str(&line)
                .map_err(|_| anyhow::anyhow!("line {place}: not {{\"input\": …, \"answer\": …}}"))?;
            ensure!(
                is_live || read.answer.is_some(),
                "line {place}: no answer, and no program that gives one"
            );
            let input = self.numbers(&read.input).with_context(|| format!("line {place}"))?;
            self.clients.push(input);
            self.answers.push(read.answer);
            ensure!(self.clients.len() <= CLIENTS_MAX, "more than {CLIENTS_MAX} clients");
        }
        Ok(())
    }

    /// The numbers of an input; the first says which leaves there are, where the contract does not.
    fn numbers(&mut self, input: &Value) -> Result<Input> {
        let mut leaves = BTreeMap::new();
        collect(input, String::new(), &mut leaves)?;
        if self.places.is_empty() {
            let place = |pointer: &String| Place { pointer: pointer.clone(), words: Vec::new() };
            self.places = leaves.keys().map(place).collect();
        }
        let same = self.places.iter().map(|place| &place.pointer).eq(leaves.keys());
        ensure!(same, "other leaves than the contract or the first line");
        Ok(self
            .places
            .iter_mut()
            .zip(leaves.into_values())
            .map(|(place, value)| place.number(value))
            .collect())
    }

    /// What each number may be, where that is bounded: by the contract, else by the clients.
    fn range(&self, choices: &BTreeMap<String, Choice>) -> Option<Vec<Axis>> {
        let axis = |(at, choice): (usize, &Choice)| {
            let own = || self.clients.iter().map(|client| client[at]);
            let (least, most) = (own().reduce(f64::min), own().reduce(f64::max));
            #[expect(clippy::cast_precision_loss, reason = "the length of a list")]
            match choice {
                Choice::Among(values) => {
                    Some(Axis { least: 0.0, most: (values.len().max(1) - 1) as f64, whole: true })
                }
                Choice::Number { least: low, most: high, whole } => {
                    Some(Axis { least: low.or(least)?, most: high.or(most)?, whole: *whole })
                }
                // One of those that the clients have.
                Choice::Text => {
                    let words = self.places[at].words.len();
                    (words > 0).then(|| Axis { least: 0.0, most: (words - 1) as f64, whole: true })
                }
            }
        };
        choices.values().enumerate().map(axis).collect()
    }

    pub(super) fn axes(&self) -> Option<&[Axis]> {
        self.axes.as_deref()
    }

    /// The copyist's clients, and the others; where there is no file, others are made up.
    pub(super) fn parted(
        &self,
        most: usize,
        made: Option<(&[Axis], usize, u64)>,
    ) -> (Vec<Input>, Vec<Input>) {
        match made {
            Some((axes, count, seed)) if self.clients.is_empty() => (Vec::new(), made_up(axes, count, !seed)),
            _ => {
                let every_other = |rest: usize| {
                    let chosen = self.clients.iter().enumerate().filter(move |(at, _)| at % 2 == rest);
                    chosen.map(|(_, client)| client.clone())
                };
                (every_other(0).collect(), every_other(1).take(most).collect())
            }
        }
    }

    /// Each client with the answer that the file holds.
    pub(super) fn answered(&self) -> impl Iterator<Item = (&Input, &Value)> {
        self.clients.iter().zip(&self.answers).filter_map(|(input, answer)| Some((input, answer.as_ref()?)))
    }

    /// The request that these numbers are of.
    pub(super) fn request(&self, input: &Input) -> Value {
        let mut request = Value::Object(Map::new());
        for (place, number) in self.places.iter().zip(input) {
            let mut at = &mut request;
            for name in place.pointer.split('/').skip(1) {
                let name = name.replace("~1", "/").replace("~0", "~");
                if at.is_null() {
                    *at = Value::Object(Map::new());
                }
                at = at.as_object_mut().expect("made above").entry(name).or_insert(Value::Null);
            }
            *at = place.value(*number);
        }
        request
    }
}

impl Place {
    #[expect(clippy::cast_precision_loss, reason = "the length of a list")]
    fn number(&mut self, value: Value) -> f64 {
        match value.as_f64() {
            Some(number) if self.words.is_empty() => number,
            _ => {
                let known = self.words.iter().position(|word| *word == value);
                let at = known.unwrap_or_else(|| {
                    self.words.push(value);
                    self.words.len() - 1
                });
                at as f64
            }
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a position, or below 2^53")]
    fn value(&self, number: f64) -> Value {
        match self.words.get(number.max(0.0) as usize) {
            Some(word) => word.clone(),
            None if number.fract() == 0.0 && number.abs() < 9e15 => Value::from(number as i64),
            None => Value::from(number),
        }
    }
}

/// The leaves of an object, by pointer.
fn collect(value: &Value, pointer: String, leaves: &mut BTreeMap<String, Value>) -> Result<()> {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                collect(member, format!("{pointer}/{name}"), leaves)?;
            }
        }
        Value::Array(_) => bail!("an input with a list"),
        _ => {
            leaves.insert(pointer, value.clone());
        }
    }
    Ok(())
}
