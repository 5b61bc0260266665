//! The product services over real sockets, called as the gateway calls them.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod blind;
mod door;
mod drain;
mod harness;
mod model;
mod naive;
mod packages;
mod process;
mod register;
mod statistics;
