//! Claims about who gets in, and how far: nobody without a token, nobody across organizations.

mod doors;
mod organizations;
mod page;
