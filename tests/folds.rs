//! Claims about folds: a row, and the state that decisions see, tell the same.
