//! Flags of an array and `ndarray.flags`, the object that shows them.

use std::mem::{offset_of, size_of};
use std::ptr::null_mut;

use micronumpy::array::{is_aligned, is_c_contiguous, is_f_contiguous};
use pyo3::exceptions::{PyAttributeError, PyKeyError, PyValueError};
use pyo3::prelude::*;
use pyo3::{IntoPyObjectExt, ffi};

use crate::abi::*;
use crate::ffi::methods::{GETSET_END, GetSets};
use crate::ffi::types;
use crate::objects::Array;
use crate::{callfunc, getset, objobjargproc, unaryfunc};

pub static FLAGS_TYPE: StaticType = StaticType::zeroed();

/// `ndarray.flags`: a snapshot of the flags and the array to write changes through to.
#[repr(C)]
struct FlagsObject {
    head: ffi::PyObject,
    /// Null for flags of no array (scalars).
    arr: *mut ffi::PyObject,
    flags: i32,
}

const _: () = assert!(size_of::<FlagsObject>() == 32 && offset_of!(FlagsObject, flags) == 24);

/// Recompute contiguity and alignment from the geometry.
///
/// # Safety
/// `a` is a live array object with valid geometry.
#[inline]
pub unsafe fn update(a: *mut PyArrayObject) {
    // SAFETY: the caller's promise.
    unsafe {
        let nd = (*a).nd as usize;
        let (shape, strides): (&[isize], &[isize]) = if nd == 0 {
            (&[], &[])
        } else {
            (std::slice::from_raw_parts((*a).dimensions, nd), std::slice::from_raw_parts((*a).strides, nd))
        };
        let itemsize = (*(*a).descr).elsize as usize;
        let mut f = (*a).flags & !(NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_F_CONTIGUOUS | NPY_ARRAY_ALIGNED);
        if nd == 0 {
            f |= NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_F_CONTIGUOUS;
        } else if nd == 1 {
            if shape[0] <= 1 || strides[0] == itemsize as isize {
                f |= NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_F_CONTIGUOUS;
            }
        } else {
            if is_c_contiguous(shape, strides, itemsize) {
                f |= NPY_ARRAY_C_CONTIGUOUS;
            }
            if is_f_contiguous(shape, strides, itemsize) {
                f |= NPY_ARRAY_F_CONTIGUOUS;
            }
        }
        if is_aligned((*a).data, shape, strides, (*(*a).descr).alignment.max(1) as usize) {
            f |= NPY_ARRAY_ALIGNED;
        }
        (*a).flags = f;
    }
}

/// Whether all strides are multiples of the item size.
pub fn has_element_strides(arr: &Array<'_>) -> bool {
    match arr.itemsize() as isize {
        0 => true,
        size => arr.strides().iter().all(|st| st % size == 0),
    }
}

/// Set or clear flag bits of an array.
pub fn set(arr: &Array<'_>, bits: i32, on: bool) {
    // SAFETY: a handle holds a live array object.
    unsafe {
        if on {
            (*arr.raw()).flags |= bits;
        } else {
            (*arr.raw()).flags &= !bits;
        }
    }
}

/// Whether an array may be made writeable: its memory is its own, or one of its bases is writeable now. Owners further
/// down that were made read-only count as such.
fn may_be_writeable(arr: &Array<'_>) -> bool {
    // SAFETY: bases are live objects or null.
    let base_of = |a: &Array<'_>| unsafe { Bound::from_borrowed_ptr_or_opt(arr.py(), (*a.raw()).base) };
    let Some(mut base) = base_of(arr) else {
        // Memory of nobody: as it was made, by C code or by ourselves.
        return arr.has_flags(NPY_ARRAY_OWNDATA) || arr.is_writeable();
    };
    if arr.has_flags(NPY_ARRAY_OWNDATA) {
        return true;
    }
    while let Some(next) = Array::cast(&base) {
        if next.is_writeable() {
            return true;
        }
        match base_of(&next) {
            Some(below) if !next.has_flags(NPY_ARRAY_OWNDATA) => base = below,
            _ => return false,
        }
    }
    crate::protocols::buffer::is_writeable(&base)
}

/// `arr.flags.writeable = on`
pub fn set_writeable(arr: &Array<'_>, on: bool) -> PyResult<()> {
    if on && !may_be_writeable(arr) {
        return Err(PyValueError::new_err("cannot set WRITEABLE flag to True of this array"));
    }
    set(arr, NPY_ARRAY_WRITEABLE, on);
    set(arr, NPY_ARRAY_WARN_ON_WRITE, false);
    Ok(())
}

/// `arr.flags.aligned = on`
pub fn set_aligned(arr: &Array<'_>, on: bool) -> PyResult<()> {
    if !on {
        set(arr, NPY_ARRAY_ALIGNED, false);
    } else if arr.view().is_aligned() {
        set(arr, NPY_ARRAY_ALIGNED, true);
    } else {
        return Err(PyValueError::new_err("cannot set aligned flag of mis-aligned array to True"));
    }
    Ok(())
}

/// `arr.flags.writebackifcopy = on`
pub fn set_writeback(arr: &Array<'_>, on: bool) -> PyResult<()> {
    if on {
        return Err(PyValueError::new_err("cannot set WRITEBACKIFCOPY flag to True"));
    }
    super::writeback::discard(arr);
    Ok(())
}

/// `arr.setflags(write=None, align=None, uic=None)`
pub fn setflags<'py>(
    slf: &Bound<'py, PyAny>,
    args: crate::ffi::Args<'_, 'py>,
) -> PyResult<Bound<'py, PyAny>> {
    static SIG: crate::ffi::Sig = crate::ffi::Sig::new("setflags(write=None, align=None, uic=None)");
    let arr = Array(slf.clone());
    let [write, align, uic] = args.parse_c(&SIG)?;
    let before = arr.flags();
    if let Some(v) = align.filter(|v| !v.is_none()) {
        set_aligned(&arr, v.is_truthy()?)?;
    }
    if let Some(v) = uic.filter(|v| !v.is_none()) {
        if v.is_truthy()? {
            // SAFETY: live array.
            unsafe { (*arr.raw()).flags = before };
            return Err(PyValueError::new_err("cannot set WRITEBACKIFCOPY flag to True"));
        }
        set_writeback(&arr, false)?;
    }
    if let Some(v) = write.filter(|v| !v.is_none()) {
        if let Err(e) = set_writeable(&arr, v.is_truthy()?) {
            // SAFETY: live array.
            unsafe { (*arr.raw()).flags = before };
            return Err(e);
        }
    }
    Ok(slf.py().None().into_bound(slf.py()))
}

/// The flags object of an array.
pub fn of_array<'py>(arr: &Array<'py>) -> PyResult<Bound<'py, PyAny>> {
    new_object(arr.py(), Some(&arr.0), arr.flags())
}

/// The flags object of a scalar (numpy's fixed set, not connected to anything).
pub fn of_scalar<'py>(py: Python<'py>, flags: i32) -> PyResult<Bound<'py, PyAny>> {
    new_object(py, None, flags)
}

fn new_object<'py>(
    py: Python<'py>,
    arr: Option<&Bound<'py, PyAny>>,
    flags: i32,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: an object of our type with our fields.
    unsafe {
        let obj = ffi::PyType_GenericAlloc(FLAGS_TYPE.as_type(), 0);
        if obj.is_null() {
            return Err(PyErr::fetch(py));
        }
        let f = obj.cast::<FlagsObject>();
        (*f).arr = arr.map_or(null_mut(), |a| a.clone().into_ptr());
        (*f).flags = flags;
        Ok(Bound::from_owned_ptr(py, obj))
    }
}

fn fields(slf: &Bound<'_, PyAny>) -> *mut FlagsObject {
    slf.as_ptr().cast()
}
fn bits(slf: &Bound<'_, PyAny>) -> i32 {
    // SAFETY: methods of the type get its instances.
    unsafe { (*fields(slf)).flags }
}
fn array_of<'py>(slf: &Bound<'py, PyAny>) -> Option<Array<'py>> {
    // SAFETY: as above; `arr` is null or a live array.
    unsafe { Bound::from_borrowed_ptr_or_opt(slf.py(), (*fields(slf)).arr).map(Array) }
}

fn tp_new<'py>(
    cls: &Bound<'py, PyAny>,
    args: &Bound<'py, PyAny>,
    _kwargs: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let args = args.cast::<pyo3::types::PyTuple>()?;
    if args.len() > 1 {
        return Err(pyo3::exceptions::PyTypeError::new_err(format!(
            "flagsobj() takes at most 1 argument ({} given)",
            args.len()
        )));
    }
    match args.iter().next().and_then(|a| Array::cast(&a)) {
        Some(arr) => of_array(&arr),
        None => of_scalar(
            cls.py(),
            NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_F_CONTIGUOUS | NPY_ARRAY_OWNDATA | NPY_ARRAY_ALIGNED,
        ),
    }
}

unsafe extern "C" fn dealloc(obj: *mut ffi::PyObject) {
    // SAFETY: the last reference is gone.
    unsafe {
        ffi::Py_XDECREF((*obj.cast::<FlagsObject>()).arr);
        ffi::PyObject_Free(obj.cast());
    }
}

fn text<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let f = bits(slf);
    let word = |b: i32| if f & b == b { "True" } else { "False" };
    let warn = if f & NPY_ARRAY_WARN_ON_WRITE != 0 { "  (with WARN_ON_WRITE=True)" } else { "" };
    format!(
        "  C_CONTIGUOUS : {}\n  F_CONTIGUOUS : {}\n  OWNDATA : {}\n  WRITEABLE : {}{warn}\n  ALIGNED : {}\n  \
         WRITEBACKIFCOPY : {}\n",
        word(NPY_ARRAY_C_CONTIGUOUS),
        word(NPY_ARRAY_F_CONTIGUOUS),
        word(NPY_ARRAY_OWNDATA),
        word(NPY_ARRAY_WRITEABLE),
        word(NPY_ARRAY_ALIGNED),
        word(NPY_ARRAY_WRITEBACKIFCOPY),
    )
    .into_bound_py_any(slf.py())
}

unsafe extern "C" fn richcompare(
    a: *mut ffi::PyObject,
    b: *mut ffi::PyObject,
    op: std::ffi::c_int,
) -> *mut ffi::PyObject {
    crate::ffi::guard(|py| {
        // SAFETY: CPython passes live objects, the first (or reflected) of our type.
        unsafe {
            if ffi::Py_TYPE(b) != FLAGS_TYPE.as_type() || !(op == ffi::Py_EQ || op == ffi::Py_NE) {
                return Ok(py.NotImplemented().into_ptr());
            }
            let eq = (*a.cast::<FlagsObject>()).flags == (*b.cast::<FlagsObject>()).flags;
            (eq == (op == ffi::Py_EQ)).into_py_any(py).map(Py::into_ptr)
        }
    })
}

const FORC: i32 = NPY_ARRAY_F_CONTIGUOUS | NPY_ARRAY_C_CONTIGUOUS;

fn flag<'py>(slf: &Bound<'py, PyAny>, on: bool) -> PyResult<Bound<'py, PyAny>> {
    on.into_bound_py_any(slf.py())
}
fn has<'py>(slf: &Bound<'py, PyAny>, b: i32) -> PyResult<Bound<'py, PyAny>> {
    flag(slf, bits(slf) & b == b)
}
fn get_c<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    has(slf, NPY_ARRAY_C_CONTIGUOUS)
}
fn get_f<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    has(slf, NPY_ARRAY_F_CONTIGUOUS)
}
fn get_writeback<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    has(slf, NPY_ARRAY_WRITEBACKIFCOPY)
}
fn get_owndata<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    has(slf, NPY_ARRAY_OWNDATA)
}
fn get_aligned<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    has(slf, NPY_ARRAY_ALIGNED)
}
fn get_writeable<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if bits(slf) & NPY_ARRAY_WARN_ON_WRITE != 0 {
        let py = slf.py();
        PyErr::warn(
            py,
            &py.get_type::<pyo3::exceptions::PyFutureWarning>(),
            c"future versions will not create a writeable array from broadcast_array. Set the writable flag explicitly to \
              avoid this warning.",
            1,
        )?;
    }
    has(slf, NPY_ARRAY_WRITEABLE)
}
fn get_warn_on_write<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    has(slf, NPY_ARRAY_WARN_ON_WRITE)
}
fn get_fnc<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    flag(slf, bits(slf) & FORC == NPY_ARRAY_F_CONTIGUOUS)
}
fn get_forc<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    flag(slf, bits(slf) & FORC != 0)
}
fn get_behaved<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    has(slf, NPY_ARRAY_BEHAVED)
}
fn get_carray<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    has(slf, NPY_ARRAY_CARRAY)
}
fn get_farray<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    flag(slf, bits(slf) & NPY_ARRAY_FARRAY == NPY_ARRAY_FARRAY && bits(slf) & NPY_ARRAY_C_CONTIGUOUS == 0)
}
fn get_num<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    bits(slf).into_bound_py_any(slf.py())
}

/// Run a setter on the array behind and take the new flags over.
fn change(
    slf: &Bound<'_, PyAny>,
    value: Option<&Bound<'_, PyAny>>,
    name: &str,
    set: fn(&Array<'_>, bool) -> PyResult<()>,
) -> PyResult<()> {
    let Some(value) = value else {
        return Err(PyAttributeError::new_err(format!("Cannot delete flags {name} attribute")));
    };
    let Some(arr) = array_of(slf) else {
        return Err(PyValueError::new_err("Cannot set flags on array scalars."));
    };
    set(&arr, value.is_truthy()?)?;
    // SAFETY: an instance of our type.
    unsafe { (*fields(slf)).flags = arr.flags() };
    Ok(())
}
fn put_writeback(slf: &Bound<'_, PyAny>, value: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    change(slf, value, "writebackifcopy", set_writeback)
}
fn put_aligned(slf: &Bound<'_, PyAny>, value: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    change(slf, value, "aligned", set_aligned)
}
fn put_writeable(slf: &Bound<'_, PyAny>, value: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    change(slf, value, "writeable", set_writeable)
}
fn put_warn_on_write(slf: &Bound<'_, PyAny>, value: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    let Some(value) = value else {
        return Err(PyAttributeError::new_err("Cannot delete flags _warn_on_write attribute"));
    };
    let Some(arr) = array_of(slf) else {
        return Err(PyValueError::new_err("Cannot set flags on array scalars."));
    };
    if value.is_truthy()? {
        if !arr.is_writeable() {
            return Err(PyValueError::new_err("cannot set '_warn_on_write' flag when 'writable' is False"));
        }
        set(&arr, NPY_ARRAY_WARN_ON_WRITE, true);
        // SAFETY: an instance of our type.
        unsafe { (*fields(slf)).flags = arr.flags() };
        return Ok(());
    }
    Err(PyValueError::new_err("cannot clear '_warn_on_write', set writeable True to clear this private flag"))
}

fn getitem<'py>(slf: &Bound<'py, PyAny>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let unknown = || PyKeyError::new_err("Unknown flag");
    let name = match key.cast::<pyo3::types::PyBytes>() {
        Ok(b) => String::from_utf8_lossy(b.as_bytes()).into_owned(),
        Err(_) => key.extract::<String>().map_err(|_| unknown())?,
    };
    match name.as_str() {
        "C" | "CONTIGUOUS" | "C_CONTIGUOUS" => get_c(slf),
        "F" | "FORTRAN" | "F_CONTIGUOUS" => get_f(slf),
        "W" | "WRITEABLE" => get_writeable(slf),
        "B" | "BEHAVED" => get_behaved(slf),
        "O" | "OWNDATA" => get_owndata(slf),
        "A" | "ALIGNED" => get_aligned(slf),
        "X" | "WRITEBACKIFCOPY" => get_writeback(slf),
        "CA" | "CARRAY" => get_carray(slf),
        "FA" | "FARRAY" => get_farray(slf),
        "FNC" => get_fnc(slf),
        "FORC" => get_forc(slf),
        _ => Err(unknown()),
    }
}

fn setitem(slf: &Bound<'_, PyAny>, key: &Bound<'_, PyAny>, value: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    let name: String = key.extract().map_err(|_| PyKeyError::new_err("Unknown flag"))?;
    match name.as_str() {
        "W" | "WRITEABLE" => put_writeable(slf, value),
        "A" | "ALIGNED" => put_aligned(slf, value),
        "X" | "WRITEBACKIFCOPY" => put_writeback(slf, value),
        _ => Err(PyKeyError::new_err("Unknown flag")),
    }
}

static GETSETS: GetSets<17> = GetSets::new([
    getset!(c"contiguous", get_c),
    getset!(c"c_contiguous", get_c),
    getset!(c"f_contiguous", get_f),
    getset!(c"fortran", get_f),
    getset!(c"writebackifcopy", get_writeback, put_writeback),
    getset!(c"owndata", get_owndata),
    getset!(c"aligned", get_aligned, put_aligned),
    getset!(c"writeable", get_writeable, put_writeable),
    getset!(c"_writeable_no_warn", get_writeable),
    getset!(c"_warn_on_write", get_warn_on_write, put_warn_on_write),
    getset!(c"fnc", get_fnc),
    getset!(c"forc", get_forc),
    getset!(c"behaved", get_behaved),
    getset!(c"carray", get_carray),
    getset!(c"farray", get_farray),
    getset!(c"num", get_num),
    GETSET_END,
]);

struct Mapping(std::cell::UnsafeCell<ffi::PyMappingMethods>);
// SAFETY: filled during `init` with the GIL held, then read by CPython only.
unsafe impl Sync for Mapping {}
static MAPPING: Mapping = Mapping(std::cell::UnsafeCell::new(ffi::PyMappingMethods {
    mp_length: None,
    mp_subscript: None,
    mp_ass_subscript: None,
}));

/// Ready the type.
pub fn init(py: Python<'_>) -> PyResult<()> {
    // SAFETY: the type is not in use yet; the GIL is held.
    unsafe {
        let ty = FLAGS_TYPE.as_type();
        types::prepare(
            ty,
            c"numpy._core.multiarray.flagsobj",
            size_of::<FlagsObject>(),
            ffi::Py_TPFLAGS_IMMUTABLETYPE,
        );
        (*MAPPING.0.get()).mp_subscript = Some(crate::binaryfunc!(getitem));
        (*MAPPING.0.get()).mp_ass_subscript = Some(objobjargproc!(setitem));
        (*ty).tp_dealloc = Some(dealloc);
        (*ty).tp_repr = Some(unaryfunc!(text));
        (*ty).tp_str = Some(unaryfunc!(text));
        (*ty).tp_as_mapping = MAPPING.0.get();
        (*ty).tp_richcompare = Some(richcompare);
        (*ty).tp_hash = Some(ffi::PyObject_HashNotImplemented);
        (*ty).tp_getset = GETSETS.as_ptr();
        (*ty).tp_new = Some(callfunc!(new tp_new));
        types::ready(py, ty)
    }
}
