//! What keeps a person's data the person's: consent tokens, differential privacy, output contracts, verification
//! answers. Pure functions: no IO, no clock, no storage.

pub mod abuse;
pub mod anonymity;
pub mod blind;
pub mod budget;
pub mod consent;
pub mod dp;
pub mod extraction;
pub mod groups;
pub mod json;
pub mod output;
pub mod subject;
pub mod verdict;
pub mod watermark;
