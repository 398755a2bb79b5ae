//! Who may join a room and who may publish to it.
//!
//! A policy fails closed: one that errors, hangs or panics denies.

use std::{error::Error, future::Future, panic::AssertUnwindSafe, pin::Pin, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use syncline::Session;

use crate::config::Environment;

/// What went wrong in a policy, for the log.
pub type PolicyError = Box<dyn Error + Send + Sync>;

/// How long a policy may take.
const POLICY_TIMEOUT: Duration = Duration::from_secs(5);

/// Decides about rooms. Give one to the server builder to replace the default.
pub trait RoomPolicy: Send + Sync + 'static {
    /// Whether this session may join the room.
    fn may_join(
        &self,
        session: &Session,
        room: &str,
    ) -> impl Future<Output = Result<bool, PolicyError>> + Send;

    /// Whether this session may publish to the room; by default whoever may join it.
    fn may_publish(
        &self,
        session: &Session,
        room: &str,
    ) -> impl Future<Output = Result<bool, PolicyError>> + Send {
        self.may_join(session, room)
    }
}

/// The default policy: the token's `rooms` claim, a list of globs. A session without the claim may join any room in
/// development and none in production.
#[derive(Clone, Copy, Debug)]
pub struct ClaimsPolicy {
    open: bool,
}

impl ClaimsPolicy {
    /// The default policy of that environment.
    #[must_use]
    pub fn new(environment: Environment) -> Self {
        Self { open: environment == Environment::Development }
    }

    fn allows(self, session: &Session, room: &str) -> bool {
        (self.open || session.rooms.is_some()) && rooms_claim_allows(session, room)
    }
}

impl RoomPolicy for ClaimsPolicy {
    async fn may_join(&self, session: &Session, room: &str) -> Result<bool, PolicyError> {
        Ok(self.allows(session, room))
    }
}

type Verdict<'a> = Pin<Box<dyn Future<Output = Result<bool, PolicyError>> + Send + 'a>>;

trait ErasedPolicy: Send + Sync {
    fn may_join<'a>(&'a self, session: &'a Session, room: &'a str) -> Verdict<'a>;
    fn may_publish<'a>(&'a self, session: &'a Session, room: &'a str) -> Verdict<'a>;
}

impl<P: RoomPolicy> ErasedPolicy for P {
    fn may_join<'a>(&'a self, session: &'a Session, room: &'a str) -> Verdict<'a> {
        Box::pin(RoomPolicy::may_join(self, session, room))
    }

    fn may_publish<'a>(&'a self, session: &'a Session, room: &'a str) -> Verdict<'a> {
        Box::pin(RoomPolicy::may_publish(self, session, room))
    }
}

/// Any policy, made to fail closed.
#[derive(Clone)]
pub(crate) struct GuardedPolicy(Arc<dyn ErasedPolicy>);

impl GuardedPolicy {
    pub(crate) fn new(policy: impl RoomPolicy) -> Self {
        Self(Arc::new(policy))
    }

    pub(crate) async fn may_join(&self, session: &Session, room: &str) -> bool {
        guard(|| self.0.may_join(session, room)).await
    }

    pub(crate) async fn may_publish(&self, session: &Session, room: &str) -> bool {
        guard(|| self.0.may_publish(session, room)).await
    }
}

async fn guard<'a>(ask: impl FnOnce() -> Verdict<'a>) -> bool {
    let verdict = AssertUnwindSafe(async { ask().await }).catch_unwind();
    match tokio::time::timeout(POLICY_TIMEOUT, verdict).await {
        Ok(Ok(Ok(allowed))) => allowed,
        Ok(Ok(Err(error))) => {
            tracing::error!(%error, "the room policy failed and so denies");
            false
        }
        Ok(Err(_panic)) => {
            tracing::error!("the room policy panicked and so denies");
            false
        }
        Err(_elapsed) => {
            tracing::error!("the room policy did not answer and so denies");
            false
        }
    }
}

/// Whether the session's `rooms` claim, if it has one, names the room.
pub(crate) fn rooms_claim_allows(session: &Session, room: &str) -> bool {
    session.rooms.as_ref().is_none_or(|globs| globs.iter().any(|glob| glob_matches(glob, room)))
}

/// Whether `text` fits a glob in which `*` stands for any run of characters. Linear in the product of the lengths at
/// worst, without recursion.
pub(crate) fn glob_matches(glob: &str, text: &str) -> bool {
    let (glob, text) = (glob.as_bytes(), text.as_bytes());
    let (mut at_glob, mut at_text) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while at_text < text.len() {
        if glob.get(at_glob) == Some(&b'*') {
            retry = Some((at_glob + 1, at_text));
            at_glob += 1;
        } else if glob.get(at_glob) == Some(&text[at_text]) {
            at_glob += 1;
            at_text += 1;
        } else if let Some((after_star, from)) = retry {
            retry = Some((after_star, from + 1));
            at_glob = after_star;
            at_text = from + 1;
        } else {
            return false;
        }
    }
    glob[at_glob..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::glob_matches;

    #[test]
    fn globs() {
        for (glob, text, fits) in [
            ("*", "", true),
            ("*", "anything", true),
            ("game-*", "game-7", true),
            ("game-*", "games", false),
            ("*-lobby", "a-lobby", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("", "", true),
            ("", "x", false),
            ("exact", "exact", true),
            ("a**b", "ab", true),
            ("*ü*", "grün", true),
        ] {
            assert_eq!(glob_matches(glob, text), fits, "{glob} {text}");
        }
    }

    proptest! {
        #[test]
        fn a_glob_made_from_a_text_fits_it(parts in prop::collection::vec("[a-c]{0,3}", 1..5), fill in "[a-c]{0,4}") {
            prop_assert!(glob_matches(&parts.join("*"), &parts.join(&fill)));
        }
    }
}
