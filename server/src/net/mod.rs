//! The way in: accepted connections, the checks before any system sees a request, limits, and the way out at a stop.
//!
//! It knows sockets and HTTP, and nothing of what is sent over them.

mod address;
mod front;
mod handshakes;
mod kill_switch;
mod limits;
mod serve;
mod upgrades;

pub(crate) use address::{ClientAddress, TrustedProxies};
pub(crate) use front::{Front, RequestContext, front};
pub(crate) use handshakes::{HandshakeLimiter, PendingHandshake};
pub(crate) use kill_switch::KillSwitch;
pub(crate) use limits::{RateLimits, RetryAfter};
pub(crate) use serve::{Listening, bind, serve};
pub(crate) use upgrades::Upgrades;
