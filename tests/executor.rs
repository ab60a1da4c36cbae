//! Claims about the executor under concurrency and faults.
