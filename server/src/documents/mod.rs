//! Documents: what Yjs clients edit together, kept as snapshots in an object store.

#[cfg_attr(not(test), expect(dead_code, reason = "documents are not served yet"))]
mod id;
#[cfg_attr(not(test), expect(dead_code, reason = "documents are not served yet"))]
mod store;
