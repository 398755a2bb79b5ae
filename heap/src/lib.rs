//! Gives memory that is free back to the system.
//!
//! glibc's allocator keeps what was freed for what comes next, however much it is: after ten thousand clients have gone at
//! once, a server holds what it took for them until it ends. This asks it not to. It is a crate of its own because it takes
//! the project's only call that is `unsafe`; it decides nothing about when.

/// Asks the allocator to give what is free back, and says whether there was anything.
///
/// It looks through all there is, which takes about a millisecond for ten megabytes, and threads that allocate meanwhile may have
/// to wait. Where there is no glibc nothing is done.
#[must_use]
pub fn give_back() -> bool {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        #[expect(unsafe_code, reason = "libc declares every foreign function as unsafe")]
        // SAFETY: it takes a number and nothing else, changes no memory that is in use, and may be called from any thread.
        let gave = unsafe { libc::malloc_trim(0) };
        gave != 0
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    false
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::give_back;

    fn resident_kib() -> usize {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    #[test]
    fn what_is_free_between_what_is_used_is_given_back() {
        let pieces: Vec<Box<[u8]>> = (0..100_000).map(|_| vec![1; 1024].into_boxed_slice()).collect();
        let used = resident_kib();
        let kept: Vec<_> = pieces.into_iter().step_by(1_000).collect();
        let freed = resident_kib();
        assert!(give_back());
        let after = resident_kib();
        assert!(after < used / 2 && after < freed, "{used}, {freed}, {after} KiB");
        assert_eq!(kept.len(), 100);
    }
}
