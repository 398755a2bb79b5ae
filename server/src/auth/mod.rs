//! Identity: from a token to a session, and what a session may do.
//!
//! Who asks is decided here, from verified claims and the room policy; what a handler requires is the contract's
//! `Auth`, and no payload is ever read here.

mod access;
mod bearer;
mod expiry;
mod jwt;
mod origin;
mod policy;
mod shared_secret;
mod ticket;

pub(crate) use access::{Access, forbidden};
pub(crate) use bearer::{identify, session_of, verify};
pub(crate) use expiry::instant_of;
pub use jwt::SessionClaims;
pub(crate) use jwt::Tokens;
pub(crate) use origin::Origins;
pub use policy::{ClaimsPolicy, PolicyError, RoomPolicy};
pub(crate) use policy::{GuardedPolicy, glob_matches, rooms_claim_allows};
pub(crate) use shared_secret::SharedSecret;
pub(crate) use ticket::Tickets;
