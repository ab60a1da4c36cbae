//! The README, run as it is printed.
