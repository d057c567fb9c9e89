//! Vector registers as tiles use them: a type for every element type and kind of processor.
//!
//! The compiler finds vectors in a loop over elements, but not in a dozen of them that share their operands.

use super::blocked::Block;

/// Some elements, in a register of one kind of processor.
///
/// # Safety
/// Functions may be called only where the processor has these registers. `load` and `store` access [`Self::LANES`]
/// elements at any address.
pub trait Register: Copy {
    type Elem: Copy;
    const LANES: usize;
    unsafe fn load(from: *const Self::Elem) -> Self;
    unsafe fn store(self, to: *mut Self::Elem);
    unsafe fn splat(x: Self::Elem) -> Self;
    /// `self + a * b`, as [`Block::step`] has it; floats may round once.
    unsafe fn step(self, a: Self, b: Self) -> Self;
    /// The two elements of each pair exchanged. Registers of integers do without: no complex number is made of them.
    unsafe fn swapped(self) -> Self {
        self
    }
    /// `self + i other`, the elements being pairs of real and imaginary parts; as [`Self::swapped`].
    #[allow(unused_variables)]
    unsafe fn plus_turned(self, other: Self) -> Self {
        self
    }
}

/// An element's registers of AVX-512, of AVX2, and of any processor.
pub trait Registers: Copy {
    #[cfg(target_arch = "x86_64")]
    type Zmm: Register<Elem = Self>;
    #[cfg(target_arch = "x86_64")]
    type Ymm: Register<Elem = Self>;
    type Plain: Register<Elem = Self>;
}

macro_rules! registers_of {
    ($($t:ident in $zmm:ident, $ymm:ident;)*) => {$(
        impl Registers for $t {
            #[cfg(target_arch = "x86_64")]
            type Zmm = $zmm;
            #[cfg(target_arch = "x86_64")]
            type Ymm = $ymm;
            type Plain = [Self; 16 / size_of::<Self>()];
        }
    )*};
}
registers_of! {
    u8 in Zmm8, Ymm8;
    u16 in Zmm16, Ymm16;
    u32 in Zmm32, Ymm32;
    u64 in Zmm64, Ymm64;
    f32 in ZmmSingle, YmmSingle;
    f64 in ZmmDouble, YmmDouble;
}

/// Elements of the shortest type in the longest register of floats.
pub const LONGEST: usize = 16;

/// `in_registers! { unsafe fn name[T: Bound, Elem](args) -> Out = body; }` defines `name::<T>(args)`, which runs
/// `body::<T, V>` with `V` the registers of `Elem` that this processor has.
macro_rules! in_registers {
    ($(#[$meta:meta])* $vis:vis unsafe fn $name:ident[$g:ident: $bound:path, $elem:ty]($($arg:ident: $ty:ty),*) -> $ret:ty
        = $body:ident;) => {
        $(#[$meta])*
        #[inline]
        $vis unsafe fn $name<$g: $bound>($($arg: $ty),*) -> $ret {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512cd,avx512dq,avx512vl,avx512bw,avx2,fma,f16c,bmi1,bmi2,lzcnt")]
            unsafe fn avx512<$g: $bound>($($arg: $ty),*) -> $ret {
                // SAFETY: the caller's promise; this processor has these registers.
                unsafe { $body::<$g, <$elem as $crate::dot::registers::Registers>::Zmm>($($arg),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt")]
            unsafe fn avx2<$g: $bound>($($arg: $ty),*) -> $ret {
                // SAFETY: as above.
                unsafe { $body::<$g, <$elem as $crate::dot::registers::Registers>::Ymm>($($arg),*) }
            }
            #[inline(never)]
            unsafe fn baseline<$g: $bound>($($arg: $ty),*) -> $ret {
                // SAFETY: as above.
                unsafe { $body::<$g, <$elem as $crate::dot::registers::Registers>::Plain>($($arg),*) }
            }
            // SAFETY: a level exists only where the processor has it; the caller's promise.
            unsafe {
                match $crate::cpu::Level::current().kind() {
                    #[cfg(target_arch = "x86_64")]
                    $crate::cpu::Kind::Avx512 => avx512::<$g>($($arg),*),
                    #[cfg(target_arch = "x86_64")]
                    $crate::cpu::Kind::Avx2 => avx2::<$g>($($arg),*),
                    _ => baseline::<$g>($($arg),*),
                }
            }
        }
    };
}
pub(crate) use in_registers;

/// What every processor has, or the compiler makes of it.
impl<B: Block, const N: usize> Register for [B; N] {
    type Elem = B;
    const LANES: usize = N;
    #[inline(always)]
    unsafe fn load(from: *const B) -> Self {
        // SAFETY: the caller's promise.
        unsafe { from.cast::<Self>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut B) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<Self>().write_unaligned(self) }
    }
    #[inline(always)]
    unsafe fn splat(x: B) -> Self {
        [x; N]
    }
    #[inline(always)]
    unsafe fn step(self, a: Self, b: Self) -> Self {
        core::array::from_fn(|i| B::step(self[i], a[i], b[i]))
    }
    #[inline(always)]
    unsafe fn swapped(self) -> Self {
        core::array::from_fn(|i| self[i ^ 1])
    }
    #[inline(always)]
    unsafe fn plus_turned(self, other: Self) -> Self {
        core::array::from_fn(|i| {
            if i % 2 == 0 { B::sub(self[i], other[i + 1]) } else { B::add(self[i], other[i - 1]) }
        })
    }
}

#[cfg(target_arch = "x86_64")]
macro_rules! registers {
    ($($name:ident: $vector:ident of $elem:ty as $pointer:ty, $load:ident, $store:ident,
        $splat:ident($x:ident => $value:expr), |$sum:ident, $a:ident, $b:ident| $step:expr
        $(, swapped |$s:ident| $swapped:expr, turned |$t:ident, $o:ident| $turned:expr)?;)*) => {$(
        #[derive(Clone, Copy)]
        pub struct $name($vector);

        impl Register for $name {
            type Elem = $elem;
            const LANES: usize = size_of::<$vector>() / size_of::<$elem>();
            #[inline(always)]
            unsafe fn load(from: *const $elem) -> Self {
                // SAFETY: the caller's promise, here and below.
                $name(unsafe { $load(from.cast::<$pointer>()) })
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $elem) {
                // SAFETY: as above.
                unsafe { $store(to.cast::<$pointer>(), self.0) }
            }
            #[inline(always)]
            unsafe fn splat($x: $elem) -> Self {
                // SAFETY: as above.
                $name(unsafe { $splat($value) })
            }
            #[inline(always)]
            unsafe fn step(self, $a: Self, $b: Self) -> Self {
                let ($sum, $a, $b) = (self.0, $a.0, $b.0);
                // SAFETY: as above.
                $name(unsafe { $step })
            }
            $(
                #[inline(always)]
                unsafe fn swapped(self) -> Self {
                    let $s = self.0;
                    // SAFETY: as above.
                    $name(unsafe { $swapped })
                }
                #[inline(always)]
                unsafe fn plus_turned(self, other: Self) -> Self {
                    // SAFETY: as above.
                    let ($t, $o) = (self.0, unsafe { other.swapped() }.0);
                    // SAFETY: as above.
                    $name(unsafe { $turned })
                }
            )?
        }
    )*};
}

#[cfg(target_arch = "x86_64")]
pub use x86::*;

#[cfg(target_arch = "x86_64")]
mod x86 {
    use core::arch::asm;
    use core::arch::x86_64::*;

    use super::Register;

    registers! {
        Zmm8: __m512i of u8 as __m512i, _mm512_loadu_si512, _mm512_storeu_si512, _mm512_set1_epi8(x => x as i8),
            // The table of sum | a & b.
            |sum, a, b| _mm512_ternarylogic_epi64::<0xf8>(sum, a, b);
        Zmm16: __m512i of u16 as __m512i, _mm512_loadu_si512, _mm512_storeu_si512, _mm512_set1_epi16(x => x as i16),
            |sum, a, b| _mm512_add_epi16(sum, _mm512_mullo_epi16(a, b));
        Zmm32: __m512i of u32 as __m512i, _mm512_loadu_si512, _mm512_storeu_si512, _mm512_set1_epi32(x => x as i32),
            |sum, a, b| _mm512_add_epi32(sum, _mm512_mullo_epi32(a, b));
        Zmm64: __m512i of u64 as __m512i, _mm512_loadu_si512, _mm512_storeu_si512, _mm512_set1_epi64(x => x as i64),
            |sum, a, b| _mm512_add_epi64(sum, _mm512_mullo_epi64(a, b));
        ZmmSingle: __m512 of f32 as f32, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_set1_ps(x => x),
            |sum, a, b| _mm512_fmadd_ps(a, b, sum),
            swapped |x| _mm512_permute_ps::<0xb1>(x), turned |x, turned| _mm512_fmaddsub_ps(x, _mm512_set1_ps(1.0), turned);
        ZmmDouble: __m512d of f64 as f64, _mm512_loadu_pd, _mm512_storeu_pd, _mm512_set1_pd(x => x),
            |sum, a, b| _mm512_fmadd_pd(a, b, sum),
            swapped |x| _mm512_permute_pd::<0x55>(x), turned |x, turned| _mm512_fmaddsub_pd(x, _mm512_set1_pd(1.0), turned);

        Ymm8: __m256i of u8 as __m256i, _mm256_loadu_si256, _mm256_storeu_si256, _mm256_set1_epi8(x => x as i8),
            |sum, a, b| _mm256_or_si256(sum, _mm256_and_si256(a, b));
        Ymm16: __m256i of u16 as __m256i, _mm256_loadu_si256, _mm256_storeu_si256, _mm256_set1_epi16(x => x as i16),
            |sum, a, b| _mm256_add_epi16(sum, _mm256_mullo_epi16(a, b));
        Ymm32: __m256i of u32 as __m256i, _mm256_loadu_si256, _mm256_storeu_si256, _mm256_set1_epi32(x => x as i32),
            |sum, a, b| _mm256_add_epi32(sum, _mm256_mullo_epi32(a, b));
        YmmSingle: __m256 of f32 as f32, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_set1_ps(x => x),
            |sum, a, b| _mm256_fmadd_ps(a, b, sum),
            swapped |x| _mm256_permute_ps::<0xb1>(x), turned |x, turned| _mm256_addsub_ps(x, turned);
        YmmDouble: __m256d of f64 as f64, _mm256_loadu_pd, _mm256_storeu_pd, _mm256_set1_pd(x => x),
            |sum, a, b| _mm256_fmadd_pd(a, b, sum),
            swapped |x| _mm256_permute_pd::<0x5>(x), turned |x, turned| _mm256_addsub_pd(x, turned);
    }

    /// The low and high products of 32 bits, for which the compiler has no operation: what it makes of the intrinsics'
    /// shifts and masks keeps neither whole tiles in registers nor the factors where they are.
    macro_rules! long_product {
        ($name:ident, $instruction:literal) => {
            #[inline]
            #[target_feature(enable = "avx2")]
            fn $name(a: __m256i, b: __m256i) -> __m256i {
                let product;
                // SAFETY: registers alone.
                unsafe {
                    asm!(
                        concat!($instruction, " {}, {}, {}"),
                        lateout(ymm_reg) product, in(ymm_reg) a, in(ymm_reg) b,
                        options(pure, nomem, nostack, preserves_flags)
                    );
                }
                product
            }
        };
    }
    long_product!(signed_product, "vpmuldq");
    long_product!(unsigned_product, "vpmuludq");

    /// 64-bit integers, which AVX2 cannot multiply: sums of the products of their low halves, and of the crossed products,
    /// whose low halves alone reach the result.
    #[derive(Clone, Copy)]
    pub struct Ymm64 {
        low: __m256i,
        crossed: __m256i,
    }

    impl Register for Ymm64 {
        type Elem = u64;
        const LANES: usize = 4;
        /// Of a factor: sums are not loaded.
        #[inline(always)]
        unsafe fn load(from: *const u64) -> Self {
            // SAFETY: the caller's promise, here and below.
            let low = unsafe { _mm256_loadu_si256(from.cast()) };
            Ymm64 { low, crossed: low }
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut u64) {
            // SAFETY: as above.
            unsafe {
                let high = _mm256_set1_epi64x(!0 << 32);
                let crossed = _mm256_add_epi64(
                    _mm256_slli_epi64::<32>(self.crossed),
                    _mm256_and_si256(self.crossed, high),
                );
                _mm256_storeu_si256(to.cast(), _mm256_add_epi64(self.low, crossed));
            }
        }
        /// The halves exchanged, for the crossed products.
        #[inline(always)]
        unsafe fn splat(x: u64) -> Self {
            // SAFETY: as above.
            unsafe {
                let low = _mm256_set1_epi64x(x as i64);
                Ymm64 { low, crossed: _mm256_shuffle_epi32::<0xb1>(low) }
            }
        }
        #[inline(always)]
        unsafe fn step(self, a: Self, b: Self) -> Self {
            // SAFETY: as above.
            unsafe {
                Ymm64 {
                    low: _mm256_add_epi64(self.low, unsigned_product(a.low, b.low)),
                    crossed: _mm256_add_epi32(self.crossed, _mm256_mullo_epi32(a.crossed, b.crossed)),
                }
            }
        }
    }

    registers! {
        // For factors that fit 32 bits with their signs: one multiplication is all.
        YmmHalf64: __m256i of u64 as __m256i, _mm256_loadu_si256, _mm256_storeu_si256, _mm256_set1_epi64x(x => x as i64),
            |sum, a, b| _mm256_add_epi64(sum, signed_product(a, b));
    }
}
