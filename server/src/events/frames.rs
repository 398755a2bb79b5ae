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
    pub(crate) fn get(&mut self, client_output: &[u8]) -> SyncResult<&Frame> {
        let last = match self.last.take() {
            Some(last) if last.0 == client_output => {
                self.came_again = true;
                last
            }
            last => self.next(last, client_output)?,
        };
        Ok(&self.last.insert(last).1)
    }

    fn next(&mut self, last: Option<(Vec<u8>, Frame)>, client_output: &[u8]) -> SyncResult<(Vec<u8>, Frame)> {
        let looks = self.came_again || self.others.len() < ALL_DISTINCT;
        let known = looks.then(|| self.others.get(client_output)).flatten();
        let frame = match known {
            Some(frame) => {
                self.came_again = true;
                frame.clone()
            }
            None => Frame::from(self.event.success(self.server_output, std::str::from_utf8(client_output)?)),
        };
        let mut output = match last {
            Some((output, frame)) if looks && self.others.len() < REMEMBERED => {
                self.others.insert(output, frame);
                Vec::new()
            }
            Some((output, _)) => output,
            None => Vec::new(),
        };
        output.clear();
        output.extend_from_slice(client_output);
        Ok((output, frame))
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
        let first = frames.get(b"{}").unwrap().clone();
        let other = frames.get(b"[]").unwrap().clone();
        assert!(!first.is_same(&other));
        assert!(other.is_same(frames.get(b"[]").unwrap()));
        assert!(first.is_same(frames.get(b"{}").unwrap()));
    }

    #[test]
    fn each_output_is_what_was_asked_for_however_many_there_are() {
        let event = SyncEvent::new("a/b", "v1", "r");
        let server_output = RawValue::from_string("1".to_owned()).unwrap();
        for came_again in [false, true] {
            let mut frames = Frames::new(&event, &server_output);
            for output in (0..2 * REMEMBERED).chain(0..ALL_DISTINCT) {
                let output = output.to_string();
                let frame = frames.get(output.as_bytes()).unwrap().clone();
                assert_eq!(frame.text(), event.success(&server_output, &output));
                if came_again {
                    assert!(frame.is_same(frames.get(output.as_bytes()).unwrap()));
                }
            }
        }
    }
}
