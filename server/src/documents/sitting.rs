//! One socket's place at one document, whatever protocol the socket speaks around it: what is heard there, and what is said
//! next.
//!
//! It has no queue of its own to speak of: what everybody is told waits in the feed, and of states at most one is under way.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::FutureExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::{
    ON_THE_WAY,
    answers::{Answer, Answers, Seat, SeatId},
    frame::{self, Message},
    live::{Kind, OpenDocument, Told},
    owner::{Command, Heard, StateFor},
};
use crate::ws::{End, Seen, Watcher, Work};

/// The update in which nothing is.
const NOTHING: [u8; 2] = [0, 0];

/// The longest state vector that is remembered of a client; one with a longer one is told all when it is behind.
const MAX_REMEMBERED: usize = 16 * 1024;

/// How large a unit of updates on their way is, in bytes.
const UNIT: usize = 1024;

/// How one sits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) may_write: bool,
    /// Whether its own updates come back to it, once they are in the journal.
    pub(super) echo: bool,
    /// Whether it is told of each of its updates what became of it, in the place of a word about those that it may not
    /// make. Whoever counts them takes its first step for one, so each is answered with ours and nobody is asked before.
    pub(super) counts_updates: bool,
}

/// What is said next.
pub(super) enum Turn {
    /// A message.
    Say(Bytes),
    /// A text of another's, if its protocol has such.
    Stateless(Bytes),
    /// What became of an update of its own.
    Settled(bool),
    /// This is done first. If it comes to nothing, that is the end.
    Do(Work),
    /// It ends here.
    End(End),
}

/// What its owner is to be asked.
enum Want {
    Enter,
    /// The answer to its own first step.
    State(Bytes),
    /// What it has missed.
    Missed,
}

/// One socket's place at one document. Dropping it is its leaving.
pub(super) struct Sitting {
    open: Arc<OpenDocument>,
    seat: Seat,
    watcher: Watcher<Told>,
    manner: Manner,
    wants: Option<Want>,
    /// Whether it has not been told yet where it begins.
    is_entering: bool,
    missed: bool,
    /// What it had when it last said so.
    known: Bytes,
    ending: Option<End>,
    on_the_way: Arc<Semaphore>,
    /// Held by each work that asks its owner: what is heard meanwhile is asked after it.
    asking: Arc<()>,
}

impl Sitting {
    /// `on_the_way` bounds the updates of all sockets that are not settled, in KiB.
    pub(super) fn new(open: Arc<OpenDocument>, manner: Manner, on_the_way: Arc<Semaphore>) -> Self {
        let watcher = open.feed.watch(false);
        watcher.has_state(open.feed.position());
        let answers = Arc::<Answers>::default();
        let seat = Seat { id: SeatId::next(), answers, counts_updates: manner.counts_updates };
        Self {
            open,
            seat,
            watcher,
            manner,
            wants: Some(Want::Enter),
            is_entering: true,
            missed: false,
            known: Bytes::from_static(&[0]),
            ending: None,
            on_the_way,
            asking: Arc::default(),
        }
    }

    /// Sits down; nothing is heard before that is done. It is done first in any case, when it is polled.
    pub(super) fn enter(&mut self) -> Option<Work> {
        self.wants.take_if(|want| matches!(want, Want::Enter)).map(|want| self.ask_for(want))
    }

    /// What it may do from now on.
    pub(super) fn may_write(&mut self, may_write: bool) {
        self.manner.may_write = may_write;
    }

    /// Where work that fails may say that this is the end of it here.
    pub(super) fn answers(&self) -> Arc<Answers> {
        Arc::clone(&self.seat.answers)
    }

    pub(super) fn document(&self) -> &OpenDocument {
        &self.open
    }

    /// What is to be said to it, besides.
    pub(super) fn say(&self, frame: Bytes) {
        self.seat.answers.frame(frame);
    }

    /// Something was said at it. Work that comes of it is done before anything further is heard.
    pub(super) fn hear(&mut self, message: Message<'_>) -> Option<Work> {
        let heard = match message {
            Message::Step1(state_vector) => {
                let state_vector = Bytes::copy_from_slice(state_vector);
                if state_vector.len() <= MAX_REMEMBERED {
                    self.known = state_vector.clone();
                }
                // A later one takes the place of one that is not answered yet. Before it has entered nothing is heard.
                if !matches!(self.wants, Some(Want::Enter)) {
                    self.wants = Some(Want::State(state_vector));
                }
                return None;
            }
            Message::Update(update) if update == NOTHING => {
                self.settled(true);
                return None;
            }
            // From whoever may write it says that nothing is lacked here any more.
            Message::Step2(update) if update == NOTHING && !self.manner.may_write => {
                self.settled(true);
                return None;
            }
            Message::Update(_) if !self.manner.may_write => {
                self.may_not();
                return None;
            }
            Message::Step2(update) if !self.manner.may_write => {
                // What it holds of deletions it was told by others. Only insertions are its own.
                match update.first() {
                    Some(0) => self.settled(true),
                    _ => self.may_not(),
                }
                return None;
            }
            Message::Step2(update) => return self.update(Bytes::copy_from_slice(update), true),
            Message::Update(update) => return self.update(Bytes::copy_from_slice(update), false),
            Message::Awareness(update) => Heard::Awareness(Bytes::copy_from_slice(update)),
            Message::QueryAwareness => Heard::QueryAwareness,
            Message::Marker(number) => Heard::Marker(number),
            Message::Auth => return None,
        };
        self.tell(heard)
    }

    /// Says a text to the others whose protocol has such, if it may write. Nobody keeps it.
    pub(super) fn tell_others(&self, text: &str) -> Option<Work> {
        match self.manner.may_write {
            true => self.tell(Heard::Stateless(Bytes::copy_from_slice(text.as_bytes()))),
            false => None,
        }
    }

    fn tell(&self, heard: Heard) -> Option<Work> {
        let command = self.try_ask(Command::Heard(self.seat.id, heard)).err()?;
        let (open, asking) = (Arc::clone(&self.open), Arc::clone(&self.asking));
        let work = async move {
            let _asking = asking;
            open.ask(command).await.map_err(|_| End::FAILED)
        };
        Some(work.boxed())
    }

    /// Asks its owner, if that is possible at once and nothing that was heard before waits to be asked.
    fn try_ask(&self, command: Command) -> Result<(), Command> {
        match Arc::strong_count(&self.asking) {
            1 => self.open.try_ask(command),
            _ => Err(command),
        }
    }

    fn may_not(&self) {
        if !self.manner.counts_updates {
            self.say(frame::permission_denied("this session may only read"));
        }
        self.settled(false);
    }

    fn settled(&self, taken: bool) {
        if self.manner.counts_updates {
            self.seat.answers.push(Answer::Update(taken));
        }
    }

    fn update(&self, bytes: Bytes, is_answer: bool) -> Option<Work> {
        let units = bytes.len().div_ceil(UNIT).min(ON_THE_WAY) as u32;
        let seat = self.seat.id;
        let ask =
            move |room: OwnedSemaphorePermit| Command::Heard(seat, Heard::Update { bytes, is_answer, room });
        let (open, on_the_way) = (Arc::clone(&self.open), Arc::clone(&self.on_the_way));
        let command = match Arc::clone(&on_the_way).try_acquire_many_owned(units) {
            Ok(room) => Ok(self.try_ask(ask(room)).err()?),
            Err(_none) => Err(ask),
        };
        let asking = Arc::clone(&self.asking);
        let work = async move {
            let _asking = asking;
            let command = match command {
                Ok(command) => command,
                Err(ask) => ask(on_the_way.acquire_many_owned(units).await.map_err(|_| End::FAILED)?),
            };
            open.ask(command).await.map_err(|_| End::FAILED)
        };
        Some(work.boxed())
    }

    /// What is next; nothing to do while it is `busy`.
    pub(super) fn poll(&mut self, context: &mut Context<'_>, busy: bool) -> Poll<Turn> {
        if self.ending.is_none()
            && let Some(answer) = self.seat.answers.poll(context.waker())
        {
            match answer {
                Answer::Frame(frame) => return Poll::Ready(Turn::Say(frame)),
                Answer::Missed(position, frame) => {
                    self.watcher.has_state(position);
                    self.missed = false;
                    return Poll::Ready(Turn::Say(frame));
                }
                Answer::Update(taken) => return Poll::Ready(Turn::Settled(taken)),
                Answer::End(end) => self.ending = Some(end),
            }
        }
        // Nothing is being done: it has entered, if it was on its way.
        self.is_entering &= busy || matches!(self.wants, Some(Want::Enter));
        if busy {
            // It is polled again when it is not.
            return self.poll_feed(context);
        }
        if let Some(end) = self.ending {
            return Poll::Ready(Turn::End(end));
        }
        match self.wants.take() {
            Some(want) => Poll::Ready(Turn::Do(self.ask_for(want))),
            None => match self.poll_feed(context) {
                Poll::Pending if self.missed => Poll::Ready(Turn::Do(self.ask_for(Want::Missed))),
                turn => turn,
            },
        }
    }

    fn poll_feed(&mut self, context: &mut Context<'_>) -> Poll<Turn> {
        if self.ending.is_some() || self.missed || self.is_entering {
            return Poll::Pending;
        }
        loop {
            match self.watcher.poll(context.waker()) {
                Poll::Ready(Seen::Frame(told)) => {
                    let own = told.from == Some(self.seat.id);
                    match told.kind {
                        Kind::Update if own && !self.manner.echo => {}
                        Kind::Awareness | Kind::Stateless if own => {}
                        Kind::Update | Kind::Awareness => return Poll::Ready(Turn::Say(told.frame)),
                        Kind::Stateless => return Poll::Ready(Turn::Stateless(told.frame)),
                    }
                }
                Poll::Ready(Seen::Behind) => {
                    self.missed = true;
                    return Poll::Pending;
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn ask_for(&self, want: Want) -> Work {
        let (open, seat) = (Arc::clone(&self.open), self.seat.clone());
        let (reply, answer) = oneshot::channel();
        let (state_vector, missed) = match want {
            Want::Enter => {
                let work = async move {
                    let (reply, entered) = oneshot::channel();
                    open.ask(Command::Enter(seat, reply)).await.map_err(|_| End::FAILED)?;
                    entered.await.map_err(|_| End::FAILED)?
                };
                return work.boxed();
            }
            Want::State(state_vector) => (state_vector, false),
            Want::Missed => (self.known.clone(), true),
        };
        let work = async move {
            if seat.counts_updates && !missed {
                let ask = Command::Heard(seat.id, Heard::FirstStep);
                open.ask(ask).await.map_err(|_| End::FAILED)?;
            }
            let command = Command::State(StateFor { state_vector, reply });
            open.ask(command).await.map_err(|_| End::FAILED)?;
            let (position, missing) = answer.await.map_err(|_| End::FAILED)??;
            if !missed {
                seat.answers.frame(frame::step2(&missing));
                return Ok(());
            }
            seat.answers.push(Answer::Missed(position, frame::update(&missing)));
            let all = Command::Heard(seat.id, Heard::QueryAwareness);
            open.ask(all).await.map_err(|_| End::FAILED)
        };
        work.boxed()
    }
}

impl Drop for Sitting {
    fn drop(&mut self) {
        // First: its owner may not have heard yet that it has come.
        self.seat.answers.leave();
        self.open.leave(self.seat.id);
    }
}
