//! Claims about the event log itself.
