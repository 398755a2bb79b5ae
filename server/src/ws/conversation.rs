//! What is said on a plain WebSocket, as its system sees it.

use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::End;

/// Something that is said, in one message. Cheap to clone: what many are told is encoded once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Payload {
    /// A text.
    Text(Utf8Bytes),
    /// Bytes.
    Binary(Bytes),
}

/// What has to be waited for after something was heard.
pub(crate) type Work = BoxFuture<'static, Result<(), End>>;

/// What comes next in a conversation.
pub(crate) enum Next {
    /// This is said.
    Say(Payload),
    /// This is done, and nothing heard meanwhile.
    Do(Work),
}

/// One client's conversation with a system.
pub(crate) trait Conversation: Send + 'static {
    /// The connection stands.
    fn began(&mut self) {}

    /// The client has said something. It is not listened to further while the work that comes of it, if any, goes on.
    fn hear(&mut self, payload: Payload) -> Result<Option<Work>, End>;

    /// What is next; pends while there is nothing. Asked again only when what was said is written. While it is `busy` with
    /// work it gives none.
    fn poll_next(&mut self, context: &mut Context<'_>, busy: bool) -> Poll<Next>;

    /// What was said last is written.
    fn said(&mut self) {}

    /// Whether the client wants nothing at the moment.
    fn is_idle(&self) -> bool;

    /// Whose the connection is, where that is said on it and not at the upgrade.
    fn user(&self) -> Option<&str> {
        None
    }

    /// The client was pinged: a time to look whether it may go on.
    fn pinged(&mut self) {}

    /// The connection has ended.
    fn ended(&mut self, _end: End) {}
}
