//! Which instructions this process may use, and how one kernel is compiled for several sets of them.
//!
//! The crate is built for the architecture's baseline, so that one binary runs everywhere; what is worth more is
//! compiled again with wider vectors and chosen at run time. Kernels are ordinary Rust that the compiler vectorises:
//! [`multiversion!`] takes one `#[inline(always)]` body and makes a copy for each [`Level`].
//!
//! `MICRONUMPY_CPU=baseline|avx2|avx512` lowers the level (and never raises it), so that one machine can test them all.

use core::sync::atomic::{AtomicU8, Ordering};

/// A set of instructions that the processor has. Values come from [`Level::current`] and [`Level::available`] only,
/// which is what makes calling a copy compiled for a level sound.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(Kind);

/// The levels in order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub(crate) enum Kind {
    /// SSE2 on x86-64; on aarch64 NEON, which has fused multiply-add.
    Baseline = 1,
    /// AVX2, FMA and F16C (and the bit manipulation every such processor has).
    Avx2,
    /// AVX-512 F, CD, DQ, VL and BW besides.
    Avx512,
}

const KINDS: [(Kind, &str); 3] =
    [(Kind::Baseline, "baseline"), (Kind::Avx2, "avx2"), (Kind::Avx512, "avx512")];

/// The level of this process as a `Kind`; 0 before the first question.
static CURRENT: AtomicU8 = AtomicU8::new(0);

impl Level {
    /// The level of this process.
    #[inline(always)]
    pub fn current() -> Level {
        match CURRENT.load(Ordering::Relaxed) {
            3 => Level(Kind::Avx512),
            2 => Level(Kind::Avx2),
            1 => Level(Kind::Baseline),
            _ => choose(),
        }
    }

    /// Every level this processor has, lowest first.
    pub fn available() -> impl Iterator<Item = Level> {
        let best = detect();
        KINDS.into_iter().map(|(kind, _)| kind).filter(move |kind| *kind <= best).map(Level)
    }

    /// The name that selects the level.
    pub fn name(self) -> &'static str {
        KINDS[self.0 as usize - 1].1
    }

    /// Whether `fused` functions of [`multiversion!`] have a copy for this level.
    #[inline(always)]
    pub(crate) fn has_fused(self) -> bool {
        cfg!(target_arch = "aarch64") || self.0 > Kind::Baseline
    }

    /// Whether the compiler writes part of a vector with instructions that some processors (Zen) take twenty cycles for.
    #[inline(always)]
    pub(crate) fn shuns_masked_stores(self) -> bool {
        self.0 == Kind::Avx2
    }

    #[inline(always)]
    pub(crate) fn kind(self) -> Kind {
        self.0
    }
}

#[cold]
fn choose() -> Level {
    let best = detect();
    let asked = std::env::var("MICRONUMPY_CPU").ok();
    let kind = match asked.as_deref().filter(|name| !name.is_empty()) {
        None => best,
        Some(name) => match KINDS.iter().find(|(_, known)| *known == name) {
            Some((kind, _)) => best.min(*kind),
            None => {
                eprintln!("MICRONUMPY_CPU={name} is none of baseline, avx2, avx512; ignored");
                best
            }
        },
    };
    CURRENT.store(kind as u8, Ordering::Relaxed);
    Level(kind)
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Kind {
    use std::arch::is_x86_feature_detected as has;
    let avx2 = has!("avx2") && has!("fma") && has!("f16c") && has!("bmi1") && has!("bmi2") && has!("lzcnt");
    let avx512 =
        has!("avx512f") && has!("avx512cd") && has!("avx512dq") && has!("avx512vl") && has!("avx512bw");
    match (avx2, avx512) {
        (true, true) => Kind::Avx512,
        (true, false) => Kind::Avx2,
        _ => Kind::Baseline,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detect() -> Kind {
    Kind::Baseline
}

/// `multiversion! { fn name[Generic: Bound](arg: Type) -> Out = body::<Generic>; }` defines
/// `name(level, arg) -> Out`, which runs the copy of `body` compiled for the level. `body` is `#[inline(always)]`.
///
/// After `fused fn` the result is an `Option`: `None`, and nothing done, at a level without fused multiply-add.
macro_rules! multiversion {
    ($(#[$meta:meta])* $vis:vis fn $name:ident [$($g:ident : $bound:path),*] ($($arg:ident : $ty:ty),*) -> $ret:ty
        = $body:path;) => {
        $(#[$meta])*
        #[inline]
        $vis fn $name<$($g: $bound),*>(level: $crate::cpu::Level, $($arg: $ty),*) -> $ret {
            #[inline(never)]
            fn baseline<$($g: $bound),*>($($arg: $ty),*) -> $ret {
                $body($($arg),*)
            }
            $crate::cpu::multiversion!(@wide [$($g: $bound),*] ($($arg: $ty),*) -> $ret = $body);
            match level.kind() {
                // SAFETY: a level exists only where the processor has it.
                #[cfg(target_arch = "x86_64")]
                $crate::cpu::Kind::Avx512 => unsafe { avx512::<$($g),*>($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::cpu::Kind::Avx2 => unsafe { avx2::<$($g),*>($($arg),*) },
                _ => baseline::<$($g),*>($($arg),*),
            }
        }
    };
    ($(#[$meta:meta])* $vis:vis fused fn $name:ident [$($g:ident : $bound:path),*] ($($arg:ident : $ty:ty),*)
        -> $ret:ty = $body:path;) => {
        $(#[$meta])*
        #[inline]
        $vis fn $name<$($g: $bound),*>(level: $crate::cpu::Level, $($arg: $ty),*) -> Option<$ret> {
            #[cfg(target_arch = "aarch64")]
            #[inline(never)]
            fn baseline<$($g: $bound),*>($($arg: $ty),*) -> $ret {
                $body($($arg),*)
            }
            $crate::cpu::multiversion!(@wide [$($g: $bound),*] ($($arg: $ty),*) -> $ret = $body);
            match level.kind() {
                // SAFETY: a level exists only where the processor has it.
                #[cfg(target_arch = "x86_64")]
                $crate::cpu::Kind::Avx512 => Some(unsafe { avx512::<$($g),*>($($arg),*) }),
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::cpu::Kind::Avx2 => Some(unsafe { avx2::<$($g),*>($($arg),*) }),
                #[cfg(target_arch = "aarch64")]
                _ => Some(baseline::<$($g),*>($($arg),*)),
                #[cfg(not(target_arch = "aarch64"))]
                _ => None,
            }
        }
    };
    (@wide [$($g:ident : $bound:path),*] ($($arg:ident : $ty:ty),*) -> $ret:ty = $body:path) => {
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512cd,avx512dq,avx512vl,avx512bw,avx2,fma,f16c,bmi1,bmi2,lzcnt")]
        fn avx512<$($g: $bound),*>($($arg: $ty),*) -> $ret {
            $body($($arg),*)
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt")]
        fn avx2<$($g: $bound),*>($($arg: $ty),*) -> $ret {
            $body($($arg),*)
        }
    };
}
pub(crate) use multiversion;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_start_at_the_baseline_and_rise() {
        let levels: Vec<Level> = Level::available().collect();
        assert_eq!(levels[0].kind(), Kind::Baseline);
        assert!(levels.is_sorted());
        assert!(levels.contains(&Level::current()));
        assert!(levels.iter().all(|level| KINDS[level.kind() as usize - 1] == (level.kind(), level.name())));
    }
}
