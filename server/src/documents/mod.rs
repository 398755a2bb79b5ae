//! Documents of Yjs over WebSocket: what is read of them and written, before anything is kept or sent.

mod awareness;
mod depth;
mod frame;
mod fuzzing;
mod lib0;
mod measure;

/// Reads these bytes as a frame, as an update, as a state vector and as awareness, as a client's are read, and does with
/// them what is done with a client's: for the fuzzer. How much of it was taken.
pub(crate) fn read_for_fuzzing(bytes: &[u8]) -> usize {
    fuzzing::read(bytes)
}
