//! The load generator: a fleet of stock-like clients on one thread, in the order of the way of a message.
//!
//! - [`frame`] WebSocket frames, [`packet`] the texts in them: pure
//! - [`connection`] one socket, [`fleet`] all of them and the event loop
//! - [`shape`] who is where, [`pacer`] when to send, [`window`] what is under way, [`checker`] what should have come,
//!   [`histogram`] how late it came: pure
//! - [`usage`] processor time of both sides, [`watch`] what a server makes of clients that do not read
//! - [`run`] one measured run, [`churn`] connections that come and go beside it
//!
//! It speaks Engine.IO 4 and Socket.IO 5 over WebSocket by hand because a client library costs more per
//! delivery than the servers under test, and would be what is measured. It offers no long polling, and a
//! connection that ends stays ended: who comes back is a new one.

mod checker;
mod churn;
mod connection;
mod fleet;
pub(crate) mod frame;
mod histogram;
mod pacer;
mod packet;
mod run;
mod shape;
mod usage;
mod watch;
mod window;

pub(crate) use checker::Faults;
pub(crate) use churn::{Churn, Guests};
pub(crate) use fleet::{Fleet, Login};
pub(crate) use histogram::Histogram;
pub(crate) use run::{Measures, Pace, Plan, Session, Target};
pub(crate) use shape::Shape;
