//! The events of a shop.

pub mod shop;
