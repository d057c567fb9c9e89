//! `numpy.linalg.lapack_lite`: a few LAPACK routines under their own names, for code that calls LAPACK directly.

use std::ffi::c_long;

use pyo3::exceptions::{PyException, PyTypeError, PyValueError};
use pyo3::ffi as pyffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyModule};
use ufuncs::TypeNum;
use ufuncs::elem::Complex64;
use ufuncs::linalg::lapack;

use crate::abi::{NPY_ARRAY_ALIGNED, NPY_ARRAY_C_CONTIGUOUS};
use crate::fastcall;
use crate::ffi::methods::{END, Methods};
use crate::ffi::{Args, guard};
use crate::objects::Array;

pyo3::create_exception!(numpy.linalg.lapack_lite, LapackError, PyException);

static METHODS: Methods<8> = Methods::new([
    fastcall!(c"dgelsd", dgelsd),
    fastcall!(c"dgeqrf", dgeqrf),
    fastcall!(c"dorgqr", dorgqr),
    fastcall!(c"xerbla", xerbla),
    fastcall!(c"zgelsd", zgelsd),
    fastcall!(c"zgeqrf", zgeqrf),
    fastcall!(c"zungqr", zungqr),
    END,
]);

/// Create the module.
///
/// # Safety
/// Called with the GIL held.
pub unsafe extern "C" fn init() -> *mut pyffi::PyObject {
    guard(|py| {
        let module = PyModule::new(py, "numpy.linalg.lapack_lite")?;
        module.add("_ilp64", true)?;
        module.add("LapackError", py.get_type::<LapackError>())?;
        super::multiarray::add_functions(&module, &METHODS)?;
        Ok(module.into_ptr())
    })
}

/// The complaint about an argument, by its position.
fn illegal(routine: &str, position: usize) -> PyErr {
    PyValueError::new_err(format!(
        "On entry to {} parameter number {position} had an illegal value",
        routine.to_uppercase()
    ))
}

fn xerbla<'py>(slf: &Bound<'py, PyAny>, _args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    let _ = slf;
    Err(PyValueError::new_err("On entry to test parameter number -1 had an illegal value"))
}

/// The element type of a routine.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Double,
    Complex,
    /// Of workspace only.
    Int,
}

struct Call<'a, 'py> {
    routine: &'static str,
    kind: Kind,
    args: &'a [Bound<'py, PyAny>],
}

impl<'py> Call<'_, 'py> {
    fn int(&self, i: usize) -> PyResult<c_long> {
        self.args[i].extract()
    }
    /// A contiguous array of the routine's type with at least so many elements.
    fn array(&self, i: usize, name: &str, len: usize) -> PyResult<Array<'py>> {
        self.array_of(i, name, len, self.kind)
    }
    fn array_of(&self, i: usize, name: &str, len: usize, kind: Kind) -> PyResult<Array<'py>> {
        let fail = |text: String| LapackError::new_err(format!("{text} in lapack_lite.{}", self.routine));
        let Some(arr) = Array::cast(&self.args[i]) else {
            return Err(fail(format!("Expected an array for parameter {name}")));
        };
        if !arr.has_flags(NPY_ARRAY_C_CONTIGUOUS) {
            return Err(fail(format!("Parameter {name} is not contiguous")));
        }
        let (want, text) = match kind {
            Kind::Double => (TypeNum::DOUBLE, "NPY_DOUBLE"),
            Kind::Complex => (TypeNum::CDOUBLE, "NPY_CDOUBLE"),
            Kind::Int => (TypeNum::INT, "NPY_INT"),
        };
        if arr.dtype().num != want {
            return Err(fail(format!("Parameter {name} is not of type {text}")));
        }
        if !arr.dtype().is_native() {
            return Err(fail(format!("Parameter {name} has non-native byte order")));
        }
        // Upstream trusts its callers here.
        if arr.size() < len || !arr.is_writeable() || !arr.has_flags(NPY_ARRAY_ALIGNED) {
            return Err(fail(format!("Parameter {name} is too small, not aligned or read-only")));
        }
        Ok(arr)
    }
    fn extent(&self, rows: c_long, cols: c_long, lda: c_long) -> usize {
        if rows == 0 || cols == 0 {
            return 0;
        }
        (lda as usize).saturating_mul(cols as usize - 1).saturating_add(rows as usize)
    }
    /// Store LAPACK's answer to a query of the best length of `work`.
    fn report_work(&self, work: &Array<'py>, cols: c_long) {
        let best = (cols.max(1) as f64) * 32.0;
        // SAFETY: a writeable, contiguous array of doubles, or of complex numbers that begin with one.
        unsafe { work.data().cast::<f64>().write_unaligned(best) };
    }
}

fn collect<'py>(
    args: &Args<'_, 'py>,
    routine: &'static str,
    count: usize,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    if args.len() != count {
        return Err(PyTypeError::new_err(format!(
            "{routine}() takes exactly {count} arguments ({} given)",
            args.len()
        )));
    }
    Ok(args.positional().collect())
}

/// `(m, n, a, lda, tau, work, lwork, info)`
fn geqrf<'py>(
    py: Python<'py>,
    args: Args<'_, 'py>,
    routine: &'static str,
    kind: Kind,
) -> PyResult<Bound<'py, PyAny>> {
    let args = collect(&args, routine, 8)?;
    let c = Call { routine, kind, args: &args };
    let (m, n, lda, lwork) = (c.int(0)?, c.int(1)?, c.int(3)?, c.int(6)?);
    c.int(7)?;
    c.array(2, "a", 0)?;
    c.array(4, "tau", 0)?;
    let work = c.array(5, "work", 1)?;
    for (bad, position) in [(m < 0, 1), (n < 0, 2), (lda < m.max(1), 4), (lwork != -1 && lwork < n.max(1), 7)]
    {
        if bad {
            return Err(illegal(routine, position));
        }
    }
    if lwork != -1 {
        let a = c.array(2, "a", c.extent(m, n, lda))?;
        let tau = c.array(4, "tau", m.min(n) as usize)?;
        let (rows, cols, lda) = (m as usize, n as usize, lda as usize);
        // SAFETY: arrays of the type and at least the size the routine works on.
        unsafe {
            match kind {
                Kind::Double => lapack::geqrf(rows, cols, a.data().cast::<f64>(), lda, tau.data().cast()),
                _ => lapack::geqrf(rows, cols, a.data().cast::<Complex64>(), lda, tau.data().cast()),
            }
        }
    }
    c.report_work(&work, n);
    let out = PyDict::new(py);
    out.set_item(format!("{routine}_"), 0)?;
    for (name, value) in [("m", m), ("n", n), ("lda", lda), ("lwork", lwork), ("info", 0)] {
        out.set_item(name, value)?;
    }
    Ok(out.into_any())
}

/// `(m, n, k, a, lda, tau, work, lwork, info)`
fn orgqr<'py>(
    py: Python<'py>,
    args: Args<'_, 'py>,
    routine: &'static str,
    kind: Kind,
) -> PyResult<Bound<'py, PyAny>> {
    let args = collect(&args, routine, 9)?;
    let c = Call { routine, kind, args: &args };
    let (m, n, k, lda, lwork) = (c.int(0)?, c.int(1)?, c.int(2)?, c.int(4)?, c.int(7)?);
    c.int(8)?;
    c.array(3, "a", 0)?;
    c.array(5, "tau", 0)?;
    let work = c.array(6, "work", 1)?;
    for (bad, position) in [
        (m < 0, 1),
        (n < 0 || n > m, 2),
        (k < 0 || k > n, 3),
        (lda < m.max(1), 5),
        (lwork != -1 && lwork < n.max(1), 8),
    ] {
        if bad {
            return Err(illegal(routine, position));
        }
    }
    if lwork != -1 {
        let a = c.array(3, "a", c.extent(m, n, lda))?;
        let tau = c.array(5, "tau", k as usize)?;
        let (rows, cols, count, lda) = (m as usize, n as usize, k as usize, lda as usize);
        // SAFETY: arrays of the type and at least the size the routine works on.
        unsafe {
            match kind {
                Kind::Double => {
                    lapack::orgqr(rows, cols, count, a.data().cast::<f64>(), lda, tau.data().cast());
                }
                _ => lapack::orgqr(rows, cols, count, a.data().cast::<Complex64>(), lda, tau.data().cast()),
            }
        }
    }
    c.report_work(&work, n);
    let out = PyDict::new(py);
    out.set_item(format!("{routine}_"), 0)?;
    out.set_item("info", 0)?;
    Ok(out.into_any())
}

/// `(m, n, nrhs, a, lda, b, ldb, s, rcond, rank, work, lwork, iwork, info)`, with `rwork` before `iwork` for complex numbers
fn gelsd<'py>(
    py: Python<'py>,
    args: Args<'_, 'py>,
    routine: &'static str,
    kind: Kind,
) -> PyResult<Bound<'py, PyAny>> {
    let complex = kind == Kind::Complex;
    let args = collect(&args, routine, 14 + usize::from(complex))?;
    let c = Call { routine, kind, args: &args };
    let (m, n, nrhs, lda, ldb) = (c.int(0)?, c.int(1)?, c.int(2)?, c.int(4)?, c.int(6)?);
    let (rcond, lwork): (f64, _) = (args[8].extract()?, c.int(11)?);
    c.int(9)?;
    c.int(args.len() - 1)?;
    c.array(3, "a", 0)?;
    c.array(5, "b", 0)?;
    c.array_of(7, "s", 0, Kind::Double)?;
    let work = c.array(10, "work", 1)?;
    if complex {
        c.array_of(12, "rwork", 0, Kind::Double)?;
    }
    c.array_of(12 + usize::from(complex), "iwork", 0, Kind::Int)?;
    let (mut rank, mut info) = (0, 0);
    let least = if m.min(n) > 0 { m.max(n).max(nrhs).saturating_add(2 * m.min(n)) } else { 1 };
    for (bad, position) in [
        (m < 0, 1),
        (n < 0, 2),
        (nrhs < 0, 3),
        (lda < m.max(1), 5),
        (ldb < m.max(n).max(1), 7),
        (lwork != -1 && lwork < least, 12),
    ] {
        if bad && info == 0 {
            info = -position;
        }
    }
    if info < 0 {
        // What is wrong is told by its position.
    } else if lwork == -1 {
        c.report_work(&work, least);
    } else if m.min(n) > 0 {
        let a = c.array(3, "a", c.extent(m, n, lda))?;
        let b = c.array(5, "b", c.extent(m.max(n), nrhs, ldb))?;
        let s = c.array_of(7, "s", m.min(n) as usize, Kind::Double)?;
        let (sizes, lda, ldb) = ([m as usize, n as usize, nrhs as usize], lda as usize, ldb as usize);
        let (a, b, s) = (a.data(), b.data(), s.data().cast());
        // SAFETY: arrays of the type and at least the size the routine works on.
        let found = unsafe {
            if complex {
                lapack::gelsd::<Complex64>(sizes, (a.cast(), lda), (b.cast(), ldb), s, rcond)
            } else {
                lapack::gelsd::<f64>(sizes, (a.cast(), lda), (b.cast(), ldb), s, rcond)
            }
        };
        // What did not converge is counted, which nobody does here.
        (rank, info) = found.map_or((0, 1), |rank| (rank, 0));
    }
    let out = PyDict::new(py);
    out.set_item(format!("{routine}_"), 0)?;
    for (name, value) in [("m", m), ("n", n), ("nrhs", nrhs), ("lda", lda), ("ldb", ldb)] {
        out.set_item(name, value)?;
    }
    if !complex {
        out.set_item("rcond", rcond)?;
    }
    out.set_item("rank", rank)?;
    out.set_item("lwork", lwork)?;
    out.set_item("info", info)?;
    Ok(out.into_any())
}

fn dgelsd<'py>(slf: &Bound<'py, PyAny>, args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    gelsd(slf.py(), args, "dgelsd", Kind::Double)
}

fn zgelsd<'py>(slf: &Bound<'py, PyAny>, args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    gelsd(slf.py(), args, "zgelsd", Kind::Complex)
}

fn dgeqrf<'py>(slf: &Bound<'py, PyAny>, args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    geqrf(slf.py(), args, "dgeqrf", Kind::Double)
}

fn zgeqrf<'py>(slf: &Bound<'py, PyAny>, args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    geqrf(slf.py(), args, "zgeqrf", Kind::Complex)
}

fn dorgqr<'py>(slf: &Bound<'py, PyAny>, args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    orgqr(slf.py(), args, "dorgqr", Kind::Double)
}

fn zungqr<'py>(slf: &Bound<'py, PyAny>, args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    orgqr(slf.py(), args, "zungqr", Kind::Complex)
}
