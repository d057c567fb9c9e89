//! Shape methods: views wherever memory allows.

use micronumpy::array::{
    normalize_axes, normalize_axis, normalize_axis_prefixed, reshape_shape, reshape_view,
};
use micronumpy::{Dims, Order};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::super::alloc::{self};
use super::super::args::{self, CopyMode};
use super::super::{kept, memory};
use crate::abi::*;
use crate::error::IntoPyResult;
use crate::ffi::{Args, Sig};
use crate::objects::Array;

type Obj<'py> = Bound<'py, PyAny>;

/// The same elements in another shape, a view if possible (numpy's `PyArray_Newshape`).
pub fn reshape_array<'py>(
    arr: &Array<'py>,
    request: &[isize],
    order: Order,
    copy: CopyMode,
) -> PyResult<Array<'py>> {
    let py = arr.py();
    let fortran = match order {
        Order::F => true,
        Order::Any => alloc::is_fortran_only(arr),
        Order::Keep => return Err(PyValueError::new_err("order 'K' is not permitted for reshaping")),
        Order::C => false,
    };
    if copy != CopyMode::Always && request == arr.shape() {
        return alloc::plain_view(arr, None);
    }
    let new = reshape_shape(arr.size(), request).py(py)?;
    if copy != CopyMode::Always {
        if let Some(st) = reshape_view(arr.shape(), arr.strides(), &new, arr.itemsize(), fortran) {
            // SAFETY: the same elements in another shape.
            return unsafe { alloc::derived_view(arr, &arr.descr(), arr.data(), &new, &st) };
        }
        if copy == CopyMode::Never {
            return Err(PyValueError::new_err("Unable to avoid creating a copy while reshaping."));
        }
    }
    let fresh = super::copy_array(arr, if fortran { Order::F } else { Order::C })?;
    let st = micronumpy::array::contiguous_strides(&new, arr.itemsize(), fortran);
    // SAFETY: a contiguous copy in another shape.
    unsafe { alloc::new_view(&fresh.descr(), fresh.data(), &new, &st, &fresh.0, true, Some(arr)) }
}

/// `arr.reshape(*shape, order='C', copy=None)`
pub fn reshape<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    let arr = Array(slf.clone());
    let mut order = None;
    let mut copy = None;
    for (k, v) in a.keywords() {
        match k.extract::<&str>()? {
            "order" => order = Some(v),
            "copy" => copy = Some(v),
            other => {
                return Err(PyTypeError::new_err(format!(
                    "'{other}' is an invalid keyword argument for this function"
                )));
            }
        }
    }
    let items: smallvec::SmallVec<[Obj<'py>; 6]> = a.positional().collect();
    if items.is_empty() {
        return Err(PyTypeError::new_err("reshape() takes exactly 1 argument (0 given)"));
    }
    let order = args::order(order.as_ref(), Order::C)?;
    let copy = args::copy_mode(copy.as_ref(), CopyMode::IfNeeded)?;
    match args::shape_varargs(&items)? {
        None => Ok(alloc::plain_view(&arr, None)?.0),
        Some(shape) => Ok(reshape_array(&arr, &shape, order, copy)?.0),
    }
}

/// One-dimensional, a view if possible (numpy's `PyArray_Ravel`).
pub fn ravel_array<'py>(arr: &Array<'py>, order: Order) -> PyResult<Array<'py>> {
    let n = [arr.size() as isize];
    let order = match order {
        Order::Any => {
            if alloc::is_fortran_only(arr) {
                Order::F
            } else {
                Order::C
            }
        }
        o => o,
    };
    match order {
        Order::C if arr.has_flags(NPY_ARRAY_C_CONTIGUOUS) => {
            reshape_array(arr, &n, Order::C, CopyMode::IfNeeded)
        }
        Order::F if arr.has_flags(NPY_ARRAY_F_CONTIGUOUS) => {
            reshape_array(arr, &n, Order::F, CopyMode::IfNeeded)
        }
        Order::Keep => {
            if arr.has_flags(NPY_ARRAY_C_CONTIGUOUS) {
                return reshape_array(arr, &n, Order::C, CopyMode::IfNeeded);
            }
            // Walk axes by stride: if they form one run of memory, that is the view.
            let axes = micronumpy::iter::axis_order(arr.ndim(), &[arr.strides()]);
            let mut step = arr.itemsize() as isize;
            let mut run = true;
            for &ax in axes.iter().rev() {
                let (d, s) = (arr.shape()[ax], arr.strides()[ax]);
                if d != 1 {
                    run &= s == step;
                    step *= d;
                }
            }
            if run {
                let st = [arr.itemsize() as isize];
                // SAFETY: the elements lie in one run of memory that starts at the first.
                return unsafe { alloc::derived_view(arr, &arr.descr(), arr.data(), &n, &st) };
            }
            flatten_array(arr, Order::Keep)
        }
        o => flatten_array(arr, o),
    }
}

/// `arr.ravel(order='C')`
pub fn ravel<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("ravel(order='C')");
    let [order] = a.parse(&SIG)?;
    Ok(ravel_array(&Array(slf.clone()), args::order(order.as_ref(), Order::C)?)?.0)
}

/// A one-dimensional copy.
pub fn flatten_array<'py>(arr: &Array<'py>, order: Order) -> PyResult<Array<'py>> {
    let py = arr.py();
    let n = arr.ndim();
    let order = match order {
        Order::Any => {
            if alloc::is_fortran_only(arr) {
                Order::F
            } else {
                Order::C
            }
        }
        o => o,
    };
    // The axes from slowest to fastest, as a transposed source for a C-ordered copy.
    let axes: Dims = match order {
        Order::F => (0..n as isize).rev().collect(),
        Order::Keep => {
            micronumpy::iter::axis_order(n, &[arr.strides()]).iter().map(|&a| a as isize).collect()
        }
        _ => (0..n as isize).collect(),
    };
    let shape: Dims = axes.iter().map(|&a| arr.shape()[a as usize]).collect();
    let strides: Dims = axes.iter().map(|&a| arr.strides()[a as usize]).collect();
    let ty = arr.0.get_type().into_any();
    let len = [arr.size() as isize];
    // SAFETY: fresh memory.
    let out = unsafe {
        alloc::Make {
            subtype: Some(&ty),
            parent: Some(&arr.0),
            allow_empty_string: true,
            ..alloc::Make::new(&arr.descr(), &len)
        }
        .build()?
    };
    let st = micronumpy::array::contiguous_strides(&shape, arr.itemsize(), false);
    // SAFETY: the new array in the source's shape; the source's axes in another order.
    let (dst, src) = unsafe {
        (
            micronumpy::ArrayRef::new(out.data(), &shape, &st, out.dtype()),
            micronumpy::ArrayRef::new(arr.data(), &shape, &strides, arr.dtype()),
        )
    };
    super::super::assign::transfer(py, &dst, &src)?;
    Ok(out)
}

/// `arr.flatten(order='C')`
pub fn flatten<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("flatten(order='C')");
    let [order] = a.parse(&SIG)?;
    Ok(flatten_array(&Array(slf.clone()), args::order(order.as_ref(), Order::C)?)?.0)
}

/// Axes in another order.
pub fn transpose_axes<'py>(arr: &Array<'py>, axes: &[isize]) -> PyResult<Array<'py>> {
    let py = arr.py();
    if axes.len() != arr.ndim() {
        return Err(PyValueError::new_err("axes don't match array"));
    }
    let mut seen = [false; micronumpy::array::MAXDIMS];
    let mut shape = Dims::new();
    let mut strides = Dims::new();
    for &a in axes {
        let a = normalize_axis(a, arr.ndim()).py(py)?;
        if std::mem::replace(&mut seen[a], true) {
            return Err(PyValueError::new_err("repeated axis in transpose"));
        }
        shape.push(arr.shape()[a]);
        strides.push(arr.strides()[a]);
    }
    reshaped_view(arr, &shape, &strides)
}

/// A view with other axes. Subclasses see the old shape in `__array_finalize__`, as numpy makes the view first.
fn reshaped_view<'py>(arr: &Array<'py>, shape: &[isize], strides: &[isize]) -> PyResult<Array<'py>> {
    // SAFETY: the same elements.
    unsafe {
        if arr.is_exact() {
            return alloc::derived_view(arr, &arr.descr(), arr.data(), shape, strides);
        }
        let v = alloc::plain_view(arr, None)?;
        alloc::set_geometry(&v, shape, strides)?;
        Ok(v)
    }
}

/// `arr.transpose(*axes)`
pub fn transpose<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    let arr = Array(slf.clone());
    if a.has_keywords() {
        return Err(PyTypeError::new_err("ndarray.transpose() takes no keyword arguments"));
    }
    let items: smallvec::SmallVec<[Obj<'py>; 6]> = a.positional().collect();
    let axes = if items.is_empty() { None } else { args::shape_varargs(&items)? };
    let axes = axes.unwrap_or_else(|| (0..arr.ndim() as isize).rev().collect());
    Ok(transpose_axes(&arr, &axes)?.0)
}

/// `arr.swapaxes(axis1, axis2)`
pub fn swapaxes<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("swapaxes(axis1, axis2, /)");
    let arr = Array(slf.clone());
    let [x, y] = a.parse_c(&SIG)?;
    let (x, y) = (args::axis_or(x.as_ref(), 0)?, args::axis_or(y.as_ref(), 0)?);
    let n = arr.ndim();
    let x = normalize_axis_prefixed(x, n, Some("axis1")).py(slf.py())?;
    let y = normalize_axis_prefixed(y, n, Some("axis2")).py(slf.py())?;
    let mut axes: Dims = (0..n as isize).collect();
    axes.swap(x, y);
    Ok(transpose_axes(&arr, &axes)?.0)
}

/// `arr.squeeze(axis=None)`
pub fn squeeze<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("squeeze(axis=None)");
    let py = slf.py();
    let arr = Array(slf.clone());
    let [axis] = a.parse(&SIG)?;
    let n = arr.ndim();
    let mut drop = [false; micronumpy::array::MAXDIMS];
    match axis.filter(|x| !x.is_none()) {
        None => {
            for (d, &len) in drop.iter_mut().zip(arr.shape()) {
                *d = len == 1;
            }
        }
        Some(x) => {
            let axes: Dims = match x.cast::<PyTuple>() {
                Ok(t) => t.iter().map(|o| args::int32(&o)).collect::<PyResult<_>>()?,
                Err(_) => {
                    let i = args::int32(&x)?;
                    // numpy lets 0-d arrays pass axis 0 and -1.
                    if n == 0 && (i == 0 || i == -1) {
                        return Ok(alloc::plain_view(&arr, None)?.0);
                    }
                    Dims::from_slice(&[i])
                }
            };
            drop = normalize_axes(&axes, n).py(py)?;
            if (0..n).any(|i| drop[i] && arr.shape()[i] != 1) {
                return Err(PyValueError::new_err(
                    "cannot select an axis to squeeze out which has size not equal to one",
                ));
            }
        }
    }
    let keep = |i: &usize| !drop[*i];
    let shape: Dims = (0..n).filter(keep).map(|i| arr.shape()[i]).collect();
    let strides: Dims = (0..n).filter(keep).map(|i| arr.strides()[i]).collect();
    if shape.len() == n {
        return Ok(slf.clone());
    }
    let out = reshaped_view(&arr, &shape, &strides)?;
    if !arr.is_exact() {
        // Subclasses (matrix) may turn the view into something of their own through `__array_wrap__`.
        return wrap_squeezed(&arr, out);
    }
    Ok(out.0)
}

fn wrap_squeezed<'py>(arr: &Array<'py>, out: Array<'py>) -> PyResult<Obj<'py>> {
    // SAFETY: ready type.
    let base = unsafe { crate::ffi::types::handle(arr.py(), super::super::ARRAY_TYPE.as_type()) };
    let plain = alloc::plain_view(&out, Some(&base))?;
    arr.0.call_method1("__array_wrap__", (plain.0, arr.py().None(), false))
}

/// `arr.resize(*new_shape, refcheck=True)`
pub fn resize<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let arr = Array(slf.clone());
    let mut refcheck = true;
    for (k, v) in a.keywords() {
        match k.extract::<&str>()? {
            "refcheck" => refcheck = args::int32(&v)? != 0,
            other => {
                return Err(PyTypeError::new_err(format!(
                    "'{other}' is an invalid keyword argument for this function"
                )));
            }
        }
    }
    let items: smallvec::SmallVec<[Obj<'py>; 6]> = a.positional().collect();
    let none = py.None().into_bound(py);
    if items.is_empty() {
        return Ok(none);
    }
    let Some(shape) = args::shape_varargs(&items)? else { return Ok(none) };
    // `slf` and `arr` hold a reference each.
    resize_array(&arr, &shape, refcheck, 2)?;
    Ok(none)
}

const REFERENCED: &str = "cannot resize an array that references or is referenced\nby another object in this way.\nUse the \
                          np.resize function to get a new resized copy or\n set refcheck=False to disable this check";

fn resize_array(arr: &Array<'_>, shape: &[isize], refcheck: bool, handles: isize) -> PyResult<()> {
    let a = arr.raw();
    let itemsize = arr.itemsize();
    if !(arr.has_flags(NPY_ARRAY_C_CONTIGUOUS) || arr.has_flags(NPY_ARRAY_F_CONTIGUOUS)) {
        return Err(PyValueError::new_err("resize only works on single-segment arrays"));
    }
    for &d in shape {
        if d < 0 {
            return Err(PyValueError::new_err("negative dimensions not allowed"));
        }
    }
    let old_bytes = arr.size() * itemsize;
    let new_bytes =
        alloc::checked_nbytes(shape, itemsize).map_err(|_| pyo3::exceptions::PyMemoryError::new_err(()))?;
    if new_bytes != old_bytes {
        if !arr.has_flags(NPY_ARRAY_OWNDATA) {
            return Err(PyValueError::new_err("cannot resize this array: it does not own its data"));
        }
        // SAFETY: live array.
        let (base, weak) = unsafe { ((*a).base, (*a).weakreflist) };
        if !base.is_null() || !weak.is_null() {
            return Err(PyValueError::new_err(REFERENCED));
        }
        // References: the caller's variable, its stack, and our handles.
        // SAFETY: live object.
        let shared = unsafe { ffi::Py_REFCNT(arr.0.as_ptr()) } > 2 + handles;
        if refcheck {
            if shared {
                return Err(PyValueError::new_err(REFERENCED));
            }
        }
        // SAFETY: the array owns its block; objects that fall off are released first, new bytes are zeroed.
        unsafe {
            let handler = (*a).mem_handler;
            if handler.is_null() {
                return Err(pyo3::exceptions::PyRuntimeError::new_err(
                    "no memory handler found but OWNDATA flag set",
                ));
            }
            if shared || kept::any(arr) {
                kept::resize(arr, new_bytes)?;
            } else {
                if new_bytes < old_bytes && arr.dtype().has_object() {
                    let n = [((old_bytes - new_bytes) / itemsize) as isize];
                    let st = [itemsize as isize];
                    let tail = micronumpy::ArrayRef::new((*a).data.add(new_bytes), &n, &st, arr.dtype());
                    micronumpy::cast::release_objects(&tail);
                }
                let p = memory::realloc(handler, (*a).data, new_bytes);
                if p.is_null() {
                    return Err(pyo3::exceptions::PyMemoryError::new_err("cannot allocate memory for array"));
                }
                if new_bytes > old_bytes {
                    std::ptr::write_bytes(p.add(old_bytes), 0, new_bytes - old_bytes);
                }
                (*a).data = p;
            }
        }
    }
    let st = micronumpy::array::contiguous_strides(shape, itemsize, false);
    // SAFETY: the block holds all elements of the new shape.
    unsafe { alloc::set_geometry(arr, shape, &st)? };
    if new_bytes > old_bytes && arr.dtype().has_object() {
        super::super::assign::fill_zero(arr)?;
    }
    Ok(())
}
