//! One party's work on the points of a step, by all the cores it has.

use std::{
    num::NonZero,
    sync::{Mutex, OnceLock, PoisonError},
    thread,
};

/// Points that one core takes at a time: a millisecond of work or more, and what one inversion serves.
pub(super) const PART: usize = 256;

/// Cores at most: a step has no more parts than this.
pub(super) const MOST: usize = 16;

/// Does work on every part. This thread works along, others end before it goes on; each takes the next part that nobody has, so
/// that one which is held up holds up nobody else.
///
/// # Security
/// How many threads there are follows from the machine and the number of parts, which are public; who takes which part from time
/// alone.
pub(super) fn on_all_cores<P: Send>(
    parts: impl ExactSizeIterator<Item = P> + Send,
    work: impl Fn(P) + Sync,
) {
    let helpers = cores().min(parts.len()).saturating_sub(1);
    if helpers == 0 {
        return parts.for_each(work);
    }
    let parts = Mutex::new(parts);
    // A panic of another thread has left the parts as they are: it ends the scope, and so this thread too.
    let next = || parts.lock().unwrap_or_else(PoisonError::into_inner).next();
    let all = || {
        while let Some(part) = next() {
            work(part);
        }
    };
    thread::scope(|scope| {
        for _ in 0..helpers {
            scope.spawn(all);
        }
        all();
    });
}

/// Cores this process may use, asked once.
fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| thread::available_parallelism().map_or(1, NonZero::get).min(MOST))
}

#[cfg(test)]
mod tests {
    use std::{
        panic::{AssertUnwindSafe, catch_unwind},
        sync::atomic::{AtomicBool, Ordering},
    };

    use super::*;

    #[test]
    fn every_entry_is_worked_on_once() {
        for n in [0, 1, 6, 7, 8, 100] {
            let mut entries: Vec<usize> = (0..n).collect();
            on_all_cores(entries.chunks_mut(7), |part| {
                assert!(part.len() == 7 || part.last() == Some(&(n - 1)));
                part.iter_mut().for_each(|entry| *entry += 1000);
            });
            assert!(entries.iter().copied().eq(1000..1000 + n), "{n}");
        }
    }

    #[test]
    fn a_panic_of_another_thread_is_one_of_this() {
        if cores() == 1 {
            return;
        }
        let (here, taken) = (thread::current().id(), AtomicBool::new(false));
        let ended = catch_unwind(AssertUnwindSafe(|| {
            on_all_cores(0..1000, |_| {
                if thread::current().id() != here {
                    taken.store(true, Ordering::Relaxed);
                    panic!("at work");
                }
                // No part is left to this thread alone: another has taken one.
                while !taken.load(Ordering::Relaxed) {
                    thread::yield_now();
                }
            });
        }));
        assert!(ended.is_err());
    }
}
