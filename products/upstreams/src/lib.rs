//! Reference product services: real programs that stand where a province's own services stand behind the
//! gateway.
//!
//! | service | product kinds | data |
//! |---|---|---|
//! | [`register`] | 核验 verification, 数据接口 interface | synthetic persons and enterprises, computed, never stored |
//! | [`model`] | 数据模型 model | UCI credit-card default, as an ONNX graph |
//! | [`statistics`] | 数据报告 report | UCI Adult, as columns in memory |
//! | [`packages`] | 数据包 package | a table derived from the synthetic enterprises |
//! | [`blind`] | 隐匿核验 blind, 数据包 package | lists of synthetic persons and enterprises, matched unseen |
//!
//! They share one HTTP shell ([`service`]) and one door: a call without the gateway's signature
//! ([`signature`]) is refused before its body is looked at (requirement A5,
//! 烟台市公共数据授权运营管理暂行办法 art. 14: one channel). To the gateway each says what it is ([`description`]).
//!
//! **Invariant:** a product service decides nothing about rights, consent, price or noise. It answers the
//! gateway, whole and exact; what leaves the domain is the gateway's to decide.

pub mod blind;
pub mod description;
pub mod error;
pub mod model;
pub mod packages;
pub mod register;
pub mod service;
pub mod signature;
pub mod statistics;

mod shuffle;

pub use error::Error;
