//! Claims about bad input: a clear code and a message to act on.
