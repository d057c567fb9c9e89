//! DLPack: arrays shared with other array libraries through a C struct in a capsule.

use std::ffi::{CStr, c_void};
use std::ptr::null_mut;

use micronumpy::{Dims, TypeNum};
use pyo3::exceptions::{PyBufferError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use pyo3::{IntoPyObjectExt, ffi, intern};

use crate::ffi::{Args, Sig};
use crate::objects::array::alloc::Make;
use crate::objects::array::args::{self, CopyMode};
use crate::objects::{Array, dtype};

#[repr(C)]
#[derive(Clone, Copy)]
struct DLDevice {
    device_type: i32,
    device_id: i32,
}
#[repr(C)]
#[derive(Clone, Copy)]
struct DLDataType {
    code: u8,
    bits: u8,
    lanes: u16,
}
#[repr(C)]
struct DLTensor {
    data: *mut c_void,
    device: DLDevice,
    ndim: i32,
    dtype: DLDataType,
    shape: *mut i64,
    strides: *mut i64,
    byte_offset: u64,
}
#[repr(C)]
struct DLManagedTensor {
    dl_tensor: DLTensor,
    manager_ctx: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut DLManagedTensor)>,
}
#[repr(C)]
struct DLManagedTensorVersioned {
    version: (u32, u32),
    manager_ctx: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut DLManagedTensorVersioned)>,
    flags: u64,
    dl_tensor: DLTensor,
}
const FLAG_READ_ONLY: u64 = 1;
const FLAG_IS_COPIED: u64 = 2;
const CPU: i32 = 1;
const ACCESSIBLE: [i32; 4] = [1, 3, 11, 13];

const NAME: &CStr = c"dltensor";
const USED: &CStr = c"used_dltensor";
const NAME_V: &CStr = c"dltensor_versioned";
const USED_V: &CStr = c"used_dltensor_versioned";

/// The array and the dims a tensor of ours points to.
struct Context {
    array: *mut ffi::PyObject,
    dims: Box<[i64]>,
}

unsafe fn drop_context(ctx: *mut c_void) {
    if ctx.is_null() {
        return;
    }
    // SAFETY: our context; consumers may call from any thread.
    unsafe {
        let ctx = Box::from_raw(ctx.cast::<Context>());
        if ffi::Py_IsInitialized() != 0 {
            let state = ffi::PyGILState_Ensure();
            ffi::Py_XDECREF(ctx.array);
            ffi::PyGILState_Release(state);
        }
    }
}
unsafe extern "C" fn delete(t: *mut DLManagedTensor) {
    // SAFETY: the consumer gives back a tensor made below.
    unsafe {
        let t = Box::from_raw(t);
        drop_context(t.manager_ctx);
    }
}
unsafe extern "C" fn delete_versioned(t: *mut DLManagedTensorVersioned) {
    // SAFETY: as above.
    unsafe {
        let t = Box::from_raw(t);
        drop_context(t.manager_ctx);
    }
}
unsafe extern "C" fn free_capsule(capsule: *mut ffi::PyObject) {
    // SAFETY: a capsule nobody consumed still owns its tensor.
    unsafe {
        if ffi::PyCapsule_IsValid(capsule, NAME.as_ptr()) != 0 {
            let t = ffi::PyCapsule_GetPointer(capsule, NAME.as_ptr()).cast::<DLManagedTensor>();
            if let Some(d) = (*t).deleter {
                d(t);
            }
        } else if ffi::PyCapsule_IsValid(capsule, NAME_V.as_ptr()) != 0 {
            let t = ffi::PyCapsule_GetPointer(capsule, NAME_V.as_ptr()).cast::<DLManagedTensorVersioned>();
            if let Some(d) = (*t).deleter {
                d(t);
            }
        }
    }
}

/// Device of an array: its own, or that of the tensor it came from.
fn device_of(arr: &Array<'_>) -> DLDevice {
    let py = arr.py();
    let mut cur = arr.clone();
    loop {
        // SAFETY: bases are live objects or null; capsules of these names hold tensors.
        unsafe {
            let base = (*cur.raw()).base;
            if base.is_null() {
                break;
            }
            if ffi::PyCapsule_CheckExact(base) != 0 {
                for versioned in [false, true] {
                    let name = if versioned { c"numpy_dltensor_versioned" } else { c"numpy_dltensor" };
                    if ffi::PyCapsule_IsValid(base, name.as_ptr()) != 0 {
                        let p = ffi::PyCapsule_GetPointer(base, name.as_ptr());
                        return if versioned {
                            (*p.cast::<DLManagedTensorVersioned>()).dl_tensor.device
                        } else {
                            (*p.cast::<DLManagedTensor>()).dl_tensor.device
                        };
                    }
                }
                break;
            }
            match Array::cast(&Bound::from_borrowed_ptr(py, base)) {
                Some(b) => cur = b,
                None => break,
            }
        }
    }
    DLDevice { device_type: CPU, device_id: 0 }
}

/// `arr.__dlpack_device__()`
pub fn dlpack_device<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let d = device_of(&Array(slf.clone()));
    (d.device_type, d.device_id).into_bound_py_any(slf.py())
}

/// `arr.__dlpack__(*, stream=None, max_version=None, dl_device=None, copy=None)`
pub fn dlpack<'py>(slf: &Bound<'py, PyAny>, args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    static SIG: Sig = Sig::new("__dlpack__(*, stream=None, max_version=None, dl_device=None, copy=None)");
    let [stream, max_version, dl_device, copy] = args.parse(&SIG)?;
    let mut arr = Array(slf.clone());
    if stream.is_some_and(|s| !s.is_none()) {
        return Err(PyRuntimeError::new_err("NumPy only supports stream=None."));
    }
    let mut major = 0;
    if let Some(v) = max_version.filter(|v| !v.is_none()) {
        let t = v
            .cast::<PyTuple>()
            .map_err(|_| PyTypeError::new_err("max_version must be None or a tuple with two elements."))?;
        if t.len() != 2 {
            return Err(PyTypeError::new_err("max_version must be None or a tuple with two elements."));
        }
        major = args::index(&t.get_item(0)?)?;
    }
    if let Some(d) = dl_device.filter(|v| !v.is_none()) {
        let t = d
            .cast::<PyTuple>()
            .map_err(|_| PyTypeError::new_err("dl_device must be None or a tuple with two elements."))?;
        if t.len() != 2 {
            return Err(PyTypeError::new_err("dl_device must be None or a tuple with two elements."));
        }
        let have = device_of(&arr);
        let want = (t.get_item(0)?.extract::<i64>()?, t.get_item(1)?.extract::<i64>()?);
        let same = want == (have.device_type.into(), have.device_id.into());
        if !same && want != (CPU.into(), 0) {
            return Err(PyBufferError::new_err("unsupported device requested"));
        }
    }
    let copy = args::copy_mode(copy.as_ref(), CopyMode::IfNeeded)?;
    let mut copied = false;
    if copy == CopyMode::Always {
        arr = crate::objects::array::methods::copy_array(&arr, micronumpy::Order::Keep)?;
        copied = true;
    }
    export(&arr, major >= 1, copied)
}

fn export<'py>(arr: &Array<'py>, versioned: bool, copied: bool) -> PyResult<Bound<'py, PyAny>> {
    let py = arr.py();
    let dt = arr.dtype();
    if !versioned && !(arr.is_writeable()) {
        return Err(PyBufferError::new_err(
            "Cannot export readonly array since signalling readonly is unsupported by DLPack (supported by newer \
             DLPack version).",
        ));
    }
    if dt.is_swapped() {
        return Err(PyBufferError::new_err("DLPack only supports native byte order."));
    }
    let code = match dt.num {
        TypeNum::BOOL => 6,
        n if n.is_signed() => 0,
        n if n.is_unsigned() => 1,
        TypeNum::LONGDOUBLE | TypeNum::CLONGDOUBLE => {
            return Err(PyBufferError::new_err(
                "DLPack only supports IEEE floating point types without padding (longdouble typically is not IEEE).",
            ));
        }
        n if n.is_float() => 2,
        n if n.is_complex() => 5,
        _ => {
            return Err(PyBufferError::new_err(
                "DLPack only supports signed/unsigned integers, float and complex dtypes.",
            ));
        }
    };
    let itemsize = dt.itemsize as isize;
    // Along an axis of length one nobody steps.
    let stepped = || arr.strides().iter().zip(arr.shape()).filter(|(_, n)| **n != 1);
    if arr.size() != 1 && stepped().any(|(s, _)| s % itemsize != 0) {
        return Err(PyBufferError::new_err("DLPack only supports strides which are a multiple of itemsize."));
    }
    let n = arr.ndim();
    let dims: Box<[i64]> = arr
        .shape()
        .iter()
        .map(|&d| d as i64)
        .chain(arr.strides().iter().map(|&s| (s / itemsize) as i64))
        .collect();
    let mut ctx = Box::new(Context { array: arr.0.clone().into_ptr(), dims });
    let shape = ctx.dims.as_mut_ptr();
    let tensor = DLTensor {
        data: arr.data().cast(),
        device: device_of(arr),
        ndim: n as i32,
        dtype: DLDataType { code, bits: (8 * dt.itemsize) as u8, lanes: 1 },
        shape: if n == 0 { null_mut() } else { shape },
        strides: if n == 0 { null_mut() } else { shape.wrapping_add(n) },
        byte_offset: 0,
    };
    let ctx = Box::into_raw(ctx).cast::<c_void>();
    // SAFETY: capsules own boxed tensors, freed by the functions above.
    unsafe {
        let capsule = if versioned {
            let flags =
                if arr.is_writeable() { 0 } else { FLAG_READ_ONLY } | if copied { FLAG_IS_COPIED } else { 0 };
            let t = Box::new(DLManagedTensorVersioned {
                version: (1, 0),
                manager_ctx: ctx,
                deleter: Some(delete_versioned),
                flags,
                dl_tensor: tensor,
            });
            ffi::PyCapsule_New(Box::into_raw(t).cast(), NAME_V.as_ptr(), Some(free_capsule))
        } else {
            let t = Box::new(DLManagedTensor { dl_tensor: tensor, manager_ctx: ctx, deleter: Some(delete) });
            ffi::PyCapsule_New(Box::into_raw(t).cast(), NAME.as_ptr(), Some(free_capsule))
        };
        crate::ffi::guard::owned(py, capsule)
    }
}

unsafe extern "C" fn free_imported(capsule: *mut ffi::PyObject) {
    // SAFETY: our capsule around a tensor taken over from another library.
    unsafe {
        let p = ffi::PyCapsule_GetPointer(capsule, c"numpy_dltensor".as_ptr()).cast::<DLManagedTensor>();
        if p.is_null() {
            ffi::PyErr_Clear();
        } else if let Some(d) = (*p).deleter {
            d(p);
        }
    }
}
unsafe extern "C" fn free_imported_versioned(capsule: *mut ffi::PyObject) {
    // SAFETY: as above.
    unsafe {
        let p = ffi::PyCapsule_GetPointer(capsule, c"numpy_dltensor_versioned".as_ptr())
            .cast::<DLManagedTensorVersioned>();
        if p.is_null() {
            ffi::PyErr_Clear();
        } else if let Some(d) = (*p).deleter {
            d(p);
        }
    }
}

/// `np.from_dlpack(x, /, *, device=None, copy=None)`
pub fn from_dlpack<'py>(module: &Bound<'py, PyAny>, args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    static SIG: Sig = Sig::new("from_dlpack(obj, /, *, device=None, copy=None)");
    let py = module.py();
    let [obj, device, copy] = args.parse(&SIG)?;
    let Some(obj) = obj else { return Err(PyTypeError::new_err("missing obj")) };
    let copy_mode = args::copy_mode(copy.as_ref(), CopyMode::IfNeeded)?;
    let kwargs = PyDict::new(py);
    if let Some(d) = device.filter(|d| !d.is_none()) {
        if args::text(&d).as_deref() != Some("cpu") {
            return Err(PyValueError::new_err(format!(
                "Device not understood. Only \"cpu\" is allowed, but received: {}",
                d.str()?
            )));
        }
        kwargs.set_item("dl_device", (1, 0))?;
    }
    kwargs.set_item(
        "copy",
        match copy_mode {
            CopyMode::IfNeeded => py.None(),
            m => (m == CopyMode::Always).into_py_any(py)?,
        },
    )?;
    kwargs.set_item("max_version", (1, 0))?;
    let name = intern!(py, "__dlpack__");
    let capsule = match obj.call_method(name, (), Some(&kwargs)) {
        Ok(c) => c,
        Err(e) if e.is_instance_of::<PyTypeError>(py) && copy_mode != CopyMode::Always => {
            // Older exporters know no keywords.
            if kwargs.contains("dl_device")? {
                return Err(e);
            }
            obj.call_method0(name)?
        }
        Err(e) => return Err(e),
    };
    // SAFETY: capsules of these names hold tensors; they are renamed when taken over.
    unsafe {
        let c = capsule.as_ptr();
        let versioned = ffi::PyCapsule_IsValid(c, NAME_V.as_ptr()) != 0;
        let name = if versioned { NAME_V } else { NAME };
        let p = ffi::PyCapsule_GetPointer(c, name.as_ptr());
        if p.is_null() {
            return Err(PyErr::fetch(py));
        }
        let (tensor, mut writeable) = if versioned {
            let t = p.cast::<DLManagedTensorVersioned>();
            if (*t).version.0 > 1 {
                return Err(PyBufferError::new_err(
                    "from_dlpack(): the exported DLPack major version is too high to be imported by this version of NumPy.",
                ));
            }
            (&(*t).dl_tensor, (*t).flags & FLAG_READ_ONLY == 0)
        } else {
            // Read-only cannot be told apart in the old layout.
            (&(*p.cast::<DLManagedTensor>()).dl_tensor, false)
        };
        let nd = tensor.ndim;
        if nd < 0 || nd as usize > micronumpy::array::MAXDIMS {
            return Err(PyRuntimeError::new_err(
                "maxdims of DLPack tensor is higher than the supported maxdims.",
            ));
        }
        if !ACCESSIBLE.contains(&tensor.device.device_type) {
            return Err(PyRuntimeError::new_err("Unsupported device in DLTensor."));
        }
        let d = tensor.dtype;
        if d.lanes != 1 {
            return Err(PyRuntimeError::new_err("Unsupported lanes in DLTensor dtype."));
        }
        let num = match (d.code, d.bits) {
            (6, 8) => TypeNum::BOOL,
            (0, 8) => TypeNum::BYTE,
            (0, 16) => TypeNum::SHORT,
            (0, 32) => TypeNum::INT,
            (0, 64) => TypeNum::LONG,
            (1, 8) => TypeNum::UBYTE,
            (1, 16) => TypeNum::USHORT,
            (1, 32) => TypeNum::UINT,
            (1, 64) => TypeNum::ULONG,
            (2, 16) => TypeNum::HALF,
            (2, 32) => TypeNum::FLOAT,
            (2, 64) => TypeNum::DOUBLE,
            (5, 64) => TypeNum::CFLOAT,
            (5, 128) => TypeNum::CDOUBLE,
            _ => return Err(PyRuntimeError::new_err("Unsupported dtype in DLTensor.")),
        };
        let n = nd as usize;
        let itemsize = num.size() as isize;
        let mut shape = Dims::new();
        let mut strides = Dims::new();
        for i in 0..n {
            shape.push(*tensor.shape.add(i) as isize);
            if !tensor.strides.is_null() {
                strides.push(*tensor.strides.add(i) as isize * itemsize);
            }
        }
        let data = tensor.data.cast::<u8>().wrapping_add(tensor.byte_offset as usize);
        if versioned && copy_mode == CopyMode::Always {
            writeable = true;
        }
        let (keep, destructor): (&CStr, unsafe extern "C" fn(*mut ffi::PyObject)) = if versioned {
            (c"numpy_dltensor_versioned", free_imported_versioned)
        } else {
            (c"numpy_dltensor", free_imported)
        };
        let base = crate::ffi::guard::owned(py, ffi::PyCapsule_New(p, keep.as_ptr(), Some(destructor)))?;
        // From here on the tensor is ours; the exporter's capsule must not free it.
        if ffi::PyCapsule_SetName(c, if versioned { USED_V } else { USED }.as_ptr()) < 0 {
            return Err(PyErr::fetch(py));
        }
        let descr = dtype::builtin(py, num);
        let data = if data.is_null() { std::ptr::dangling_mut() } else { data };
        let out = Make {
            data,
            strides: (!tensor.strides.is_null()).then_some(&strides[..]),
            writeable,
            base: Some(base),
            ..Make::new(&descr, &shape)
        }
        .build()?;
        Ok(out.0)
    }
}
