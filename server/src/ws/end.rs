//! Why a plain WebSocket ends: the close code that the client is told, and the word that is counted and logged.

/// An end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// What the client is told; nothing when there is nobody left to tell.
    pub(crate) code: Option<u16>,
    /// One of a few words: the label of a metric.
    pub(crate) reason: &'static str,
}

impl End {
    /// The client closed it.
    pub(crate) const CLIENT: Self = Self::unsaid("client");
    /// The connection broke.
    pub(crate) const LOST: Self = Self::unsaid("lost");
    /// The client does not read.
    pub(crate) const STUCK: Self = Self::unsaid("stuck");
    /// The server is stopping.
    pub(crate) const SHUTDOWN: Self = Self::said(1001, "shutdown");
    /// What the client sent is no WebSocket.
    pub(crate) const PROTOCOL: Self = Self::said(1002, "protocol");
    /// A text of the client's is no UTF-8.
    pub(crate) const NOT_UTF8: Self = Self::said(1007, "protocol");
    /// The client goes on and on when it is refused.
    pub(crate) const ABUSE: Self = Self::said(1008, "abuse");
    /// A message of the client's is larger than may be.
    pub(crate) const TOO_LARGE: Self = Self::said(1009, "too_large");
    /// The server failed to do what the connection is for.
    pub(crate) const FAILED: Self = Self::said(1011, "failed");
    /// There is no token, or none that is accepted. Only where the upgrade was not refused for it.
    pub(crate) const UNAUTHENTICATED: Self = Self::said(4001, "unauthenticated");
    /// The token does not allow it. Only where the upgrade was not refused for it.
    pub(crate) const FORBIDDEN: Self = Self::said(4003, "forbidden");
    /// The session's token has expired.
    pub(crate) const EXPIRED: Self = Self::said(4401, "expired");
    /// As [`End::UNAUTHENTICATED`], to clients that take only these codes as final.
    pub(crate) const UNAUTHENTICATED_FOR_GOOD: Self = Self::said(4401, "unauthenticated");
    /// As [`End::FORBIDDEN`], to clients that take only these codes as final.
    pub(crate) const FORBIDDEN_FOR_GOOD: Self = Self::said(4403, "forbidden");
    /// What the client said is not of the protocol that is spoken here.
    pub(crate) const MALFORMED: Self = Self::said(1003, "malformed");
    /// What the client writes into is as large as it may be.
    pub(crate) const FULL: Self = Self::said(1009, "full");
    /// What the client came for was deleted.
    pub(crate) const DELETED: Self = Self::said(4410, "deleted");
    /// The client may no longer have what it came for.
    pub(crate) const WITHDRAWN: Self = Self::said(4403, "withdrawn");
    /// The client did not answer a ping.
    pub(crate) const HEARTBEAT: Self = Self::said(4408, "heartbeat");
    /// The client wanted nothing for too long.
    pub(crate) const IDLE: Self = Self::said(4408, "idle");

    /// Every one: what is counted is registered from this.
    pub(crate) const ALL: [Self; 20] = [
        Self::CLIENT,
        Self::LOST,
        Self::STUCK,
        Self::SHUTDOWN,
        Self::PROTOCOL,
        Self::NOT_UTF8,
        Self::ABUSE,
        Self::TOO_LARGE,
        Self::FAILED,
        Self::UNAUTHENTICATED,
        Self::FORBIDDEN,
        Self::UNAUTHENTICATED_FOR_GOOD,
        Self::FORBIDDEN_FOR_GOOD,
        Self::MALFORMED,
        Self::FULL,
        Self::DELETED,
        Self::EXPIRED,
        Self::WITHDRAWN,
        Self::HEARTBEAT,
        Self::IDLE,
    ];

    const fn said(code: u16, reason: &'static str) -> Self {
        Self { code: Some(code), reason }
    }

    const fn unsaid(reason: &'static str) -> Self {
        Self { code: None, reason }
    }
}
