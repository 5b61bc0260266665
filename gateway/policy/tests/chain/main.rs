//! The whole chain, from a signed request to its record, with a scripted product service and a disk in memory.
//!
//! Nothing here speaks HTTP: every test goes through [`shuzha_policy::Gate::serve`], as the data plane does.

mod abuse;
mod alike;
mod authorisations;
mod bounds;
mod budgets;
mod deltas;
mod drawn;
mod holds;
mod in_force;
mod instants;
mod listings;
mod packages;
mod plans;
mod post_processing;
mod presenters;
mod releases;
mod replays;
mod rest;
mod restart;
mod retries;
mod reviews;
mod sandbox;
mod signing;
mod sim;
mod stops;
mod table;
mod tables;

use shuzha_testkit_policy::{calls, consents, gateway, upstream, world};
