//! Consents at the gate: given, withdrawn, and whether every withdrawal is known here.

use shuzha_core::{Code, Refusal, RequestId};
use shuzha_evidence::{Act, ActKind, Entry};
use shuzha_journal::Durable;

use super::{Gate, Keys};
use crate::feed::FEED_AGE_MAX;
use crate::holds::Consents;
use crate::open_call::unavailable;

impl Gate {
    /// Withdraws the consent that the issuer's signed `statement` names. Effective at once for every stage that
    /// looks; durable when this returns.
    ///
    /// # Errors
    /// C402, C403 when the statement is malformed or not the issuer's; C090 when it cannot be recorded.
    pub async fn withdraw(&self, request: RequestId, statement: &str) -> Result<String, Refusal> {
        let snapshot = self.snapshot();
        let issuers = &snapshot.issuers;
        let withdrawal = shuzha_privacy::consent::verify_withdrawal(statement, issuers)?;
        tracing::info!(%request, "a consent was withdrawn");
        let durable = self.note_withdrawal(&withdrawal.issuer, &withdrawal.jti, &withdrawal.issuer)?;
        durable.await.map(|position| position.to_string()).map_err(unavailable)
    }

    /// Withdraws a consent on the word of `actor`, who has asked the person: the consent service in this process.
    /// Effective at once; on disk when what is returned says so.
    ///
    /// # Errors
    /// C090, C092 when it cannot be recorded; it is in effect all the same.
    pub fn note_withdrawal(&self, issuer: &str, jti: &str, actor: &str) -> Result<Durable, Refusal> {
        let consent = self.keys.consent_commitment(issuer, jti);
        // First the record, then the effect would leave a moment in which it is recorded and not yet in force;
        // this order errs on the person's side.
        let at = self.clock.now();
        self.consents.withdraw(consent, at);
        let act = Act {
            at,
            kind: ActKind::ConsentWithdrawn,
            actor,
            object: "",
            commitment: Some(consent),
            target: "",
        };
        self.journal.append_durable(&Entry::Act(act)).map_err(unavailable)
    }

    /// Notes that the consent service in this process has given a consent; on disk when what is returned says so.
    ///
    /// # Errors
    /// C090, C092 when it cannot be recorded.
    pub fn note_consent(&self, issuer: &str, jti: &str) -> Result<Durable, Refusal> {
        let act = Act {
            at: self.clock.now(),
            kind: ActKind::ConsentGiven,
            actor: issuer,
            object: "",
            commitment: Some(self.keys.consent_commitment(issuer, jti)),
            target: "",
        };
        self.journal.append_durable(&Entry::Act(act)).map_err(unavailable)
    }

    /// The gate's keys, for the consent service.
    #[must_use]
    pub const fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The name under which consents are made out to this gate.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.options.audience
    }

    /// Whether the consent is withdrawn here.
    #[must_use]
    pub fn knows_withdrawn(&self, issuer: &str, jti: &str) -> bool {
        let own = self.keys.consent_commitment(issuer, jti);
        self.consents.is_withdrawn(&Consents { own, parent: None })
    }

    /// How often the consent was used.
    #[must_use]
    pub fn consent_uses(&self, issuer: &str, jti: &str) -> u32 {
        self.consents.spent(&self.keys.consent_commitment(issuer, jti))
    }

    /// How far the clock of a signer may be from this gate's.
    #[must_use]
    pub const fn signature_window(&self) -> std::time::Duration {
        self.options.signature_window
    }

    /// Whoever feeds withdrawals to this gate has been heard, and everything it had to say is in effect. From the first
    /// time on, a feed that is silent for [`FEED_AGE_MAX`] closes the products that need a consent (C410). A gate that
    /// nobody feeds is itself where withdrawals arrive.
    pub fn heard_withdrawals(&self) {
        self.withdrawals.heard(self.clock.running());
    }

    /// Whether every withdrawal of up to a second ago is known here.
    pub(crate) fn check_withdrawals_known(&self) -> Result<(), Refusal> {
        if self.withdrawals.is_fresh(self.clock.running()) {
            Ok(())
        } else {
            Err(Refusal::retry(Code::C410, FEED_AGE_MAX))
        }
    }
}
