//! Claims about live answers.
