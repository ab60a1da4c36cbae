//! Claims about what survives kill -9.
