//! `shuzha diff`: what `apply` would do, and to whom.

use anyhow::Result;
use shuzha_files::terminal::Out;
use shuzha_schema::object::Consequences;

use super::api::Connection;
use super::apply::{consequences, refused};
use super::difference::differences;
use super::files::{self, Files, Standing, Trial, Tried};

/// Nothing differs.
const SAME: u8 = 0;
/// Something could not be told, or would be refused.
const FAILED: u8 = 1;
/// Something differs.
const DIFFERENT: u8 = 2;

/// What to compare, and with what.
#[derive(clap::Args, Debug)]
pub(crate) struct DiffArgs {
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    connection: Connection,
}

/// Runs the command; answers its exit code.
pub(super) fn run(out: &mut Out, args: &DiffArgs) -> Result<u8> {
    let api = args.connection.signed_on()?;
    let Some(wanted) = files::read(&args.files)? else { return Ok(FAILED) };
    let mut trial = Trial::default();
    let (mut different, mut failed) = (0_usize, 0_usize);
    for one in &wanted {
        let standing = Standing::of(&api, one)?;
        let Some(expect) = standing.expect() else { continue };
        different += 1;
        let place = one.at("");
        match &standing {
            Standing::Other { version, spec } => {
                out.line(&format!("~ {} 第 {version} 版 version {version} ({place})", one.title()))?;
                for difference in differences("spec", spec, &one.document.spec) {
                    out.line(&format!("    {}", difference.line()))?;
                }
            }
            Standing::New | Standing::Same => {
                out.line(&format!("+ {} ({place})", one.title()))?;
                for (key, value) in one.document.spec.as_object().into_iter().flatten() {
                    out.line(&format!("    spec.{key}: {value}"))?;
                }
            }
        }
        match trial.put(&api, one, expect, None)? {
            Tried::Accepted(told) => tell(out, &told)?,
            Tried::With(others) => {
                let others = others.join(", ");
                out.line(&format!("  ! 先写入 {others}，之后可写 in order once {others} is written"))?;
            }
            Tried::Refused(problem, faults) => {
                failed += 1;
                refused(one, &problem, &faults);
            }
        }
    }
    out.line(&format!(
        "{} 项，{different} 项不同，{failed} 项会被拒绝 {} objects, {different} differ, {failed} would be refused",
        wanted.len(),
        wanted.len()
    ))?;
    Ok(match (failed, different) {
        (0, 0) => SAME,
        (0, _) => DIFFERENT,
        _ => FAILED,
    })
}

fn tell(out: &mut Out, told: &Consequences) -> Result<()> {
    consequences(told).iter().try_for_each(|line| out.line(&format!("  ! {line}")))
}
