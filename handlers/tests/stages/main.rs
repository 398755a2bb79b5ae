//! The shipped handlers through the registry, as a server runs them: JSON in, JSON out.

mod call;
mod chat;
#[cfg(feature = "chess")]
mod chess;
mod counter;
mod presence;
mod registry;
mod test_pages;
