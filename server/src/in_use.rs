//! What is in use, each once by its id: whoever wants it gets the same one, and it goes when nobody has it any more.
//!
//! What it is, and who works on it, is not known here.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What is in use.
pub(crate) struct InUse<K, V>(Mutex<HashMap<K, Arc<V>>>);

impl<K, V> Default for InUse<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash + Clone, V> InUse<K, V> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Arc<V>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one of that id, if it is in use.
    pub(crate) fn get(&self, id: &K) -> Option<Arc<V>> {
        self.lock().get(id).cloned()
    }

    /// The one of that id; made if there is none. What makes it must not come back here.
    pub(crate) fn open(&self, id: &K, make: impl FnOnce() -> Arc<V>) -> Arc<V> {
        Arc::clone(self.lock().entry(id.clone()).or_insert_with(make))
    }

    /// All.
    pub(crate) fn all(&self) -> Vec<Arc<V>> {
        self.lock().values().cloned().collect()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Lets go of this one, whoever has it: whoever wants that id next gets another one.
    pub(crate) fn forget(&self, id: &K, held: &Arc<V>) {
        let mut all = self.lock();
        if all.get(id).is_some_and(|other| Arc::ptr_eq(other, held)) {
            all.remove(id);
        }
    }

    /// Lets go of this one if nobody has it but those `holders` that serve it; says whether it did. Whoever wants it has
    /// to come by here, so nobody can come to have it meanwhile.
    pub(crate) fn leave(&self, id: &K, held: &Arc<V>, holders: usize) -> bool {
        let mut all = self.lock();
        if Arc::strong_count(held) > holders + 1 {
            return false;
        }
        all.remove(id);
        all.shrink_to_fit();
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::InUse;

    #[test]
    fn one_for_all_until_nobody_has_it() {
        let all = InUse::default();
        let first = all.open(&"a", || Arc::new(1));
        let again = all.open(&"a", || Arc::new(2));
        assert!(Arc::ptr_eq(&first, &again));
        assert!(!all.leave(&"a", &first, 1), "somebody else has it");
        drop(again);
        assert!(all.leave(&"a", &first, 1));
        assert_eq!((all.get(&"a"), all.len()), (None, 0));
    }

    #[test]
    fn only_the_one_that_is_meant_is_forgotten() {
        let all = InUse::default();
        let gone = all.open(&"a", || Arc::new(1));
        all.forget(&"a", &gone);
        let next = all.open(&"a", || Arc::new(2));
        all.forget(&"a", &gone);
        assert_eq!(all.get(&"a"), Some(next));
    }
}
