//! The gufuncs of `numpy.fft._pocketfft_umath` as data, rows in numpy's order.

use super::kernels::{Half, HalfInverse, Transform, Whole, transform};
use crate::abi::{Identity, LoopDef, LoopFlags, Resolver, UfuncDef};
use crate::elem::LongDouble;
use crate::typenum::TypeNum;

const F: TypeNum = TypeNum::FLOAT;
const D: TypeNum = TypeNum::DOUBLE;
const G: TypeNum = TypeNum::LONGDOUBLE;
const CF: TypeNum = TypeNum::CFLOAT;
const CD: TypeNum = TypeNum::CDOUBLE;
const CG: TypeNum = TypeNum::CLONGDOUBLE;

const fn row<K: Transform>(types: &'static [TypeNum]) -> LoopDef {
    LoopDef::new(types, transform::<K>, LoopFlags::NONE)
}

const fn gufunc(name: &'static str, signature: &'static str, loops: &'static [LoopDef]) -> UfuncDef {
    UfuncDef {
        name,
        nin: 2,
        nout: 1,
        identity: Identity::None,
        signature: Some(signature),
        core_dims: None,
        resolver: Resolver::Default,
        loops,
    }
}

static FFT: [LoopDef; 3] = [
    row::<Whole<f64, false>>(&[CD, D, CD]),
    row::<Whole<f32, false>>(&[CF, F, CF]),
    row::<Whole<LongDouble, false>>(&[CG, G, CG]),
];
static IFFT: [LoopDef; 3] = [
    row::<Whole<f64, true>>(&[CD, D, CD]),
    row::<Whole<f32, true>>(&[CF, F, CF]),
    row::<Whole<LongDouble, true>>(&[CG, G, CG]),
];
static RFFT_EVEN: [LoopDef; 3] = [
    row::<Half<f64, false>>(&[D, D, CD]),
    row::<Half<f32, false>>(&[F, F, CF]),
    row::<Half<LongDouble, false>>(&[G, G, CG]),
];
static RFFT_ODD: [LoopDef; 3] = [
    row::<Half<f64, true>>(&[D, D, CD]),
    row::<Half<f32, true>>(&[F, F, CF]),
    row::<Half<LongDouble, true>>(&[G, G, CG]),
];
static IRFFT: [LoopDef; 3] = [
    row::<HalfInverse<f64>>(&[CD, D, D]),
    row::<HalfInverse<f32>>(&[CF, F, F]),
    row::<HalfInverse<LongDouble>>(&[CG, G, G]),
];

/// Every gufunc of the module.
pub static UFUNCS: [UfuncDef; 5] = [
    gufunc("fft", "(n),()->(m)", &FFT),
    gufunc("ifft", "(m),()->(n)", &IFFT),
    gufunc("rfft_n_even", "(n),()->(m)", &RFFT_EVEN),
    gufunc("rfft_n_odd", "(n),()->(m)", &RFFT_ODD),
    gufunc("irfft", "(m),()->(n)", &IRFFT),
];
