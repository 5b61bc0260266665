//! What is made of a closed month: papers, compared with ones that a person has looked at, and rows of exports.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod golden;
mod month;
mod papers;
mod rows;
mod sets;
