//! Golden contracts: fact schemas, SDL, default configuration, and the frozen logs of earlier steps.
