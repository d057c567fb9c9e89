//! What `numpy.char` and `numpy.strings` need besides ufuncs: `compare_chararrays`, `_vec_string`.

use micronumpy::array::broadcast_shapes;
use micronumpy::iter::PerOp;
use micronumpy::ufunc::exec::execute;
use micronumpy::ufunc::resolve::native;
use micronumpy::ufunc::{BoundLoop, HostContext};
use micronumpy::{ArrayRef, Dims, Dtype, Order, TypeNum};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyModule, PyString, PyTuple, PyType};
use pyo3::{PyTypeInfo, ffi as pyffi};
use ufuncs::strings::COMPARISONS;

use crate::error::IntoPyResult;
use crate::fastcall;
use crate::ffi::methods::{END, Methods};
use crate::ffi::{Args, Sig};
use crate::objects::iter::broadcast;
use crate::objects::ufunc::errstate;
use crate::objects::{Array, Descr, array, dtype, scalar};

static FUNCTIONS: Methods<3> = Methods::new([
    fastcall!(c"compare_chararrays", compare_chararrays),
    fastcall!(c"_vec_string", vec_string),
    END,
]);

pub fn add(_py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    super::add_functions(module, &FUNCTIONS)
}

/// The text of an argument that may be `str` or bytes.
fn operator(obj: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(s) = obj.cast::<PyString>() {
        return Ok(s.to_str()?.as_bytes().to_vec());
    }
    // SAFETY: a live object; the buffer is released before the bytes object that holds the copy is used.
    let bytes = unsafe {
        if pyffi::PyObject_CheckBuffer(obj.as_ptr()) == 0 {
            let name = obj.get_type().name()?;
            return Err(PyTypeError::new_err(format!("a bytes-like object is required, not '{name}'")));
        }
        Bound::from_owned_ptr_or_err(obj.py(), pyffi::PyBytes_FromObject(obj.as_ptr()))?
    };
    Ok(bytes.cast_into::<PyBytes>()?.as_bytes().to_vec())
}

/// `compare_chararrays(x1, x2, cmp, rstrip)`
fn compare_chararrays<'py>(m: &Bound<'py, PyAny>, a: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    static SIG: Sig = Sig::new("compare_chararrays(a1, a2, cmp, rstrip)");
    let py = m.py();
    let [Some(a1), Some(a2), Some(cmp), Some(rstrip)] = a.parse_c(&SIG)? else {
        return Err(array::alloc::internal("missing argument"));
    };
    let cmp = operator(&cmp)?;
    let rstrip = rstrip.is_truthy()?;
    let Some((_, rows)) = COMPARISONS.iter().find(|(name, _)| name.as_bytes() == cmp) else {
        return Err(PyValueError::new_err("comparison must be '==', '!=', '<', '>', '<=', '>='"));
    };
    let a1 = array::from_any(&a1, None, 0, 0, 0)?;
    let a2 = array::from_any(&a2, None, 0, 0, 0)?;
    let (t1, t2) = (a1.dtype().num, a2.dtype().num);
    if !t1.is_string() || !t2.is_string() {
        return Err(PyTypeError::new_err("comparison of non-string arrays"));
    }
    if t1 != t2 {
        return Ok(py.NotImplemented().into_bound(py));
    }
    let def = &rows[usize::from(rstrip)][usize::from(t1 == TypeNum::UNICODE)];
    let shape = broadcast_shapes(&[a1.shape(), a2.shape()]).py(py)?;
    let out = array::new(&dtype::builtin(py, TypeNum::BOOL), &shape, Order::C, false)?;
    let dtypes: [Dtype; 3] = [native(a1.dtype()), native(a2.dtype()), Dtype::builtin(TypeNum::BOOL)];
    let l = BoundLoop::new(def, 2, &dtypes, HostContext::NONE);
    let views: PerOp<ArrayRef<'_>> = [a1.view(), a2.view(), out.view()].into_iter().collect();
    execute(&l, &shape, &views, None, errstate::bufsize(py)?).py(py)?;
    drop(views);
    Ok(out.0)
}

/// Store one result. Whatever goes wrong, the caller asked for a dtype that does not fit.
fn store<'py>(descr: &Descr<'py>, at: *mut u8, value: &Bound<'py, PyAny>) -> PyResult<()> {
    // SAFETY: `at` is an element of an array of this descriptor.
    unsafe { scalar::set_item(descr, at, value) }
        .map_err(|_| PyTypeError::new_err("result array type does not match underlying function"))
}

/// Fill a fresh array with what the iterator gives, in C order.
fn fill<'py>(
    descr: &Descr<'py>,
    shape: &[isize],
    mut next: impl FnMut() -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let out = array::new(descr, shape, Order::C, true)?;
    // A subarray dtype has become dimensions, which leaves more elements than results.
    if out.shape() != shape {
        return Err(PyTypeError::new_err("result array type does not match underlying function"));
    }
    let descr = out.descr();
    array::for_each_element(&out, |at| store(&descr, at, &next()?))?;
    Ok(out.0)
}

/// `_vec_string(array, dtype, method, args)`: a method of `str` or `bytes` called for every element.
fn vec_string<'py>(m: &Bound<'py, PyAny>, a: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    static SIG: Sig = Sig::new("(char_array, type, method_name, args_seq=None, /)");
    let py = m.py();
    let [Some(chars), Some(result), Some(name), args] = a.parse_c(&SIG)? else {
        return Err(array::alloc::internal("missing argument"));
    };
    let chars: Array<'py> = array::from_any(&chars, None, 0, 0, 0)?;
    let descr = dtype::convert(&result)?;
    let class = match chars.dtype().num {
        TypeNum::STRING => PyBytes::type_object(py),
        TypeNum::UNICODE | TypeNum::VSTRING => PyString::type_object(py),
        _ => return Err(PyTypeError::new_err("string operation on non-string array")),
    };
    let method = method_of(&class, &name)?;
    let args: Vec<Bound<'py, PyAny>> = match args {
        None => vec![],
        // SAFETY: live object.
        Some(args) if unsafe { pyffi::PySequence_Check(args.as_ptr()) } != 0 => {
            args.try_iter()?.collect::<PyResult<_>>()?
        }
        Some(_) => return Err(PyTypeError::new_err("'args' must be a sequence of arguments")),
    };
    if args.is_empty() {
        let mut items = broadcast_items(py, std::slice::from_ref(&chars.0))?.1;
        return fill(&descr, chars.shape(), || method.call1(next_item(&mut items)?));
    }
    let mut objects = vec![chars.0.clone()];
    objects.extend(args);
    let (shape, mut items) = broadcast_items(py, &objects)?;
    fill(&descr, &shape, || method.call1(next_item(&mut items)?))
}

fn method_of<'py>(class: &Bound<'py, PyType>, name: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: live objects; CPython words the error of a name that is no string.
    unsafe {
        Bound::from_owned_ptr_or_err(class.py(), pyffi::PyObject_GetAttr(class.as_ptr(), name.as_ptr()))
    }
}

/// Objects broadcast together: their shape, and an iterator over tuples of scalars.
fn broadcast_items<'py>(
    py: Python<'py>,
    objects: &[Bound<'py, PyAny>],
) -> PyResult<(Dims, Bound<'py, PyAny>)> {
    let it = broadcast::new(py, objects)?;
    let shape: Vec<isize> = it.getattr("shape")?.extract()?;
    Ok((Dims::from_slice(&shape), it))
}

fn next_item<'py>(items: &mut Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
    // SAFETY: a broadcast object is an iterator.
    let next = unsafe { pyffi::PyIter_Next(items.as_ptr()) };
    // SAFETY: a new reference, or null with or without an exception.
    let next = unsafe { Bound::from_owned_ptr_or_opt(items.py(), next) };
    match next {
        Some(tuple) => Ok(tuple.cast_into::<PyTuple>()?),
        None => Err(PyErr::take(items.py()).unwrap_or_else(|| array::alloc::internal("too few elements"))),
    }
}
