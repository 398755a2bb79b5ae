//! Whatever an Automerge client sends, as a frame, as a sync message and as a change with a sound checksum: it is refused or
//! read. Nothing panics, and no memory is taken past libFuzzer's limit.
#![no_main]

use libfuzzer_sys::fuzz_target;
use syncline_server::read_as_from_peer;

fuzz_target!(|bytes: &[u8]| {
    read_as_from_peer(bytes);
});
