//! Iterators as C extensions drive them, and the overlap solver.

use micronumpy::TypeNum;
use micronumpy::array::overlap::{self, Overlap, Term};
use micronumpy::iter::nditer::global;
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use crate::error::IntoPyResult;
use crate::fastcall;
use crate::ffi::Args;
use crate::ffi::args::Sig;
use crate::ffi::methods::{END, Methods};
use crate::objects::array::args::index;
use crate::objects::iter::{flatiter, neighborhood};
use crate::objects::{Array, array, nditer, scalar};

type Obj<'py> = Bound<'py, PyAny>;

pub static FUNCTIONS: Methods<6> = Methods::new([
    fastcall!(c"test_neighborhood_iterator", neighbors),
    fastcall!(c"test_neighborhood_iterator_oob", stacked_neighbors),
    fastcall!(c"test_nditer_too_large", nditer_too_large),
    fastcall!(c"solve_diophantine", solve_diophantine),
    fastcall!(c"internal_overlap", internal_overlap),
    END,
]);

fn required<'py>(arg: Option<Obj<'py>>) -> PyResult<Obj<'py>> {
    arg.ok_or_else(|| PyTypeError::new_err("missing argument"))
}

fn array_arg<'py>(arg: Option<Obj<'py>>) -> PyResult<Array<'py>> {
    let arr = Array::cast(&required(arg)?).ok_or_else(|| PyTypeError::new_err("test needs an array"))?;
    if !matches!(arr.dtype().num, TypeNum::DOUBLE | TypeNum::OBJECT) {
        return Err(PyValueError::new_err("Type not supported"));
    }
    Ok(arr)
}

fn bounds_arg(arg: Option<Obj<'_>>, ndim: usize) -> PyResult<Vec<[isize; 2]>> {
    let all = required(arg)?.try_iter()?.map(|b| index(&b?)).collect::<PyResult<Vec<isize>>>()?;
    if all.len() != 2 * ndim {
        return Err(PyValueError::new_err("bounds sequence size not compatible with x input"));
    }
    Ok(all.chunks(2).map(|b| [b[0], b[1]]).collect())
}

fn mode_arg(arg: Option<Obj<'_>>) -> PyResult<neighborhood::Padding> {
    neighborhood::Padding::from_code(index(&required(arg)?)? as i32)
}

/// The neighbors as a new array.
fn gather<'py>(it: &Obj<'py>, x: &Array<'py>, bounds: &[[isize; 2]]) -> PyResult<Obj<'py>> {
    let shape: Vec<isize> = bounds.iter().map(|b| (b[1] - b[0] + 1).max(0)).collect();
    let descr = x.descr();
    let out = array::new(&descr, &shape, micronumpy::Order::C, true)?;
    neighborhood::reset(it);
    let (n, _) = neighborhood::current(it);
    for i in 0..n as usize {
        let (_, p) = neighborhood::current(it);
        // SAFETY: both are elements of the array's dtype; the loop stays inside the new array.
        unsafe {
            let value = scalar::get_item(&descr, p)?;
            scalar::set_item(&descr, out.data().add(i * descr.itemsize()), &value)?;
        }
        neighborhood::advance(it);
    }
    Ok(out.0)
}

fn neighbors<'py>(_: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("test_neighborhood_iterator(x, b, fill, mode, init=0, /)");
    let [x, bounds, fill, mode, first] = args.parse(&SIG)?;
    let x = array_arg(x)?;
    let bounds = bounds_arg(bounds, x.ndim())?;
    let mode = mode_arg(mode)?;
    let fill = array::from_any(&required(fill)?, Some(&x.descr()), 0, 0, crate::abi::NPY_ARRAY_FORCECAST)?;
    let first = first.map_or(Ok(0), |f| index(&f))?;
    let over = flatiter::new(&x)?;
    let it = neighborhood::new(&over, &bounds, mode, Some(&fill))?;
    let out = PyList::empty(args.py);
    for i in 0..x.size() as isize {
        if i >= first {
            out.append(gather(&it, &x, &bounds)?)?;
        }
        // SAFETY: a live `flatiter`.
        flatiter::advance(unsafe { &mut *over.as_ptr().cast() });
    }
    Ok(out.into_any())
}

fn stacked_neighbors<'py>(_: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("test_neighborhood_iterator_oob(x, b1, mode1, b2, mode2, /)");
    let [x, b1, mode1, b2, mode2] = args.parse(&SIG)?;
    let x = array_arg(x)?;
    let (b1, b2) = (bounds_arg(b1, x.ndim())?, bounds_arg(b2, x.ndim())?);
    let over = flatiter::new(&x)?;
    let first = neighborhood::new(&over, &b1, mode_arg(mode1)?, None)?;
    let second = neighborhood::new(&first, &b2, mode_arg(mode2)?, None)?;
    let out = PyList::empty(args.py);
    for _ in 0..neighborhood::current(&first).0 {
        out.append(gather(&second, &x, &b2)?)?;
        neighborhood::advance(&first);
    }
    Ok(out.into_any())
}

/// Build an iterator that may be too large, remove an axis, and use it in the way `mode` says.
fn nditer_too_large<'py>(_: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("test_nditer_too_large(arrays, axis, mode, /)");
    let py = args.py;
    let [arrays, axis, mode] = args.parse(&SIG)?;
    let arrays = required(arrays)?;
    let arrays =
        arrays.cast::<PyTuple>().map_err(|_| PyValueError::new_err("tuple required as first argument"))?;
    let arrays = arrays.iter().map(|a| array::from_any(&a, None, 0, 0, 0)).collect::<PyResult<_>>()?;
    let (axis, mode) = (index(&required(axis)?)?, index(&required(mode)?)?);
    let flags = global::MULTI_INDEX | if mode == 4 || mode == 5 { global::RANGED } else { 0 };
    let mut it = nditer::over(py, arrays, flags)?;
    if axis >= 0 {
        it.iter.remove_axis(axis).py(py)?;
    }
    match mode {
        0..=1 => it.iter.check_size().py(py)?,
        2..=3 => {
            // The multi-index goes as well, which makes one axis of many.
            it.iter.remove_multi_index().py(py)?;
            it.iter.reset_checked().py(py)?;
        }
        4..=5 => it.iter.reset_to_range(0, 1).py(py)?,
        _ => {}
    }
    Ok(py.None().into_bound(py))
}

fn int64_tuple(arg: &Obj<'_>, position: usize) -> PyResult<Vec<i64>> {
    let tuple = arg.cast::<PyTuple>().map_err(|_| {
        let ty = arg.get_type().name().map(|n| n.to_string()).unwrap_or_default();
        PyTypeError::new_err(format!("argument {position} must be tuple, not {ty}"))
    })?;
    tuple.iter().map(|v| v.extract()).collect()
}

fn too_hard() -> PyErr {
    PyRuntimeError::new_err("Exceeded max_work")
}

fn solve_diophantine<'py>(_: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig =
        Sig::new("solve_diophantine(A, U, b, max_work=-1, simplify=0, require_ub_nontrivial=0)");
    let py = args.py;
    let [a, u, b, max_work, simplify, nontrivial] = args.parse(&SIG)?;
    let (a, u) = (int64_tuple(&required(a)?, 1)?, int64_tuple(&required(u)?, 2)?);
    if a.len() != u.len() {
        return Err(PyValueError::new_err("A, U must be tuples of equal length"));
    }
    let mut b: i64 = required(b)?.extract()?;
    let max_work = max_work.map_or(Ok(-1), |w| index(&w))?;
    let flag = |o: Option<Obj<'py>>| o.map_or(Ok(false), |o| o.is_truthy());
    let (simplify, nontrivial) = (flag(simplify)?, flag(nontrivial)?);
    let invalid = || PyValueError::new_err("Invalid arguments");
    let mut terms: smallvec::SmallVec<[Term; 16]> =
        a.iter().zip(&u).map(|(&a, &ub)| Term { a, ub }).collect();
    if terms.iter().any(|t| t.a <= 0 || t.ub < 0) {
        return Err(invalid());
    }
    if nontrivial {
        // The trivial solution has to exist: it is the middle of every range, and decides the right-hand side.
        b = 0;
        for t in &terms {
            if t.ub % 2 != 0 {
                return Err(invalid());
            }
            b = t.a.checked_mul(t.ub / 2).and_then(|n| b.checked_add(n)).ok_or_else(invalid)?;
        }
    }
    if simplify && !nontrivial {
        overlap::simplify(&mut terms, b);
    }
    match overlap::solve_diophantine(&terms, b, max_work, nontrivial) {
        (Overlap::Yes, Some(x)) => Ok(PyTuple::new(py, x)?.into_any()),
        (Overlap::TooHard, _) => Err(too_hard()),
        _ => Ok(py.None().into_bound(py)),
    }
}

fn internal_overlap<'py>(_: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("internal_overlap(self, max_work=-1)");
    let [arr, max_work] = args.parse(&SIG)?;
    let arr = array::from_any(&required(arr)?, None, 0, 0, 0)?;
    let max_work = max_work.map_or(Ok(-1), |w| index(&w))?;
    if max_work < -2 {
        return Err(PyValueError::new_err("Invalid value for max_work"));
    }
    let yes = match overlap::solve_internal_overlap(&arr.view(), max_work) {
        Overlap::No => false,
        Overlap::Yes => true,
        Overlap::TooHard => return Err(PyValueError::new_err("Exceeded max_work")),
    };
    Ok(yes.into_pyobject(args.py)?.to_owned().into_any())
}
