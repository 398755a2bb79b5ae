//! Encoded events of one delivery: each distinct client output is encoded once, as far as it comes again soon.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;
use serde_json::value::RawValue;
use syncline::{SyncResult, run::SyncEvent};

use super::direct::Frame;

/// How many distinct outputs are remembered.
const REMEMBERED: usize = 32;

/// After so many of which none came twice, every recipient's is likely its own, and looking for it would only cost.
const ALL_DISTINCT: usize = 16;

/// Encodes one delivery's event for one client output after the other.
pub(crate) struct Frames<'a> {
    event: &'a SyncEvent,
    server_output: &'a RawValue,
    last: Option<(Vec<u8>, Frame)>,
    /// So few that no choice of outputs could make a search long.
    others: HashMap<Vec<u8>, Frame, FxBuildHasher>,
    came_again: bool,
}

impl<'a> Frames<'a> {
    pub(crate) fn new(event: &'a SyncEvent, server_output: &'a RawValue) -> Self {
        Self { event, server_output, last: None, others: HashMap::default(), came_again: false }
    }

    /// The event with this client output, which is JSON.
    pub(crate) fn get(&mut self, client_output: &[u8]) -> SyncResult<Frame> {
        if !self.came_again && self.others.len() >= ALL_DISTINCT {
            return self.encode(client_output);
        }
        let last = self.last.as_ref().filter(|(output, _)| output == client_output);
        if let Some(frame) = last.map(|(_, frame)| frame).or_else(|| self.others.get(client_output)) {
            self.came_again = true;
            return Ok(frame.clone());
        }
        let frame = self.encode(client_output)?;
        let last = self.last.replace((client_output.to_vec(), frame.clone()));
        if self.others.len() < REMEMBERED {
            self.others.extend(last);
        }
        Ok(frame)
    }

    fn encode(&self, client_output: &[u8]) -> SyncResult<Frame> {
        let client_output = std::str::from_utf8(client_output)?;
        Ok(Frame::from(self.event.success(self.server_output, client_output)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;
    use syncline::run::SyncEvent;

    use super::{ALL_DISTINCT, Frames, REMEMBERED};

    #[test]
    fn equal_outputs_share_one_frame() {
        let event = SyncEvent::new("a/b", "v1", "r");
        let server_output = RawValue::from_string("1".to_owned()).unwrap();
        let mut frames = Frames::new(&event, &server_output);
        let first = frames.get(b"{}").unwrap();
        let other = frames.get(b"[]").unwrap();
        assert!(!first.is_same(&other));
        assert!(other.is_same(&frames.get(b"[]").unwrap()));
        assert!(first.is_same(&frames.get(b"{}").unwrap()));
    }

    #[test]
    fn each_output_is_what_was_asked_for_however_many_there_are() {
        let event = SyncEvent::new("a/b", "v1", "r");
        let server_output = RawValue::from_string("1".to_owned()).unwrap();
        for came_again in [false, true] {
            let mut frames = Frames::new(&event, &server_output);
            for output in (0..2 * REMEMBERED).chain(0..ALL_DISTINCT) {
                let output = output.to_string();
                let frame = frames.get(output.as_bytes()).unwrap();
                assert_eq!(frame.text(), event.success(&server_output, &output));
                if came_again {
                    assert!(frame.is_same(&frames.get(output.as_bytes()).unwrap()));
                }
            }
        }
    }
}
