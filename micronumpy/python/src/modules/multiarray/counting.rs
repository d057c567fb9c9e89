//! Counting and positions: `bincount`, `interp`, `_monotonicity`, `ravel_multi_index`, `unravel_index`, `packbits`,
//! `unpackbits`.

use micronumpy::ops::{count, select, take};
use micronumpy::{Order, TypeNum};
use num_complex::Complex64;
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyDeprecationWarning, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyModule, PyTuple};

use crate::abi::*;
use crate::error::IntoPyResult;
use crate::fastcall;
use crate::ffi::args::none_as_absent;
use crate::ffi::methods::{END, Methods};
use crate::ffi::{Args, Sig};
use crate::objects::array::{alloc, args, coercion};
use crate::objects::{Array, array, dtype};

type Obj<'py> = Bound<'py, PyAny>;

static FUNCTIONS: Methods<9> = Methods::new([
    fastcall!(c"bincount", bincount),
    fastcall!(c"interp", interp),
    fastcall!(c"interp_complex", interp_complex),
    fastcall!(c"_monotonicity", monotonicity),
    fastcall!(c"ravel_multi_index", ravel_multi_index),
    fastcall!(c"unravel_index", unravel_index),
    fastcall!(c"packbits", packbits),
    fastcall!(c"unpackbits", unpackbits),
    END,
]);

pub fn add(_py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    super::add_functions(module, &FUNCTIONS)
}

fn given<'py>(arg: Option<Obj<'py>>) -> PyResult<Obj<'py>> {
    arg.ok_or_else(|| PyTypeError::new_err("missing required argument"))
}

fn bincount<'py>(m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("bincount(list, weights=None, minlength=0)");
    let py = m.py();
    let [list, weights, minlength] = a.parse(&SIG)?;
    let list = given(list)?;
    let intp = dtype::builtin(py, TypeNum::LONG);
    let found = array::from_any(&list, None, 1, 1, 0)?;
    let kind = found.dtype().num;
    let whole = kind.is_integer() || kind.is_bool();
    if !whole && Array::cast(&list).is_some() {
        return Err(coercion::cannot_cast_array(&found, &intp, micronumpy::Casting::Safe));
    }
    if found.size() > 0 && !whole {
        // Unsigned 64-bit integers pass by value, other types are on their way out.
        PyErr::warn(
            py,
            &py.get_type::<PyDeprecationWarning>(),
            c"Non-integer input passed to bincount. In a future version of NumPy, this will be an error. (Deprecated NumPy 2.1)",
            1,
        )?;
    }
    let list = array::from_any(&found.0, Some(&intp), 1, 1, NPY_ARRAY_CARRAY_RO | NPY_ARRAY_FORCECAST)?;
    let minlength = match minlength {
        Some(n) if n.is_none() => {
            return Err(PyTypeError::new_err("use 0 instead of None for minlength"));
        }
        Some(n) => args::index(&n)?,
        None => 0,
    };
    let weights = match none_as_absent(weights) {
        Some(w) => {
            Some(array::from_any(&w, Some(&dtype::builtin(py, TypeNum::DOUBLE)), 1, 1, NPY_ARRAY_CARRAY_RO)?)
        }
        None => None,
    };
    let weights = weights.as_ref().map(Array::view);
    Ok(alloc::take(py, count::bincount(&list.view(), weights.as_ref(), minlength))?.0)
}

/// The three arrays of an interpolation.
fn samples<'py>(
    x: Option<Obj<'py>>,
    xp: Option<Obj<'py>>,
    fp: Option<Obj<'py>>,
    values: TypeNum,
) -> PyResult<(Array<'py>, Array<'py>, Array<'py>)> {
    let x = given(x)?;
    let py = x.py();
    let float = dtype::builtin(py, TypeNum::DOUBLE);
    let fp = array::from_any(&given(fp)?, Some(&dtype::builtin(py, values)), 1, 1, NPY_ARRAY_CARRAY_RO)?;
    let xp = array::from_any(&given(xp)?, Some(&float), 1, 1, NPY_ARRAY_CARRAY_RO)?;
    let x = array::from_any(&x, Some(&float), 0, 0, NPY_ARRAY_CARRAY_RO)?;
    Ok((x, xp, fp))
}

fn interp<'py>(m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("interp(x, xp, fp, left=None, right=None)");
    let [x, xp, fp, left, right] = a.parse(&SIG)?;
    let (x, xp, fp) = samples(x, xp, fp, TypeNum::DOUBLE)?;
    let side = |o: Option<Obj<'py>>| none_as_absent(o).map(|v| v.extract::<f64>()).transpose();
    let (left, right) = (side(left)?, side(right)?);
    array::unwrap_0d(alloc::take(m.py(), count::interp(&x.view(), &xp.view(), &fp.view(), left, right))?)
}

fn interp_complex<'py>(m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("interp_complex(x, xp, fp, left=None, right=None)");
    let [x, xp, fp, left, right] = a.parse(&SIG)?;
    let (x, xp, fp) = samples(x, xp, fp, TypeNum::CDOUBLE)?;
    let side = |o: Option<Obj<'py>>| -> PyResult<Option<Complex64>> {
        let Some(v) = none_as_absent(o) else { return Ok(None) };
        // SAFETY: live object; the error case is looked at.
        let c = unsafe { pyo3::ffi::PyComplex_AsCComplex(v.as_ptr()) };
        match PyErr::take(v.py()) {
            Some(e) => Err(e),
            None => Ok(Some(Complex64::new(c.real, c.imag))),
        }
    };
    let (left, right) = (side(left)?, side(right)?);
    let out = count::interp_complex(&x.view(), &xp.view(), &fp.view(), left, right);
    array::unwrap_0d(alloc::take(m.py(), out)?)
}

fn monotonicity<'py>(m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("_monotonicity(x)");
    let py = m.py();
    let [x] = a.parse(&SIG)?;
    let float = dtype::builtin(py, TypeNum::DOUBLE);
    let x = array::from_any(&given(x)?, Some(&float), 1, 1, NPY_ARRAY_CARRAY_RO)?;
    select::monotonicity(&x.view()).py(py)?.into_bound_py_any(py)
}

/// `mode` of `ravel_multi_index`: one for all axes, or a sequence with one for each.
fn modes(arg: Option<&Obj<'_>>, n: usize) -> PyResult<Vec<take::Mode>> {
    let convert = |mode: args::ClipMode| match mode {
        args::ClipMode::Clip => take::Mode::Clip,
        args::ClipMode::Wrap => take::Mode::Wrap,
        args::ClipMode::Raise => take::Mode::Raise,
    };
    if let Some(list) =
        arg.filter(|a| a.is_instance_of::<PyTuple>() || a.is_instance_of::<pyo3::types::PyList>())
    {
        let items = args::items(list)?;
        if items.len() != n {
            return Err(PyValueError::new_err(format!(
                "list of clipmodes has wrong length ({} instead of {n})",
                items.len()
            )));
        }
        return items.iter().map(|m| args::clip_mode(Some(m)).map(convert)).collect();
    }
    Ok(vec![convert(args::clip_mode(arg)?); n])
}

/// An index array as intp; only integers are positions.
fn positions<'py>(obj: &Obj<'py>) -> PyResult<Array<'py>> {
    let py = obj.py();
    let found = array::from_any(obj, None, 0, 0, 0)?;
    let num = found.dtype().num;
    if !num.is_integer() && !num.is_bool() {
        if found.size() == 0 && Array::cast(obj).is_none() {
            return Err(PyTypeError::new_err(
                "indices must be integral: the provided empty sequence was inferred as float. Wrap it with 'np.array(indices, dtype=np.intp)'",
            ));
        }
        return Err(PyTypeError::new_err("only int indices permitted"));
    }
    array::from_any(&found.0, Some(&dtype::builtin(py, TypeNum::LONG)), 0, 0, NPY_ARRAY_FORCECAST)
}

fn is_fortran(order: Option<&Obj<'_>>) -> PyResult<bool> {
    match args::order(order, Order::C)? {
        Order::C => Ok(false),
        Order::F => Ok(true),
        _ => Err(PyValueError::new_err("only 'C' or 'F' order is permitted")),
    }
}

fn ravel_multi_index<'py>(m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("ravel_multi_index(multi_index, dims, mode='raise', order='C')");
    let py = m.py();
    let [multi_index, dims, mode, order] = a.parse(&SIG)?;
    let dims = args::shape(&given(dims)?)?;
    let modes = modes(mode.as_ref(), dims.len())?;
    let fortran = is_fortran(order.as_ref())?;
    let multi_index = given(multi_index)?;
    let wrong_length = || {
        PyValueError::new_err(format!("parameter multi_index must be a sequence of length {}", dims.len()))
    };
    let items = args::items(&multi_index)?;
    if items.len() != dims.len() {
        return Err(wrong_length());
    }
    let coordinates = items.iter().map(positions).collect::<PyResult<Vec<_>>>()?;
    let views: Vec<_> = coordinates.iter().map(Array::view).collect();
    let shape = count::ravel_shape(&views).py(py)?;
    let out = array::new(&dtype::builtin(py, TypeNum::LONG), &shape, Order::C, false)?;
    count::ravel_multi_index(&views, &dims, &modes, fortran, &out.view()).py(py)?;
    array::unwrap_0d(out)
}

fn unravel_index<'py>(m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("unravel_index(indices, shape, order='C')");
    let py = m.py();
    let [indices, shape, order] = a.parse(&SIG)?;
    let dims = args::shape(&given(shape)?)?;
    let fortran = is_fortran(order.as_ref())?;
    let indices = positions(&given(indices)?)?;
    let all = alloc::take(py, count::unravel_index(&indices.view(), &dims, fortran))?;
    if dims.is_empty() && indices.ndim() != 0 {
        return Err(PyValueError::new_err("multiple indices are not supported for 0d arrays"));
    }
    let (shape, strides) = (all.shape().to_vec(), all.strides().to_vec());
    let inner = shape.len() - 1;
    let columns = (0..dims.len())
        .map(|k| {
            // SAFETY: column `k` of the innermost axis, whose length is the number of dimensions.
            let view = unsafe {
                alloc::derived_view(
                    &all,
                    &all.descr(),
                    all.data().wrapping_offset(k as isize * strides[inner]),
                    &shape[..inner],
                    &strides[..inner],
                )
            }?;
            array::unwrap_0d(view)
        })
        .collect::<PyResult<Vec<_>>>()?;
    Ok(PyTuple::new(py, columns)?.into_any())
}

fn is_little(function: &str, position: usize, order: Option<&Obj<'_>>) -> PyResult<bool> {
    let Some(order) = order else { return Ok(false) };
    let Ok(text) = order.cast::<pyo3::types::PyString>() else {
        let given = order.get_type().name()?;
        return Err(PyTypeError::new_err(format!(
            "{function}() argument {position} must be str, not {given}"
        )));
    };
    match text.to_string_lossy().bytes().next() {
        Some(b'l') => Ok(true),
        Some(b'b') => Ok(false),
        _ if function == "pack" => Err(PyValueError::new_err("'order' must be either 'little' or 'big'")),
        _ => Err(PyValueError::new_err("'order' must begin with 'l' or 'b'")),
    }
}

/// The array to pack and the axis: `None` flattens, 0-d arrays become 1-d.
fn lanes<'py>(obj: &Obj<'py>, axis: Option<isize>) -> PyResult<(Array<'py>, usize)> {
    let mut arr = array::from_any(obj, None, 0, 0, 0)?;
    if axis.is_none() || arr.ndim() == 0 {
        let flat = arr.0.call_method1("ravel", ())?;
        arr = Array::cast(&flat).ok_or_else(|| PyTypeError::new_err("ravel() did not return an array"))?;
    }
    let n = arr.ndim() as isize;
    let axis = axis.unwrap_or(0);
    if axis < -n || axis >= n {
        return Err(crate::error::to_pyerr(
            obj.py(),
            micronumpy::Error::Axis { axis, ndim: n as usize, prefix: None },
        ));
    }
    Ok((arr, if axis < 0 { axis + n } else { axis } as usize))
}

fn packbits<'py>(m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("packbits(in, axis=None, bitorder='big')");
    let py = m.py();
    let [arr, axis, order] = a.parse(&SIG)?;
    let little = is_little("pack", 3, order.as_ref())?;
    let (arr, axis) = lanes(&given(arr)?, args::axis(axis.as_ref())?)?;
    count::check_packable(arr.dtype()).py(py)?;
    let mut shape = arr.shape().to_vec();
    shape[axis] = (shape[axis] + 7) / 8;
    let out = array::new(&dtype::builtin(py, TypeNum::UBYTE), &shape, Order::C, true)?;
    count::packbits(&arr.view(), axis, little, &out.view()).py(py)?;
    Ok(out.0)
}

fn unpackbits<'py>(m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("unpackbits(in, axis=None, count=None, bitorder='big')");
    let py = m.py();
    let [arr, axis, wanted, order] = a.parse(&SIG)?;
    let little = is_little("unpack", 4, order.as_ref())?;
    let wanted = none_as_absent(wanted).map(|n| args::index(&n)).transpose()?;
    let arr = given(arr)?;
    let found = array::from_any(&arr, None, 0, 0, 0)?;
    if found.dtype().num != TypeNum::UBYTE {
        return Err(PyTypeError::new_err("Expected an input array of unsigned byte data type"));
    }
    let (arr, axis) = lanes(&found.0, args::axis(axis.as_ref())?)?;
    let mut shape = arr.shape().to_vec();
    shape[axis] = count::unpacked_len(shape[axis], wanted).py(py)?;
    let out = array::new(&dtype::builtin(py, TypeNum::UBYTE), &shape, Order::C, true)?;
    count::unpackbits(&arr.view(), axis, little, &out.view()).py(py)?;
    Ok(out.0)
}
