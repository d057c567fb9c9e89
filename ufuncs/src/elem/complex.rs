//! Complex elements: `num_complex::Complex` as memory layout, C99 for the functions.
//!
//! num-complex's own functions are not used: branch cuts, signed zeros and infinities must be those of the platform's
//! `cexp`, `clog`, ..., which is what numpy calls.

use super::{Complex, LongDouble};

/// `long double complex`.
pub type CLongDouble = Complex<LongDouble>;

macro_rules! complex_math {
    ($($name:ident: $c32:ident $c64:ident $cld:ident;)*) => {
        /// The C99 complex functions, one method each.
        pub trait ComplexMath: Sized {
            $(
                #[doc = concat!("C's `", stringify!($name), "`.")]
                fn $name(self) -> Self;
            )*
            /// C's `cpow`.
            fn cpow(self, exponent: Self) -> Self;
        }
        complex_math!(@impl f32, mnp_c32_cpow; $($name $c32;)*);
        complex_math!(@impl f64, mnp_c64_cpow; $($name $c64;)*);
        complex_math!(@impl LongDouble, mnp_cld_cpow; $($name $cld;)*);
    };
    (@impl $t:ty, $pow:ident; $($name:ident $c:ident;)*) => {
        unsafe extern "C" {
            $(safe fn $c(r: &mut Complex<$t>, a: &Complex<$t>);)*
            safe fn $pow(r: &mut Complex<$t>, a: &Complex<$t>, b: &Complex<$t>);
        }
        impl ComplexMath for Complex<$t> {
            $(
                #[inline]
                fn $name(self) -> Self {
                    let mut r = <Self as super::Elem>::ZERO;
                    $c(&mut r, &self);
                    r
                }
            )*
            #[inline]
            fn cpow(self, exponent: Self) -> Self {
                let mut r = <Self as super::Elem>::ZERO;
                $pow(&mut r, &self, &exponent);
                r
            }
        }
    };
}

complex_math! {
    cexp: mnp_c32_cexp mnp_c64_cexp mnp_cld_cexp;
    clog: mnp_c32_clog mnp_c64_clog mnp_cld_clog;
    csqrt: mnp_c32_csqrt mnp_c64_csqrt mnp_cld_csqrt;
    csin: mnp_c32_csin mnp_c64_csin mnp_cld_csin;
    ccos: mnp_c32_ccos mnp_c64_ccos mnp_cld_ccos;
    ctan: mnp_c32_ctan mnp_c64_ctan mnp_cld_ctan;
    casin: mnp_c32_casin mnp_c64_casin mnp_cld_casin;
    cacos: mnp_c32_cacos mnp_c64_cacos mnp_cld_cacos;
    catan: mnp_c32_catan mnp_c64_catan mnp_cld_catan;
    csinh: mnp_c32_csinh mnp_c64_csinh mnp_cld_csinh;
    ccosh: mnp_c32_ccosh mnp_c64_ccosh mnp_cld_ccosh;
    ctanh: mnp_c32_ctanh mnp_c64_ctanh mnp_cld_ctanh;
    casinh: mnp_c32_casinh mnp_c64_casinh mnp_cld_casinh;
    cacosh: mnp_c32_cacosh mnp_c64_cacosh mnp_cld_cacosh;
    catanh: mnp_c32_catanh mnp_c64_catanh mnp_cld_catanh;
}
