//! The lists that can be matched.

use crate::register::{ENTERPRISES, PERSONS, enterprise, person};

/// One person in so many has a card.
const CARDHOLDER_EVERY: usize = 256;

/// A list of the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// Enterprises that the register watches, by code.
    EnterprisesAtRisk,
    /// Persons with a card, by identity number and name.
    Cardholders,
}

impl List {
    /// Every list.
    pub const ALL: [Self; 2] = [Self::EnterprisesAtRisk, Self::Cardholders];

    /// Its name in paths.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EnterprisesAtRisk => "enterprises-at-risk",
            Self::Cardholders => "cardholders",
        }
    }

    /// Its entries, each as its parts.
    #[must_use]
    pub fn entries(self) -> Vec<Vec<String>> {
        match self {
            Self::EnterprisesAtRisk => (0..ENTERPRISES)
                .map(enterprise)
                .filter(|firm| firm.at_risk)
                .map(|firm| vec![firm.uscc])
                .collect(),
            Self::Cardholders => {
                let holders = (0..PERSONS).step_by(CARDHOLDER_EVERY).map(person);
                holders.map(|person| vec![person.id_number, person.name]).collect()
            }
        }
    }
}
