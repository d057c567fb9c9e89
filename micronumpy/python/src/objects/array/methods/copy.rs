//! Copies, casts and reinterpretations.

use micronumpy::{Casting, Dtype, Order, TypeNum};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

use super::super::coercion::discover::{self, Request};
use super::super::{alloc, args, assign, coercion};
use crate::abi::*;
use crate::error::IntoPyResult;
use crate::ffi::import::cached;
use crate::ffi::{Args, Sig};
use crate::objects::{Array, Descr, dtype};

type Obj<'py> = Bound<'py, PyAny>;

/// A copy of the array's own type (numpy's `PyArray_NewCopy`).
pub fn copy_array<'py>(arr: &Array<'py>, order: Order) -> PyResult<Array<'py>> {
    copy_as(arr, order, true)
}

fn copy_as<'py>(arr: &Array<'py>, order: Order, subok: bool) -> PyResult<Array<'py>> {
    let out = alloc::new_like(arr, order, &arr.descr(), None, subok, false)?;
    assign::transfer(arr.py(), &out.view(), &arr.view())?;
    Ok(out)
}

/// `arr.copy(order='C')`
pub fn copy<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("copy(order='C')");
    let [order] = a.parse(&SIG)?;
    Ok(copy_array(&Array(slf.clone()), args::order(order.as_ref(), Order::C)?)?.0)
}

/// `arr.__copy__()`
pub fn dunder_copy<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("__copy__(/)");
    let [] = a.parse_c(&SIG)?;
    Ok(copy_array(&Array(slf.clone()), Order::Keep)?.0)
}

/// `arr.__deepcopy__(memo)`
pub fn dunder_deepcopy<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("__deepcopy__(memo, /)");
    let [memo] = a.parse_c(&SIG)?;
    let py = slf.py();
    let memo = memo.unwrap_or_else(|| py.None().into_bound(py));
    let out = copy_array(&Array(slf.clone()), Order::Keep)?;
    if out.dtype().has_object() {
        let deepcopy = cached(py, "copy", "deepcopy")?;
        deepcopy_objects(&out, &deepcopy, &memo)?;
    }
    Ok(out.0)
}

fn deepcopy_objects<'py>(arr: &Array<'py>, deepcopy: &Obj<'py>, memo: &Obj<'py>) -> PyResult<()> {
    let dt = arr.dtype().clone();
    super::super::for_each_element(arr, |p| {
        // SAFETY: an element of the copy.
        unsafe { deepcopy_element(&dt, p, deepcopy, memo) }
    })
}

unsafe fn deepcopy_element<'py>(
    dt: &micronumpy::Dtype,
    p: *mut u8,
    deepcopy: &Obj<'py>,
    memo: &Obj<'py>,
) -> PyResult<()> {
    // SAFETY: `p` is an element of `dt` whose object slots are null or own a reference.
    unsafe {
        if dt.num.is_object() {
            let slot = p.cast::<*mut ffi::PyObject>();
            let old = slot.read_unaligned();
            if old.is_null() {
                return Ok(());
            }
            let new = deepcopy.call1((Bound::from_borrowed_ptr(deepcopy.py(), old), memo))?;
            slot.write_unaligned(new.into_ptr());
            ffi::Py_DECREF(old);
        } else if let Some(fields) = dt.fields() {
            for f in fields.iter().filter(|f| f.dtype.has_object()) {
                deepcopy_element(&f.dtype, p.add(f.offset), deepcopy, memo)?;
            }
        } else if let Some((base, shape)) = dt.subarray() {
            let n: isize = shape.iter().product();
            for i in 0..n as usize {
                deepcopy_element(base, p.add(i * base.itemsize), deepcopy, memo)?;
            }
        }
    }
    Ok(())
}

/// `arr.astype(dtype, order='K', casting='unsafe', subok=True, copy=True)`
pub fn astype<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("astype(dtype, order='K', casting='unsafe', subok=True, copy=True)");
    let [descr, order, casting, subok, copy] = a.parse(&SIG)?;
    let arr = Array(slf.clone());
    let Some(descr) = descr else { return Err(PyTypeError::new_err("missing dtype")) };
    let descr = dtype::convert_or_class(&descr)?;
    let order = args::order(order.as_ref(), Order::Keep)?;
    let casting = args::casting(casting.as_ref(), Casting::Unsafe)?;
    let subok = args::truth(subok.as_ref(), true)?;
    let copy = args::astype_copy(copy.as_ref())?;
    astype_array(&arr, &descr, order, casting, subok, copy).map(|x| x.0)
}

/// The work of `astype`.
pub fn astype_array<'py>(
    arr: &Array<'py>,
    descr: &Descr<'py>,
    order: Order,
    casting: Casting,
    subok: bool,
    copy: bool,
) -> PyResult<Array<'py>> {
    let py = arr.py();
    let descr = match Request::of(Some(descr)) {
        Request::Class(class) => match discover::array_descr(arr, &class)? {
            Some(d) => d,
            // Raw bytes of no given length have eight.
            None if class.dtype().num == TypeNum::VOID => dtype::descr_of(py, &Dtype::void(8))?,
            None => descr.clone(),
        },
        _ => descr.clone(),
    };
    let old = arr.descr();
    let order_fits = match order {
        Order::Keep => true,
        Order::Any => arr.has_flags(NPY_ARRAY_C_CONTIGUOUS) || arr.has_flags(NPY_ARRAY_F_CONTIGUOUS),
        Order::C => arr.has_flags(NPY_ARRAY_C_CONTIGUOUS),
        Order::F => arr.has_flags(NPY_ARRAY_F_CONTIGUOUS),
    };
    if !copy && order_fits && (subok || arr.is_exact()) && coercion::same_type(&old, &descr) {
        return Ok(arr.clone());
    }
    if !micronumpy::cast::can_cast(old.dtype(), descr.dtype(), casting) {
        return Err(coercion::cannot_cast_array(arr, &descr, casting));
    }
    let out = alloc::new_like(arr, order, &descr, None, subok, false)?;
    if descr.dtype().subarray().is_some() {
        assign::broadcast_into_subarrays(&out, arr)?;
    } else if casting == Casting::SameValue {
        copy_same_value(&out, arr)?;
    } else {
        assign::transfer(py, &out.view(), &arr.view())?;
    }
    Ok(out)
}

fn copy_same_value(out: &Array<'_>, arr: &Array<'_>) -> PyResult<()> {
    let status = micronumpy::cast::copy_into_same_value(&out.view(), &arr.view()).py(arr.py())?;
    crate::objects::ufunc::report_fp_status(arr.py(), "cast", status)
}

/// `arr.view([dtype][, type])`
pub fn view<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("view(dtype=None, type=None)");
    let [mut descr, mut ty] = a.parse(&SIG)?;
    let arr = Array(slf.clone());
    if let Some(d) = descr.clone() {
        if is_array_type(&d) {
            if ty.is_some() {
                return Err(PyValueError::new_err("Cannot specify output type twice."));
            }
            ty = Some(d);
            descr = None;
        }
    }
    if let Some(t) = &ty {
        if !is_array_type(t) {
            return Err(PyValueError::new_err("Type must be a sub-type of ndarray type"));
        }
    }
    let descr = match descr.filter(|d| !d.is_none()) {
        Some(d) => Some(dtype::convert(&d)?),
        None => None,
    };
    let out = alloc::plain_view(&arr, ty.as_ref())?;
    let Some(descr) = descr else { return Ok(out.0) };
    if out.is_exact() {
        super::super::reinterpret(&out, &descr)?;
    } else {
        // Subclasses may watch their dtype change.
        out.0.setattr("dtype", descr.0)?;
    }
    Ok(out.0)
}

fn is_array_type(t: &Obj<'_>) -> bool {
    // SAFETY: ready types.
    t.is_instance_of::<PyType>()
        && unsafe { ffi::PyType_IsSubtype(t.as_ptr().cast(), super::super::ARRAY_TYPE.as_type()) != 0 }
}

/// `arr.fill(value)`
pub fn fill<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("fill(value, /)");
    let [value] = a.parse_c(&SIG)?;
    let py = slf.py();
    let arr = Array(slf.clone());
    assign::check_writeable(&arr, "assignment destination")?;
    if let Some(v) = value {
        // One element's worth: sequences are not taken apart, 0-d arrays are.
        match Array::cast(&v) {
            Some(src) if src.ndim() == 0 && !arr.dtype().num.is_object() => assign::assign_array(&arr, &src)?,
            _ => assign::assign_scalar(&arr, &v)?,
        }
    }
    Ok(py.None().into_bound(py))
}

/// `arr.byteswap(inplace=False)`
pub fn byteswap<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("byteswap(inplace=False)");
    let [inplace] = a.parse_c(&SIG)?;
    let arr = Array(slf.clone());
    if !args::truth(inplace.as_ref(), false)? {
        let out = copy_array(&arr, Order::Any)?;
        micronumpy::ops::fill::byteswap(&out.view());
        return Ok(out.0);
    }
    assign::check_writeable(&arr, "array to be byte-swapped")?;
    micronumpy::ops::fill::byteswap(&arr.view());
    Ok(slf.clone())
}

/// A view of a part of every element as another dtype (numpy's `PyArray_GetField`).
fn field_view<'py>(arr: &Array<'py>, descr: &Descr<'py>, offset: isize) -> PyResult<Array<'py>> {
    let py = arr.py();
    if arr.dtype().has_object() || descr.dtype().has_object() {
        cached(py, "numpy._core._internal", "_getfield_is_safe")?.call1((
            arr.descr().0,
            descr.0.clone(),
            offset,
        ))?;
    }
    if descr.itemsize() > arr.itemsize() {
        return Err(PyValueError::new_err("new type is larger than original type"));
    }
    if offset < 0 {
        return Err(PyValueError::new_err("offset is negative"));
    }
    if offset as usize > arr.itemsize() - descr.itemsize() {
        return Err(PyValueError::new_err("new type plus offset is larger than original type"));
    }
    // SAFETY: the part lies inside every element.
    unsafe { alloc::derived_view(arr, descr, arr.data().wrapping_offset(offset), arr.shape(), arr.strides()) }
}

fn offset_of(o: Option<Obj<'_>>) -> PyResult<isize> {
    o.map_or(Ok(0), |o| args::int32(&o))
}

/// `arr.getfield(dtype, offset=0)`
pub fn getfield<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("getfield(dtype, offset=0)");
    let [descr, offset] = a.parse_c(&SIG)?;
    let Some(descr) = descr else { return Err(PyTypeError::new_err("missing dtype")) };
    Ok(field_view(&Array(slf.clone()), &dtype::convert(&descr)?, offset_of(offset)?)?.0)
}

/// `arr.setfield(val, dtype, offset=0)`
pub fn setfield<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("setfield(value, dtype, offset=0)");
    let py = slf.py();
    let [value, descr, offset] = a.parse_c(&SIG)?;
    let (Some(value), Some(descr)) = (value, descr) else {
        return Err(PyTypeError::new_err("missing dtype"));
    };
    let arr = Array(slf.clone());
    let descr = dtype::convert(&descr)?;
    let offset = offset_of(offset)?;
    assign::check_writeable(&arr, "assignment destination")?;
    let view = field_view(&arr, &descr, offset)?;
    assign::assign(&view, &value)?;
    Ok(py.None().into_bound(py))
}
