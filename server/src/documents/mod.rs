//! Documents of Yjs over WebSocket: what is read of them and written, before anything is kept or sent.

#[cfg_attr(not(test), expect(dead_code, reason = "the owner of a document and its sockets come next"))]
mod awareness;
#[cfg_attr(not(test), expect(dead_code, reason = "the owner of a document and its sockets come next"))]
mod depth;
#[cfg_attr(not(test), expect(dead_code, reason = "the owner of a document and its sockets come next"))]
mod frame;
mod fuzzing;
#[cfg_attr(not(test), expect(dead_code, reason = "the owner of a document and its sockets come next"))]
mod lib0;
#[cfg_attr(not(test), expect(dead_code, reason = "the owner of a document and its sockets come next"))]
mod measure;

/// Reads these bytes as a frame, as an update, as a state vector and as awareness, as a client's are read, and does with
/// them what is done with a client's: for the fuzzer. How much of it was taken.
pub(crate) fn read_for_fuzzing(bytes: &[u8]) -> usize {
    fuzzing::read(bytes)
}
