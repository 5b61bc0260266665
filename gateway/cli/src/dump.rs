//! `shuzha dump`: the register as files that `apply` reads.

use anyhow::{Result, bail};
use shuzha_control::Kind;
use shuzha_files::terminal::Out;
use shuzha_products::world::API_VERSION;
use shuzha_schema::object::Object;

use super::api::{Connection, addresses};
use super::yaml;

/// What to print.
#[derive(clap::Args, Debug)]
pub(crate) struct DumpArgs {
    /// Only objects of this kind, `Product` or `products`; may be given again.
    #[arg(long)]
    kind: Vec<String>,
    #[command(flatten)]
    connection: Connection,
}

/// Runs the command.
pub(super) fn run(out: &mut Out, args: &DumpArgs) -> Result<()> {
    if let Some(unknown) = args.kind.iter().find(|word| Kind::find(word).is_none()) {
        let known: Vec<_> = Kind::all().map(|kind| kind.name()).collect();
        bail!("there is no kind {unknown}; there are {}", known.join(", "));
    }
    let api = args.connection.signed_on()?;
    let asked = |kind: &Kind| {
        args.kind.is_empty() || args.kind.iter().any(|word| word == kind.name() || word == kind.plural())
    };
    for kind in Kind::all().filter(asked) {
        api.each(&addresses(kind), &[], |object: Object| {
            let state = object.status.map(|status| format!("# 状态 state: {}\n", status.state));
            let state = state.unwrap_or_default();
            let spec = yaml::field("spec", &object.spec);
            let kind = kind.name();
            let head = format!(
                "---\n{state}apiVersion: {API_VERSION}\nkind: {kind}\nmetadata: {{name: {}}}\n",
                yaml::text(object.metadata.name.as_str())
            );
            out.line(&format!("{head}{}", spec.trim_end()))?;
            anyhow::Ok(true)
        })?;
    }
    Ok(())
}
