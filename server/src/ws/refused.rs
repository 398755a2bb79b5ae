//! A WebSocket that is opened only to say why there is none: a browser cannot see why an upgrade is refused, but why a
//! connection is closed.

use std::task::{Context, Poll};

use futures_util::FutureExt as _;

use super::{Conversation, End, Next, Payload, Work};

/// A conversation that ends as it begins: with why.
pub(crate) struct Refused(pub(crate) End);

impl Conversation for Refused {
    fn hear(&mut self, _payload: Payload) -> Result<Option<Work>, End> {
        Err(self.0)
    }

    fn poll_next(&mut self, _context: &mut Context<'_>, busy: bool) -> Poll<Next> {
        let end = self.0;
        match busy {
            true => Poll::Pending,
            false => Poll::Ready(Next::Do(async move { Err(end) }.boxed())),
        }
    }

    fn is_idle(&self) -> bool {
        true
    }
}
