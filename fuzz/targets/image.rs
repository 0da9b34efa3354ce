#![no_main]

#[path = "../bodies/image.rs"]
mod body;
mod guard;

libfuzzer_sys::fuzz_target!(init: guard::init(), |bytes: &[u8]| guard::run(body::MOST, || body::run(bytes)));
