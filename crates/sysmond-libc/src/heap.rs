//! How much memory `malloc` keeps for itself. Without glibc nothing of it can be set, and nothing happens.

/// Pieces of this size and more are pages of their own, which go back to the system with them.
#[cfg(target_env = "gnu")]
const LARGE_BYTES: libc::c_int = 128 * 1024;

/// For a process that is to be small, and whose threads rarely allocate at the same time. They share one heap, where
/// glibc else gives each its own, which keeps what its largest moment took. Large pieces stay out of it, where glibc
/// else takes them in once one was freed. To be called before any thread is started. Whether it is so.
pub fn keep_heap_small() -> bool {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: it takes two numbers and sets one of the allocator's own; a wrong one is refused.
        let set = |parameter, value| unsafe { libc::mallopt(parameter, value) } == 1;
        set(libc::M_ARENA_MAX, 1) && set(libc::M_MMAP_THRESHOLD, LARGE_BYTES)
    }
    #[cfg(not(target_env = "gnu"))]
    false
}

/// Gives pages that lie unused in the heap back to the system. It holds up whoever allocates meanwhile, some
/// microseconds for each page. Whether there were any.
pub fn give_back_heap() -> bool {
    #[cfg(target_env = "gnu")]
    // SAFETY: it touches only what is free, under the allocator's own lock.
    return unsafe { libc::malloc_trim(0) } == 1;
    #[cfg(not(target_env = "gnu"))]
    false
}

#[cfg(test)]
#[cfg(target_env = "gnu")]
mod tests {
    use super::*;
    use std::fs;

    /// Of this process, resident and of no file, KiB.
    fn anonymous() -> usize {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    #[test]
    fn what_lies_between_pieces_in_use_is_given_back() {
        assert!(keep_heap_small());
        let mut pieces: Vec<Option<Vec<u8>>> = (0..2048).map(|_| Some(vec![1; 16 * 1024])).collect();
        // Each hundredth stays, so that no end of the heap is free.
        for (place, piece) in pieces.iter_mut().enumerate() {
            if place % 100 != 99 {
                piece.take();
            }
        }
        let before = anonymous();
        assert!(give_back_heap());
        let after = anonymous();
        assert!(after + 20_000 < before, "{before} KiB before, {after} after");
        assert!(pieces.iter().flatten().all(|piece| piece.iter().all(|byte| *byte == 1)));
    }
}
