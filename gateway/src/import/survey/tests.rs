//! Claims about surveys.
