//! The model that is asked, and its answers as numbers: what it computes, and what of that leaves.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use shuzha_privacy::extraction::Input;
use shuzha_privacy::output::FieldSet;
use shuzha_products::product::Operation;

use super::super::LINE_BYTES_MAX;
use super::inputs::Inputs;

/// Stands in a pointer for every element of a list.
const EVERY: &str = "*";

/// What is told of a program that does not read on, or answers no more.
const ENDED: &str = "the model's program ended before everything was asked";

/// A program that answers requests, a line each.
pub(super) struct Program {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Program {
    pub(super) fn start(words: &[String]) -> Result<Self> {
        let (name, arguments) = words.split_first().context("no program")?;
        let mut command = Command::new(name);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("{name} 无法启动 cannot be started"))?;
        let requests = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().context("piped")?);
        Ok(Self { child, requests, answers })
    }

    fn ask(&mut self, request: &Value) -> Result<Value> {
        let requests = self.requests.as_mut().context("closed")?;
        let sent = requests.write_all(format!("{request}\n").as_bytes()).and_then(|()| requests.flush());
        sent.with_context(|| format!("模型程序提前结束 {ENDED}"))?;
        let mut line = String::new();
        let most = LINE_BYTES_MAX as u64;
        let read =
            (&mut self.answers).take(most).read_line(&mut line).context("the program gives no answer")?;
        ensure!(read > 0, "模型程序提前结束 {ENDED}");
        serde_json::from_str(&line).map_err(|_| anyhow::anyhow!("the program's answer is no JSON"))
    }
}

impl Drop for Program {
    /// Its input ends, so it does; one that goes on is left to whoever wrote it, and not waited for for ever.
    fn drop(&mut self) {
        self.requests = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Leaves of the answers that can be copied: not those of lists, and not those that are another text for everybody.
pub(super) fn leaves(operation: &Operation) -> Vec<String> {
    let Some(contract) = operation.output.contract() else { return Vec::new() };
    let open = FieldSet(contract.all().0 & !contract.keyed().0);
    let single = |pointer: &&str| !pointer.split('/').any(|name| name == EVERY);
    contract.pointers(open).filter(single).map(str::to_owned).collect()
}

/// The model behind one operation.
pub(super) struct Model<'a> {
    operation: &'a Operation,
    inputs: &'a Inputs,
    program: Option<Program>,
    /// Answers of the product service, by input.
    known: HashMap<Vec<u64>, Value>,
    /// Words that stand for numbers, by leaf.
    words: HashMap<String, Vec<String>>,
}

impl<'a> Model<'a> {
    pub(super) fn new(operation: &'a Operation, inputs: &'a Inputs, program: Option<Program>) -> Self {
        let known = inputs.answered().map(|(input, answer)| (bits(input), answer.clone())).collect();
        Self { operation, inputs, program, known, words: HashMap::new() }
    }

    /// What the model computes of an input, as a number.
    pub(super) fn computed(&mut self, leaf: &str, input: &Input) -> Result<f64> {
        let answer = self.answer(input)?;
        self.number(leaf, answer.pointer(leaf))
    }

    /// What leaves of it.
    pub(super) fn answered(&mut self, leaf: &str, input: &Input) -> Result<f64> {
        let answer = self.answer(input)?;
        let contract = self.operation.output.contract().context("no leaves")?;
        let fields = contract.fields_among([leaf]);
        let released = contract.project(fields, answer.to_string().as_bytes())?;
        let released: Value = serde_json::from_slice(&released.bytes)?;
        self.number(leaf, released.pointer(leaf))
    }

    fn answer(&mut self, input: &Input) -> Result<Value> {
        if let Some(known) = self.known.get(&bits(input)) {
            return Ok(known.clone());
        }
        let program =
            self.program.as_mut().context("the file has no answer to it, and there is no program")?;
        let answer = program.ask(&self.inputs.request(input))?;
        self.known.insert(bits(input), answer.clone());
        Ok(answer)
    }

    /// A leaf as a number: a band is its middle, another word its place among those that came.
    #[expect(clippy::cast_precision_loss, reason = "the length of a list")]
    fn number(&mut self, leaf: &str, value: Option<&Value>) -> Result<f64> {
        Ok(match value {
            None | Some(Value::Null) => -1.0,
            Some(Value::Bool(value)) => f64::from(*value),
            Some(Value::Number(number)) => number.as_f64().context("a number")?,
            Some(Value::String(text)) => {
                if let Some(middle) = middle(text) {
                    return Ok(middle);
                }
                let words = self.words.entry(leaf.to_owned()).or_default();
                let known = words.iter().position(|word| word == text);
                let at = known.unwrap_or_else(|| {
                    words.push(text.clone());
                    words.len() - 1
                });
                at as f64
            }
            Some(_) => anyhow::bail!("{leaf} 不是单个值 is no single value"),
        })
    }
}

/// The middle of a band as a mask shows it, `600-649`.
fn middle(text: &str) -> Option<f64> {
    let sign = text.char_indices().skip(1).find(|(_, one)| *one == '-')?.0;
    let (low, high) = (text[..sign].parse::<f64>().ok()?, text[sign + 1..].parse::<f64>().ok()?);
    Some(f64::midpoint(low, high))
}

/// An input to be found by: equal numbers have equal bits, but for −0.
fn bits(input: &Input) -> Vec<u64> {
    input.iter().map(|number| (number + 0.0).to_bits()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_is_its_middle() {
        assert_eq!(middle("600-649"), Some(624.5));
        assert_eq!(middle("-10--1"), Some(-5.5));
        assert_eq!((middle("high"), middle("-"), middle("a-b")), (None, None, None));
    }
}
