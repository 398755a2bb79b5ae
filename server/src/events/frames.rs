//! Encoded events of one delivery: each distinct client output is encoded once.

use std::{collections::HashMap, sync::Arc};

use serde_json::value::RawValue;
use syncline::{SyncResult, run::SyncEvent};

/// How many distinct outputs are remembered. Where every recipient's differs, remembering more would only cost.
const REMEMBERED: usize = 32;

/// Encodes one delivery's event for one client output after the other.
pub(crate) struct Frames<'a> {
    event: &'a SyncEvent,
    server_output: &'a RawValue,
    last: Option<(Vec<u8>, Arc<RawValue>)>,
    others: HashMap<Vec<u8>, Arc<RawValue>>,
}

impl<'a> Frames<'a> {
    pub(crate) fn new(event: &'a SyncEvent, server_output: &'a RawValue) -> Self {
        Self { event, server_output, last: None, others: HashMap::new() }
    }

    /// The event with this client output, which is JSON.
    pub(crate) fn get(&mut self, client_output: &[u8]) -> SyncResult<Arc<RawValue>> {
        if let Some((output, frame)) = &self.last
            && output == client_output
        {
            return Ok(Arc::clone(frame));
        }
        let frame = match self.others.get(client_output) {
            Some(frame) => Arc::clone(frame),
            None => self.event.success(self.server_output, client_output)?,
        };
        if let Some((output, frame)) = self.last.replace((client_output.to_vec(), Arc::clone(&frame)))
            && self.others.len() < REMEMBERED
        {
            self.others.insert(output, frame);
        }
        Ok(frame)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

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
        assert!(!Arc::ptr_eq(&first, &other));
        assert!(Arc::ptr_eq(&other, &frames.get(b"[]").unwrap()));
        assert!(Arc::ptr_eq(&first, &frames.get(b"{}").unwrap()));
        assert_eq!(
            first.get(),
            r#"{"name":"a/b","version":"v1","room":"r","status":"success","serverOutput":1,"clientOutput":{}}"#
        );
    }
}
