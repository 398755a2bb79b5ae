//! Encoded events of one delivery: each distinct client output is encoded once.

use std::collections::HashMap;

use serde_json::value::RawValue;
use syncline::{SyncResult, run::SyncEvent};

use super::direct::Frame;

/// How many distinct outputs are remembered. Where every recipient's differs, remembering more would only cost.
const REMEMBERED: usize = 32;

/// Encodes one delivery's event for one client output after the other.
pub(crate) struct Frames<'a> {
    event: &'a SyncEvent,
    server_output: &'a RawValue,
    last: Option<(Vec<u8>, Frame)>,
    others: HashMap<Vec<u8>, Frame>,
}

impl<'a> Frames<'a> {
    pub(crate) fn new(event: &'a SyncEvent, server_output: &'a RawValue) -> Self {
        Self { event, server_output, last: None, others: HashMap::new() }
    }

    /// The event with this client output, which is JSON.
    pub(crate) fn get(&mut self, client_output: &[u8]) -> SyncResult<Frame> {
        if let Some((output, frame)) = &self.last
            && output == client_output
        {
            return Ok(frame.clone());
        }
        let frame = match self.others.get(client_output) {
            Some(frame) => frame.clone(),
            None => {
                let client_output = std::str::from_utf8(client_output)?;
                Frame::from(self.event.success(self.server_output, client_output))
            }
        };
        if let Some((output, frame)) = self.last.replace((client_output.to_vec(), frame.clone()))
            && self.others.len() < REMEMBERED
        {
            self.others.insert(output, frame);
        }
        Ok(frame)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;
    use syncline::run::SyncEvent;

    use super::Frames;

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
}
