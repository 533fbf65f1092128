//! Long work on a terminal: a bar; elsewhere: a plain line at each change.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Where a job stands, for the person who waits. Writes to standard error only.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    plain: bool,
    last: String,
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
        Self { bar, plain, last: String::new() }
    }

    /// Shows where it stands: per cent, and a few words.
    pub(super) fn at(&mut self, percent: u32, what: &str) {
        self.bar.set_position(u64::from(percent.min(100)));
        self.bar.set_message(what.to_owned());
        if self.plain && self.last != what {
            say(what);
        }
        what.clone_into(&mut self.last);
    }

    /// Takes the bar away.
    pub(super) fn done(&self) {
        self.bar.finish_and_clear();
    }
}

#[expect(clippy::print_stderr, reason = "progress, for the person who waits")]
fn say(what: &str) {
    eprintln!("unseen: {what}");
}
