//! `docs/auth-and-rooms.md`: who may call.

use syncline::prelude::*;

/// Anyone.
pub const ANYONE: Auth = Auth::PUBLIC;
/// Anyone who is logged in.
pub const MEMBER: Auth = Auth::LOGIN;
/// Those with the role.
pub const MODERATOR: Auth = Auth::LOGIN.and(&[Rule::equals("roles", "moderator")]);
