//! Instruction sets: that of this machine, and those tests and tools name.
//!
//! Cranelift refuses some operations on some types of some processors, and panics over others, so nothing is left to it:
//! [`Isa`] answers what code may be made of, and the rest of the back end asks before it emits.

use std::sync::{Arc, LazyLock};

use cranelift_codegen::isa::{self, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};

use crate::ir::{Binary, Overflow, Scalar};

/// The architecture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arch {
    X86,
    Arm,
}

/// An instruction set to make code for.
pub struct Isa {
    name: &'static str,
    arch: Arch,
    /// Rounding to integers, packing of 32 bits to 16.
    sse41: bool,
    avx: bool,
    fma: bool,
    pub(super) target: OwnedTargetIsa,
}

/// Sets of features of x86-64, each with all of those before it: the levels of its psABI as far as they matter here.
const X86_LEVELS: [(&str, &[&str]); 4] = [
    ("x86-64", &[]),
    ("x86-64-v2", &["has_sse3", "has_ssse3", "has_sse41", "has_sse42", "has_popcnt"]),
    ("x86-64-v3", &["has_avx", "has_avx2", "has_fma", "has_bmi1", "has_bmi2", "has_lzcnt"]),
    ("x86-64-v4", &["has_avx512f", "has_avx512dq", "has_avx512vl"]),
];

impl Isa {
    /// The names [`Isa::named`] knows.
    pub const NAMES: [&str; 5] =
        [X86_LEVELS[0].0, X86_LEVELS[1].0, X86_LEVELS[2].0, X86_LEVELS[3].0, "aarch64"];

    /// The instruction set of this machine; `None` on architectures there is no code for.
    pub fn host() -> Option<Arc<Isa>> {
        static HOST: LazyLock<Option<Arc<Isa>>> = LazyLock::new(|| Isa::named(host_name()?).map(Arc::new));
        HOST.clone()
    }
    /// The instruction set of that name.
    pub fn named(name: &str) -> Option<Isa> {
        let name = Isa::NAMES.into_iter().find(|&n| n == name)?;
        if name == "aarch64" {
            let target = target("aarch64-unknown-linux-gnu", &[]);
            return Some(Isa { name, arch: Arch::Arm, sse41: false, avx: false, fma: true, target });
        }
        let level = X86_LEVELS.iter().position(|l| l.0 == name)?;
        let features: Vec<&str> = X86_LEVELS[..=level].iter().flat_map(|l| l.1).copied().collect();
        let has = |f| features.contains(&f);
        let (sse41, avx, fma) = (has("has_sse41"), has("has_avx"), has("has_fma"));
        let target = target("x86_64-unknown-linux-gnu", &features);
        Some(Isa { name, arch: Arch::X86, sse41, avx, fma, target })
    }
    pub fn name(&self) -> &'static str {
        self.name
    }
    pub fn arch(&self) -> Arch {
        self.arch
    }
    /// Whether this machine runs its code.
    pub fn runs_here(&self) -> bool {
        let level = |name| X86_LEVELS.iter().position(|l| l.0 == name);
        match host_name() {
            Some(host) => host == self.name || level(self.name).is_some_and(|l| Some(l) <= level(host)),
            None => false,
        }
    }

    /// `floor` and its kin are instructions.
    pub(super) fn rounds(&self) -> bool {
        self.arch == Arch::Arm || self.sse41
    }
    /// A register in memory is a fit operand wherever it lies. Without AVX it must be aligned, which this version of
    /// Cranelift forgets for packed comparisons of floats.
    pub(super) fn takes_unaligned_operands(&self) -> bool {
        self.arch == Arch::Arm || self.avx
    }
    /// A multiply-add rounded once is an instruction.
    pub(super) fn fuses(&self) -> bool {
        self.fma
    }
    /// Vectors of 8-bit lanes have a multiplication.
    pub(super) fn multiplies_bytes(&self) -> bool {
        self.arch == Arch::Arm
    }
    /// Unsigned saturating packing of 32-bit lanes is an instruction.
    pub(super) fn packs_words(&self) -> bool {
        self.arch == Arch::Arm || self.sse41
    }
    /// Whether a register of lanes is computed at once, by an instruction or a few; if not, lane by lane.
    pub(super) fn in_lanes(&self, op: Binary, s: Scalar) -> bool {
        // Shifts are if the count is the same for all lanes, which is looked at separately.
        s.is_float() || !matches!(op, Binary::Div | Binary::Rem | Binary::Shl | Binary::Shr)
    }
    pub(super) fn overflow_in_lanes(&self, op: Overflow) -> bool {
        op != Overflow::Mul
    }
}

#[cfg(target_arch = "x86_64")]
fn host_name() -> Option<&'static str> {
    macro_rules! all {
        ($($f:tt)*) => { $(is_x86_feature_detected!($f))&&* };
    }
    let v2 = all!("sse3" "ssse3" "sse4.1" "sse4.2" "popcnt");
    let v3 = v2 && all!("avx" "avx2" "fma" "bmi1" "bmi2" "lzcnt");
    let v4 = v3 && all!("avx512f" "avx512dq" "avx512vl");
    Some(X86_LEVELS[usize::from(v2) + usize::from(v3) + usize::from(v4)].0)
}

#[cfg(not(target_arch = "x86_64"))]
fn host_name() -> Option<&'static str> {
    cfg!(target_arch = "aarch64").then_some("aarch64")
}

fn target(triple: &str, features: &[&str]) -> OwnedTargetIsa {
    let known = "the pinned version of Cranelift knows its settings";
    let mut flags = settings::builder();
    let verifier = if cfg!(debug_assertions) { "true" } else { "false" };
    for (name, value) in [
        // Traces arrive optimised. Letting Cranelift do it again takes half as long again as the rest and makes no code
        // faster (`benches/cranelift.rs`); and it moves operations out of loops that may not run, whose floating-point
        // status must not be raised. Its other register allocator saves a quarter of the time and makes code up to twice
        // as slow.
        ("opt_level", "none"),
        ("enable_verifier", verifier),
        ("is_pic", "true"),
        ("unwind_info", "false"),
        // Large frames touch the stack page by page, without calling anything.
        ("enable_probestack", "true"),
        ("probestack_strategy", "inline"),
    ] {
        flags.set(name, value).expect(known);
    }
    let mut builder = isa::lookup_by_name(triple).expect("a target this crate enables");
    for feature in features {
        builder.set(feature, "true").expect(known);
    }
    builder.finish(settings::Flags::new(flags)).expect(known)
}
