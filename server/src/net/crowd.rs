//! How many connections there are, and when so many have gone that what was taken for them is worth giving back.
//!
//! It ends no connection, and knows nothing of what they are for.

use std::sync::Arc;

/// With fewer connections than this it does not matter what is kept for them.
const MANY: usize = 500;

/// All connections of a server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Crowd(Arc<()>);

/// One of them, for as long as this is there.
#[derive(Debug)]
pub(crate) struct Present {
    _one: Arc<()>,
}

impl Crowd {
    /// One more.
    pub(crate) fn enter(&self) -> Present {
        Present { _one: Arc::clone(&self.0) }
    }

    /// How many there are now.
    pub(crate) fn size(&self) -> usize {
        // Each holder of the crowd itself counts as one, which makes no difference.
        Arc::strong_count(&self.0)
    }
}

/// Says when a crowd has gone.
#[derive(Debug, Default)]
pub(crate) struct Departures {
    /// The most there were since the last did.
    most: usize,
}

impl Departures {
    /// Looks at how many there are; true once it is fewer than half of what it was, if that was many.
    pub(crate) fn have_been(&mut self, size: usize) -> bool {
        self.most = self.most.max(size);
        let have_been = self.most >= MANY && size < self.most / 2;
        if have_been {
            self.most = size;
        }
        have_been
    }
}

#[cfg(test)]
mod tests {
    use super::{Crowd, Departures};

    #[test]
    fn a_crowd_is_those_who_are_there() {
        let crowd = Crowd::default();
        let nobody = crowd.size();
        let (one, other) = (crowd.enter(), crowd.enter());
        assert_eq!(crowd.size(), nobody + 2);
        drop(one);
        assert_eq!(crowd.size(), nobody + 1);
        drop(other);
        assert_eq!(crowd.size(), nobody);
    }

    #[test]
    fn departures_are_noticed_once_and_not_in_small_crowds() {
        let mut departures = Departures::default();
        let mut noticed =
            |sizes: &[usize]| sizes.iter().map(|size| departures.have_been(*size)).collect::<Vec<_>>();
        assert_eq!(noticed(&[10, 400, 0, 400]), [false; 4]);
        assert_eq!(noticed(&[1_000, 600, 499, 480, 0]), [false, false, true, false, false]);
        assert_eq!(noticed(&[1_000, 0, 0, 1_000, 0]), [false, true, false, false, true]);
    }
}
