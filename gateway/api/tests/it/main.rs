//! The control API over real sockets.

mod bad_input;
mod cases;
mod client;
mod document;
mod listener;
mod objects;
mod plane;
mod random;
mod sign_on;
