//! Long work on a terminal: a bar; elsewhere: a plain line at each change.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::job::{JobId, plain};

/// How far a job goes on, per cent, before a plain line tells of it again.
const STRIDE: u32 = 8;

/// Where a job stands, for the person who waits. Writes to standard error only.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    plain: bool,
    last: String,
    said: u32,
}

impl Progress {
    /// Starts silent or not; `quiet` shows nothing at all.
    pub(super) fn new(quiet: bool) -> Self {
        let plain = !quiet && !std::io::stderr().is_terminal();
        let target = if quiet || plain {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(Some(100), target);
        if let Ok(style) =
            ProgressStyle::with_template("{bar:30} {percent:>3}% {elapsed:>4}  {msg}")
        {
            bar.set_style(style.progress_chars("━━ "));
        }
        Self { bar, plain, last: String::new(), said: 0 }
    }

    /// Says once what the job is called: whoever stops waiting asks for it by that name.
    pub(super) fn name(&self, job: &JobId) {
        self.line(&format!("job {job}"));
    }

    /// Shows where it stands: per cent, and a few words; what is in parentheses changes often, and is told now and then.
    pub(super) fn at(&mut self, percent: u32, what: &str) {
        self.bar.set_position(u64::from(percent.min(100)));
        self.bar.set_message(plain(what));
        if self.news(percent, what) && self.plain {
            say(what);
        }
    }

    /// Says something for good, above the bar.
    pub(super) fn line(&self, text: &str) {
        if self.plain {
            say(text);
        } else {
            self.bar.println(format!("unseen: {}", plain(text)));
        }
    }

    fn news(&mut self, percent: u32, what: &str) -> bool {
        let head = |text: &str| text.split(" (").next().unwrap_or_default().to_owned();
        let moved = self.last != what && percent.abs_diff(self.said) >= STRIDE;
        if !moved && head(&self.last) == head(what) {
            return false;
        }
        what.clone_into(&mut self.last);
        self.said = percent;
        true
    }

    /// Takes the bar away.
    pub(super) fn done(&self) {
        self.bar.finish_and_clear();
    }
}

#[expect(clippy::print_stderr, reason = "progress, for the person who waits")]
fn say(what: &str) {
    eprintln!("unseen: {}", plain(what));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_line_tells_of_each_stage_and_now_and_then_of_a_step() {
        let mut progress = Progress::new(true);
        let steps = (0..=100).map(|n| (15 + n * 8 / 10, format!("the parties compute (step {n})")));
        assert!(progress.news(12, "providers prepare"));
        assert!(!progress.news(12, "providers prepare"));
        let told = steps.filter(|(percent, step)| progress.news(*percent, step)).count();
        assert!((10..=12).contains(&told), "{told}");
        assert!(progress.news(97, "shares come in"));
    }
}
