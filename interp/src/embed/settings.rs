//! What the environment says about the VM and the compiler.

use std::env::var_os;
use std::sync::OnceLock;

/// Switches for users who look for a fault, and for tests.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// `MICRONUMPY_VM=off`: code runs as CPython compiles it.
    pub vm: bool,
    /// `MICRONUMPY_JIT=off`: the VM runs regions to their end, and nothing is compiled.
    pub jit: bool,
    /// `MICRONUMPY_JIT_THRESHOLD`: turns of a loop before it is recorded.
    pub threshold: u32,
    /// `MICRONUMPY_VM_ALL=1`: every region that can be run is, in the standard library and in installed packages, too.
    pub all: bool,
}

const THRESHOLD: u32 = 40;

/// Read once.
pub fn get() -> &'static Settings {
    static SETTINGS: OnceLock<Settings> = OnceLock::new();
    SETTINGS.get_or_init(|| {
        let off = |name| var_os(name).is_some_and(|value| value == "off" || value == "0");
        let threshold = var_os("MICRONUMPY_JIT_THRESHOLD").and_then(|value| value.to_str()?.parse().ok());
        Settings {
            vm: !off("MICRONUMPY_VM"),
            jit: !off("MICRONUMPY_JIT"),
            threshold: threshold.unwrap_or(THRESHOLD),
            all: var_os("MICRONUMPY_VM_ALL").is_some_and(|value| value == "1"),
        }
    })
}
