//! The control plane as its callers meet it, on a real register.

mod accounts;
mod house;
mod laws;
mod marks;
mod town;
