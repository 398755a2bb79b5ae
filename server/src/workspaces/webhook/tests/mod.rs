//! The webhook against a receiver of its own, which checks every signature; and against receivers, journals and names
//! that fail.

mod delivery;
mod faults;
mod guard;
mod outage;
mod support;
