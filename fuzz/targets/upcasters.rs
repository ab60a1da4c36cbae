//! Feeds libFuzzer's bytes to `fuzz::upcasters`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::upcasters(input));
