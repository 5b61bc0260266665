//! Specs of the declared kinds, for people and tools that write them. The catalogue's own readers decide: they know more
//! than a schema can say, and a test holds the worked example of the repository against both.

use serde_json::{Value, json};
use shuzha_privacy::budget::PACE_DAYS_MAX;
use shuzha_products::{jurisdiction, kinds};

use super::schemas::{object, reference};

/// The schema of the spec of a declared kind.
pub(super) fn spec(kind: &str) -> Value {
    match kind {
        "Jurisdiction" => jurisdiction(),
        "Organisation" => object(
            &["kind", "uscc", "name"],
            json!({
                "kind": {"enum": ["authority", "registrar", "provider", "operator", "unit", "exchange"]},
                "uscc": {
                    "type": "string", "pattern": "^[0-9A-HJ-NPQRTUWXY]{18}$",
                    "description": "统一社会信用代码 (GB 32100), with its check character.",
                },
                "name": text(),
                "controller": reference("Name"),
            }),
        ),
        "ApplicationUnit" => object(
            &["organisation", "securityOfficer"],
            json!({
                "organisation": reference("Name"), "securityOfficer": text(), "creditLimit": yuan(),
            }),
        ),
        "Credential" => object(
            &["unit", "algorithm", "window"],
            json!({
                "unit": reference("Name"),
                "algorithm": {"enum": ["hmac-sha256", "hmac-sm3", "ed25519"]},
                "publicKey": key(), "publicKeyFile": file(), "window": window(),
                "allow": {"type": "array", "minItems": 1, "items": text(), "description": "Networks (CIDR) it may be used from."},
                "revoked": {"type": "boolean"},
                "sandbox": {"type": "boolean", "description": "A test credential: its calls never leave the sandbox."},
                "simpleV1Until": {"type": "string", "description": "Until when it may sign by version 1 of the simple profile; 2027-07-01 at the latest."},
            }),
        ),
        "ConsentIssuer" => object(
            &["kid", "algorithm"],
            json!({
                "kid": reference("Name"), "algorithm": {"enum": ["EdDSA", "ES256", "SM2-SM3"]},
                "publicKey": key(), "publicKeyFile": file(),
            }),
        ),
        "PersonSpace" => {
            object(&["measure", "cap"], json!({"measure": {"enum": ["pure-eps", "rho"]}, "cap": charge()}))
        }
        "DataSet" => data_set(),
        "Upstream" => object(
            &["endpoints", "timeout"],
            json!({
                "endpoints": {"type": "array", "minItems": 1, "items": text(), "description": "`host:port`."},
                "timeout": {"type": "string", "pattern": "^[0-9]+(ms|s|m)$"},
                "healthPath": {"type": "string", "pattern": "^/"},
                "operator": reference("Name"),
                "selfDescription": object(
                    &["version", "contract"],
                    json!({
                        "version": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[!-~]+$"},
                        "contract": sha256(),
                    }),
                ),
                "keyDigest": sha256(),
                "keyFile": {
                    "type": "string", "readOnly": true, "deprecated": true,
                    "description": "Of declarations made before keys were called after their services; not declared any more.",
                },
                "synthetic": {"type": "boolean", "description": "Answers from synthetic data, for sandboxes only."},
            }),
        ),
        "Product" => product(),
        "Listing" => object(
            &["product", "exchange", "number", "window"],
            json!({
                "product": reference("Name"), "exchange": reference("Name"),
                "number": {"type": "string", "minLength": 1, "maxLength": 64, "description": "挂牌编号."},
                "window": window(),
            }),
        ),
        "PriceAct" => object(
            &["number", "issuer", "window"],
            json!({
                "number": text(), "issuer": reference("Name"), "window": window(),
            }),
        ),
        "Ceiling" => object(
            &["act", "product", "perCallMax", "window"],
            json!({
                "act": reference("Name"), "product": reference("Name"), "perCallMax": yuan(), "annualMax": yuan(),
                "window": window(),
            }),
        ),
        "Price" => object(
            &["act", "product", "charged", "window"],
            json!({
                "act": reference("Name"), "product": reference("Name"), "operation": reference("Name"),
                "scenario": reference("Name"),
                "purposes": {
                    "type": "array", "minItems": 1, "uniqueItems": true,
                    "items": {"enum": ["public-governance", "public-welfare", "industry", "sector"]},
                },
                "perCall": yuan(), "graduated": tiers(), "volume": tiers(), "package": fee_for_calls(),
                "free": object(&["reason", "notional"], json!({
                    "reason": text(), "notional": yuan(),
                    "ground": {"enum": ["public-governance", "public-welfare", "trial", "provider"]},
                    "conditions": {"type": "array", "minItems": 1, "maxItems": 32, "items": text()},
                })),
                "annual": yuan(), "minimum": fee_for_calls(), "maximum": yuan(),
                "trial": {"type": "boolean", "description": "Of a product in its first year; ends by its window."},
                "providerParts": {
                    "type": "integer", "minimum": 0, "maximum": 10_000,
                    "description": "Parts of ten thousand that a unit of a department providing the data pays.",
                },
                "charged": {
                    "type": "array", "minItems": 1, "uniqueItems": true,
                    "items": {"enum": ["consistent", "inconsistent", "no_record", "answer", "package"]},
                },
                "window": window(),
            }),
        ),
        "PermittedRevenue" => object(
            &["act", "operator", "amount", "window"],
            json!({
                "act": reference("Name"), "operator": reference("Name"), "amount": yuan(), "carried": yuan(),
                "window": window(),
            }),
        ),
        "TaxRate" => object(
            &["parts", "source", "window"],
            json!({
                "parts": {"type": "integer", "minimum": 0, "maximum": 10_000, "description": "Of ten thousand: 6% is 600."},
                "source": text(), "window": window(),
            }),
        ),
        _ => json!({"type": "object"}),
    }
}

fn tiers() -> Value {
    json!({
        "type": "array", "minItems": 1, "maxItems": 32, "description": "Each but the last ends with call `upTo`.",
        "items": object(&["each"], json!({"upTo": {"type": "integer", "minimum": 1}, "each": yuan()})),
    })
}

fn fee_for_calls() -> Value {
    object(&["fee", "calls"], json!({"fee": yuan(), "calls": {"type": "integer", "minimum": 1}}))
}

fn file() -> Value {
    json!({"type": "string", "maxLength": 200, "pattern": "^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$",
        "description": "A file in the node's data folder."})
}

fn sha256() -> Value {
    json!({"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "SHA-256, in hexadecimal."})
}

fn text() -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": 512})
}

fn yuan() -> Value {
    json!({"type": "string", "pattern": "^[0-9]{1,12}([.][0-9]{1,6})?$", "description": "Yuan, as quoted decimal text."})
}

fn charge() -> Value {
    json!({"type": "string", "pattern": "^[0-9]{1,9}([.][0-9]{1,9})?$", "description": "ε or ρ, as quoted decimal text."})
}

fn key() -> Value {
    json!({"type": "string", "minLength": 44, "maxLength": 44, "description": "Ed25519 public key in base 64."})
}

fn window() -> Value {
    object(&["from", "until"], json!({"from": reference("Moment"), "until": reference("Moment")}))
}

fn jurisdiction() -> Value {
    let packs: Vec<_> = jurisdiction::PACKS.iter().map(|(name, _)| *name).collect();
    let by_pack = object(
        &["rules"],
        json!({
            "rules": {"enum": packs}, "level": {"enum": ["province", "local"]},
            "operatingFrom": {
                "allOf": [reference("Moment")],
                "description": "From when an operator that never had an operating agreement needs one.",
            },
        }),
    );
    json!({"oneOf": [by_pack, object(&["certificateRequired"], json!({"certificateRequired": {"type": "boolean"}}))]})
}

fn data_set() -> Value {
    let quota = object(
        &["unit", "scenario", "max"],
        json!({
            "unit": reference("Name"), "scenario": reference("Name"), "max": charge(),
        }),
    );
    let pace = object(
        &["max", "days"],
        json!({"max": charge(), "days": {"type": "integer", "minimum": 1, "maximum": PACE_DAYS_MAX}}),
    );
    let quotas = object(
        &["default"],
        json!({
            "default": charge(), "overrides": {"type": "array", "items": quota},
            "reserved": {"type": "boolean", "description": "Whether every quota is set aside from the cap."},
            "pace": pace,
        }),
    );
    let privacy = object(
        &["personSpace", "cap", "dataVersion", "perQueryMax", "quotas", "domain"],
        json!({
            "personSpace": reference("Name"), "cap": charge(), "dataVersion": reference("Name"),
            "perQueryMax": charge(), "quotas": quotas,
            "domain": {"type": "object", "description": "Public metadata: columns, keys, bounds."},
        }),
    );
    object(
        &["provider", "sensitivity"],
        json!({
            "provider": reference("Name"), "sharedFrom": reference("Name"),
            "field": {"type": "string", "minLength": 1, "maxLength": 512, "description": "领域: what an operating agreement by field covers."},
            "sensitivity": {"enum": ["general", "sensitive", "important", "core"]},
            "businessSecret": {"type": "boolean", "description": "Holds business secrets of the enterprises it is about."},
            "privacy": privacy,
        }),
    )
}

/// How a product service's result codes become verdicts.
fn verdicts() -> Value {
    let mut verdicts = object(
        &["pointer", "codes"],
        json!({
            "pointer": {"type": "string", "pattern": "^/"},
            "codes": {
                "type": "object", "minProperties": 1, "maxProperties": 256,
                "additionalProperties": {"enum": ["consistent", "inconsistent", "no_record"]},
            },
        }),
    );
    verdicts["description"] = "For verification.".into();
    verdicts
}

/// How a product service says that it has no record.
fn no_record() -> Value {
    let mut rule = object(
        &["status", "pointer", "values"],
        json!({
            "status": {"enum": ["200", "404"]}, "pointer": text(),
            "values": {"type": "array", "minItems": 1, "maxItems": 16, "items": text()},
        }),
    );
    rule["description"] = "For interface.".into();
    rule
}

/// How every unit's file of a package is marked.
fn watermark() -> Value {
    let names = |most: u32| json!({"type": "array", "minItems": 1, "maxItems": most, "items": {"type": "string", "minLength": 1, "maxLength": 64}});
    let mut rule = object(
        &["columns", "key", "carriers"],
        json!({"columns": names(256), "key": names(256), "carriers": names(8)}),
    );
    rule["description"] =
        "Columns of the table, those that name a row, those whose last digit carries the mark. For package."
            .into();
    rule
}

/// Text that names a key or a dimension of a table.
fn group() -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": 64})
}

/// Dimensions of a table: with their keys, or of a view.
fn by() -> Value {
    let keys = json!({"type": "array", "minItems": 1, "maxItems": 256, "items": group()});
    let declared = object(&["name", "keys"], json!({"name": group(), "keys": keys, "under": group()}));
    let coarser = object(
        &["name", "of", "groups"],
        json!({"name": group(), "of": group(), "groups": {"type": "object", "minProperties": 1, "additionalProperties": keys}}),
    );
    json!({
        "type": "array", "minItems": 1, "maxItems": 3, "items": {"anyOf": [declared, group(), coarser]},
        "description": "Dimensions with their keys, `under` another where codes nest; of a view, names of dimensions or coarser ones. For table.",
    })
}

/// Cells of a table in which nobody can be.
fn impossible() -> Value {
    let keys =
        json!({"anyOf": [group(), {"type": "array", "minItems": 1, "maxItems": 256, "items": group()}]});
    json!({
        "type": "array", "minItems": 1, "maxItems": 1_024,
        "items": {"type": "object", "minProperties": 2, "additionalProperties": keys},
        "description": "Combinations of keys in which nobody can be. For table.",
    })
}

/// What a release of a noised table costs.
fn accuracy() -> Value {
    let charge = json!({"type": "string", "minLength": 1, "maxLength": 64});
    json!({
        "type": "object", "additionalProperties": false, "minProperties": 1, "maxProperties": 1,
        "properties": {"epsilon": charge, "rho": charge},
        "description": "What each release of a noised table costs. For table.",
    })
}

fn product() -> Value {
    let kinds: Vec<_> = kinds::KINDS.iter().map(|kind| kind.name()).collect();
    let mut operation = json!({
        "type": "object",
        "required": ["name", "method", "path", "personal"],
        "additionalProperties": false,
        "description": "Fields of one kind of product say so; the catalogue refuses them for another.",
        "properties": {
            "name": reference("Name"), "method": {"enum": ["GET", "POST"]},
            "path": {"type": "string", "pattern": "^/"}, "personal": {"type": "boolean"},
            "businessSecret": {"type": "boolean", "description": "Each call needs the enterprise's authorisation."},
            "legalBasis": {"type": "string", "minLength": 1, "maxLength": 128, "description": "文号 of the act that permits it otherwise."},
            "subject": object(&["kind", "pointer"], json!({
                "kind": {"enum": ["person", "organisation"]}, "pointer": {"type": "string", "pattern": "^/"},
            })),
            "timeout": {"type": "string", "pattern": "^[0-9]+(ms|s|m)$"},
            "answerBytesMax": {"type": "string", "pattern": "^[0-9]+(B|KiB|MiB)$"},
            "requestBytesMax": {"type": "string", "pattern": "^[0-9]+(B|KiB|MiB)$", "description": "Largest request body (C003); not for package."},
            "concurrency": {"type": "integer", "minimum": 1},
            "equalAnswerBytes": {"type": "string", "pattern": "^[0-9]+(B|KiB)$"},
            "canaries": {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": "^p1:[A-Za-z0-9_-]{43}$"}},
            "pseudonymDomain": {"type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{0,27}$", "description": "Operations of the product with the same domain share their pseudonyms; none takes an identifier."},
            "example": {"description": "A made-up answer for the sandbox; it must meet the output contract."},
            "input": {"type": "object", "description": "Input contract: a JSON Schema. For verification, interface, model."},
            "output": {"type": "object", "description": "Output contract: permitted fields by JSON pointer. For interface, model."},
            "verdicts": verdicts(), "noRecord": no_record(),
            "by": by(), "impossible": impossible(),
            "of": {"type": "string", "description": "The operation whose cells a view is made of. For table."},
            "protection": {"enum": ["noise", "suppress"], "description": "For table; `noise` where it is absent."},
            "accuracy": accuracy(),
            "minIntervalDays": {"type": "integer", "minimum": 1, "maximum": 3_660, "description": "Between two releases of a noised table. For table."},
            "law": {"type": "string", "minLength": 1, "maxLength": 512, "description": "The law that demands suppression. For table."},
            "referenceDate": {"type": "string", "format": "date", "description": "Of the counts of a suppressed table. For table."},
            "threshold": {"type": "integer", "minimum": 10, "maximum": 1_000_000, "description": "Least count that a suppressed table shows. For table."},
            "watermark": watermark(),
            "epoch": {"type": "string", "pattern": "^[A-Za-z0-9-]{1,32}$", "description": "For blind."},
            "publicKey": {"type": "string", "description": "The list's public key in base 64. For blind."},
            "elementsMax": {"type": "integer", "minimum": 1, "description": "Elements in one request. For blind."},
        },
    });
    // The macro's recursion ends before these would be read.
    for (name, description) in [
        ("elementsPerEpoch", "Elements of all units in an epoch. For blind."),
        ("queriesPerQuarter", "Answers of a unit in a quarter. For model."),
    ] {
        operation["properties"][name] = json!({"type": "integer", "minimum": 1, "description": description});
    }
    operation["properties"]["list"] = object(
        &["entries", "tags"],
        json!({"entries": {"type": "integer", "minimum": 1}, "tags": {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "SHA-256 of the tag file. For blind."}}),
    );
    operation["properties"]["inputs"] = json!({"enum": ["free", "subjects"], "description": "What may be asked; `free` where it is absent. For model."});
    object(
        &["kind", "title", "operator", "dataSets", "upstream", "version", "operations"],
        json!({
            "kind": {"enum": kinds}, "title": text(), "operator": reference("Name"),
            "dataSets": {"type": "array", "minItems": 1, "items": reference("Name")},
            "upstream": reference("Name"), "sandbox": object(&["upstream"], json!({"upstream": reference("Name")})),
            "version": {"type": "integer", "minimum": 1, "maximum": u32::MAX},
            "operations": {"type": "array", "minItems": 1, "items": operation},
        }),
    )
}
