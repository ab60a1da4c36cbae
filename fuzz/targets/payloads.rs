//! Feeds libFuzzer's bytes to `fuzz::payloads`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::payloads(input));
