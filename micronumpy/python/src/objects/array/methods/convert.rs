//! Arrays to Python objects, bytes, files and text.

use micronumpy::{Order, TypeNum};
use pyo3::exceptions::{PyIndexError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};

use super::super::{alloc, args};
use crate::abi::*;
use crate::ffi::import::cached;
use crate::ffi::{Args, Sig};
use crate::objects::{Array, scalar};

type Obj<'py> = Bound<'py, PyAny>;

/// `repr(arr)`: written by the Python layer.
pub fn repr<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    cached(slf.py(), "numpy._core.arrayprint", "_default_array_repr")?.call1((slf,))
}

/// `str(arr)`
pub fn str<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    cached(slf.py(), "numpy._core.arrayprint", "_default_array_str")?.call1((slf,))
}

/// The element at `data` as a plain Python object; subarrays inside of it are views of the array.
pub(crate) fn item_at<'py>(arr: &Array<'py>, data: *const u8) -> PyResult<Obj<'py>> {
    // SAFETY: `data` is an element of the array.
    unsafe { scalar::value::get_value(arr.py(), arr.dtype(), data, Some(arr)) }
}

/// The address of the element a flat C-order index means.
pub fn flat_address(arr: &Array<'_>, mut index: usize) -> *mut u8 {
    let mut p = arr.data();
    for (&n, &s) in arr.shape().iter().zip(arr.strides()).rev() {
        let n = n as usize;
        p = p.wrapping_offset((index % n) as isize * s);
        index /= n;
    }
    p
}

/// `arr.item(*args)`
pub fn item<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    let arr = Array(slf.clone());
    if a.has_keywords() {
        return Err(PyTypeError::new_err("ndarray.item() takes no keyword arguments"));
    }
    let mut items: smallvec::SmallVec<[Obj<'py>; 6]> = a.positional().collect();
    if items.len() == 1 {
        if let Ok(t) = items[0].clone().cast::<PyTuple>() {
            items = t.iter().collect();
        }
    }
    let size = arr.size();
    if items.is_empty() {
        if size != 1 {
            return Err(PyValueError::new_err("can only convert an array of size 1 to a Python scalar"));
        }
        return item_at(&arr, arr.data());
    }
    if items.len() == 1 && arr.ndim() != 1 {
        let i = args::index(&items[0])?;
        let n = size as isize;
        let at = if i < 0 { i + n } else { i };
        if at < 0 || at >= n {
            return Err(PyIndexError::new_err(format!("index {i} is out of bounds for size {n}")));
        }
        return item_at(&arr, flat_address(&arr, at as usize));
    }
    if items.len() != arr.ndim() {
        return Err(PyValueError::new_err("incorrect number of indices for array"));
    }
    let mut p = arr.data();
    for (axis, o) in items.iter().enumerate() {
        let i = args::index(o)?;
        let n = arr.shape()[axis];
        let at = if i < 0 { i + n } else { i };
        if at < 0 || at >= n {
            return Err(PyIndexError::new_err(format!(
                "index {i} is out of bounds for axis {axis} with size {n}"
            )));
        }
        p = p.wrapping_offset(at * arr.strides()[axis]);
    }
    item_at(&arr, p)
}

/// `arr.tolist()`
pub fn tolist<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("(/)");
    let [] = a.parse_c(&SIG)?;
    let arr = Array(slf.clone());
    level(&arr, arr.data(), 0)
}

fn level<'py>(arr: &Array<'py>, data: *mut u8, depth: usize) -> PyResult<Obj<'py>> {
    let py = arr.py();
    if depth == arr.ndim() {
        return item_at(arr, data);
    }
    let (n, st) = (arr.shape()[depth], arr.strides()[depth]);
    // SAFETY: a new list whose slots are filled before anybody sees it (an unfinished list is released with null slots).
    unsafe {
        let list = ffi::PyList_New(n);
        if list.is_null() {
            return Err(PyErr::fetch(py));
        }
        let list = Bound::from_owned_ptr(py, list);
        if depth + 1 == arr.ndim() && fill_list(&list, arr.dtype(), data, n, st)? {
            return Ok(list);
        }
        for i in 0..n {
            let v = level(arr, data.wrapping_offset(i * st), depth + 1)?;
            ffi::PyList_SET_ITEM(list.as_ptr(), i, v.into_ptr());
        }
        Ok(list)
    }
}

/// Fill a new list with native numbers of the types most arrays have, without asking for each what it is; false for others.
///
/// # Safety
/// The list has `n` null slots; as many elements of the dtype are at `data`, `stride` bytes apart.
unsafe fn fill_list(
    list: &Obj<'_>,
    dt: &micronumpy::Dtype,
    data: *const u8,
    n: isize,
    stride: isize,
) -> PyResult<bool> {
    /// # Safety
    /// As for the function around it, with elements of type `T`.
    unsafe fn fill<T: Copy>(
        list: &Obj<'_>,
        (data, n, stride): (*const u8, isize, isize),
        make: impl Fn(T) -> *mut ffi::PyObject,
    ) -> PyResult<bool> {
        for i in 0..n {
            // SAFETY: an element, and a slot nobody has filled.
            unsafe {
                let item = make(data.offset(i * stride).cast::<T>().read_unaligned());
                if item.is_null() {
                    return Err(PyErr::fetch(list.py()));
                }
                ffi::PyList_SET_ITEM(list.as_ptr(), i, item);
            }
        }
        Ok(true)
    }
    if !dt.is_native() {
        return Ok(false);
    }
    let row = (data, n, stride);
    // SAFETY: handed on; the constructors give new references.
    unsafe {
        match dt.num {
            TypeNum::BOOL => fill(list, row, |x: u8| ffi::PyBool_FromLong((x != 0).into())),
            TypeNum::BYTE => fill(list, row, |x: i8| ffi::PyLong_FromLong(x.into())),
            TypeNum::UBYTE => fill(list, row, |x: u8| ffi::PyLong_FromLong(x.into())),
            TypeNum::SHORT => fill(list, row, |x: i16| ffi::PyLong_FromLong(x.into())),
            TypeNum::USHORT => fill(list, row, |x: u16| ffi::PyLong_FromLong(x.into())),
            TypeNum::INT => fill(list, row, |x: i32| ffi::PyLong_FromLong(x.into())),
            TypeNum::UINT => fill(list, row, |x: u32| ffi::PyLong_FromLongLong(x.into())),
            TypeNum::LONG | TypeNum::LONGLONG => fill(list, row, |x: i64| ffi::PyLong_FromLongLong(x)),
            TypeNum::ULONG | TypeNum::ULONGLONG => {
                fill(list, row, |x: u64| ffi::PyLong_FromUnsignedLongLong(x))
            }
            TypeNum::FLOAT => fill(list, row, |x: f32| ffi::PyFloat_FromDouble(x.into())),
            TypeNum::DOUBLE => fill(list, row, |x: f64| ffi::PyFloat_FromDouble(x)),
            TypeNum::CDOUBLE => fill(list, row, |[re, im]: [f64; 2]| ffi::PyComplex_FromDoubles(re, im)),
            _ => Ok(false),
        }
    }
}

/// The elements as bytes.
pub fn to_bytes<'py>(arr: &Array<'py>, order: Order) -> PyResult<Bound<'py, PyBytes>> {
    let py = arr.py();
    let fortran = match order {
        Order::F => true,
        Order::Any => alloc::is_fortran_only(arr),
        Order::Keep => return to_bytes_keep(arr),
        Order::C => false,
    };
    let nbytes = arr.size() * arr.itemsize();
    let ready = if fortran { NPY_ARRAY_F_CONTIGUOUS } else { NPY_ARRAY_C_CONTIGUOUS };
    if arr.has_flags(ready) {
        // SAFETY: a contiguous array of that many bytes.
        return Ok(PyBytes::new(py, unsafe { std::slice::from_raw_parts(arr.data(), nbytes) }));
    }
    PyBytes::new_with(py, nbytes, |out| {
        let st = micronumpy::array::contiguous_strides(arr.shape(), arr.itemsize(), fortran);
        // Objects are copied as the bytes they are: no references are taken.
        let raw = micronumpy::Dtype::void(arr.itemsize());
        // SAFETY: the fresh bytes in the array's shape; the array's elements as bytes.
        let (dst, src) = unsafe {
            (
                micronumpy::ArrayRef::new(out.as_mut_ptr(), arr.shape(), &st, &raw),
                micronumpy::ArrayRef::new(arr.data(), arr.shape(), arr.strides(), &raw),
            )
        };
        super::super::assign::transfer(py, &dst, &src)
    })
}

fn to_bytes_keep<'py>(arr: &Array<'py>) -> PyResult<Bound<'py, PyBytes>> {
    if arr.has_flags(NPY_ARRAY_C_CONTIGUOUS) || !arr.has_flags(NPY_ARRAY_F_CONTIGUOUS) {
        return to_bytes(arr, Order::C);
    }
    to_bytes(arr, Order::F)
}

/// `arr.tobytes(order='C')`
pub fn tobytes<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("tobytes(order='C')");
    let [order] = a.parse_c(&SIG)?;
    Ok(to_bytes(&Array(slf.clone()), args::order(order.as_ref(), Order::C)?)?.into_any())
}

/// `arr.tofile(fid, sep='', format='%s')`
pub fn tofile<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("tofile(file, sep='', format='')");
    let [file, sep, format] = a.parse_c(&SIG)?;
    let py = slf.py();
    let Some(file) = file else { return Err(PyTypeError::new_err("missing file")) };
    let text = |o: Option<Obj<'py>>| -> PyResult<String> {
        match o {
            None => Ok(String::new()),
            Some(o) => o.extract(),
        }
    };
    let (sep, format) = (text(sep)?, text(format)?);
    crate::modules::multiarray::io::to_file(&Array(slf.clone()), &file, &sep, &format)?;
    Ok(py.None().into_bound(py))
}

/// Every element as an item of one flat list.
pub fn flat_list<'py>(arr: &Array<'py>) -> PyResult<Bound<'py, PyList>> {
    let out = PyList::empty(arr.py());
    super::super::for_each_item(arr, |o| out.append(o))?;
    Ok(out)
}
