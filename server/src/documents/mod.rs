//! Documents of Yjs over WebSocket: what is read of them and written, before anything is kept or sent.

mod awareness;
mod depth;
mod frame;
mod lib0;
mod measure;
