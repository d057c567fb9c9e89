//! The gufuncs of `numpy.linalg._umath_linalg` as data, rows in numpy's order.

use num_complex::Complex;

use super::call::{Kernel, kernel};
use super::{cholesky, eig, eigh, lu, qr, svd};
use crate::abi::{Identity, LoopDef, LoopFlags, Resolver, UfuncDef};
use crate::typenum::TypeNum;

const S: TypeNum = TypeNum::FLOAT;
const D: TypeNum = TypeNum::DOUBLE;
const CS: TypeNum = TypeNum::CFLOAT;
const CD: TypeNum = TypeNum::CDOUBLE;
const I: TypeNum = TypeNum::INT;

type C32 = Complex<f32>;
type C64 = Complex<f64>;

const fn row<K: Kernel>(types: &'static [TypeNum]) -> LoopDef {
    LoopDef::new(types, kernel::<K>, LoopFlags::NONE)
}

const fn gufunc(
    name: &'static str,
    nin: usize,
    nout: usize,
    signature: &'static str,
    loops: &'static [LoopDef],
) -> UfuncDef {
    UfuncDef {
        name,
        nin,
        nout,
        identity: Identity::None,
        signature: Some(signature),
        core_dims: None,
        resolver: Resolver::Default,
        loops,
    }
}

/// The output-only dimension `p` is the smaller of `m` and `n`.
fn smaller(p: usize, sizes: &mut [isize]) -> Result<(), String> {
    let (m, n) = (sizes[0], sizes[1]);
    let least = m.min(n);
    if sizes[p] == -1 {
        sizes[p] = least;
    } else if sizes[p] != least {
        return Err(format!(
            "core output dimension p must be min(m, n), where m and n are the core dimensions of the inputs.  Got \
             m={m} and n={n}, so p must be {least}, but got p={}.",
            sizes[p]
        ));
    }
    Ok(())
}

const fn with_p(def: UfuncDef) -> UfuncDef {
    UfuncDef { core_dims: Some(|sizes| smaller(2, sizes)), ..def }
}

static SOLVE: [LoopDef; 4] = [
    row::<lu::Solve<f32>>(&[S, S, S]),
    row::<lu::Solve<f64>>(&[D, D, D]),
    row::<lu::Solve<C32>>(&[CS, CS, CS]),
    row::<lu::Solve<C64>>(&[CD, CD, CD]),
];
static SOLVE1: [LoopDef; 4] = [
    row::<lu::Solve1<f32>>(&[S, S, S]),
    row::<lu::Solve1<f64>>(&[D, D, D]),
    row::<lu::Solve1<C32>>(&[CS, CS, CS]),
    row::<lu::Solve1<C64>>(&[CD, CD, CD]),
];
static INV: [LoopDef; 4] = [
    row::<lu::Inv<f32>>(&[S, S]),
    row::<lu::Inv<f64>>(&[D, D]),
    row::<lu::Inv<C32>>(&[CS, CS]),
    row::<lu::Inv<C64>>(&[CD, CD]),
];
static DET: [LoopDef; 4] = [
    row::<lu::Det<f32>>(&[S, S]),
    row::<lu::Det<f64>>(&[D, D]),
    row::<lu::Det<C32>>(&[CS, CS]),
    row::<lu::Det<C64>>(&[CD, CD]),
];
static SLOGDET: [LoopDef; 4] = [
    row::<lu::Slogdet<f32>>(&[S, S, S]),
    row::<lu::Slogdet<f64>>(&[D, D, D]),
    row::<lu::Slogdet<C32>>(&[CS, CS, S]),
    row::<lu::Slogdet<C64>>(&[CD, CD, D]),
];
static CHOLESKY_LO: [LoopDef; 4] = [
    row::<cholesky::Cholesky<f32, false>>(&[S, S]),
    row::<cholesky::Cholesky<f64, false>>(&[D, D]),
    row::<cholesky::Cholesky<C32, false>>(&[CS, CS]),
    row::<cholesky::Cholesky<C64, false>>(&[CD, CD]),
];
static CHOLESKY_UP: [LoopDef; 4] = [
    row::<cholesky::Cholesky<f32, true>>(&[S, S]),
    row::<cholesky::Cholesky<f64, true>>(&[D, D]),
    row::<cholesky::Cholesky<C32, true>>(&[CS, CS]),
    row::<cholesky::Cholesky<C64, true>>(&[CD, CD]),
];
static EIGH_LO: [LoopDef; 4] = [
    row::<eigh::Eigh<f32, false>>(&[S, S, S]),
    row::<eigh::Eigh<f64, false>>(&[D, D, D]),
    row::<eigh::Eigh<C32, false>>(&[CS, S, CS]),
    row::<eigh::Eigh<C64, false>>(&[CD, D, CD]),
];
static EIGH_UP: [LoopDef; 4] = [
    row::<eigh::Eigh<f32, true>>(&[S, S, S]),
    row::<eigh::Eigh<f64, true>>(&[D, D, D]),
    row::<eigh::Eigh<C32, true>>(&[CS, S, CS]),
    row::<eigh::Eigh<C64, true>>(&[CD, D, CD]),
];
static EIGVALSH_LO: [LoopDef; 4] = [
    row::<eigh::Eigvalsh<f32, false>>(&[S, S]),
    row::<eigh::Eigvalsh<f64, false>>(&[D, D]),
    row::<eigh::Eigvalsh<C32, false>>(&[CS, S]),
    row::<eigh::Eigvalsh<C64, false>>(&[CD, D]),
];
static EIGVALSH_UP: [LoopDef; 4] = [
    row::<eigh::Eigvalsh<f32, true>>(&[S, S]),
    row::<eigh::Eigvalsh<f64, true>>(&[D, D]),
    row::<eigh::Eigvalsh<C32, true>>(&[CS, S]),
    row::<eigh::Eigvalsh<C64, true>>(&[CD, D]),
];
static SVD: [LoopDef; 4] = [
    row::<svd::Values<f32>>(&[S, S]),
    row::<svd::Values<f64>>(&[D, D]),
    row::<svd::Values<C32>>(&[CS, S]),
    row::<svd::Values<C64>>(&[CD, D]),
];
static SVD_S: [LoopDef; 4] = [
    row::<svd::Thin<f32>>(&[S, S, S, S]),
    row::<svd::Thin<f64>>(&[D, D, D, D]),
    row::<svd::Thin<C32>>(&[CS, CS, S, CS]),
    row::<svd::Thin<C64>>(&[CD, CD, D, CD]),
];
static SVD_F: [LoopDef; 4] = [
    row::<svd::Full<f32>>(&[S, S, S, S]),
    row::<svd::Full<f64>>(&[D, D, D, D]),
    row::<svd::Full<C32>>(&[CS, CS, S, CS]),
    row::<svd::Full<C64>>(&[CD, CD, D, CD]),
];
// Upstream has no single complex row here.
static EIG: [LoopDef; 3] = [
    row::<eig::Eig<f32>>(&[S, CS, CS]),
    row::<eig::Eig<f64>>(&[D, CD, CD]),
    row::<eig::Eig<C64>>(&[CD, CD, CD]),
];
static EIGVALS: [LoopDef; 3] = [
    row::<eig::Eigvals<f32>>(&[S, CS]),
    row::<eig::Eigvals<f64>>(&[D, CD]),
    row::<eig::Eigvals<C64>>(&[CD, CD]),
];
static QR_R_RAW: [LoopDef; 2] = [row::<qr::Raw<f64>>(&[D, D]), row::<qr::Raw<C64>>(&[CD, CD])];
static QR_REDUCED: [LoopDef; 2] =
    [row::<qr::Reduced<f64>>(&[D, D, D]), row::<qr::Reduced<C64>>(&[CD, CD, CD])];
static QR_COMPLETE: [LoopDef; 2] =
    [row::<qr::Complete<f64>>(&[D, D, D]), row::<qr::Complete<C64>>(&[CD, CD, CD])];
static LSTSQ: [LoopDef; 4] = [
    row::<svd::Lstsq<f32>>(&[S, S, S, S, S, I, S]),
    row::<svd::Lstsq<f64>>(&[D, D, D, D, D, I, D]),
    row::<svd::Lstsq<C32>>(&[CS, CS, S, CS, S, I, S]),
    row::<svd::Lstsq<C64>>(&[CD, CD, D, CD, D, I, D]),
];

/// Every gufunc of the module.
pub static UFUNCS: [UfuncDef; 20] = [
    gufunc("slogdet", 1, 2, "(m,m)->(),()", &SLOGDET),
    gufunc("det", 1, 1, "(m,m)->()", &DET),
    gufunc("eigh_lo", 1, 2, "(m,m)->(m),(m,m)", &EIGH_LO),
    gufunc("eigh_up", 1, 2, "(m,m)->(m),(m,m)", &EIGH_UP),
    gufunc("eigvalsh_lo", 1, 1, "(m,m)->(m)", &EIGVALSH_LO),
    gufunc("eigvalsh_up", 1, 1, "(m,m)->(m)", &EIGVALSH_UP),
    gufunc("solve", 2, 1, "(m,m),(m,n)->(m,n)", &SOLVE),
    gufunc("solve1", 2, 1, "(m,m),(m)->(m)", &SOLVE1),
    gufunc("inv", 1, 1, "(m, m)->(m, m)", &INV),
    gufunc("cholesky_lo", 1, 1, "(m,m)->(m,m)", &CHOLESKY_LO),
    gufunc("cholesky_up", 1, 1, "(m,m)->(m,m)", &CHOLESKY_UP),
    with_p(gufunc("svd", 1, 1, "(m,n)->(p)", &SVD)),
    with_p(gufunc("svd_s", 1, 3, "(m,n)->(m,p),(p),(p,n)", &SVD_S)),
    with_p(gufunc("svd_f", 1, 3, "(m,n)->(m,m),(p),(n,n)", &SVD_F)),
    gufunc("eig", 1, 2, "(m,m)->(m),(m,m)", &EIG),
    gufunc("eigvals", 1, 1, "(m,m)->(m)", &EIGVALS),
    with_p(gufunc("qr_r_raw", 1, 1, "(m,n)->(p)", &QR_R_RAW)),
    gufunc("qr_reduced", 2, 1, "(m,n),(k)->(m,k)", &QR_REDUCED),
    gufunc("qr_complete", 2, 1, "(m,n),(n)->(m,m)", &QR_COMPLETE),
    UfuncDef {
        core_dims: Some(|sizes| smaller(3, sizes)),
        ..gufunc("lstsq", 3, 4, "(m,n),(m,nrhs),()->(n,nrhs),(nrhs),(),(p)", &LSTSQ)
    },
];
