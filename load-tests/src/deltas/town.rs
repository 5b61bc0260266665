//! A register of as many grants as wanted: the first of every kind comes about by the control plane's own acts, as it
//! would over its API; the others are copies under other names, written in bulk through the store.

mod copies;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use shuzha_control::accounts::{Accounts, Deliver, First, Letter, Options, Profile, Undelivered};
use shuzha_control::{
    Caller, Control, Delta, Force, JournalLog, NotInForce, ObjectView, Parts, Publish, Request, Rules,
};
use shuzha_core::{Clock, Id, OsRng, Rng, Role, SystemClock};
use shuzha_journal::Journal;
use shuzha_products::jurisdiction;
use shuzha_store::{MasterKey, Register};

use copies::copy;

/// The rules: an exit review, no certificate.
pub(super) const RULES: &str = "qingdao";
/// Name of the node whose journal holds the acts.
pub(super) const NODE: &str = "load";
/// The unit that calls, and its credential.
pub(super) const UNIT: &str = "unit-0";
pub(super) const CREDENTIAL: &str = "unit-0-1";
/// Scenarios of a unit, and products: a scenario has a grant for each.
pub(super) const SCENARIOS: u32 = 20;
pub(super) const PRODUCTS: u32 = 50;
/// The register, inside the data folder.
const REGISTER: &str = "control.db";
/// Every right begins and ends on these days.
const WINDOW: (&str, &str) = ("2025-01-01", "2030-01-01");
/// How long the token of the measurement holds.
const TOKEN_LIFE: Duration = Duration::from_secs(86_400);

/// What a measurement needs to know of a register.
pub(super) struct Made {
    /// An API token of the authority.
    pub(super) token: String,
    /// Versions of the calling unit's grants.
    pub(super) versions: HashMap<String, u64>,
    pub(super) grants: u64,
}

/// The names of a grant.
pub(super) fn grant(scenario: u32, product: u32) -> String {
    format!("{UNIT}-s{scenario}-p{product}")
}

/// Nothing serves while the register is made.
struct Nobody;

impl Publish for Nobody {
    fn publish(&self, _: &Delta, _: &Force<'_>) -> Result<(), NotInForce> {
        Ok(())
    }
}

struct Town {
    register: Register,
    control: Arc<Control>,
    versions: HashMap<String, u64>,
}

/// Makes a register of `grants` grants in the folder `data`, for a gateway in front of `upstream`.
///
/// # Errors
/// When the control plane refuses an act, or the store a transaction.
pub(super) fn make(data: &Path, upstream: &str, grants: u32) -> Result<Made> {
    let options =
        shuzha_journal::Options::new(data.join("journal"), Id::new(NODE)?, env!("CARGO_PKG_VERSION"));
    let journal = Journal::open(options, Arc::new(SystemClock)).context("the journal")?;
    let register = Register::open(&data.join(REGISTER)).context("the register")?;
    let mut town = Town { control: control(&register, &journal)?, register, versions: HashMap::new() };
    town.declare(upstream)?;
    town.first_rights()?;
    let token = town.authority(data)?;
    let made = town.copies(grants)?;
    let Town { register, control: first, versions } = town;
    drop(first);
    // Takes the register over anew, so that the acts of the copies are in the journal as well.
    control(&register, &journal)?.flush()?;
    journal.close();
    Ok(Made { token, versions, grants: made })
}

fn control(register: &Register, journal: &Journal) -> Result<Arc<Control>> {
    let parts = Parts {
        register: register.clone(),
        clock: Arc::new(SystemClock),
        rng: Arc::new(OsRng),
        log: Arc::new(JournalLog(journal.clone())),
        publish: Arc::new(Nobody),
        rules: Rules {
            jurisdiction: jurisdiction::pack(RULES).context("a rule pack")?,
            calendar: jurisdiction::calendar().clone(),
        },
    };
    Ok(Arc::new(Control::new(parts)?))
}

/// Someone who acts for an organisation in a role.
fn caller(role: Role) -> Result<Caller> {
    let (account, organisation) = match role {
        Role::Authority => ("authority-1", "authority"),
        Role::Expert => ("expert-1", "authority"),
        Role::Pricing => ("pricing-1", "authority"),
        Role::Provider => ("provider-1", "provider"),
        Role::ApplicationUnit => ("caller-1", "caller"),
        _ => ("operator-1", "operator"),
    };
    Ok(Caller {
        account: Id::new(account)?,
        organisation: Id::new(organisation)?,
        roles: vec![role],
        withheld: Vec::new(),
        read_only: false,
        by_token: false,
    })
}

fn window() -> Value {
    json!({"from": WINDOW.0, "until": WINDOW.1})
}

impl Town {
    fn put(&self, role: Role, kind: &str, name: &str, spec: &Value) -> Result<()> {
        let done = self.control.put(&caller(role)?, kind, &Id::new(name)?, spec, &Request::default());
        done.map(drop).with_context(|| format!("{kind}/{name}"))
    }

    fn act(&self, role: Role, kind: &str, name: &str, verb: &str, body: &Value) -> Result<()> {
        let standing = self.register.get(kind, name)?.with_context(|| format!("{kind}/{name}"))?;
        let request = Request { expected: Some(standing.version), reason: "测量", ..Request::default() };
        let done = self.control.act(&caller(role)?, kind, &Id::new(name)?, verb, body, &request);
        done.map(drop).with_context(|| format!("{kind}/{name}:{verb}"))
    }

    /// Everything that is declared.
    fn declare(&self, upstream: &str) -> Result<()> {
        use Role::{Authority, Operator, Pricing, Provider};
        for (name, kind, code) in [
            ("authority", "authority", "11690000MA0001077G"),
            ("provider", "provider", "11690000MA00011499"),
            ("operator", "operator", "91690000MA0001296J"),
            ("caller", "unit", "91690000MA0001333Q"),
        ] {
            self.put(Authority, "Organisation", name, &json!({"kind": kind, "uscc": code, "name": name}))?;
        }
        self.put(
            Provider,
            "DataSet",
            "enterprises",
            &json!({"provider": "provider", "sensitivity": "general"}),
        )?;
        let service = json!({"endpoints": [upstream], "timeout": "2s", "healthPath": "/healthz"});
        self.put(Operator, "Upstream", "service", &service)?;
        for (role, name, issuer) in [(Pricing, "ceilings", "authority"), (Operator, "prices", "operator")] {
            let act = json!({"number": format!("〔2025〕{name}"), "issuer": issuer, "window": window()});
            self.put(role, "PriceAct", name, &act)?;
        }
        for product in 0..PRODUCTS {
            let name = format!("product-{product}");
            self.put(Operator, "Product", &name, &declared_product())?;
            let found = json!({"noRawData": true, "notReversible": true, "noJoiningRisk": true});
            self.put(Operator, "ExitReview", &name, &json!({"product": name, "evidence": "测试报告"}))?;
            self.act(Operator, "ExitReview", &name, "submit", &json!({}))?;
            self.act(Provider, "ExitReview", &name, "opine", &found)?;
            self.act(Authority, "ExitReview", &name, "pass", &found)?;
            let ceiling =
                json!({"act": "ceilings", "product": name, "perCallMax": "0.02", "window": window()});
            self.put(Pricing, "Ceiling", &name, &ceiling)?;
            let price = json!({"act": "prices", "product": name, "perCall": "0.01",
                "charged": ["consistent", "inconsistent", "no_record"], "window": window()});
            self.put(Operator, "Price", &name, &price)?;
        }
        let unit =
            json!({"organisation": "caller", "securityOfficer": "林望舒", "creditLimit": "100000000.00"});
        self.put(Operator, "ApplicationUnit", UNIT, &unit)?;
        let credential = json!({"unit": UNIT, "algorithm": "hmac-sha256", "window": window()});
        self.put(Operator, "Credential", CREDENTIAL, &credential)
    }

    /// The calling unit's plan, scenarios, agreement and first grant; its further scenarios are copies of the first.
    fn first_rights(&mut self) -> Result<()> {
        use Role::{ApplicationUnit, Authority, Expert, Operator, Provider};
        let plan = json!({"unit": UNIT, "title": "预案", "officer": "林望舒", "contact": "安全部",
            "events": ["泄露"], "steps": ["停止"]});
        self.put(ApplicationUnit, "EmergencyPlan", UNIT, &plan)?;
        self.act(ApplicationUnit, "EmergencyPlan", UNIT, "submit", &json!({}))?;
        self.act(Authority, "EmergencyPlan", UNIT, "file", &json!({}))?;
        let first = format!("{UNIT}-s0");
        let need = |product| json!({"product": format!("product-{product}"), "operations": ["verify"]});
        let needs: Vec<_> = (0..PRODUCTS).map(need).collect();
        let scenario = json!({"unit": UNIT, "title": "核验", "purpose": "industry", "mode": "scenario",
            "necessity": "办理业务", "needs": needs, "window": window(), "measures": ["专线"],
            "securityOfficer": "林望舒", "emergencyPlan": UNIT,
            "volume": {"callsPerDay": 1_000_000_000, "subjectsPerDay": 1_000_000_000}});
        self.put(ApplicationUnit, "Scenario", &first, &scenario)?;
        self.act(ApplicationUnit, "Scenario", &first, "submit", &json!({}))?;
        self.act(Provider, "Scenario", &first, "agree", &json!({}))?;
        self.act(Expert, "Scenario", &first, "opine", &json!({"favourable": true}))?;
        self.act(Authority, "Scenario", &first, "approve", &json!({}))?;
        let model = self.model("Scenario", &first)?;
        let more = (1..SCENARIOS)
            .map(|at| copy(&model, &format!("{UNIT}-s{at}"), &[], &[("ApplicationUnit", UNIT)]));
        self.write("Scenario", more.collect::<Result<_>>()?)?;
        let scenarios: Vec<_> = (0..SCENARIOS).map(|at| format!("{UNIT}-s{at}")).collect();
        let agreement = json!({"unit": UNIT, "scenarios": scenarios, "window": window(),
            "parties": ["authority", "operator", "caller"],
            "split": [{"party": "authority", "parts": 3_000}, {"party": "operator", "parts": 7_000}],
            "securityOfficer": "林望舒", "scope": "核验"});
        self.put(ApplicationUnit, "Agreement", UNIT, &agreement)?;
        self.act(ApplicationUnit, "Agreement", UNIT, "submit", &json!({}))?;
        for signs in [ApplicationUnit, Operator, Authority] {
            self.act(signs, "Agreement", UNIT, "sign", &json!({}))?;
        }
        let grant = json!({"unit": UNIT, "scenario": first, "agreement": UNIT, "product": "product-0",
            "operations": ["verify"], "window": window(),
            "rate": {"calls": 1_000_000, "perSeconds": 1}, "concurrency": 1_000});
        let name = super::town::grant(0, 0);
        self.put(ApplicationUnit, "Grant", &name, &grant)?;
        self.act(Operator, "Grant", &name, "issue", &json!({}))
    }

    /// An account of the authority, and a token for it.
    fn authority(&self, data: &Path) -> Result<String> {
        let master = Arc::new(MasterKey::load_or_create(&data.join("keys/master.key"), &OsRng)?);
        // Nothing is signed on by hand here: no device is set up.
        let options = Options { one_time_roles: Vec::new(), ..Options::default() };
        let letters = Arc::new(Letters::default());
        let accounts = Accounts::new(Arc::clone(&self.control), master, options).delivering(letters.clone());
        let password = || OsRng.bytes::<16>().iter().map(|byte| format!("{byte:03}")).collect::<String>();
        let (here, first, own) = ("load", password(), password());
        let token = accounts.first_token()?.context("the register is new")?;
        let (name, organisation) = (Id::new("root")?, Id::new("operator")?);
        let founder = First {
            token: &token,
            name: &name,
            organisation: &organisation,
            person: "某人",
            id_number: "690113200205284265",
            password: &first,
        };
        accounts.create_first(&founder, here)?;
        let root = accounts.session(&accounts.sign_in("root", &first, None, here)?.session)?.caller;
        let profile = Profile {
            organisation: Id::new("authority")?,
            person: "某人".to_owned(),
            roles: vec![Role::Authority],
            disabled: false,
            person_key: Some(accounts.person_of("690109196909147724")?),
        };
        accounts.create(&root, &Id::new("judge")?, profile, None)?;
        let link =
            letters.0.lock().map_err(|_| anyhow::anyhow!("a panic"))?.take().context("an invitation")?;
        let accepted = accounts.accept_invitation(&link, None, &own, None)?;
        let judge = accounts.session(&accepted.started.session)?.caller;
        let until = SystemClock.now().plus(TOKEN_LIFE);
        let token =
            accounts.create_token(&judge, &Id::new("load")?, &[Role::Authority], false, until, None)?;
        Ok(token.context("a new token is shown")?.to_string())
    }

    fn model(&self, kind: &str, name: &str) -> Result<ObjectView> {
        self.control
            .get(&caller(Role::Authority)?, kind, &Id::new(name)?)
            .with_context(|| format!("{kind}/{name}"))
    }
}

/// The last invitation that was made.
#[derive(Default)]
struct Letters(std::sync::Mutex<Option<String>>);

impl Deliver for Letters {
    fn deliver(&self, letter: &Letter<'_>) -> Result<(), Undelivered> {
        *self.0.lock().map_err(|_| Undelivered)? = Some(letter.token.to_owned());
        Ok(())
    }

    fn recall(&self, _: &Id) {}
}

fn declared_product() -> Value {
    json!({
        "kind": "verification", "title": "企业核验", "operator": "operator", "dataSets": ["enterprises"],
        "upstream": "service", "version": 1,
        "operations": [{
            "name": "verify", "method": "POST", "path": "/v1/enterprises:verify", "personal": false,
            "input": {"type": "object", "additionalProperties": false, "required": ["uscc", "name"], "properties": {
                "uscc": {"type": "string", "minLength": 18, "maxLength": 18},
                "name": {"type": "string", "minLength": 1, "maxLength": 100}}},
            "subject": {"kind": "organisation", "pointer": "/uscc"},
            "verdicts": {"pointer": "/code", "codes": {"00": "consistent", "01": "inconsistent", "02": "no_record"}},
        }],
    })
}
