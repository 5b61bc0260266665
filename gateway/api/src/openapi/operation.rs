//! The parts that operations are put together from.

use serde_json::{Map, Value, json};
use shuzha_core::Code;
use shuzha_schema::{Moment, Name, Revision, schema};

use super::schemas;

/// One operation in the making.
pub(super) struct Operation(Value);

/// Problems that any request may meet.
const ALWAYS: &[u16] = &[400, 404, 406, 408, 413, 500, 503];

impl Operation {
    /// An operation that asks who calls.
    pub(super) fn new(tag: &str, id: &str, summary: &str) -> Self {
        Self::open(tag, id, summary).problem(&[401, 403])
    }

    /// An operation that anyone may use.
    pub(super) fn open(tag: &str, id: &str, summary: &str) -> Self {
        let operation = json!({
            "tags": [tag], "operationId": id, "summary": summary, "responses": {}, "parameters": [],
        });
        Self(operation).problem(ALWAYS)
    }

    /// The same without a sign-on.
    pub(super) fn public(mut self) -> Self {
        self.0["security"] = json!([]);
        self
    }

    /// The same for persons themselves: not by token.
    pub(super) fn in_person(mut self) -> Self {
        self.0["security"] = json!([{"session": [], "mark": []}]);
        self
    }

    /// The same with a parameter of [`parameters`].
    pub(super) fn takes(mut self, names: &[&str]) -> Self {
        let list = self.0["parameters"].as_array_mut().expect("it was made as a list");
        list.extend(names.iter().map(|name| json!({"$ref": format!("#/components/parameters/{name}")})));
        self
    }

    /// The same with a parameter of its own.
    pub(super) fn parameter(mut self, parameter: Value) -> Self {
        self.0["parameters"].as_array_mut().expect("it was made as a list").push(parameter);
        self
    }

    /// The same with a body.
    pub(super) fn body(mut self, schema: Value, required: bool) -> Self {
        self.0["requestBody"] =
            json!({"required": required, "content": {"application/json": {"schema": schema}}});
        self.problem(&[415, 422])
    }

    /// The same with an answer of JSON.
    pub(super) fn answers(self, status: u16, description: &str, schema: Value, headers: &[&str]) -> Self {
        let content = json!({"application/json": {"schema": schema}});
        self.answer(status, description, content, headers)
    }

    /// The same with an answer that has no body.
    pub(super) fn nothing(self, status: u16, description: &str, headers: &[&str]) -> Self {
        self.answer(status, description, Value::Null, headers)
    }

    /// The same with an answer of some content.
    pub(super) fn answer(mut self, status: u16, description: &str, content: Value, headers: &[&str]) -> Self {
        let named = headers.iter().chain(&["X-Request-Id"]);
        let headers: Map<_, _> = named
            .map(|name| ((*name).to_owned(), json!({"$ref": format!("#/components/headers/{name}")})))
            .collect();
        let mut answer = json!({"description": description, "headers": headers});
        if !content.is_null() {
            answer["content"] = content;
        }
        self.0["responses"][status.to_string()] = answer;
        self
    }

    /// The same with problems by their status.
    pub(super) fn problem(mut self, statuses: &[u16]) -> Self {
        for status in statuses {
            self.0["responses"][status.to_string()] =
                json!({"$ref": format!("#/components/responses/{status}")});
        }
        self
    }

    /// The operation.
    pub(super) fn done(self) -> Value {
        self.0
    }
}

/// A parameter in the query.
pub(super) fn query(name: &str, description: &str, schema: Value) -> Value {
    json!({"name": name, "in": "query", "description": description, "schema": schema})
}

fn header(name: &str, required: bool, description: &str, schema: Value) -> Value {
    json!({"name": name, "in": "header", "required": required, "description": description, "schema": schema})
}

fn path(name: &str, description: &str) -> Value {
    json!({"name": name, "in": "path", "required": true, "description": description, "schema": schema::<Name>()})
}

/// Parameters by name.
pub(super) fn parameters() -> Value {
    let tag = json!({"type": "string", "pattern": "^\"[0-9]{1,18}\"$"});
    let limit = json!({"type": "integer", "minimum": 1, "maximum": crate::parameters::PAGE_MAX, "default": crate::parameters::PAGE_DEFAULT});
    let text = json!({
        "type": "string", "minLength": 1, "maxLength": crate::parameters::TEXT_CHARS_MAX, "pattern": "^[^\\x00-\\x1f\\x7f-\\x9f]+$",
    });
    json!({
        "name": path("name", "The object's name."),
        "token": path("token", "The token's name."),
        "limit": query("limit", "Most items of the page.", limit),
        "cursor": query("cursor", "`next` of the page before.", schema::<Name>()),
        "revision": query("cursor", "`next` of the page before.", schema::<Revision>()),
        "owner": query("owner", "Only of this organisation.", schema::<Name>()),
        "organisation": query("organisation", "Only of this organisation.", schema::<Name>()),
        "q": query("q", "Only with this text in name or spec.", text.clone()),
        "overdue": query("overdue", "Only with a deadline that has passed.", json!({"type": "boolean"})),
        "kind": query("kind", "Only on objects of this kind.", text.clone()),
        "object": query("name", "Only on objects of this name.", text.clone()),
        "actor": query("actor", "Only by this account.", text.clone()),
        "verb": query("verb", "Only this verb.", text),
        "from": query("from", "At or after this date or instant.", schema::<Moment>()),
        "until": query("until", "Before this date or instant.", schema::<Moment>()),
        "dry_run": query("dry_run", "Answer what the change would do, and change nothing.", json!({"type": "boolean"})),
        "If-Match": header("If-Match", true, "The version the caller acts on.", tag.clone()),
        "If-Match-or-new": header("If-Match", false, "The version the caller acts on; absent for a new object.", tag.clone()),
        "If-Match-if-seen": header("If-Match", false, "The version the caller acts on; absent for who sees only the public part.", tag),
        "If-None-Match": header("If-None-Match", false, "The version the caller has already.", json!({"type": "string"})),
        "create-only": header("If-None-Match", false, "`*`: only if there is no such object yet. Excludes `If-Match`.", json!({"const": "*"})),
        "Idempotency-Key": header(
            "Idempotency-Key", false, "Names this request and its retries.",
            json!({"type": "string", "pattern": "^[!-~]+$", "minLength": 1, "maxLength": shuzha_control::Request::KEY_BYTES_MAX}),
        ),
    })
}

/// Headers of answers by name.
pub(super) fn headers() -> Value {
    let text = |description: &str| json!({"description": description, "schema": {"type": "string"}});
    json!({
        "ETag": {"description": "The version, in quotes.", "required": true, "schema": {"type": "string", "pattern": "^\"[0-9]+\"$"}},
        "ETag-unless-tried": {"description": "The version, in quotes; absent in a dry run.", "schema": {"type": "string", "pattern": "^\"[0-9]+\"$"}},
        "Location": {"description": "The address of what was made; absent in a dry run.", "schema": {"type": "string"}},
        "ETag-of-content": text("Names these bytes, in quotes."),
        "Content-Disposition": text("The file's name."),
        "X-Export-Rows": text("How many rows the file has."),
        "X-Export-Digest": text("SHA-256 over all rows, as the file states it at its end."),
        "Set-Cookie": text("The session."),
        "Idempotency-Replayed": text("`true` when this is the kept answer of an earlier request with the same key."),
        "X-Request-Id": {"description": "Names the request.", "required": true, "schema": {"type": "string", "format": "uuid"}},
        "Retry-After": {"description": "Seconds after which trying again makes sense.", "schema": {"type": "integer"}},
        "WWW-Authenticate": text("How to sign on."),
    })
}

/// Problem answers by status.
pub(super) fn problems() -> Value {
    let mut all = Map::new();
    for &status in schemas::PROBLEM_STATUSES {
        let codes = Code::ALL.iter().filter(|code| code.status() == status && schemas::of_the_api(**code));
        let list: Vec<_> =
            codes.map(|code| format!("- `{code}` {}", code.title(shuzha_core::Lang::En))).collect();
        let mut headers = json!({"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}});
        if matches!(status, 429 | 503) {
            headers["Retry-After"] = json!({"$ref": "#/components/headers/Retry-After"});
        }
        if status == 401 {
            headers["WWW-Authenticate"] = json!({"$ref": "#/components/headers/WWW-Authenticate"});
        }
        let answer = json!({
            "description": list.join("\n"),
            "headers": headers,
            "content": {"application/problem+json": {"schema": schemas::reference("Problem")}},
        });
        all.insert(status.to_string(), answer);
    }
    Value::Object(all)
}
