//! A running node: its configuration, the world it loads, and everything that runs in it, put together.
//!
//! The only library that reads a configuration file. Commands, the demo and the binary are built on it.

pub mod config;
pub mod control;
mod data_folder;
pub mod evidence;
mod finance;
mod followers;
pub mod issued;
mod journal;
pub mod logging;
pub mod node;
pub mod period_keys;
pub mod signals;
pub mod store;
mod traces;
mod upkeep;
mod wal;
mod way_back;
mod worker;
pub mod world;
