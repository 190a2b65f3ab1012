//! The `zonec` command: arguments to exit status, nothing else.

fn main() -> std::process::ExitCode {
    zonec::cli::run()
}
