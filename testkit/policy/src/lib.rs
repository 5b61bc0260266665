//! Everything of a gateway node but its HTTP, in the test's own process, for tests and benchmarks of crates that stand on
//! `shuzha-policy`: not for unit tests of that crate and what is below it (`shuzha-testkit` says why).

pub mod calls;
pub mod consents;
pub mod gateway;
pub mod upstream;
pub mod world;
