//! A document that takes in what other nodes have: by its owner's mailbox, or as its owner.

use std::{collections::HashSet, future::Future, sync::Arc};

use automerge::{Change, ChangeHash};
use futures_util::future::join_all;
use syncline::{SyncError, codes as framework};
use tokio::sync::oneshot;

use super::nats::{Failed, failed};
use crate::{
    clock::micros_now,
    workspaces::{
        live::Workspace,
        owner::{Ask, Done, Origin, What},
        stamp::Stamp,
    },
};

/// What became of the changes of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Merged {
    /// They are on disk, but for so many that others before them are missing for.
    Kept { missing: usize },
    /// They cannot be, and never will.
    Refused,
}

/// A document that takes in changes.
pub(in super::super) trait Replica: Send {
    /// Whether it has all of these changes.
    fn knows(&mut self, heads: Vec<ChangeHash>) -> impl Future<Output = Result<bool, Failed>> + Send;

    /// Takes in the changes of messages; what became of those of each.
    fn merge(
        &mut self,
        messages: Vec<Vec<Change>>,
    ) -> impl Future<Output = Result<Vec<Merged>, Failed>> + Send;

    /// The changes, one after the other, that neither come before these heads nor are among those.
    fn beyond(
        &mut self,
        heads: Vec<ChangeHash>,
        known: HashSet<ChangeHash>,
    ) -> impl Future<Output = Result<Vec<u8>, Failed>> + Send;
}

/// A workspace that is in use, for whoever is not its owner.
pub(super) struct InUse(pub(super) Arc<Workspace>);

impl Replica for InUse {
    async fn knows(&mut self, heads: Vec<ChangeHash>) -> Result<bool, Failed> {
        Ok(self.0.read(move |reading| reading.document.has_all(&heads)).await?)
    }

    async fn merge(&mut self, messages: Vec<Vec<Change>>) -> Result<Vec<Merged>, Failed> {
        let mut answers = Vec::new();
        for changes in messages {
            let (reply, answer) = oneshot::channel();
            let ask = ask(changes, move |result| {
                let _nobody_waits = reply.send(result);
            });
            self.0.ask(ask).await?;
            answers.push(answer);
        }
        let answers = join_all(answers).await.into_iter();
        answers.map(|answer| merged(answer.map_err(failed("not merged"))?)).collect()
    }

    async fn beyond(
        &mut self,
        heads: Vec<ChangeHash>,
        known: HashSet<ChangeHash>,
    ) -> Result<Vec<u8>, Failed> {
        Ok(self.0.read(move |reading| reading.document.beyond(&heads, &known)).await?)
    }
}

/// Asks an owner to take in what other nodes have changed.
pub(super) fn ask(changes: Vec<Change>, reply: impl FnOnce(Result<Done, SyncError>) + Send + 'static) -> Ask {
    // Each of the changes has a stamp of its own.
    let stamp = Stamp::new("".into(), None, micros_now(), "".into());
    Ask { what: What::Merge(changes, Origin::Node), stamp, reply: Box::new(reply) }
}

/// What an owner's answer says.
pub(super) fn merged(answer: Result<Done, SyncError>) -> Result<Merged, Failed> {
    match answer {
        Ok(done) => Ok(Merged::Kept { missing: done.missing }),
        // What the disk has to do with it has codes of its own.
        Err(error) if error.code() == framework::INTERNAL => Ok(Merged::Refused),
        Err(error) => Err(error.into()),
    }
}
