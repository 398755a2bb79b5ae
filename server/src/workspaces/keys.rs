//! Which keys of the root a change touches, however deep below them.

use std::collections::{HashMap, HashSet};

use automerge::{
    Automerge, Change, Prop, ROOT, ReadDoc as _,
    legacy::{Key, ObjectId, OpId},
};

/// The keys, in the order in which they are touched first. Those of objects that are not in the document are left out.
pub(super) fn of(doc: &Automerge, change: &Change) -> Vec<Box<str>> {
    let expanded = change.decode();
    // Below which key an object is: those that the change makes itself, and those that were looked up.
    let mut below: HashMap<OpId, Option<Box<str>>> = HashMap::new();
    let mut told = HashSet::new();
    let mut keys = Vec::new();
    for (number, op) in (change.start_op().get()..).zip(&expanded.operations) {
        let key = match (&op.obj, &op.key) {
            (ObjectId::Root, Key::Map(key)) => Some(Box::from(key.as_str())),
            (ObjectId::Root, Key::Seq(_)) => None,
            (ObjectId::Id(id), _) => below.entry(id.clone()).or_insert_with(|| root_key(doc, id)).clone(),
        };
        let Some(key) = key else { continue };
        below.insert(OpId::new(number, change.actor_id()), Some(key.clone()));
        if told.insert(key.clone()) {
            keys.push(key);
        }
    }
    keys
}

/// Below which key of the root an object of the document is.
fn root_key(doc: &Automerge, id: &OpId) -> Option<Box<str>> {
    let name = format!("{}@{}", id.counter(), id.actor().to_hex_string());
    let object = doc.import_obj(&name).ok()?;
    let outermost = doc.parents(object).ok()?.find(|parent| parent.obj == ROOT)?;
    match outermost.prop {
        Prop::Map(key) => Some(key.as_str().into()),
        Prop::Seq(_) => None,
    }
}
