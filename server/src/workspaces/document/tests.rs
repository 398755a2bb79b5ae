//! Documents, their history, and what is told of a change.
