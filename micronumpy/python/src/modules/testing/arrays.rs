//! Arrays as C extensions use them: write-back copies, foreign memory, buffers, items by sequence calls.

use std::mem::{align_of, size_of};

use micronumpy::TypeNum;
use pyo3::exceptions::{PyIndexError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::ffi as pyffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyComplex, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::abi::*;
use crate::fastcall;
use crate::ffi::Args;
use crate::ffi::args::Sig;
use crate::ffi::guard::{owned, status};
use crate::ffi::methods::{END, Methods};
use crate::objects::array::alloc::Make;
use crate::objects::array::args::{index, int_tuple};
use crate::objects::array::writeback;
use crate::objects::scalar::value::typenum_of;
use crate::objects::{Array, array, dtype};
use crate::{noargs, onearg};

type Obj<'py> = Bound<'py, PyAny>;

pub static FUNCTIONS: Methods<21> = Methods::new([
    fastcall!(c"argparse_example_function", argparse_example),
    fastcall!(c"threaded_argparse_example_function", threaded_argparse_example),
    onearg!(c"IsPythonScalar", is_python_scalar),
    onearg!(c"fromstring_null_term_c_api", fromstring),
    onearg!(c"incref_elide", incref_elide),
    onearg!(c"incref_elide_l", incref_elide_list),
    noargs!(c"npy_char_deprecation", char_type),
    onearg!(c"npy_create_writebackifcopy", create_writeback),
    onearg!(c"npy_abuse_writebackifcopy", abuse_writeback),
    onearg!(c"npy_resolve", resolve),
    onearg!(c"npy_discard", discard),
    onearg!(c"npy_ensurenocopy", ensure_no_copy),
    fastcall!(c"get_buffer_info", buffer_info),
    onearg!(c"get_c_wrapping_array", c_wrapping_array),
    onearg!(c"corrupt_or_fix_bufferinfo", toggle_buffer_info),
    fastcall!(c"identityhash_tester", identity_hash),
    fastcall!(c"array_indexing", array_indexing),
    fastcall!(c"test_as_c_array", as_c_array),
    noargs!(c"get_struct_alignments", struct_alignments),
    onearg!(c"npy_import_entry_point", import_entry_point),
    END,
]);

fn none<'py>(py: Python<'py>) -> Obj<'py> {
    py.None().into_bound(py)
}

fn boolean<'py>(py: Python<'py>, b: bool) -> PyResult<Obj<'py>> {
    Ok(b.into_pyobject(py)?.to_owned().into_any())
}

fn required<'py>(arg: Option<Obj<'py>>) -> PyResult<Obj<'py>> {
    arg.ok_or_else(|| PyTypeError::new_err("missing argument"))
}

fn c_int(obj: &Obj<'_>) -> PyResult<()> {
    if obj.is_instance_of::<PyFloat>() {
        return Err(PyTypeError::new_err("integer argument expected, got float"));
    }
    obj.extract::<i32>().map(|_| ())
}

fn argparse_example<'py>(_: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("func(arg1, /, arg2, arg3=None)");
    // What is given by position is converted before anybody asks what is missing.
    if let Some(arg1) = args.get(0) {
        c_int(&arg1)?;
    }
    let [_, _, _] = args.parse(&SIG)?;
    Ok(none(args.py))
}

fn threaded_argparse_example<'py>(_: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("thread_func(*, arg1, arg2)");
    let [arg1, _] = args.parse(&SIG)?;
    c_int(&required(arg1)?)?;
    Ok(none(args.py))
}

fn is_python_scalar<'py>(_: &Obj<'py>, obj: &Obj<'py>) -> PyResult<Obj<'py>> {
    let yes = obj.is_instance_of::<PyBool>()
        || obj.is_instance_of::<PyInt>()
        || obj.is_instance_of::<PyFloat>()
        || obj.is_instance_of::<PyComplex>()
        || obj.is_instance_of::<PyString>()
        || obj.is_instance_of::<PyBytes>();
    boolean(obj.py(), yes)
}

fn fromstring<'py>(_: &Obj<'py>, text: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = text.py();
    let f = crate::ffi::import::cached(py, "numpy._core._multiarray_umath", "fromstring")?;
    f.call1((text, dtype::builtin(py, TypeNum::DOUBLE).0, -1, " "))
}

/// `a + a` on a temporary whose only reference is ours, as careless C code does.
fn incref_elide<'py>(_: &Obj<'py>, arr: &Obj<'py>) -> PyResult<Obj<'py>> {
    let copy = arr.call_method0("copy")?;
    let sum = copy.add(&copy)?;
    Ok((copy, sum).into_pyobject(arr.py())?.into_any())
}

fn incref_elide_list<'py>(_: &Obj<'py>, list: &Obj<'py>) -> PyResult<Obj<'py>> {
    let list = list.cast::<PyList>()?;
    let py = list.py();
    if list.len() < 5 {
        return Err(PyIndexError::new_err("list index out of range"));
    }
    // SAFETY: the list holds the item; no reference is added on purpose.
    unsafe {
        let item = pyffi::PyList_GetItem(list.as_ptr(), 4);
        owned(py, pyffi::PyNumber_Add(item, item))
    }
}

/// The type number of `NPY_CHAR`, which no array has any more.
fn char_type<'py>(_: &Obj<'py>) -> PyResult<Obj<'py>> {
    Err(PyValueError::new_err("Invalid data-type for array"))
}

fn array_arg<'py>(obj: &Obj<'py>) -> PyResult<Array<'py>> {
    Array::cast(obj).ok_or_else(|| PyTypeError::new_err("test needs ndarray input"))
}

fn writeback_copy<'py>(obj: &Obj<'py>) -> PyResult<Array<'py>> {
    let arr = array_arg(obj)?;
    array::from_any(&arr.0, None, 0, 0, NPY_ARRAY_CARRAY | NPY_ARRAY_WRITEBACKIFCOPY)
}

fn create_writeback<'py>(_: &Obj<'py>, obj: &Obj<'py>) -> PyResult<Obj<'py>> {
    Ok(writeback_copy(obj)?.0)
}

/// Let a write-back copy go without resolving it.
fn abuse_writeback<'py>(_: &Obj<'py>, obj: &Obj<'py>) -> PyResult<Obj<'py>> {
    drop(writeback_copy(obj)?);
    Ok(none(obj.py()))
}

fn resolve<'py>(_: &Obj<'py>, obj: &Obj<'py>) -> PyResult<Obj<'py>> {
    writeback::resolve(&array_arg(obj)?)?;
    Ok(none(obj.py()))
}

fn discard<'py>(_: &Obj<'py>, obj: &Obj<'py>) -> PyResult<Obj<'py>> {
    writeback::discard(&array_arg(obj)?);
    Ok(none(obj.py()))
}

fn ensure_no_copy<'py>(_: &Obj<'py>, obj: &Obj<'py>) -> PyResult<Obj<'py>> {
    array::from_any(obj, None, 0, 0, NPY_ARRAY_ENSURENOCOPY)?;
    Ok(none(obj.py()))
}

fn buffer_flag(name: &str) -> PyResult<i32> {
    Ok(match name {
        "SIMPLE" => pyffi::PyBUF_SIMPLE,
        "WRITABLE" => pyffi::PyBUF_WRITABLE,
        "STRIDES" => pyffi::PyBUF_STRIDES,
        "ND" => pyffi::PyBUF_ND,
        "C_CONTIGUOUS" => pyffi::PyBUF_C_CONTIGUOUS,
        "F_CONTIGUOUS" => pyffi::PyBUF_F_CONTIGUOUS,
        "ANY_CONTIGUOUS" => pyffi::PyBUF_ANY_CONTIGUOUS,
        "INDIRECT" => pyffi::PyBUF_INDIRECT,
        "FORMAT" => pyffi::PyBUF_FORMAT,
        "STRIDED" => pyffi::PyBUF_STRIDED,
        "STRIDED_RO" => pyffi::PyBUF_STRIDED_RO,
        "RECORDS" => pyffi::PyBUF_RECORDS,
        "RECORDS_RO" => pyffi::PyBUF_RECORDS_RO,
        "FULL" => pyffi::PyBUF_FULL,
        "FULL_RO" => pyffi::PyBUF_FULL_RO,
        "CONTIG" => pyffi::PyBUF_CONTIG,
        "CONTIG_RO" => pyffi::PyBUF_CONTIG_RO,
        _ => return Err(PyValueError::new_err("invalid flag used.")),
    })
}

fn buffer_info<'py>(_: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("get_buffer_info(obj, flags, /)");
    let py = args.py;
    let [obj, names] = args.parse(&SIG)?;
    let mut flags = 0;
    for name in required(names)?.try_iter()? {
        flags |= buffer_flag(&name?.extract::<String>()?)?;
    }
    let mut view = pyffi::Py_buffer::new();
    // SAFETY: the view is released after its shape and strides have been read; both have `ndim` entries or are null.
    unsafe {
        status(py, pyffi::PyObject_GetBuffer(required(obj)?.as_ptr(), &mut view, flags))?;
        let n = view.ndim.max(0) as usize;
        let ints = |p: *mut isize| {
            if p.is_null() { Ok(none(py)) } else { int_tuple(py, std::slice::from_raw_parts(p, n)) }
        };
        let result = ints(view.shape).and_then(|shape| Ok((shape, ints(view.strides)?)));
        pyffi::PyBuffer_Release(&mut view);
        Ok(result?.into_pyobject(py)?.into_any())
    }
}

/// Put a pointer to the object itself where the list of its exported buffers hangs, or take it away again.
fn toggle_buffer_info<'py>(_: &Obj<'py>, obj: &Obj<'py>) -> PyResult<Obj<'py>> {
    let own = obj.as_ptr().cast::<u8>();
    // SAFETY: fields of live objects of these types.
    let field = unsafe {
        if let Some(arr) = Array::cast(obj) {
            &raw mut (*arr.raw()).buffer_info
        } else if typenum_of(obj) == Some(TypeNum::VOID) {
            &raw mut (*obj.as_ptr().cast::<PyVoidScalarObject>()).buffer_info
        } else {
            return Err(PyTypeError::new_err("argument must be an array or void scalar"));
        }
    };
    // SAFETY: as above; whoever reads the field knows what is not its own.
    unsafe {
        *field = match *field {
            p if p.is_null() => own,
            p if p == own => std::ptr::null_mut(),
            _ => {
                return Err(PyTypeError::new_err(
                    "buffer was already exported, this test doesn't support that",
                ));
            }
        };
    }
    Ok(none(obj.py()))
}

/// An array around memory that nobody owns.
fn c_wrapping_array<'py>(_: &Obj<'py>, writeable: &Obj<'py>) -> PyResult<Obj<'py>> {
    static MEMORY: crate::abi::StaticType<isize> = crate::abi::StaticType::zeroed();
    let descr = dtype::builtin(writeable.py(), TypeNum::LONG);
    // SAFETY: no element is ever reached: the shape is empty.
    unsafe {
        let make =
            Make { data: MEMORY.get().cast(), writeable: writeable.is_truthy()?, ..Make::new(&descr, &[0]) };
        Ok(make.build()?.0)
    }
}

/// A dictionary that compares keys by identity: all pairs but the last go in, then the last key is looked up.
fn identity_hash<'py>(_: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("identityhash_tester(key_len, list, replace=False)");
    let [n, pairs, replace] = args.parse(&SIG)?;
    let n = index(&required(n)?)?;
    if !(1..32).contains(&n) {
        return Err(PyValueError::new_err("must have 1 to max-args keys."));
    }
    let replace = replace.map_or(Ok(false), |r| r.is_truthy())?;
    let pairs = required(pairs)?;
    let pairs = pairs.cast::<PyList>()?;
    let mut table: std::collections::HashMap<Vec<usize>, Obj<'py>> = std::collections::HashMap::new();
    for (i, pair) in pairs.iter().enumerate() {
        let bad = || PyTypeError::new_err("bad key-value pair.");
        let pair = pair.cast_into::<PyTuple>().ok().filter(|p| p.len() == 2).ok_or_else(bad)?;
        let (key, value) = (pair.get_item(0)?, pair.get_item(1)?);
        let bad = || PyTypeError::new_err("bad key tuple.");
        let key = key.cast_into::<PyTuple>().ok().filter(|k| k.len() == n as usize).ok_or_else(bad)?;
        let key: Vec<usize> = key.iter().map(|k| k.as_ptr() as usize).collect();
        if i + 1 == pairs.len() {
            return Ok(table.get(&key).cloned().unwrap_or_else(|| none(args.py)));
        }
        if !replace && table.get(&key).is_some_and(|old| !old.is(&value)) {
            return Err(PyRuntimeError::new_err("Identity cache already includes an item with this key."));
        }
        table.insert(key, value);
    }
    Ok(none(args.py))
}

fn array_indexing<'py>(_: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("array_indexing(mode, op, i, value=None, /)");
    let py = args.py;
    let [mode, op, i, value] = args.parse(&SIG)?;
    let (op, i) = (required(op)?, index(&required(i)?)?);
    // SAFETY: live objects; a null value deletes.
    unsafe {
        match index(&required(mode)?)? {
            0 => owned(py, pyffi::PySequence_GetItem(op.as_ptr(), i)),
            1 => {
                let value = value.as_ref().map_or(std::ptr::null_mut(), |v| v.as_ptr());
                status(py, pyffi::PySequence_SetItem(op.as_ptr(), i, value))?;
                Ok(none(py))
            }
            _ => Err(PyValueError::new_err("invalid mode. 0: item 1: assign")),
        }
    }
}

/// An element by plain C indexing.
fn as_c_array<'py>(_: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("test_as_c_array(array, i, j=0, k=0, /)");
    let py = args.py;
    if args.len() < 2 {
        return Err(PyTypeError::new_err(format!(
            "function takes at least 2 arguments ({} given)",
            args.len()
        )));
    }
    let [arr, i, j, k] = args.parse(&SIG)?;
    let descr = dtype::builtin(py, TypeNum::DOUBLE);
    let arr =
        array::from_any(&required(arr)?, Some(&descr), 1, 3, NPY_ARRAY_CARRAY_RO | NPY_ARRAY_FORCECAST)?;
    let at = [i, j, k].into_iter().flatten().map(|a| index(&a)).collect::<PyResult<Vec<isize>>>()?;
    if at.len() != arr.ndim() || at.iter().zip(arr.shape()).any(|(&a, &n)| a < 0 || a >= n) {
        return Err(PyIndexError::new_err("index out of bounds"));
    }
    let flat = at.iter().zip(arr.shape()).fold(0, |acc, (&a, &n)| acc * n + a);
    // SAFETY: a C-contiguous array of doubles, and the index is inside.
    let value = unsafe { arr.data().cast::<f64>().offset(flat).read() };
    Ok(value.into_pyobject(py)?.into_any())
}

#[repr(C)]
struct ByteComplex(u8, num_complex::Complex32);
#[repr(C)]
struct IntComplex(u32, num_complex::Complex32);
#[repr(C)]
struct ByteStruct(u8, ByteComplex);

/// Alignment and size of C structs whose dtypes must agree.
fn struct_alignments<'py>(module: &Obj<'py>) -> PyResult<Obj<'py>> {
    let all = (
        (align_of::<ByteComplex>(), size_of::<ByteComplex>()),
        (align_of::<IntComplex>(), size_of::<IntComplex>()),
        (align_of::<ByteStruct>(), size_of::<ByteStruct>()),
    );
    Ok(all.into_pyobject(module.py())?.into_any())
}

/// `module:name.name`, or a name in `numpy`.
fn import_entry_point<'py>(_: &Obj<'py>, entry: &Obj<'py>) -> PyResult<Obj<'py>> {
    let text: String = entry.extract()?;
    let (module, names) = text.rsplit_once(':').unwrap_or(("numpy", &text));
    let mut obj = entry.py().import(module)?.into_any();
    for name in names.split('.') {
        obj = obj.getattr(name)?;
    }
    Ok(obj)
}
