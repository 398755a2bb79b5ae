//! Whatever a Yjs client sends, as a frame, as an update, as a state vector and as awareness: it is refused or taken whole,
//! and a document that took it can be written and loaded again. No memory is taken past libFuzzer's limit.
//!
//! It panics where yrs does, which the process would contain, and where something holds of which we are sure. The server's own
//! modules by their path: the whole server takes many times as long to build, and nothing else of it runs.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../server/src/documents"]
#[expect(dead_code, reason = "the server uses the rest")]
mod documents {
    mod awareness;
    mod depth;
    mod frame;
    mod lib0;
    mod measure;

    use std::time::Instant;

    use yrs::{
        Doc, ReadTxn as _, StateVector, Text as _, Transact as _, Update, WriteTxn as _,
        updates::decoder::Decode as _,
    };

    use self::{
        awareness::{Awareness, Source},
        depth::Depths,
        frame::Message,
        measure::{Bounds, measure, measure_state_vector},
    };

    const BOUNDS: Bounds = Bounds { bytes: 1 << 20, weight: 1 << 26, clients: 1000, rivals: 1000 };

    const OF_AWARENESS: awareness::Bounds =
        awareness::Bounds { clients_of_socket: 16, clients: 64, state_bytes: 1024 };

    /// The client whose text the document has.
    const WRITER: u64 = 1;

    /// Does with bytes all that is done with a client's, on a document that has content; how much of it was taken.
    pub(super) fn read(bytes: &[u8]) -> usize {
        let document = Doc::with_client_id(WRITER);
        let mut depths = Depths::default();
        {
            let mut transaction = document.transact_mut();
            let text = transaction.get_or_insert_text("t");
            text.insert(&mut transaction, 0, "some text 😀 that is there");
            text.remove_range(&mut transaction, 2, 3);
            let state = transaction.encode_state_as_update_v1(&StateVector::default());
            let state = measure(&state, Bounds::OPEN).expect("what yrs writes is measured");
            depths.add(depths.of(&state).expect("it is not deep"));
        }
        let whole = [Message::Step1(bytes), Message::Update(bytes), Message::Awareness(bytes)];
        let messages = frame::read(bytes).unwrap_or_default();
        let mut awareness = Awareness::default();
        let mut taken = 0;
        for message in messages.into_iter().chain(whole) {
            taken += usize::from(match message {
                Message::Step1(vector) => answers(&document, vector),
                Message::Step2(update) | Message::Update(update) => applies(&document, &mut depths, update),
                Message::Awareness(states) => {
                    awareness.apply(states, Source::Socket(1), Instant::now(), OF_AWARENESS).is_ok()
                }
                Message::QueryAwareness => awareness.full().is_some(),
                Message::Auth | Message::Marker(_) => true,
            });
        }
        taken
    }

    fn answers(document: &Doc, vector: &[u8]) -> bool {
        if measure_state_vector(vector, 1000).is_err() {
            return false;
        }
        let Ok(vector) = StateVector::decode_v1(vector) else { return false };
        let update = document.transact().encode_state_as_update_v1(&vector);
        measure(&update, Bounds::OPEN).expect("what yrs writes is measured");
        true
    }

    fn applies(document: &Doc, depths: &mut Depths, update: &[u8]) -> bool {
        let Ok(measured) = measure(update, BOUNDS) else { return false };
        let state = document.transact().state_vector();
        if !measured.fits(|client| state.get(&yrs::ClientID::new(client))) {
            return false;
        }
        let Ok(added) = depths.of(&measured) else { return false };
        let Ok(update) = Update::decode_v1(update) else { return false };
        let mut transaction = document.transact_mut();
        if transaction.apply_update(update).is_err() {
            return false;
        }
        depths.add(added);
        transaction.commit();
        assert!(transaction.store().pending_update().is_none() && transaction.store().pending_ds().is_none());
        let state = transaction.encode_state_as_update_v1(&StateVector::default());
        let again = measure(&state, Bounds::OPEN).expect("what yrs writes is measured");
        assert!(again.fits(|_| 0), "a document can be loaded again");
        true
    }
}

fuzz_target!(|bytes: &[u8]| {
    documents::read(bytes);
});
