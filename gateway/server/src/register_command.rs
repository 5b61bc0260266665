//! `shuzha register verify|adopt` and `shuzha journal rebuild`: what to do with a register or a projection that is not what
//! the record says.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use shuzha_control::{Control, Delta, Force, JournalLog, NotInForce, Parts, Publish, Rules, misfits};
use shuzha_core::clock::ShiftedClock;
use shuzha_core::{Clock as _, Code, Id, Lang, OsRng, SystemClock};
use shuzha_files::terminal::Out;
use shuzha_node::config::Config;
use shuzha_node::control::REGISTER_FILE;
use shuzha_node::node::integrity::REGISTER_SEAL_FILE;
use shuzha_node::node::{self, beside};
use shuzha_node::store::{For, SealFile, open_store_for, resealed_store};
use shuzha_products::jurisdiction::{self, Level, PACKS};
use shuzha_store::register::{ADOPT, Act, REGISTER};
use shuzha_store::{Changes, Register, Sealable as _, projection_before};

use crate::verify::RegisterArgs;

/// Works on the register (登记簿) of a data folder.
#[derive(clap::Subcommand, Debug)]
pub(crate) enum RegisterCommand {
    /// 核对 Walks over acts, versions and what stands in the register, and compares them with the journal.
    Verify(RegisterArgs),
    /// 规则变更 Says what in the register no longer fits under another rule pack, and what becomes of it, before it is put into use.
    Fits {
        /// The pack, as it would stand in `control.rules`.
        #[arg(long)]
        rules: String,
        /// On which level the gateway would stand: `province` or `local`; as configured where it is left out.
        #[arg(long)]
        level: Option<String>,
    },
    /// 接管 Takes the register over as it stands, after it was restored from a copy; an act says so for good.
    Adopt {
        /// Why; it stands in the act.
        #[arg(long)]
        reason: String,
    },
}

/// Records between two writings of the projection.
const BATCH_RECORDS: u64 = 50_000;

/// Nothing is in force here: no node runs.
struct Nowhere;

impl Publish for Nowhere {
    fn publish(&self, _: &Delta, _: &Force<'_>) -> Result<(), NotInForce> {
        Ok(())
    }
}

/// Takes the register over as it stands: it is sealed anew, and one act binds all of it.
pub(crate) fn adopt(out: &mut Out, config: &Config, reason: String) -> Result<()> {
    if reason.trim().is_empty() {
        bail!("请说明缘由 --reason says why");
    }
    let clock = ShiftedClock::default();
    // The journal's lock keeps a node from running meanwhile.
    let journal = node::open_journal(config, (&clock, Some(node::CLOCK_WITHIN)), None, Duration::ZERO)?;
    let data = open_store_for(&config.data_dir, For::Serving)?;
    let state = node::recover(&data.store, &journal)?;
    let file = SealFile::open(&config.data_dir, REGISTER_SEAL_FILE)?;
    let register = Register::dangerous_open_resealed(&config.data_dir.join(REGISTER_FILE), &file.key())?;
    file.done()?;
    beside::adopt(&config.data_dir)?;
    let name = Id::new("register").context("a name")?;
    let act = Act { reason, ..Act::new(&clock, &OsRng, ADOPT, REGISTER, name) };
    let revision = register.bind_all(&act, state.register.map_or(0, |head| head.revision))?;
    let control = Control::new(Parts {
        register,
        clock: Arc::new(clock),
        rng: Arc::new(OsRng),
        log: Arc::new(JournalLog(journal.clone())),
        publish: Arc::new(Nowhere),
        rules: Rules::default(),
    })?;
    control.flush()?;
    drop(control);
    journal.close();
    out.line(&format!("登记簿已按现状接管 The register is taken over as it stands, by act {revision}."))
}

/// Lists what would no longer fit; `false` where there is something.
pub(crate) fn fits(out: &mut Out, config: &Config, name: &str, level: Option<&str>) -> Result<bool> {
    let Some(mut pack) = jurisdiction::pack(name) else {
        let known: Vec<&str> = PACKS.iter().map(|(name, _)| *name).collect();
        bail!("没有规则包 no rule pack `{name}`: {}", known.join(", "));
    };
    let present = &config.control.rules;
    pack.level = match level {
        None => present.jurisdiction.level,
        Some("province") => Level::Province,
        Some("local") => Level::Local,
        Some(other) => bail!("层级 level `{other}`: province 或 or local"),
    };
    let other = Rules { jurisdiction: pack, calendar: present.calendar.clone() };
    let path = config.data_dir.join(REGISTER_FILE);
    let register = Register::open_read_only(&path).with_context(|| path.display().to_string())?;
    let found = misfits(&register, SystemClock.now(), present, &other)?;
    for one in &found {
        let what = if one.stops && one.code == Code::C706 {
            "换用后其付费调用即被拒绝 its paid calls are refused from then on"
        } else if one.stops {
            "换用后其调用即被拒绝 its calls are refused from then on"
        } else {
            "已生效的仍有效，重新申请时按新规则 it stays in force; whoever applies anew is held to the new rules"
        };
        let (code, title) = (one.code, one.code.title(Lang::Zh));
        out.line(&format!("{}/{}: {code} {title} {}", one.kind, one.name, one.code.title(Lang::En)))?;
        if !one.reason.is_empty() {
            out.line(&format!("    {}", one.reason))?;
        }
        out.line(&format!("    {what}"))?;
    }
    let (title, count) = (&other.jurisdiction.title, found.len());
    out.line(&if count == 0 {
        format!("在{title}的规则下一切仍合 Everything fits under the rules of {title}.")
    } else {
        format!("在{title}的规则下有 {count} 项不合 {count} do not fit under the rules of {title}.")
    })?;
    Ok(count == 0)
}

/// Builds the projection anew from the journal's first record, or from the projection that is kept in the place of those before it.
pub(crate) fn rebuild(out: &mut Out, config: &Config) -> Result<()> {
    // The journal's lock keeps a node from running meanwhile.
    let clock = (&ShiftedClock::default(), Some(node::CLOCK_WITHIN));
    let journal = node::open_journal(config, clock, None, Duration::ZERO)?;
    let base = projection_before(&journal).context(
        "此前的记录已按期销毁：从备份恢复 records before were destroyed when due: `shuzha restore` a backup",
    )?;
    let store = resealed_store(&config.data_dir)?;
    let (mut state, mut changes) = match base {
        Some(bytes) => (store.put_projection(&bytes)?, Changes::default()),
        None => {
            store.reset_projection()?;
            Default::default()
        }
    };
    for record in journal.reader(state.reached.seq + 1)? {
        let record = record?;
        state.apply(record.position, &record.entry()?, &mut changes)?;
        if state.reached.seq.is_multiple_of(BATCH_RECORDS) {
            store.project(&state, &mut changes)?;
        }
    }
    store.project(&state, &mut changes)?;
    journal.close();
    out.line(&format!("投影已重建 The projection is built anew, up to record {}.", state.reached))
}
