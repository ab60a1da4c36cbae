//! Claims about programs of others that talk to the gateway as they talk to any other: audits,
//! normalising caches, compilers of documents. Their packages are those of `tests/clients`.

mod audit;
mod caches;
