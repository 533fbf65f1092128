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

/// The same of work that stays on this thread, as a read from a disk that may be slow: it is told from another one.
pub fn at_work_here<T>(tell: impl Fn() + Send, work: impl FnOnce() -> T) -> T {
    thread::scope(|scope| {
        let (end, ended) = mpsc::channel::<()>();
        scope.spawn(move || {
            while ended.recv_timeout(TICK) == Err(mpsc::RecvTimeoutError::Timeout) {
                tell();
            }
        });
        // Dropped when the work is over, however it ends.
        let _end = end;
        work()
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
    fn it_is_told_from_another_thread_while_work_goes_on_here() {
        let (heard, hears) = mpsc::channel();
        let here = thread::current().id();
        // Ends when it was heard of three times.
        let work = || {
            assert_eq!(thread::current().id(), here);
            hears.iter().take(3).count()
        };
        assert_eq!(at_work_here(move || heard.send(()).unwrap_or(()), work), 3);
        assert_eq!(at_work_here(|| panic!("nothing is to tell of what is done at once"), || 5), 5);
        let ended = catch_unwind(|| at_work_here(|| {}, || -> u32 { panic!("at work") }));
        assert!(ended.is_err(), "and the teller is gone");
    }

    #[test]
    fn a_panic_at_work_is_one_of_who_waits() {
        let work = AssertUnwindSafe(|| at_work(|| {}, || -> u32 { panic!("at work") }));
        assert_eq!(catch_unwind(work).unwrap_err().downcast_ref(), Some(&"at work"));
    }
}
