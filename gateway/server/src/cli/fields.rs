//! The body of a verb, from what stands on the command line.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use ring::digest::{Context as Digest, SHA256};
use serde_json::{Map, Value, json};
use shuzha_core::files::{self, Links};
use shuzha_products::case::Verb;

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
            None => json!({}),
        };
        let schema: Value = serde_json::from_str(verb.schema).expect("the kinds' tests read their schemas");
        for field in &self.fields {
            let (key, value) =
                field.split_once('=').with_context(|| format!("--field {field}: expected KEY=VALUE"))?;
            let steps: Vec<&str> = key.split('.').collect();
            let is_text =
                steps.iter().try_fold(&schema, |at, step| at["properties"].get(step)).is_some_and(is_text);
            // What the verb wants as text stays text, whatever it looks like: dates, numbers of papers, codes.
            let value = if is_text {
                value.into()
            } else {
                serde_json::from_str(value).unwrap_or_else(|_| value.into())
            };
            set(&mut body, &steps, value).with_context(|| format!("--field {field}"))?;
        }
        if let Some(reason) = &self.reason {
            body["reason"] = reason.as_str().into();
        }
        if !self.attach.is_empty() {
            let attachments: Result<Vec<_>> = self.attach.iter().map(|file| attachment(file)).collect();
            body["attachments"] = attachments?.into();
        }
        Ok(body)
    }
}

fn read(file: &Path) -> Result<Value> {
    let shown = || file.display().to_string();
    let text = files::read_text(file, Links::Follow, BODY_BYTES_MAX).with_context(shown)?;
    let body: Value = serde_json::from_str(&text).with_context(shown)?;
    if body.is_object() { Ok(body) } else { bail!("{}: expected a JSON object", file.display()) }
}

/// Whether a schema wants text.
fn is_text(schema: &Value) -> bool {
    schema["type"] == "string"
        || schema["enum"].as_array().is_some_and(|words| words.iter().all(Value::is_string))
}

/// Sets the field at `steps`, making the objects on the way.
fn set(body: &mut Value, steps: &[&str], value: Value) -> Result<()> {
    let Some((first, rest)) = steps.split_first().filter(|(first, _)| !first.is_empty()) else {
        bail!("a field has a name");
    };
    let Value::Object(fields) = body else { bail!("is below a field that is no object") };
    if rest.is_empty() {
        fields.insert((*first).to_owned(), value);
        return Ok(());
    }
    set(fields.entry(*first).or_insert_with(|| Value::Object(Map::new())), rest, value)
}

/// Name, size and digest of a document.
fn attachment(file: &Path) -> Result<Value> {
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
    let sha256 = shuzha_core::hex::encode(digest.finish().as_ref());
    Ok(json!({"name": name, "bytes": bytes, "sha256": sha256}))
}

/// The fields that a verb takes, a line each, for its help.
pub(super) fn help(verb: &Verb) -> String {
    let schema: Value = serde_json::from_str(verb.schema).expect("the kinds' tests read their schemas");
    let required =
        |name: &str| schema["required"].as_array().is_some_and(|list| list.iter().any(|one| one == name));
    let fields = schema["properties"].as_object().into_iter().flatten().map(|(name, schema)| {
        let what = schema["enum"].as_array().map_or_else(
            || schema["type"].as_str().unwrap_or("any").to_owned(),
            |words| words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("|"),
        );
        format!("  {name} ({what}){}\n", if required(name) { " 必填 required" } else { "" })
    });
    let fields: String = fields.collect();
    let reason = if verb.reason { "理由必填 --reason is required\n" } else { "" };
    if fields.is_empty() { reason.to_owned() } else { format!("{reason}字段 fields:\n{fields}") }
}

#[cfg(test)]
mod tests {
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
        assert_eq!(told, json!({"name": "意见.pdf", "bytes": 3, "sha256": sha256}));
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
