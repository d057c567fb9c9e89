//! The buffer protocol (PEP 3118): memory of other objects as arrays, and arrays as buffers.
//!
//! Upstream has no release function, so what a consumer was told (format, shape, strides) has to live as long as the
//! array: it hangs on the array object in a list, newest first, and is shared by consumers as long as the array looks the
//! same.

use std::ffi::{CStr, CString};
use std::ptr::null_mut;

use micronumpy::dtype::host::is_host_class;
use micronumpy::{Dims, Dtype, TypeNum};
use pyo3::exceptions::{PyRuntimeError, PyRuntimeWarning, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

use crate::abi::*;
use crate::ffi::import::cached;
use crate::objects::array::alloc::{self, Make};
use crate::objects::{Array, Descr, dtype};

/// One entry of the list that hangs on an array.
enum Info {
    /// What consumers were told.
    Export { format: Option<CString>, shape: Vec<isize>, strides: Vec<isize> },
    /// A buffer of another object that the array's memory is in: held so that it cannot be resized.
    Held(Box<ffi::Py_buffer>),
}

struct Node {
    info: Info,
    next: *mut Node,
}

/// What is in the lowest bits of the field of an array that points to its list. The field came late to the layout, so C code made for
/// an older numpy may keep something else of its own there.
const TAG: usize = 3;
const TAG_BITS: usize = 7;
const _: () = assert!(align_of::<Node>() > TAG_BITS);

fn tagged(node: *mut Node) -> *mut u8 {
    node.cast::<u8>().map_addr(|address| address | TAG)
}

/// The list behind the field, which may be null; nothing when something else is in the field.
fn untagged(field: *mut u8) -> Option<*mut Node> {
    let ours = field.is_null() || field.addr() & TAG_BITS == TAG;
    ours.then(|| field.map_addr(|address| address & !TAG_BITS).cast())
}

/// What numpy says of an object of this class with something else in the field.
fn corrupted(class: &Bound<'_, PyType>) -> PyErr {
    PyRuntimeError::new_err(format!(
        "Object of type {class} appears to be C subclassed NumPy array, void scalar, or allocated in a non-standard \
         way.NumPy reserves the right to change the size of these structures. Projects are required to take this into \
         account by either recompiling against a specific NumPy version or padding the struct and enforcing a maximum \
         NumPy version."
    ))
}

/// Whether buffers of an array or void scalar with this in its field may be given out.
///
/// # Errors
/// `RuntimeError` when something else than a list is in the field.
pub fn check_info(obj: &Bound<'_, PyAny>, field: *mut u8) -> PyResult<()> {
    if untagged(field).is_some() { Ok(()) } else { Err(corrupted(&obj.get_type())) }
}

/// Free the list of an array that is going away. What else is in the field is told of and left alone.
///
/// # Safety
/// `array` is an array without references whose `buffer_info` is not used again.
pub unsafe fn release_info(array: *mut PyArrayObject) {
    // SAFETY: a live array; nodes are boxes linked by this module.
    unsafe {
        let Some(mut at) = untagged((*array).buffer_info) else {
            crate::ffi::guard::cleanup(|py| {
                let class = ffi::Py_TYPE(array.cast()).cast::<ffi::PyObject>();
                let class = Bound::from_borrowed_ptr(py, class).cast_into::<PyType>()?;
                corrupted(&class).write_unraisable(py, None);
                Ok(0)
            });
            return;
        };
        while !at.is_null() {
            let node = Box::from_raw(at);
            at = node.next;
            if let Info::Held(mut view) = node.info {
                ffi::PyBuffer_Release(&mut *view);
            }
        }
    }
}

fn push(arr: &Array<'_>, info: Info) -> PyResult<*mut Node> {
    let a = arr.raw();
    // SAFETY: a live array; the list is touched with the GIL held.
    unsafe {
        let next = untagged((*a).buffer_info).ok_or_else(|| corrupted(&arr.0.get_type()))?;
        let node = Box::into_raw(Box::new(Node { info, next }));
        (*a).buffer_info = tagged(node);
        Ok(node)
    }
}

/// Contiguous memory of a bytes-like object.
pub struct Memory<'py> {
    pub data: *mut u8,
    pub len: usize,
    pub writeable: bool,
    /// The object whose memory it is.
    pub owner: Bound<'py, PyAny>,
    view: Option<Box<ffi::Py_buffer>>,
}

impl<'py> Memory<'py> {
    /// Writeable if possible.
    ///
    /// # Errors
    /// `TypeError`: `a bytes-like object is required, not 'int'`.
    pub fn of(obj: &Bound<'py, PyAny>) -> PyResult<Memory<'py>> {
        let py = obj.py();
        // SAFETY: a zeroed view filled by CPython; released when dropped or handed to an array.
        unsafe {
            let mut view: Box<ffi::Py_buffer> = Box::new(std::mem::zeroed());
            let want = ffi::PyBUF_ANY_CONTIGUOUS | ffi::PyBUF_SIMPLE;
            let mut writeable = true;
            if ffi::PyObject_GetBuffer(obj.as_ptr(), &mut *view, want | ffi::PyBUF_WRITABLE) != 0 {
                ffi::PyErr_Clear();
                writeable = false;
                if ffi::PyObject_GetBuffer(obj.as_ptr(), &mut *view, want) != 0 {
                    return Err(PyErr::fetch(py));
                }
            }
            // The memory behind a memoryview belongs to the object it looks at.
            let mut owner = obj.clone();
            if ffi::PyMemoryView_Check(obj.as_ptr()) != 0 {
                let base = obj.getattr("obj")?;
                if !base.is_none() {
                    owner = base;
                }
            }
            Ok(Memory {
                data: view.buf.cast(),
                len: view.len.max(0) as usize,
                writeable,
                owner,
                view: Some(view),
            })
        }
    }
    /// Keep the memory locked for as long as `arr` lives.
    ///
    /// # Errors
    /// As [`check_info`].
    pub fn hold_for(mut self, arr: &Array<'py>) -> PyResult<()> {
        // SAFETY: a live array.
        check_info(&arr.0, unsafe { (*arr.raw()).buffer_info })?;
        if let Some(view) = self.view.take() {
            push(arr, Info::Held(view))?;
        }
        Ok(())
    }
}

impl Drop for Memory<'_> {
    fn drop(&mut self) {
        if let Some(mut view) = self.view.take() {
            // SAFETY: filled by a successful PyObject_GetBuffer; the GIL is held.
            unsafe { ffi::PyBuffer_Release(&mut *view) };
        }
    }
}

/// Gives a view back at the end of a scope.
struct Release(ffi::Py_buffer);

impl Drop for Release {
    fn drop(&mut self) {
        // SAFETY: filled by a successful PyObject_GetBuffer; the GIL is held.
        unsafe { ffi::PyBuffer_Release(&mut self.0) };
    }
}

/// Whether an object gives out writeable memory.
pub fn is_writeable(obj: &Bound<'_, PyAny>) -> bool {
    // SAFETY: the view is released at once.
    unsafe {
        let mut view: ffi::Py_buffer = std::mem::zeroed();
        if ffi::PyObject_GetBuffer(obj.as_ptr(), &mut view, ffi::PyBUF_WRITABLE | ffi::PyBUF_SIMPLE) != 0 {
            ffi::PyErr_Clear();
            return false;
        }
        ffi::PyBuffer_Release(&mut view);
        true
    }
}

/// The dtype of a buffer format; one-letter formats need no parser.
fn descr_of_format<'py>(py: Python<'py>, format: &CStr) -> PyResult<Descr<'py>> {
    let plain = match format.to_bytes() {
        [c] | [b'@', c] => match *c {
            b'?' => Some(TypeNum::BOOL),
            b'b' => Some(TypeNum::BYTE),
            b'B' => Some(TypeNum::UBYTE),
            b'h' => Some(TypeNum::SHORT),
            b'H' => Some(TypeNum::USHORT),
            b'i' => Some(TypeNum::INT),
            b'I' => Some(TypeNum::UINT),
            b'l' => Some(TypeNum::LONG),
            b'L' => Some(TypeNum::ULONG),
            b'q' => Some(TypeNum::LONGLONG),
            b'Q' => Some(TypeNum::ULONGLONG),
            b'e' => Some(TypeNum::HALF),
            b'f' => Some(TypeNum::FLOAT),
            b'd' => Some(TypeNum::DOUBLE),
            b'g' => Some(TypeNum::LONGDOUBLE),
            _ => None,
        },
        _ => None,
    };
    if let Some(num) = plain {
        return Ok(dtype::builtin(py, num));
    }
    let text = PyString::new(py, &format.to_string_lossy());
    let parsed =
        cached(py, "numpy._core._internal", "_dtype_from_pep3118")?.call1((&text,)).map_err(|e| {
            let new = PyValueError::new_err(format!("'{text}' is not a valid PEP 3118 buffer format string"));
            new.set_cause(py, Some(e));
            new
        })?;
    Descr::cast(&parsed)
        .ok_or_else(|| PyRuntimeError::new_err("internal error: the format parser gave no dtype"))
}

/// An array on the memory of an object with a buffer; `None` if it has none.
pub fn array_from_buffer<'py>(obj: &Bound<'py, PyAny>) -> PyResult<Option<Array<'py>>> {
    let py = obj.py();
    // SAFETY: live objects; the view is valid while the memoryview lives, which the array keeps.
    unsafe {
        if ffi::PyObject_CheckBuffer(obj.as_ptr()) == 0 {
            return Ok(None);
        }
        let mv = ffi::PyMemoryView_FromObject(obj.as_ptr());
        if mv.is_null() {
            ffi::PyErr_Clear();
            return Ok(None);
        }
        let mv = Bound::from_owned_ptr(py, mv);
        // Told again by the memoryview itself; shape and strides stay valid with it.
        let mut told: ffi::Py_buffer = std::mem::zeroed();
        if ffi::PyObject_GetBuffer(mv.as_ptr(), &mut told, ffi::PyBUF_FULL_RO) != 0 {
            return Err(PyErr::fetch(py));
        }
        let release = Release(told);
        let view = &release.0;
        let mut descr = if view.format.is_null() {
            dtype::builtin(py, TypeNum::UBYTE)
        } else {
            descr_of_format(py, CStr::from_ptr(view.format))?
        };
        if view.itemsize != descr.itemsize() as isize {
            // ctypes lies about some of its types; its own types say the truth.
            let source = mv.getattr("obj")?;
            let is_ctypes = cached(py, "numpy._core._internal", "npy_ctypes_check")?
                .call1((source.get_type(),))?
                .is_truthy()?;
            if !is_ctypes {
                let format = if view.format.is_null() {
                    "B".into()
                } else {
                    CStr::from_ptr(view.format).to_string_lossy()
                };
                return Err(PyRuntimeError::new_err(format!(
                    "Item size {} for PEP 3118 buffer format string {format} does not match the dtype {} item size {}.",
                    view.itemsize,
                    descr.dtype().num.char().unwrap_or(b'V') as char,
                    descr.itemsize()
                )));
            }
            PyErr::warn(
                py,
                &py.get_type::<PyRuntimeWarning>(),
                c"A builtin ctypes object gave a PEP3118 format string that does not match its itemsize, so a \
                  best-guess will be made of the data type. Newer versions of python may behave correctly.",
                1,
            )?;
            descr = dtype::convert(source.get_type().as_any())?;
            if let Some((base, _)) = descr.dtype().subarray() {
                descr = dtype::descr_of(py, &base.clone())?;
            }
            if descr.itemsize() as isize != view.itemsize {
                descr = dtype::descr_of(py, &Dtype::void(view.itemsize as usize))?;
            }
        }
        let nd = view.ndim.max(0) as usize;
        if nd > micronumpy::array::MAXDIMS {
            return Err(PyRuntimeError::new_err(format!(
                "PEP3118 dimensions do not satisfy 0 <= ndim <= {}",
                micronumpy::array::MAXDIMS
            )));
        }
        let mut shape = Dims::new();
        if nd > 0 {
            if !view.shape.is_null() {
                shape.extend_from_slice(std::slice::from_raw_parts(view.shape, nd));
            } else if nd == 1 && view.itemsize > 0 {
                shape.push(view.len / view.itemsize);
            } else {
                return Err(PyRuntimeError::new_err("PEP3118 shape is missing"));
            }
        }
        let strides: Option<Dims> = (nd > 0 && !view.strides.is_null())
            .then(|| Dims::from_slice(std::slice::from_raw_parts(view.strides, nd)));
        if !view.suboffsets.is_null()
            && std::slice::from_raw_parts(view.suboffsets, nd).iter().any(|&o| o >= 0)
        {
            return Err(pyo3::exceptions::PyBufferError::new_err(
                "NumPy currently does not support importing buffers which include suboffsets as they are not compatible \
                 with the NumPymemory layout without a copy.  Consider copying the original before trying to convert it \
                 to a NumPy array.",
            ));
        }
        let data = if view.buf.is_null() { std::ptr::dangling_mut() } else { view.buf.cast() };
        let out = Make {
            data,
            strides: strides.as_deref(),
            writeable: view.readonly == 0,
            base: Some(mv.clone()),
            allow_empty_string: true,
            ..Make::new(&descr, &shape)
        }
        .build()?;
        Ok(Some(out))
    }
}

/// The format string of an array's elements.
struct FormatWriter<'a> {
    out: String,
    active: u8,
    offset: usize,
    arr: &'a Array<'a>,
}

impl FormatWriter<'_> {
    fn natively_aligned(&self, dt: &Dtype, top: bool) -> bool {
        if top {
            return self.arr.has_flags(NPY_ARRAY_ALIGNED);
        }
        let a = dt.align.max(1);
        dt.itemsize.is_multiple_of(a)
            && (self.arr.data() as usize).is_multiple_of(a)
            && std::iter::zip(self.arr.shape(), self.arr.strides())
                .all(|(&n, &s)| n <= 1 || s.unsigned_abs().is_multiple_of(a))
            && self.offset.is_multiple_of(a)
    }
    fn order(&mut self, c: u8) {
        if self.active != c {
            self.active = c;
            self.out.push(c as char);
        }
    }
    fn write(&mut self, descr: &Descr<'_>, top: bool) -> PyResult<()> {
        let dt = descr.dtype();
        if dt.subarray().is_some() {
            let (base, shape) = alloc::subarray_parts(descr)?;
            let parts: Vec<String> = shape.iter().map(isize::to_string).collect();
            self.out.push_str(&format!("({})", parts.join(",")));
            let start = self.offset;
            self.write(&base, false)?;
            // Elements after the first follow without being spelled out. As upstream's, they count as far as the first was.
            self.offset = start + (self.offset - start) * shape.iter().product::<isize>() as usize;
            return Ok(());
        }
        if dt.fields().is_some() {
            let start = self.offset;
            self.out.push_str("T{");
            let names = descr.0.getattr("names")?;
            let fields = descr.0.getattr("fields")?;
            for name in names.try_iter()? {
                let name = name?;
                let entry = fields.get_item(&name)?;
                let child = entry.get_item(0)?;
                let at = start + entry.get_item(1)?.extract::<usize>()?;
                if self.offset > at {
                    return Err(PyValueError::new_err(
                        "dtypes with overlapping or out-of-order fields are not representable as buffers. Consider \
                         reordering the fields.",
                    ));
                }
                while self.offset < at {
                    self.out.push('x');
                    self.offset += 1;
                }
                let Some(child) = Descr::cast(&child) else {
                    return Err(PyRuntimeError::new_err("field without descriptor"));
                };
                self.write(&child, false)?;
                let text: String = name.extract()?;
                if text.contains(':') {
                    return Err(PyValueError::new_err(
                        "':' is not an allowed character in buffer field names",
                    ));
                }
                self.out.push(':');
                self.out.push_str(&text);
                self.out.push(':');
            }
            // Padding at the end is not spelled out here; what follows the structure begins with it.
            self.out.push('}');
            return Ok(());
        }
        let native_only = matches!(dt.num, TypeNum::LONGDOUBLE | TypeNum::CLONGDOUBLE);
        let aligned = self.natively_aligned(dt, top);
        self.offset += dt.itemsize;
        let mut standard = false;
        if dt.byteorder == b'=' && aligned {
            self.order(b'@');
        } else if dt.byteorder == b'=' && native_only {
            self.order(b'^');
        } else if dt.byteorder != b'|' {
            standard = true;
            let c = if dt.byteorder == b'=' { b'=' } else { dt.byteorder };
            self.order(c);
            if native_only {
                return Err(PyValueError::new_err(format!(
                    "cannot expose native-only dtype '{}' in non-native byte order via the buffer interface",
                    dt.num.char().unwrap_or(b'?') as char
                )));
            }
        }
        let code = match dt.num {
            TypeNum::BOOL => "?",
            TypeNum::BYTE => "b",
            TypeNum::UBYTE => "B",
            TypeNum::SHORT => "h",
            TypeNum::USHORT => "H",
            TypeNum::INT => "i",
            TypeNum::UINT => "I",
            TypeNum::LONG if standard => "q",
            TypeNum::LONG => "l",
            TypeNum::ULONG if standard => "Q",
            TypeNum::ULONG => "L",
            TypeNum::LONGLONG => "q",
            TypeNum::ULONGLONG => "Q",
            TypeNum::HALF => "e",
            TypeNum::FLOAT => "f",
            TypeNum::DOUBLE => "d",
            TypeNum::LONGDOUBLE => "g",
            TypeNum::CFLOAT => "Zf",
            TypeNum::CDOUBLE => "Zd",
            TypeNum::CLONGDOUBLE => "Zg",
            TypeNum::OBJECT => "O",
            TypeNum::STRING => {
                self.out.push_str(&format!("{}s", dt.itemsize));
                return Ok(());
            }
            TypeNum::UNICODE => {
                self.out.push_str(&format!("{}w", dt.itemsize / 4));
                return Ok(());
            }
            TypeNum::VOID => {
                self.out.push_str(&format!("{}x", dt.itemsize));
                return Ok(());
            }
            _ => {
                let name = match dt.num.char() {
                    Some(c) if dt.num != TypeNum::VSTRING => (c as char).to_string(),
                    _ if is_host_class(dt.num) || dt.num == TypeNum::VSTRING => {
                        descr.0.get_type().fully_qualified_name()?.to_string()
                    }
                    _ => descr.0.repr()?.to_string(),
                };
                return Err(PyValueError::new_err(format!("cannot include dtype '{name}' in a buffer")));
            }
        };
        self.out.push_str(code);
        Ok(())
    }
}

fn format_of(arr: &Array<'_>) -> PyResult<CString> {
    let mut w = FormatWriter { out: String::new(), active: b'@', offset: 0, arr };
    w.write(&arr.descr(), true)?;
    CString::new(w.out).map_err(|_| PyValueError::new_err("embedded null character in field name"))
}

/// `bf_getbuffer`
pub unsafe extern "C" fn getbuffer(
    obj: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: std::ffi::c_int,
) -> std::ffi::c_int {
    crate::ffi::guard(|py| {
        // SAFETY: CPython passes a live array and a view to fill.
        unsafe {
            if view.is_null() {
                return Err(PyValueError::new_err("NULL view in getbuffer"));
            }
            (*view).obj = null_mut();
            let arr = Array(Bound::from_borrowed_ptr(py, obj));
            fill_view(&arr, &mut *view, flags)?;
            ffi::Py_INCREF(obj);
            (*view).obj = obj;
            Ok(0)
        }
    })
}

fn fill_view(arr: &Array<'_>, view: &mut ffi::Py_buffer, flags: i32) -> PyResult<()> {
    let c = arr.has_flags(NPY_ARRAY_C_CONTIGUOUS);
    let f = arr.has_flags(NPY_ARRAY_F_CONTIGUOUS);
    let wants = |bit: i32| flags & bit == bit;
    if wants(ffi::PyBUF_C_CONTIGUOUS) && !c {
        return Err(PyValueError::new_err("ndarray is not C-contiguous"));
    }
    if wants(ffi::PyBUF_F_CONTIGUOUS) && !f {
        return Err(PyValueError::new_err("ndarray is not Fortran contiguous"));
    }
    if wants(ffi::PyBUF_ANY_CONTIGUOUS) && !(c || f) {
        return Err(PyValueError::new_err("ndarray is not contiguous"));
    }
    if !wants(ffi::PyBUF_STRIDES) && wants(ffi::PyBUF_ND) && !c {
        return Err(PyValueError::new_err("ndarray is not C-contiguous"));
    }
    if !wants(ffi::PyBUF_STRIDES) && !wants(ffi::PyBUF_ANY_CONTIGUOUS) && !c {
        return Err(PyValueError::new_err("ndarray is not C-contiguous"));
    }
    if wants(ffi::PyBUF_WRITABLE) {
        crate::objects::array::assign::check_writeable(arr, "buffer source array")?;
    }
    let itemsize = arr.itemsize();
    let format = if wants(ffi::PyBUF_FORMAT) { Some(format_of(arr)?) } else { None };
    // Strides of contiguous arrays are told as they would be without dimensions of length one and zero.
    let contiguous = |fortran: bool| {
        let (mut strides, mut step) = (vec![0; arr.ndim()], itemsize as isize);
        let mut visit = |k: usize| {
            strides[k] = step;
            // Nothing lies behind an empty axis.
            step = step.saturating_mul(arr.shape()[k]);
        };
        if fortran {
            (0..arr.ndim()).for_each(&mut visit);
        } else {
            (0..arr.ndim()).rev().for_each(&mut visit);
        }
        strides
    };
    let strides = if c && !(wants(ffi::PyBUF_F_CONTIGUOUS) && f) {
        contiguous(false)
    } else if f {
        contiguous(true)
    } else {
        arr.strides().to_vec()
    };
    // SAFETY: a live array; nodes live as long as it.
    unsafe {
        let first = untagged((*arr.raw()).buffer_info).ok_or_else(|| corrupted(&arr.0.get_type()))?;
        let mut node = first;
        while let Some(n) = node.as_ref() {
            if let Info::Export { format: fm, shape: sh, strides: st } = &n.info {
                if *fm == format && sh[..] == *arr.shape() && *st == strides {
                    break;
                }
            }
            node = n.next;
        }
        if node.is_null() {
            node = push(arr, Info::Export { format, shape: arr.shape().to_vec(), strides })?;
        }
        let Info::Export { format, shape, strides } = &mut (*node).info else {
            return Err(PyRuntimeError::new_err("buffer information is broken"));
        };
        view.buf = arr.data().cast();
        view.itemsize = itemsize as isize;
        // Who asks for memory to write to has been warned by now.
        let warns = arr.flags() & NPY_ARRAY_WARN_ON_WRITE != 0;
        view.readonly = i32::from(!arr.is_writeable() || warns);
        view.internal = null_mut();
        view.suboffsets = null_mut();
        view.len = (arr.size() * itemsize) as isize;
        // Who asks for no shape sees one run of bytes.
        view.ndim = if wants(ffi::PyBUF_ND) { arr.ndim() as i32 } else { 0 };
        view.format = format.as_ref().map_or(null_mut(), |f| f.as_ptr().cast_mut());
        view.shape = if wants(ffi::PyBUF_ND) { shape.as_mut_ptr() } else { null_mut() };
        view.strides = if wants(ffi::PyBUF_STRIDES) { strides.as_mut_ptr() } else { null_mut() };
    }
    Ok(())
}
