//! Wide vectors on x86: counted loops over AVX2 and AVX-512 registers.
//!
//! Cranelift's vectors end at 128 bits. Array expressions are mostly straight-line loops, which need little of a
//! compiler: no control flow, no scheduling (the processor does that), a register allocator of one pass. So they get an
//! emitter of their own. In cache it runs arithmetic 2 to 4 times as fast as the 128-bit code and compiles 6 to 9 times as
//! fast; what memory bounds is not faster (November 2026, Zen 4, `cargo bench -p jit --bench kernels`). Whatever else a
//! trace contains, it declines.
//!
//! ```text
//! shape     is it such a loop? iterations side by side allowed?
//! select    trace instructions -> machine instructions on virtual registers, for one group of lanes
//!           (arith, convert: the parts of it that compute)
//! plan      copies of the body side by side, invariants in registers        <- regalloc
//! emit      frame, addresses, loops, tail, exit                             <- asm, isa
//! ```
//!
//! It takes scalar traces and vectorises them itself: what it needs to know (lanes of all types in one loop, masks,
//! tails) depends on the instruction set throughout.

mod arith;
mod asm;
mod convert;
mod emit;
mod isa;
mod plan;
mod program;
mod regalloc;
mod select;
mod shape;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use super::{Backend, Code, Unsupported};
use crate::ir::Trace;

/// An instruction set.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// AVX2, FMA, F16C, BMI2.
    Avx2,
    /// Also AVX-512 F, DQ, BW, VL.
    Avx512,
}

impl Level {
    /// What this processor can do; at most what `MICRONUMPY_CPU` (`baseline`, `avx2`, `avx512`) says.
    pub fn detect() -> Option<Level> {
        static LEVEL: OnceLock<Option<Level>> = OnceLock::new();
        *LEVEL.get_or_init(|| {
            let limit = match std::env::var("MICRONUMPY_CPU").as_deref() {
                Ok("baseline") => None,
                Ok("avx2") => Some(Level::Avx2),
                _ => Some(Level::Avx512),
            };
            Level::available().min(limit)
        })
    }
    fn available() -> Option<Level> {
        use std::arch::is_x86_feature_detected as has;
        let avx2 = has!("avx2") && has!("fma") && has!("f16c") && has!("bmi2");
        let avx512 = has!("avx512f") && has!("avx512dq") && has!("avx512bw") && has!("avx512vl");
        match (avx2, avx512) {
            (false, _) => None,
            (true, false) => Some(Level::Avx2),
            (true, true) => Some(Level::Avx512),
        }
    }
    /// Bytes of a register.
    const fn bytes(self) -> usize {
        match self {
            Level::Avx2 => 32,
            Level::Avx512 => 64,
        }
    }
}

/// The back end for one level.
#[derive(Clone, Copy, Debug)]
pub struct Wide(Level);

impl Wide {
    /// For this processor, if it has wide vectors.
    pub fn new() -> Option<Wide> {
        Level::detect().map(Wide)
    }
    /// For every level up to that one.
    pub fn all() -> impl Iterator<Item = Wide> {
        [Level::Avx2, Level::Avx512].into_iter().filter(|&l| Level::detect() >= Some(l)).map(Wide)
    }
    /// The bytes of machine code for a verified trace.
    ///
    /// # Errors
    /// Why the trace is not taken.
    pub fn machine_code(self, tr: &Trace) -> Result<Vec<u8>, Unsupported> {
        let kernel = shape::Kernel::new(tr, self.0.bytes())?;
        let plan = plan::Plan::new(&kernel, self.0)?;
        emit::emit(&kernel, self.0, &plan)
    }
}

impl Backend for Wide {
    fn name(&self) -> &'static str {
        match self.0 {
            Level::Avx2 => "wide-avx2",
            Level::Avx512 => "wide-avx512",
        }
    }
    fn prepare(&self, _tr: &mut Trace) {}
    fn compile(&self, tr: &Trace) -> Result<Code, Unsupported> {
        let bytes = self.machine_code(tr)?;
        // SAFETY: the emitter makes functions with the signature of an entry, which address their constants relative to
        // themselves; a `Wide` exists only for levels this processor has.
        unsafe { Code::machine(&bytes) }.map_err(|e| Unsupported::new(format!("no executable memory: {e}")))
    }
}
