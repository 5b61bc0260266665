//! 数据包: a file, charged once per grant and streamed with ranges (REQUIREMENTS E9).
//!
//! Its bytes are not read by the gateway. What may be in them was decided when the package was reviewed; a package
//! that touches personal information cannot be declared.

use shuzha_core::Code;
use shuzha_pricing::Outcome;
use shuzha_privacy::output::{Contract, Cut};

use super::{Compiled, Declared, Lane, ProductKind, Release, ReleaseFault, Released};

pub(super) const KIND: Package = Package;

#[derive(Debug)]
pub(super) struct Package;

impl ProductKind for Package {
    fn name(&self) -> &'static str {
        "package"
    }

    fn lane(&self) -> Lane {
        Lane::Package
    }

    fn manifest_fields(&self) -> &'static [&'static str] {
        &[]
    }

    fn compile(&self, declared: &Declared<'_>) -> Option<Compiled> {
        declared.section.forbid("subject", "a package is not about one subject");
        if declared.personal {
            return declared.section.place().fail("a package may not touch personal information");
        }
        Some(Compiled { input: None, output: Box::new(Output) })
    }
}

#[derive(Debug)]
struct Output;

impl Release for Output {
    fn contract(&self) -> Option<&Contract> {
        None
    }

    /// Whole, a part, or a range outside the file (RFC 9110 §15.3.7, §15.5.17).
    fn reads_status(&self, status: u16) -> bool {
        matches!(status, 200 | 206 | 416)
    }

    /// Called when the stream opens, with nothing: there is no answer that could be held in memory.
    fn release(&self, _: Cut<'_>, answer: &[u8]) -> Result<Released, ReleaseFault> {
        if !answer.is_empty() {
            let what = "a package is streamed, not read";
            return Err(ReleaseFault { code: Code::C901, at: String::new(), what });
        }
        Ok(Released { bytes: Vec::new(), outcome: Outcome::Package, unlisted: 0, parts: 1 })
    }
}
