//! How many connections there are, and when so many have gone that what was taken for them is worth giving back.
//!
//! It ends no connection, and knows nothing of what they are for.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// With fewer connections than this it does not matter what is kept for them.
const MANY: usize = 500;

/// All connections of a server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Crowd {
    /// The most there were at once since a crowd last went. Each of them has a share in it.
    most: Arc<AtomicUsize>,
}

/// One of them, for as long as this is there.
#[derive(Debug)]
pub(crate) struct Present {
    _share: Arc<AtomicUsize>,
}

impl Crowd {
    /// One more.
    pub(crate) fn enter(&self) -> Present {
        let present = Present { _share: Arc::clone(&self.most) };
        self.most.fetch_max(self.size(), Ordering::Relaxed);
        present
    }

    /// How many there are. Whoever may let others in counts as one, which makes no difference here.
    fn size(&self) -> usize {
        Arc::strong_count(&self.most)
    }

    /// Whether there are fewer than half of what there were, if those were many; true once for each crowd.
    pub(crate) fn has_gone(&self) -> bool {
        let (size, most) = (self.size(), self.most.load(Ordering::Relaxed));
        let has_gone = most >= MANY && size < most / 2;
        if has_gone {
            self.most.store(size, Ordering::Relaxed);
        }
        has_gone
    }
}

#[cfg(test)]
mod tests {
    use super::{Crowd, MANY, Present};

    fn enter(crowd: &Crowd, count: usize) -> Vec<Present> {
        (0..count).map(|_| crowd.enter()).collect()
    }

    #[test]
    fn a_crowd_that_has_gone_is_noticed_once_however_short_it_stayed() {
        let crowd = Crowd::default();
        for _ in 0..2 {
            let mut present = enter(&crowd, 2 * MANY);
            assert!(!crowd.has_gone(), "all are there");
            present.truncate(MANY + 1);
            assert!(!crowd.has_gone(), "most are there");
            present.truncate(MANY / 2);
            assert!(crowd.has_gone());
            present.clear();
            assert!(!crowd.has_gone(), "they were few");
            drop(enter(&crowd, 2 * MANY));
            assert!(crowd.has_gone() && !crowd.has_gone());
        }
    }

    #[test]
    fn a_few_who_go_are_no_crowd() {
        let crowd = Crowd::default();
        drop(enter(&crowd, MANY / 2));
        assert!(!crowd.has_gone());
    }
}
