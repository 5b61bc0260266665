//! What a registration records (Gansu-R 6–15), read with every fault.

use shuzha_core::{Id, Timestamp};

use crate::data::DataSet;
use crate::jurisdiction::{FORMS, ProductForm};
use crate::parties::Uscc;
use crate::product::Product;
use crate::world::Scope;
use crate::yaml::{Place, Section};

/// Longest description in bytes, some 1,300 characters of Chinese.
const DESCRIPTION_BYTES_MAX: usize = 4_000;
/// Most entries of a list.
const ENTRIES_MAX: usize = 50;
/// Largest attachment in bytes; only its digest is kept.
const ATTACHMENT_BYTES_MAX: i64 = 10 << 20;

/// What of a registration's content the machine needs; the rest is recorded as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    /// The product; none for a data resource.
    pub(super) product: Option<Id>,
    /// Names of the data sets the product is made of, in order; empty for a data resource.
    pub(super) data_sets: Vec<String>,
    /// What the product is; none for a data resource.
    pub(super) form: Option<ProductForm>,
    /// When it was first delivered, or served.
    pub(super) delivered: Timestamp,
    /// The end of the authorised term, where there is one.
    pub(super) authorised_until: Option<Timestamp>,
}

const SECTIONS: &[&str] = &[
    "basic",
    "agency",
    "storage",
    "scenario",
    "sharing",
    "coOwners",
    "lawfulSource",
    "catalogue",
    "attachments",
];

/// Reads the whole content.
pub(super) fn read(place: &Place<'_>, scope: &Scope<'_>) -> Option<Content> {
    let section = place.section(&[SECTIONS])?;
    let content = section.required("basic").and_then(|place| basic(&place, scope));
    section.optional("agency").and_then(|place| agency(&place));
    section.required("storage").and_then(|place| storage(&place));
    // Gansu-R 10.
    section.required("scenario").and_then(|place| {
        let scenario = place.section(&[&["conditions", "scope", "audience", "problems"]])?;
        describe(&scenario, &["conditions", "scope", "audience", "problems"])
    });
    section.required("sharing").and_then(|place| sharing(&place));
    for owner in section.optional("coOwners").and_then(|place| place.items(ENTRIES_MAX)).unwrap_or_default() {
        co_owner(&owner);
    }
    // Gansu-R 13, 25: proof of lawful source and the pledge.
    section.required("lawfulSource").and_then(|place| {
        let source = place.section(&[&["proofs", "pledged"]])?;
        attachments(&source.required("proofs")?.some_items(ENTRIES_MAX)?);
        let pledged = source.required("pledged")?;
        if pledged.boolean()? {
            Some(())
        } else {
            pledged.fail("the registrant pledges that the source is lawful")
        }
    });
    // Gansu-R 14.
    section.required("catalogue").and_then(|place| {
        let catalogue = place.section(&[&["fromExisting", "reference"]])?;
        catalogue.optional("reference").and_then(|place| place.text());
        catalogue.required("fromExisting")?.boolean()
    });
    if let Some(items) = section.optional("attachments").and_then(|place| place.items(ENTRIES_MAX)) {
        attachments(&items);
    }
    content
}

/// Gansu-R 7.
fn basic(place: &Place<'_>, scope: &Scope<'_>) -> Option<Content> {
    const ALL: &[&str] = &["name", "type", "class", "industry", "areas", "abstract", "tags", "firstDelivery"];
    const RESOURCE: &[&str] = &["dataSet", "covers", "operation", "securityAssessment"];
    const PRODUCT: &[&str] = &["product", "form", "resourceName", "resourceCode", "authorised", "purpose"];
    let section = place.section(&[ALL, RESOURCE, PRODUCT])?;
    texts(&section, &["name", "class", "industry"]);
    describe(&section, &["abstract"]);
    list(&section, "areas");
    list(&section, "tags");
    let delivered = section.required("firstDelivery").and_then(|place| place.instant());
    let is_product = section.required("type")?.word(&[("resource", false), ("product", true)])?;
    for key in if is_product { RESOURCE } else { PRODUCT } {
        section.forbid(key, "does not belong to this type");
    }
    if !is_product {
        section.required("dataSet").and_then(|place| scope.find::<DataSet>(&place));
        section.required("covers").and_then(|place| place.window());
        section.required("securityAssessment").and_then(|place| attachment(&place));
        let until = section.optional("operation").map(|place| operation(&place));
        let authorised_until = until.unwrap_or(Some(None))?;
        return Some(Content {
            product: None,
            data_sets: Vec::new(),
            form: None,
            delivered: delivered?,
            authorised_until,
        });
    }
    texts(&section, &["resourceName", "resourceCode"]);
    describe(&section, &["purpose"]);
    let product = section.required("product").and_then(|place| scope.find::<Product>(&place));
    let form = section.required("form").and_then(|place| place.word(FORMS));
    let authorised = section.required("authorised").and_then(|place| place.window());
    let (product, made) = product?;
    let mut data_sets: Vec<_> = made.data_sets.iter().map(Id::to_string).collect();
    data_sets.sort_unstable();
    Some(Content {
        product: Some(product.clone()),
        data_sets,
        form: Some(form?),
        delivered: delivered?,
        authorised_until: Some(authorised?.until()),
    })
}

/// 授权运营情况 of a data resource: answers the end of the authorised term.
fn operation(place: &Place<'_>) -> Option<Option<Timestamp>> {
    let section = place.section(&[&["operator", "code", "window"]])?;
    texts(&section, &["operator"]);
    section.required("code").and_then(|place| place.parsed::<Uscc>());
    let window = section.required("window").and_then(|place| place.window())?;
    Some(Some(window.until()))
}

/// Gansu-R 8, when an agent applies.
fn agency(place: &Place<'_>) -> Option<()> {
    let section = place.section(&[&["principal", "code", "window", "contract"]])?;
    texts(&section, &["principal"]);
    section.required("code").and_then(|place| place.parsed::<Uscc>());
    section.required("window").and_then(|place| place.window());
    section.required("contract").and_then(|place| attachment(&place))
}

/// Gansu-R 9.
fn storage(place: &Place<'_>) -> Option<()> {
    const TEXTS: &[&str] = &[
        "origin",
        "structure",
        "format",
        "method",
        "initialVolume",
        "updateFrequency",
        "updateMethod",
        "growth",
        "subjects",
        "coverage",
    ];
    const OTHERS: &[&str] = &["sensitive", "masked", "masking", "evidenceMethod", "evidenceNote", "evidence"];
    let section = place.section(&[TEXTS, OTHERS])?;
    texts(&section, TEXTS);
    section.required("sensitive").and_then(|place| place.boolean());
    match section.required("masked").and_then(|place| place.boolean()) {
        Some(true) => texts(&section, &["masking"]),
        Some(false) => section.forbid("masking", "says how it is masked, and it is not"),
        None => {}
    }
    // Gansu-R 20(三): evidence is kept before the application.
    texts(&section, &["evidenceMethod"]);
    section.optional("evidenceNote").and_then(|place| place.text_within(DESCRIPTION_BYTES_MAX));
    section.required("evidence").and_then(|place| attachment(&place))
}

/// Gansu-R 11.
fn sharing(place: &Place<'_>) -> Option<()> {
    let section = place.section(&[&["type", "conditions", "method", "open", "openConditions"]])?;
    let kinds = [("unconditional", false), ("conditional", true), ("none", false)];
    if section.required("type").and_then(|place| place.word(&kinds)) == Some(true) {
        describe(&section, &["conditions"]);
    }
    section.optional("method").and_then(|place| place.text());
    section.optional("openConditions").and_then(|place| place.text_within(DESCRIPTION_BYTES_MAX));
    section.required("open")?.boolean().map(drop)
}

/// Gansu-R 12.
fn co_owner(place: &Place<'_>) -> Option<()> {
    let section = place.section(&[&["name", "code", "nature", "place", "authorisation"]])?;
    texts(&section, &["name", "nature", "place"]);
    section.required("code").and_then(|place| place.parsed::<Uscc>());
    section.required("authorisation").and_then(|place| attachment(&place))
}

fn texts(section: &Section<'_>, keys: &[&str]) {
    for key in keys {
        section.required(key).and_then(|place| place.text());
    }
}

fn describe(section: &Section<'_>, keys: &[&str]) -> Option<()> {
    for key in keys {
        section.required(key).and_then(|place| place.text_within(DESCRIPTION_BYTES_MAX));
    }
    Some(())
}

fn list(section: &Section<'_>, key: &str) {
    for item in section.required(key).and_then(|place| place.some_items(ENTRIES_MAX)).unwrap_or_default() {
        item.text();
    }
}

fn attachments(items: &[Place<'_>]) {
    for item in items {
        attachment(item);
    }
}

/// `{name, bytes, sha256}`: the file itself stays with whoever holds it.
fn attachment(place: &Place<'_>) -> Option<()> {
    let section = place.section(&[&["name", "bytes", "sha256"]])?;
    texts(&section, &["name"]);
    section.required("bytes").and_then(|place| place.count(1..=ATTACHMENT_BYTES_MAX));
    section.required("sha256").and_then(|place| digest(&place)).map(drop)
}

/// A SHA-256 in lower-case hexadecimal.
pub(super) fn digest<'n>(place: &Place<'n>) -> Option<&'n str> {
    let text = place.text()?;
    let hex = text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if hex { Some(text) } else { place.fail("expected a SHA-256: 64 digits of lower-case hexadecimal") }
}
