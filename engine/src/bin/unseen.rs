//! The one binary: `unseen --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    engine::cli::main()
}
