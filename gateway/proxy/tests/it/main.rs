//! The data plane over real sockets: every test starts a server of its own on free ports, with a gate and a product
//! service that do what the test says. Tests wait for events, never for time to pass.

mod bounds;
mod connections;
mod drain;
mod egress;
mod framing;
mod h2;
mod operations;
mod packages;
mod proxies;
mod replies;
mod tls;
mod upgrade;
mod upstreams;
mod world;
