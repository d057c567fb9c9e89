//! Complex elements: `num_complex::Complex` as memory layout, C99 for the functions.
//!
//! num-complex's own functions are not used: branch cuts, signed zeros and infinities must be those of the platform's
//! `cexp`, `clog`, ..., which is what numpy calls.
//!
//! Where Rust has the type of the parts, the library is called directly: the ABIs of x86-64 and aarch64 pass C's complex
//! numbers as structures of two members. Handing them over in memory, as `long double` has to be, would cost as much as
//! the function: results written in two halves and read as a whole stall the processor.

use super::{Complex, LongDouble};

/// `long double complex`.
pub type CLongDouble = Complex<LongDouble>;

macro_rules! complex_math {
    ($($name:ident: $c32:ident $cld:ident;)*) => {
        /// The C99 complex functions, one method each.
        pub trait ComplexMath: Sized {
            $(
                #[doc = concat!("C's `", stringify!($name), "`.")]
                fn $name(self) -> Self;
            )*
            /// C's `cpow`.
            fn cpow(self, exponent: Self) -> Self;
        }
        mod c {
            use super::{CLongDouble, Complex};
            unsafe extern "C" {
                $(
                    pub safe fn $c32(a: Complex<f32>) -> Complex<f32>;
                    pub safe fn $name(a: Complex<f64>) -> Complex<f64>;
                    pub safe fn $cld(r: &mut CLongDouble, a: &CLongDouble);
                )*
                pub safe fn cpowf(a: Complex<f32>, b: Complex<f32>) -> Complex<f32>;
                pub safe fn cpow(a: Complex<f64>, b: Complex<f64>) -> Complex<f64>;
                pub safe fn mnp_cld_cpow(r: &mut CLongDouble, a: &CLongDouble, b: &CLongDouble);
            }
        }
        complex_math!(@direct f32, cpowf; $($name $c32;)*);
        complex_math!(@direct f64, cpow; $($name $name;)*);
        impl ComplexMath for CLongDouble {
            $(
                #[inline]
                fn $name(self) -> Self {
                    let mut r = <Self as super::Elem>::ZERO;
                    c::$cld(&mut r, &self);
                    r
                }
            )*
            #[inline]
            fn cpow(self, exponent: Self) -> Self {
                let mut r = <Self as super::Elem>::ZERO;
                c::mnp_cld_cpow(&mut r, &self, &exponent);
                r
            }
        }
    };
    (@direct $t:ty, $pow:ident; $($name:ident $c:ident;)*) => {
        impl ComplexMath for Complex<$t> {
            $(
                #[inline]
                fn $name(self) -> Self {
                    c::$c(self)
                }
            )*
            #[inline]
            fn cpow(self, exponent: Self) -> Self {
                c::$pow(self, exponent)
            }
        }
    };
}

complex_math! {
    cexp: cexpf mnp_cld_cexp;
    clog: clogf mnp_cld_clog;
    csqrt: csqrtf mnp_cld_csqrt;
    csin: csinf mnp_cld_csin;
    ccos: ccosf mnp_cld_ccos;
    ctan: ctanf mnp_cld_ctan;
    casin: casinf mnp_cld_casin;
    cacos: cacosf mnp_cld_cacos;
    catan: catanf mnp_cld_catan;
    csinh: csinhf mnp_cld_csinh;
    ccosh: ccoshf mnp_cld_ccosh;
    ctanh: ctanhf mnp_cld_ctanh;
    casinh: casinhf mnp_cld_casinh;
    cacosh: cacoshf mnp_cld_cacosh;
    catanh: catanhf mnp_cld_catanh;
}
