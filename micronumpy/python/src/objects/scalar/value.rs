//! Scalar objects and the elements they hold: making one from memory, finding the memory of one.

use std::ptr::{copy_nonoverlapping, null_mut};

use micronumpy::dtype::SWAPPED;
use micronumpy::{Dtype, TypeNum};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple};
use pyo3::{ffi, intern};
use ufuncs::elem::{Complex, LongDouble, f16};

use super::types::{concrete, typenum_of_subclass};
use super::{time, void};
use crate::abi::*;
use crate::error::missing;
use crate::objects::dtype::{self, DtypeClass, builtin, descr_of, string};
use crate::objects::{Array, Descr, array};

/// The largest element with a fixed size.
pub const MAX_FIXED: usize = 32;

/// Room for any fixed-size element, aligned for all of them.
#[repr(C, align(16))]
#[derive(Clone, Copy)]
pub struct Cell(pub [u8; MAX_FIXED]);

impl Cell {
    pub const ZERO: Cell = Cell([0; MAX_FIXED]);

    pub fn ptr(&self) -> *const u8 {
        self.0.as_ptr()
    }
    pub fn ptr_mut(&mut self) -> *mut u8 {
        self.0.as_mut_ptr()
    }
    /// Copy an element in, in native byte order.
    ///
    /// # Safety
    /// `src` points to an element of type `num`, which has a fixed size.
    pub unsafe fn load(num: TypeNum, src: *const u8, swapped: bool) -> Cell {
        let mut cell = Cell::ZERO;
        let n = num.size().min(MAX_FIXED);
        // SAFETY: the caller's promise; the cell has room.
        unsafe { copy_nonoverlapping(src, cell.ptr_mut(), n) };
        if swapped {
            cell.swap(num);
        }
        cell
    }
    /// Change byte order.
    pub fn swap(&mut self, num: TypeNum) {
        let unit = num.real_part().size().max(1);
        for part in self.0[..num.size().min(MAX_FIXED)].chunks_exact_mut(unit) {
            part.reverse();
        }
    }
    /// The value as `T`, which must be what was stored.
    pub fn get<T: Copy>(&self) -> T {
        assert!(size_of::<T>() <= MAX_FIXED && align_of::<T>() <= 16);
        // SAFETY: in bounds and aligned; all element types accept any bytes.
        unsafe { self.ptr().cast::<T>().read() }
    }
    pub fn of<T: Copy>(value: T) -> Cell {
        assert!(size_of::<T>() <= MAX_FIXED && align_of::<T>() <= 16);
        let mut cell = Cell::ZERO;
        // SAFETY: in bounds and aligned.
        unsafe { cell.ptr_mut().cast::<T>().write(value) };
        cell
    }
}

/// The two bool scalars; they are the only ones.
static BOOLS: [StaticType<PyScalarObject<u8>>; 2] = [const { StaticType::zeroed() }; 2];

/// Prepare the bool scalars.
pub(super) fn init() {
    for (i, slot) in BOOLS.iter().enumerate() {
        // SAFETY: written once at start with the GIL held; one reference is never given back.
        unsafe {
            let obj = slot.get();
            ffi::Py_INCREF(obj.cast());
            (*obj.cast::<ffi::PyObject>()).ob_type = concrete(TypeNum::BOOL);
            (*obj).obval = i as u8;
        }
    }
}

/// `numpy.True_` or `numpy.False_`.
pub fn bool_scalar<'py>(py: Python<'py>, value: bool) -> Bound<'py, PyAny> {
    // SAFETY: the objects live as long as the process.
    unsafe { Bound::from_borrowed_ptr(py, BOOLS[value as usize].as_object()) }
}

/// Address of a bool scalar, for the C API table.
pub fn bool_object(value: bool) -> *mut ffi::PyObject {
    BOOLS[value as usize].as_object()
}

/// A scalar of `class` (a concrete type of a fixed-size number, or a class derived from it) with this value.
pub(crate) fn make<'py>(
    py: Python<'py>,
    class: *mut ffi::PyTypeObject,
    num: TypeNum,
    value: &Cell,
) -> PyResult<Bound<'py, PyAny>> {
    if num.is_bool() {
        return Ok(bool_scalar(py, value.0[0] != 0));
    }
    // SAFETY: a ready type whose instances have `num.size()` bytes behind the head.
    unsafe {
        let alloc = (*class).tp_alloc.unwrap_or(ffi::PyType_GenericAlloc);
        let obj = Bound::from_owned_ptr_or_err(py, alloc(class, 0))?;
        copy_nonoverlapping(value.ptr(), number_ptr(&obj), num.size());
        Ok(obj)
    }
}

/// A scalar of the type itself.
pub fn make_num<'py>(py: Python<'py>, num: TypeNum, value: &Cell) -> PyResult<Bound<'py, PyAny>> {
    make(py, concrete(num), num, value)
}

/// Where a number scalar keeps its value.
fn number_ptr(obj: &Bound<'_, PyAny>) -> *mut u8 {
    // SAFETY: in bounds of every number scalar. `float` and `complex` keep theirs at the same place.
    unsafe { obj.as_ptr().cast::<u8>().add(size_of::<ffi::PyObject>()) }
}

/// The value of a bool or number scalar of type `num`.
pub fn cell_of(obj: &Bound<'_, PyAny>, num: TypeNum) -> Cell {
    // SAFETY: the caller has looked up `num` from the object's class.
    unsafe { Cell::load(num, number_ptr(obj), false) }
}

/// Type number of a numpy scalar object.
pub fn typenum_of(obj: &Bound<'_, PyAny>) -> Option<TypeNum> {
    typenum_of_subclass(obj.get_type_ptr())
}

/// A datetime scalar.
pub(crate) fn make_time<'py>(
    py: Python<'py>,
    class: *mut ffi::PyTypeObject,
    ticks: i64,
    meta: micronumpy::dtype::DatetimeMeta,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: a ready type with this layout.
    unsafe {
        let alloc = (*class).tp_alloc.unwrap_or(ffi::PyType_GenericAlloc);
        let obj = Bound::from_owned_ptr_or_err(py, alloc(class, 0))?;
        let raw: *mut PyDatetimeScalarObject = obj.as_ptr().cast();
        (*raw).obval = ticks;
        (*raw).obmeta = PyArray_DatetimeMetaData { base: meta.unit, num: meta.num };
        Ok(obj)
    }
}

/// `bytes_` from bytes.
pub(crate) fn make_bytes<'py>(
    py: Python<'py>,
    class: *mut ffi::PyTypeObject,
    text: &[u8],
) -> PyResult<Bound<'py, PyAny>> {
    let args = PyTuple::new(py, [PyBytes::new(py, text)])?;
    // SAFETY: `bytes.__new__` for a class derived from it.
    unsafe {
        let new = ffi::PyBytes_Type.tp_new.ok_or_else(|| missing("bytes.__new__"))?;
        Bound::from_owned_ptr_or_err(py, new(class, args.as_ptr(), null_mut()))
    }
}

/// `str_` from a Python string.
pub(crate) fn make_str<'py>(
    py: Python<'py>,
    class: *mut ffi::PyTypeObject,
    text: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let args = PyTuple::new(py, [text])?;
    // SAFETY: `str.__new__` for a class derived from it.
    unsafe {
        let new = ffi::PyUnicode_Type.tp_new.ok_or_else(|| missing("str.__new__"))?;
        Bound::from_owned_ptr_or_err(py, new(class, args.as_ptr(), null_mut()))
    }
}

/// Bytes without trailing NULs.
pub fn trim_nul(text: &[u8]) -> &[u8] {
    let n = text.iter().rposition(|&c| c != 0).map_or(0, |i| i + 1);
    &text[..n]
}

/// The string of UCS4 characters at `data`, without trailing NULs.
///
/// # Safety
/// `itemsize` bytes are readable.
pub unsafe fn read_ucs4<'py>(
    py: Python<'py>,
    data: *const u8,
    itemsize: usize,
    swapped: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let mut chars: Vec<u32> = vec![0; itemsize / 4];
    // SAFETY: the caller's promise; the vector has room.
    unsafe { copy_nonoverlapping(data, chars.as_mut_ptr().cast(), itemsize / 4 * 4) };
    if swapped {
        chars.iter_mut().for_each(|c| *c = c.swap_bytes());
    }
    let n = chars.iter().rposition(|&c| c != 0).map_or(0, |i| i + 1);
    // CPython makes such strings, if only of more than one character, and then reads outside of its tables.
    if chars[..n].iter().any(|&c| c > 0x10ffff) {
        let text = "invalid maximum character passed to PyUnicode_New";
        return Err(pyo3::exceptions::PySystemError::new_err(text));
    }
    // SAFETY: valid code points.
    unsafe {
        let kind = ffi::PyUnicode_4BYTE_KIND as i32;
        Bound::from_owned_ptr_or_err(
            py,
            ffi::PyUnicode_FromKindAndData(kind, chars.as_ptr().cast(), n as isize),
        )
    }
}

/// The characters of a Python string as UCS4.
pub fn ucs4_of(text: &Bound<'_, PyAny>) -> PyResult<Vec<u32>> {
    let text = text.cast::<PyString>()?;
    let mut chars = vec![0u32; text.len()?];
    // SAFETY: the buffer has room for all characters; no NUL is appended.
    let ok = unsafe { ffi::PyUnicode_AsUCS4(text.as_ptr(), chars.as_mut_ptr(), chars.len() as isize, 0) };
    if ok.is_null() {
        return Err(PyErr::fetch(text.py()));
    }
    Ok(chars)
}

/// The numpy scalar of the element at `data` (numpy's `PyArray_Scalar`): a copy, except for structured void scalars, which
/// are views that keep `base` alive. Object elements give the object itself. Bytes may be unaligned and swapped.
///
/// # Safety
/// `data` points to one element of `descr`.
pub unsafe fn to_scalar<'py>(
    descr: &Descr<'py>,
    data: *const u8,
    base: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = descr.py();
    // SAFETY: a live descriptor.
    let (num, elsize, swapped) = unsafe {
        let d = &*descr.raw();
        (TypeNum(d.type_num), d.elsize.max(0) as usize, d.byteorder == SWAPPED)
    };
    // SAFETY: the caller's promise covers all reads.
    unsafe {
        if num.is_bool() || num.is_number() {
            return make_num(py, num, &Cell::load(num, data, swapped));
        }
        let class = concrete(num);
        match num {
            TypeNum::OBJECT => get_object(py, data),
            TypeNum::STRING => make_bytes(py, class, trim_nul(std::slice::from_raw_parts(data, elsize))),
            TypeNum::UNICODE => make_str(py, class, &read_ucs4(py, data, elsize, swapped)?),
            TypeNum::DATETIME | TypeNum::TIMEDELTA => {
                let ticks = Cell::load(num, data, swapped).get();
                make_time(py, class, ticks, descr.dtype().datetime_meta().unwrap_or(time::GENERIC))
            }
            TypeNum::VOID => void::from_element(descr, data, base),
            _ => get_item(descr, data),
        }
    }
}

/// # Safety
/// `data` points to an object slot.
unsafe fn get_object<'py>(py: Python<'py>, data: *const u8) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the caller's promise; empty slots read as None.
    unsafe {
        let obj = data.cast::<*mut ffi::PyObject>().read_unaligned();
        Ok(Bound::from_borrowed_ptr_or_opt(py, obj).unwrap_or_else(|| py.None().into_bound(py)))
    }
}

/// The plain Python object of the element at `data` (`item()`).
///
/// # Safety
/// `data` points to one element of `descr`.
pub unsafe fn get_item<'py>(descr: &Descr<'py>, data: *const u8) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the caller's promise.
    unsafe { get_value(descr.py(), descr.dtype(), data, None) }
}

/// The same by dtype. What is an array itself (a subarray inside a structure) is a view of `owner`, the array that the
/// element belongs to, or else a copy.
///
/// # Safety
/// `data` points to one element of `dt`, of which `owner` keeps the memory alive.
pub unsafe fn get_value<'py>(
    py: Python<'py>,
    dt: &Dtype,
    data: *const u8,
    owner: Option<&Array<'py>>,
) -> PyResult<Bound<'py, PyAny>> {
    let (num, swapped) = (dt.num, dt.byteorder == SWAPPED);
    // SAFETY: the caller's promise covers all reads.
    unsafe {
        if num.is_bool() || num.is_number() {
            return python_number(py, num, &Cell::load(num, data, swapped));
        }
        match num {
            TypeNum::OBJECT => get_object(py, data),
            TypeNum::STRING => {
                Ok(PyBytes::new(py, trim_nul(std::slice::from_raw_parts(data, dt.itemsize))).into_any())
            }
            TypeNum::UNICODE => read_ucs4(py, data, dt.itemsize, swapped),
            TypeNum::DATETIME | TypeNum::TIMEDELTA => {
                let ticks: i64 = Cell::load(num, data, swapped).get();
                time::to_python(py, num, ticks, dt.datetime_meta().unwrap_or(time::GENERIC))
            }
            TypeNum::VOID => void::get_value(py, dt, data, owner),
            TypeNum::VSTRING => match dt.as_strings() {
                Some(strings) => string::get(py, strings, data),
                None => Err(missing("a string dtype without an instance")),
            },
            _ if num.is_user() => {
                let descr = descr_of(py, dt)?;
                DtypeClass::of(&descr).getitem(&descr, data)
            }
            _ => Err(missing("reading elements of this dtype")),
        }
    }
}

/// A number as Python's own; `long double` has no Python type and stays what it is.
pub fn python_number<'py>(py: Python<'py>, num: TypeNum, v: &Cell) -> PyResult<Bound<'py, PyAny>> {
    macro_rules! int {
        ($t:ty) => {
            Ok(v.get::<$t>().into_pyobject(py)?.into_any())
        };
    }
    let complex = |re, im| Ok(pyo3::types::PyComplex::from_doubles(py, re, im).into_any());
    match num {
        TypeNum::BOOL => Ok(pyo3::types::PyBool::new(py, v.0[0] != 0).to_owned().into_any()),
        TypeNum::BYTE => int!(i8),
        TypeNum::UBYTE => int!(u8),
        TypeNum::SHORT => int!(i16),
        TypeNum::USHORT => int!(u16),
        TypeNum::INT => int!(i32),
        TypeNum::UINT => int!(u32),
        TypeNum::LONG | TypeNum::LONGLONG => int!(i64),
        TypeNum::ULONG | TypeNum::ULONGLONG => int!(u64),
        TypeNum::HALF | TypeNum::FLOAT | TypeNum::DOUBLE => {
            Ok(pyo3::types::PyFloat::new(py, to_f64(num, v)).into_any())
        }
        TypeNum::CFLOAT => {
            let c: Complex<f32> = v.get();
            complex(c.re.into(), c.im.into())
        }
        TypeNum::CDOUBLE => {
            let c: Complex<f64> = v.get();
            complex(c.re, c.im)
        }
        _ => make_num(py, num, v),
    }
}

/// The real part of a number as a double.
pub fn to_f64(num: TypeNum, v: &Cell) -> f64 {
    match num {
        TypeNum::BOOL | TypeNum::UBYTE => v.get::<u8>().into(),
        TypeNum::BYTE => v.get::<i8>().into(),
        TypeNum::SHORT => v.get::<i16>().into(),
        TypeNum::USHORT => v.get::<u16>().into(),
        TypeNum::INT => v.get::<i32>().into(),
        TypeNum::UINT => v.get::<u32>().into(),
        TypeNum::LONG | TypeNum::LONGLONG => v.get::<i64>() as f64,
        TypeNum::ULONG | TypeNum::ULONGLONG => v.get::<u64>() as f64,
        TypeNum::HALF => ufuncs::elem::float16::to_f64(v.get::<f16>()),
        TypeNum::FLOAT | TypeNum::CFLOAT => v.get::<f32>().into(),
        TypeNum::LONGDOUBLE | TypeNum::CLONGDOUBLE => v.get::<LongDouble>().to_f64(),
        _ => v.get::<f64>(),
    }
}

/// The descriptor of strings of `n` characters, unless its item size would be more than numpy can say.
pub fn string_descr<'py>(py: Python<'py>, num: TypeNum, n: usize) -> PyResult<Descr<'py>> {
    let width = if num == TypeNum::UNICODE { 4 } else { 1 };
    if n > i32::MAX as usize / width {
        return Err(PyTypeError::new_err("string too large to store inside array."));
    }
    descr_of(py, &Dtype { itemsize: width * n, ..Dtype::builtin(num) })
}

/// The descriptor of a numpy scalar object.
pub fn descr_of_numpy_scalar<'py>(obj: &Bound<'py, PyAny>) -> PyResult<Option<Descr<'py>>> {
    let py = obj.py();
    let Some(num) = typenum_of(obj) else {
        // Scalars of user types: their class is registered.
        return Ok(super::is_generic(obj)
            .then(|| dtype::user::descr_of_class(py, obj.get_type_ptr()))
            .flatten());
    };
    // SAFETY: layouts follow from the type number.
    Ok(Some(unsafe {
        match num {
            TypeNum::STRING => string_descr(py, num, ffi::PyBytes_Size(obj.as_ptr()).max(0) as usize)?,
            TypeNum::UNICODE => {
                string_descr(py, num, ffi::PyUnicode_GetLength(obj.as_ptr()).max(0) as usize)?
            }
            TypeNum::DATETIME | TypeNum::TIMEDELTA => {
                let raw: *const PyDatetimeScalarObject = obj.as_ptr().cast();
                let meta =
                    micronumpy::dtype::DatetimeMeta { unit: (*raw).obmeta.base, num: (*raw).obmeta.num };
                descr_of(py, &Dtype::datetime(num, meta))?
            }
            TypeNum::VOID => {
                let raw: *const PyVoidScalarObject = obj.as_ptr().cast();
                Descr(Bound::from_borrowed_ptr(py, (*raw).descr.cast()))
            }
            num => builtin(py, num),
        }
    }))
}

/// The descriptor of a scalar: exact dtype of numpy scalars; of Python bool/int/float/complex/str/bytes/datetime
/// objects the dtype discovery gives (ints: int64, uint64 or object by value); `None` if `obj` is no known scalar.
pub fn descr_of_scalar<'py>(obj: &Bound<'py, PyAny>) -> PyResult<Option<Descr<'py>>> {
    let py = obj.py();
    if let Some(descr) = descr_of_numpy_scalar(obj)? {
        return Ok(Some(descr));
    }
    // SAFETY: type checks on live objects.
    unsafe {
        let p = obj.as_ptr();
        if ffi::PyBool_Check(p) != 0 {
            return Ok(Some(builtin(py, TypeNum::BOOL)));
        }
        if ffi::PyLong_Check(p) != 0 {
            let num = if obj.extract::<i64>().is_ok() {
                TypeNum::LONG
            } else if obj.extract::<u64>().is_ok() {
                TypeNum::ULONGLONG
            } else {
                TypeNum::OBJECT
            };
            return Ok(Some(builtin(py, num)));
        }
        if ffi::PyFloat_Check(p) != 0 {
            return Ok(Some(builtin(py, TypeNum::DOUBLE)));
        }
        if ffi::PyComplex_Check(p) != 0 {
            return Ok(Some(builtin(py, TypeNum::CDOUBLE)));
        }
        if ffi::PyUnicode_Check(p) != 0 {
            let n = ffi::PyUnicode_GetLength(p).max(0) as usize;
            return string_descr(py, TypeNum::UNICODE, n).map(Some);
        }
        if ffi::PyBytes_Check(p) != 0 {
            let n = ffi::PyBytes_Size(p).max(0) as usize;
            return string_descr(py, TypeNum::STRING, n).map(Some);
        }
    }
    time::descr_of_python(obj)
}

/// A fresh 0-d array holding the value of a numpy scalar.
pub fn to_array<'py>(obj: &Bound<'py, PyAny>) -> PyResult<Array<'py>> {
    let descr = descr_of_numpy_scalar(obj)?.ok_or_else(|| PyTypeError::new_err("not a numpy scalar"))?;
    let arr = array::new(&descr, &[], micronumpy::Order::C, true)?;
    // SAFETY: a fresh array of one element of this type.
    unsafe { store_numpy_scalar(&descr, arr.data(), obj)? };
    Ok(arr)
}

/// Store a numpy scalar as an element of its own type.
///
/// # Safety
/// `data` is a zeroed or initialised element of `descr`, which is the scalar's descriptor.
pub unsafe fn store_numpy_scalar<'py>(
    descr: &Descr<'py>,
    data: *mut u8,
    obj: &Bound<'py, PyAny>,
) -> PyResult<()> {
    let Some(num) = typenum_of(obj) else {
        // SAFETY: the caller's promise.
        return unsafe { DtypeClass::of(descr).setitem(descr, data, obj) };
    };
    // SAFETY: the caller's promise; sizes follow from the descriptor.
    unsafe {
        match num {
            TypeNum::STRING => {
                let n = descr.itemsize().min(ffi::PyBytes_Size(obj.as_ptr()).max(0) as usize);
                copy_nonoverlapping(ffi::PyBytes_AsString(obj.as_ptr()).cast(), data, n);
            }
            TypeNum::UNICODE => {
                let chars = ucs4_of(obj)?;
                copy_nonoverlapping(chars.as_ptr().cast(), data, descr.itemsize().min(4 * chars.len()));
            }
            TypeNum::DATETIME | TypeNum::TIMEDELTA => {
                let raw: *const PyDatetimeScalarObject = obj.as_ptr().cast();
                data.cast::<i64>().write_unaligned((*raw).obval);
            }
            TypeNum::VOID => void::store(descr, data, obj)?,
            TypeNum::OBJECT => {
                let raw: *const PyObjectScalarObject = obj.as_ptr().cast();
                super::set::store_object(data, &Bound::from_borrowed_ptr(obj.py(), (*raw).obval));
            }
            num => copy_nonoverlapping(number_ptr(obj), data, num.size()),
        }
    }
    Ok(())
}

/// `numpy.float64` and so on: the type named by a module attribute; for text.
pub fn class_name(obj: &Bound<'_, PyAny>) -> PyResult<String> {
    Ok(dtype::lossy(&obj.get_type().getattr(intern!(obj.py(), "__name__"))?))
}
