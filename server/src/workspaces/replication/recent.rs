//! A set that remembers what was put into it lately.

use std::{
    collections::{HashSet, VecDeque},
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// How many are remembered.
const MAX: usize = 4096;

/// The set.
pub(super) struct Recent<T>(Mutex<(HashSet<T>, VecDeque<T>)>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(Mutex::new((HashSet::new(), VecDeque::new())))
    }
}

impl<T: Eq + Hash + Clone> Recent<T> {
    fn lock(&self) -> MutexGuard<'_, (HashSet<T>, VecDeque<T>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn insert(&self, item: T) {
        let (items, order) = &mut *self.lock();
        if items.insert(item.clone()) {
            order.push_back(item);
        }
        if order.len() > MAX
            && let Some(oldest) = order.pop_front()
        {
            items.remove(&oldest);
        }
    }

    pub(super) fn contains<Q: Eq + Hash + ?Sized>(&self, item: &Q) -> bool
    where
        T: std::borrow::Borrow<Q>,
    {
        self.lock().0.contains(item)
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX, Recent};

    #[test]
    fn it_has_a_bound() {
        let recent = Recent::default();
        for number in 0..=MAX {
            recent.insert(number);
            recent.insert(number);
        }
        assert!(!recent.contains(&0) && recent.contains(&1) && recent.contains(&MAX));
        let (items, order) = &*recent.lock();
        assert_eq!((items.len(), order.len()), (MAX, MAX));
    }
}
