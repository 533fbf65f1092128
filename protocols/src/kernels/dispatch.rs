//! Which backend runs: chosen once, from the processor and one environment variable.

use std::sync::OnceLock;

use super::{backend::Backend, portable::PORTABLE};

/// Names the backend to run: a slower one to compare with, or to work around a fault of a faster one.
const SWITCH: &str = "UNSEEN_KERNELS";

impl Backend {
    /// The backend of this process: the one that `UNSEEN_KERNELS` names, or else the best for this processor.
    /// The variable is read at the first call; a name that is unknown, or not available here, counts as none
    /// (compare [`name`](Self::name) to see what runs).
    #[must_use]
    pub fn active() -> &'static Self {
        static ACTIVE: OnceLock<&'static Backend> = OnceLock::new();
        ACTIVE.get_or_init(|| Self::choose(std::env::var(SWITCH).ok().as_deref()))
    }

    /// Every backend that this processor can run, the best first, [`PORTABLE`] last.
    pub fn available() -> impl Iterator<Item = &'static Self> {
        vector_backends().into_iter().flatten().chain([&PORTABLE])
    }

    fn choose(wanted: Option<&str>) -> &'static Self {
        let named = wanted.and_then(|name| Self::available().find(|backend| backend.name == name));
        named.or_else(|| Self::available().next()).unwrap_or(&PORTABLE)
    }
}

#[cfg(target_arch = "x86_64")]
fn vector_backends() -> [Option<&'static Backend>; 2] {
    [super::avx512::backend(), super::avx2::backend()]
}

#[cfg(not(target_arch = "x86_64"))]
fn vector_backends() -> [Option<&'static Backend>; 0] {
    []
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_switch_names_a_backend() {
        for backend in Backend::available() {
            assert_eq!(Backend::choose(Some(backend.name)).name, backend.name);
        }
    }

    #[test]
    fn an_unknown_name_counts_as_none() {
        let best = Backend::choose(None).name;
        assert_eq!(Backend::choose(Some("avx1024")).name, best);
        assert_eq!(Backend::available().next().map(|b| b.name), Some(best));
    }
}
