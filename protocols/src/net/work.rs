//! Long work of one party between two messages.

use std::{sync::mpsc, thread, time::Duration};

/// Peers are told so often.
const TICK: Duration = Duration::from_millis(250);

/// Does work that others wait for, while `tell` says again and again that it goes on ([`super::Channel::working`]).
///
/// The work is done on another thread; a panic of it is one of this thread.
pub fn at_work<T: Send>(tell: impl Fn(), work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let (end, ended) = mpsc::channel::<()>();
        let worker = scope.spawn(move || {
            // Dropped when the work is over, however it ends.
            let _end = end;
            work()
        });
        while ended.recv_timeout(TICK) == Err(mpsc::RecvTimeoutError::Timeout) {
            tell();
        }
        worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[cfg(test)]
mod tests {
    use std::{
        panic::{AssertUnwindSafe, catch_unwind},
        sync::atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    #[test]
    fn it_is_told_while_work_goes_on_and_no_longer() {
        let told = AtomicUsize::new(0);
        let (say, seen) = mpsc::channel();
        let tell = || {
            told.fetch_add(1, Ordering::Relaxed);
            // Nobody listens any more once it is over.
            let _ = say.send(());
        };
        assert_eq!(at_work(tell, move || seen.iter().take(3).count()), 3);
        assert!(told.load(Ordering::Relaxed) >= 3);
        assert_eq!(at_work(|| panic!("nothing is to tell of what is done at once"), || 5), 5);
    }

    #[test]
    fn a_panic_at_work_is_one_of_who_waits() {
        let work = AssertUnwindSafe(|| at_work(|| {}, || -> u32 { panic!("at work") }));
        assert_eq!(catch_unwind(work).unwrap_err().downcast_ref(), Some(&"at work"));
    }
}
