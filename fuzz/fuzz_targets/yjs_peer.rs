//! Whatever a Yjs client sends, as a frame, as an update, as a state vector and as awareness: it is refused or taken whole,
//! and a document that took it can be written and loaded again. No memory is taken past libFuzzer's limit.
#![no_main]

use libfuzzer_sys::fuzz_target;
use syncline_server::read_as_from_yjs;

fuzz_target!(|bytes: &[u8]| {
    read_as_from_yjs(bytes);
});
