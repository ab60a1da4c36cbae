//! The program: reads its arguments and runs a verb.

use std::process::ExitCode;

fn main() -> ExitCode {
    gateway::verbs::main()
}
