//! Seats that have said something with a gap before it, until they have said all that is lacked here.

use super::Owner;
use crate::documents::{answers::Answer, frame};

/// A seat that has said something with a gap before it, until it has said all that is lacked here.
#[derive(Clone, Copy)]
pub(super) struct Behind {
    /// Whether it is asked for that, and has not answered.
    pub(super) is_asked: bool,
    pub(super) is_healed: bool,
    /// How much had changed when it was asked.
    changes: u64,
    /// The last marker that it sent meanwhile.
    pub(super) marker: Option<u64>,
    /// How many of its updates were not taken, and come with its answer.
    missing: usize,
}

impl Behind {
    /// What is known of a seat after something with a gap before it, which may be its answer.
    pub(super) fn after(known: Option<&Self>, is_answer: bool, changes: u64) -> Self {
        let marker = known.and_then(|known| known.marker);
        let missing = known.map_or(0, |known| known.missing) + usize::from(!is_answer);
        match known.filter(|known| !known.is_healed) {
            // It lacks something itself. It is asked again when it may have got that.
            Some(known) if is_answer => Self { is_asked: false, ..*known },
            Some(known) if known.is_asked => Self { missing, ..*known },
            _ => Self { is_asked: true, is_healed: false, changes, marker, missing },
        }
    }
}

impl Owner {
    /// Whoever has said all that was lacked is told so of the markers and the updates that it sent meanwhile.
    pub(super) fn tell_healed(&mut self) {
        let healed: Vec<_> = self.behind.extract_if(|_, behind| behind.is_healed).collect();
        for (id, Behind { marker, missing, .. }) in healed {
            if let Some(seat) = self.seats.get(&id).filter(|seat| seat.counts_updates) {
                // It was asked once for all of them, and told once that its answer was taken.
                (1..missing).for_each(|_| seat.answers.push(Answer::Update(true)));
            }
            if let Some(marker) = marker {
                self.mark(id, marker);
            }
        }
    }

    /// Whoever had a gap itself may have none any more, since something has changed.
    pub(super) fn ask_those_behind(&mut self) {
        let Some(document) = &self.document else { return };
        let changes = self.saving.changes();
        for (seat, behind) in &mut self.behind {
            if let Some(seat) = self.seats.get(seat)
                && !behind.is_asked
                && behind.changes != changes
            {
                (behind.is_asked, behind.changes) = (true, changes);
                seat.answers.frame(frame::step1(&document.state_vector()));
            }
        }
    }
}
