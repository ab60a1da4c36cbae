//! Claims about the program: its verbs, its start and its end.
