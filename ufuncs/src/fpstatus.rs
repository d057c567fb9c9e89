//! The hardware's floating-point status as numpy's four bits.
//!
//! Loops do not return status: arithmetic raises it in the processor and the caller of a group of loops reads it
//! once. Integer kernels that meet a division by zero [`raise`] it there too, so there is one place to look.
//! On x86-64 both units count: SSE for `f32` and `f64`, x87 for `long double`.
//!
//! The compiler does not model the status registers and assumes nobody looks. What keeps this sound in practice: the
//! kernels are called through pointers between [`clear`] and [`get`], and the accesses here are volatile assembly.
//! What it cannot give: a kernel whose source only divides behind a condition may be vectorised into one that always
//! divides. Kernels with such conditions keep the raising operation behind an opaque call.

pub const DIVIDEBYZERO: u32 = 1;
pub const OVERFLOW: u32 = 2;
pub const UNDERFLOW: u32 = 4;
pub const INVALID: u32 = 8;

pub use arch::{clear, get};

/// Reads the status and clears it.
#[inline]
pub fn take() -> u32 {
    let flags = get();
    if flags != 0 {
        clear();
    }
    flags
}

/// Sets bits of the status, as an operation with such a result would have.
#[cold]
#[inline(never)]
pub fn raise(flags: u32) {
    arch::raise(flags);
}

/// The value of a pair of value and status, after raising the latter.
#[inline(always)]
pub(crate) fn reported<T>((value, status): (T, u32)) -> T {
    if status != 0 {
        raise(status);
    }
    value
}

/// The status of the unit that computes `f32` and `f64`, to return to after computing what may raise anything.
///
/// The computation between [`Saved::now`] and [`Saved::restore`] has to be a call that is not inlined.
pub(crate) struct Saved(arch::Word);

impl Saved {
    #[inline(always)]
    pub(crate) fn now() -> Saved {
        Saved(arch::save())
    }

    #[inline(always)]
    pub(crate) fn restore(self) {
        arch::restore(self.0);
    }
}

#[cfg(target_arch = "x86_64")]
mod arch {
    use core::arch::asm;

    // Both units keep the exceptions in the same low bits: invalid 0, denormal 1, divide 2, overflow 3, underflow 4.
    const HW_MASK: u32 = 0b11101;

    #[inline]
    fn mxcsr() -> u32 {
        let mut word = 0u32;
        // SAFETY: stores four bytes into `word`.
        unsafe { asm!("stmxcsr [{}]", in(reg) &mut word, options(nostack, preserves_flags)) };
        word
    }

    #[inline]
    fn set_mxcsr(word: u32) {
        // SAFETY: `word` is what `mxcsr` returned with only sticky status bits changed, so no reserved bit is set and
        // rounding and masks stay as they were.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &word, options(nostack, preserves_flags, readonly)) };
    }

    #[inline]
    fn x87() -> u32 {
        let word: u16;
        // SAFETY: only reads the x87 status word into ax.
        unsafe { asm!("fnstsw ax", out("ax") word, options(nomem, nostack, preserves_flags)) };
        u32::from(word)
    }

    /// The status bits raised since the last [`clear`] on this thread.
    #[inline]
    pub fn get() -> u32 {
        let hw = (mxcsr() | x87()) & HW_MASK;
        (hw >> 2 & 1) | (hw >> 2 & 2) | (hw >> 2 & 4) | (hw << 3 & 8)
    }

    /// Clears the status on this thread.
    #[inline]
    pub fn clear() {
        let word = mxcsr();
        if word & 0x3f != 0 {
            set_mxcsr(word & !0x3f);
        }
        if x87() & 0x3f != 0 {
            // SAFETY: clears the x87 exception bits and nothing else.
            unsafe { asm!("fnclex", options(nomem, nostack, preserves_flags)) };
        }
    }

    pub type Word = u32;

    #[inline(always)]
    pub fn save() -> Word {
        mxcsr()
    }

    /// "Inexact" and "denormal" are nobody's business; writing the register is slow.
    #[inline(always)]
    pub fn restore(word: Word) {
        if (mxcsr() ^ word) & HW_MASK != 0 {
            set_mxcsr(word);
        }
    }

    pub fn raise(flags: u32) {
        let hw = (flags & 7) << 2 | (flags >> 3 & 1);
        set_mxcsr(mxcsr() | hw);
    }
}

#[cfg(target_arch = "aarch64")]
mod arch {
    use core::arch::asm;

    // FPSR: invalid 0, divide 1, overflow 2, underflow 3.
    fn fpsr() -> u64 {
        let word: u64;
        // SAFETY: reads a status register.
        unsafe { asm!("mrs {}, fpsr", out(reg) word, options(nomem, nostack, preserves_flags)) };
        word
    }

    fn set_fpsr(word: u64) {
        // SAFETY: writes back a status register with only sticky bits changed.
        unsafe { asm!("msr fpsr, {}", in(reg) word, options(nomem, nostack, preserves_flags)) };
    }

    /// The status bits raised since the last [`clear`] on this thread.
    #[inline]
    pub fn get() -> u32 {
        let hw = fpsr() as u32;
        (hw >> 1 & 7) | (hw << 3 & 8)
    }

    /// Clears the status on this thread.
    #[inline]
    pub fn clear() {
        let word = fpsr();
        if word & 0x9f != 0 {
            set_fpsr(word & !0x9f);
        }
    }

    pub type Word = u64;

    #[inline(always)]
    pub fn save() -> Word {
        fpsr()
    }

    #[inline(always)]
    pub fn restore(word: Word) {
        if fpsr() != word {
            set_fpsr(word);
        }
    }

    pub fn raise(flags: u32) {
        set_fpsr(fpsr() | u64::from((flags & 7) << 1 | (flags >> 3 & 1)));
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod arch {
    unsafe extern "C" {
        safe fn mnp_fe_get() -> i32;
        safe fn mnp_fe_clear();
        safe fn mnp_fe_raise(flags: i32);
    }

    /// The status bits raised since the last [`clear`] on this thread.
    pub fn get() -> u32 {
        mnp_fe_get() as u32
    }

    /// Clears the status on this thread.
    pub fn clear() {
        mnp_fe_clear()
    }

    pub fn raise(flags: u32) {
        mnp_fe_raise(flags as i32)
    }

    pub type Word = u32;

    pub fn save() -> Word {
        get()
    }

    pub fn restore(word: Word) {
        if get() != word {
            clear();
            raise(word);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elem::LongDouble;
    use core::hint::black_box;

    #[test]
    fn hardware_and_raised_bits_are_seen() {
        clear();
        assert_eq!(get(), 0);
        black_box(black_box(1.0f64) / black_box(0.0));
        assert_eq!(take(), DIVIDEBYZERO);
        black_box(black_box(f32::MAX) * black_box(f32::MAX));
        assert_eq!(take(), OVERFLOW);
        black_box(black_box(1e-300f64) * black_box(1e-300));
        assert_eq!(take(), UNDERFLOW);
        black_box(black_box(LongDouble::from(0.0)) / black_box(LongDouble::from(0.0)));
        assert_eq!(take(), INVALID);
        for flags in 0..16 {
            raise(flags);
            assert_eq!(take(), flags);
        }
        assert_eq!(get(), 0);
    }
}
