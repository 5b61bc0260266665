//! The body of a verb, from what stands on the command line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use ring::digest::{Context as Digest, SHA256};
use serde::Deserialize;
use serde_json::{Map, Value};
use shuzha_core::files::{self, Links};
use shuzha_products::case::Verb;
use shuzha_schema::Digest as Hex;
use shuzha_schema::object::Attachment;

/// Largest file read as a body.
const BODY_BYTES_MAX: u64 = 1 << 20;

/// What a verb is given.
#[derive(clap::Args, Debug)]
pub(super) struct Given {
    /// Why; kept with the act.
    #[arg(long)]
    pub(super) reason: Option<String>,
    /// A field of the verb, `term.until=2027-01-01`; may be given again.
    #[arg(long = "field", value_name = "KEY=VALUE")]
    fields: Vec<String>,
    /// A JSON file with the fields of the verb; `--field` adds to it.
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// A document behind the act; its name, size and SHA-256 are sent, not its content. May be given again.
    #[arg(long, value_name = "FILE")]
    attach: Vec<PathBuf>,
}

impl Given {
    /// The body of `verb`.
    pub(super) fn body(&self, verb: &Verb) -> Result<Value> {
        let mut body = match &self.body {
            Some(file) => read(file)?,
            None => Map::new(),
        };
        let schema = Shape::of(verb);
        for field in &self.fields {
            let (key, value) =
                field.split_once('=').with_context(|| format!("--field {field}: expected KEY=VALUE"))?;
            let steps: Vec<&str> = key.split('.').collect();
            let at = steps.iter().try_fold(&schema, |at, step| at.properties.get(*step));
            let is_text = at.is_some_and(Shape::is_text);
            // What the verb wants as text stays text, whatever it looks like: dates, numbers of papers, codes.
            let value = if is_text {
                value.into()
            } else {
                serde_json::from_str(value).unwrap_or_else(|_| value.into())
            };
            set(&mut body, &steps, value).with_context(|| format!("--field {field}"))?;
        }
        if let Some(reason) = &self.reason {
            body.insert("reason".to_owned(), reason.as_str().into());
        }
        if !self.attach.is_empty() {
            let attachments: Result<Vec<_>> = self.attach.iter().map(|file| attachment(file)).collect();
            body.insert("attachments".to_owned(), serde_json::to_value(attachments?)?);
        }
        Ok(body.into())
    }
}

fn read(file: &Path) -> Result<Map<String, Value>> {
    let shown = || file.display().to_string();
    let text = files::read_text(file, Links::Follow, BODY_BYTES_MAX).with_context(shown)?;
    let body: Value = serde_json::from_str(&text).with_context(shown)?;
    match body {
        Value::Object(body) => Ok(body),
        _ => bail!("{}: expected a JSON object", file.display()),
    }
}

/// What is read of a verb's schema.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Shape {
    r#type: Value,
    r#enum: Option<Vec<Value>>,
    properties: BTreeMap<String, Self>,
    required: Vec<String>,
}

impl Shape {
    fn of(verb: &Verb) -> Self {
        serde_json::from_str(verb.schema).expect("the kinds' tests read their schemas")
    }

    /// Whether it wants text.
    fn is_text(&self) -> bool {
        self.r#type == "string"
            || self.r#enum.as_ref().is_some_and(|words| words.iter().all(Value::is_string))
    }

    /// What it wants, in a word.
    fn word(&self) -> String {
        match &self.r#enum {
            Some(words) => words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("|"),
            None => self.r#type.as_str().unwrap_or("any").to_owned(),
        }
    }
}

/// Sets the field at `steps`, making the objects on the way.
fn set(fields: &mut Map<String, Value>, steps: &[&str], value: Value) -> Result<()> {
    let Some((first, rest)) = steps.split_first().filter(|(first, _)| !first.is_empty()) else {
        bail!("a field has a name");
    };
    if rest.is_empty() {
        fields.insert((*first).to_owned(), value);
        return Ok(());
    }
    match fields.entry(*first).or_insert_with(|| Map::new().into()) {
        Value::Object(inner) => set(inner, rest, value),
        _ => bail!("is below a field that is no object"),
    }
}

/// Name, size and digest of a document.
fn attachment(file: &Path) -> Result<Attachment> {
    let name = file
        .file_name()
        .and_then(|name| name.to_str())
        .with_context(|| format!("{}: no name", file.display()))?;
    let mut digest = Digest::new(&SHA256);
    let mut bytes = 0_u64;
    let mut reader = files::open(file, Links::Follow).with_context(|| file.display().to_string())?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = std::io::Read::read(&mut reader, &mut buffer)?;
        if count == 0 {
            break;
        }
        digest.update(&buffer[..count]);
        bytes += count as u64;
    }
    let sha256 = Hex::of(shuzha_core::hex::encode(digest.finish().as_ref()));
    Ok(Attachment { name: name.to_owned(), bytes, sha256 })
}

/// The fields that a verb takes, a line each, for its help.
pub(super) fn help(verb: &Verb) -> String {
    let schema = Shape::of(verb);
    let fields = schema.properties.iter().map(|(name, shape)| {
        let required = if schema.required.contains(name) { " 必填 required" } else { "" };
        format!("  {name} ({}){required}\n", shape.word())
    });
    let fields: String = fields.collect();
    let reason = if verb.reason { "理由必填 --reason is required\n" } else { "" };
    if fields.is_empty() { reason.to_owned() } else { format!("{reason}字段 fields:\n{fields}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shuzha_core::Role;
    use shuzha_products::case::Duty;

    use super::*;

    const VERB: Verb = Verb {
        public: false,
        name: "do",
        title_zh: "办理",
        roles: &[Role::Authority],
        duty: Duty::Decide,
        reason: true,
        schema: r#"{"type":"object","required":["until"],"properties":{"until":{"type":"string"},"count":{"type":"integer"},
            "kind":{"enum":["1","2"]},"term":{"type":"object","properties":{"code":{"type":"string"},"paid":{"type":"boolean"}}}}}"#,
    };

    fn given(fields: &[&str]) -> Given {
        let fields = fields.iter().map(|field| (*field).to_owned()).collect();
        Given { reason: Some("核查属实".to_owned()), fields, body: None, attach: Vec::new() }
    }

    #[test]
    fn fields_become_what_the_verb_wants() {
        let fields = ["until=2027", "count=3", "kind=2", "term.code=007", "term.paid=true", "other=[1]"];
        let body = given(&fields).body(&VERB).expect("read");
        assert_eq!(
            body,
            json!({"until": "2027", "count": 3, "kind": "2", "term": {"code": "007", "paid": true}, "other": [1],
                "reason": "核查属实"})
        );
        assert!(given(&["until"]).body(&VERB).is_err());
        assert!(given(&["until=1", "until.x=1"]).body(&VERB).is_err());
        assert!(given(&[".x=1"]).body(&VERB).is_err());
    }

    #[test]
    fn documents_are_sent_as_their_digests() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("意见.pdf");
        std::fs::write(&file, "abc").expect("written");
        let told = attachment(&file).expect("read");
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(told, Attachment { name: "意见.pdf".to_owned(), bytes: 3, sha256: Hex::of(sha256) });
    }

    #[test]
    fn the_help_names_every_field() {
        let help = help(&VERB);
        for line in ["--reason is required", "until (string) 必填 required", "kind (1|2)", "term (object)"]
        {
            assert!(help.contains(line), "{line} in {help}");
        }
    }
}
