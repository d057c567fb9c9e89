//! `compare_chararrays` and `_vec_string`: what `numpy.char` is made of.

use micronumpy::array::{broadcast_shapes_args, shape_text};
use micronumpy::iter::{MultiIter, broadcast_strides};
use micronumpy::{Dims, Order, TypeNum};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyModule, PyString, PyTuple};

use crate::error::IntoPyResult;
use crate::fastcall;
use crate::ffi::import::cached;
use crate::ffi::methods::{END, Methods};
use crate::ffi::{Args, Sig};
use crate::objects::array::{alloc, args, coercion, element};
use crate::objects::ufunc::call_by_name;
use crate::objects::{Array, dtype, scalar};

type Obj<'py> = Bound<'py, PyAny>;

fn is_string(arr: &Array<'_>) -> bool {
    matches!(arr.dtype().num, TypeNum::STRING | TypeNum::UNICODE)
}

/// `compare_chararrays(a1, a2, cmp, rstrip)`
fn compare_chararrays<'py>(_m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("compare_chararrays(a1, a2, cmp, rstrip)");
    let py = a.py;
    let [x, y, cmp, rstrip] = a.parse_c(&SIG)?;
    let (Some(x), Some(y), Some(cmp), Some(rstrip)) = (x, y, cmp, rstrip) else {
        return Err(PyTypeError::new_err("missing argument"));
    };
    let rstrip = rstrip.is_truthy()?;
    let name = match args::text(&cmp).as_deref() {
        Some("==") => "equal",
        Some("!=") => "not_equal",
        Some("<") => "less",
        Some(">") => "greater",
        Some("<=") => "less_equal",
        Some(">=") => "greater_equal",
        _ => {
            return Err(PyValueError::new_err("comparison must be '==', '!=', '<', '>', '<=', '>='"));
        }
    };
    let (mut x, mut y) = (coercion::from_any(&x, None, 0, 0, 0)?, coercion::from_any(&y, None, 0, 0, 0)?);
    if !is_string(&x) || !is_string(&y) {
        return Err(PyTypeError::new_err("comparison of non-string arrays"));
    }
    if x.dtype().num != y.dtype().num {
        return Ok(py.NotImplemented().into_bound(py));
    }
    if rstrip {
        let strip = cached(py, "numpy._core._multiarray_umath", "_rstrip_whitespace")?;
        x = coercion::from_any(&strip.call1((x.0,))?, None, 0, 0, 0)?;
        y = coercion::from_any(&strip.call1((y.0,))?, None, 0, 0, 0)?;
    }
    call_by_name(py, name, &[&x.0, &y.0], None)
}

/// `_vec_string(array, type, method_name, args=())`: a method of `str` or `bytes` on every element.
fn vec_string<'py>(_m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("(char_array, type, method_name, args_seq=None, /)");
    let py = a.py;
    let [arr, descr, name, extra] = a.parse_c(&SIG)?;
    let (Some(arr), Some(descr), Some(name)) = (arr, descr, name) else {
        return Err(PyTypeError::new_err("missing argument"));
    };
    let arr = coercion::from_any(&arr, None, 0, 0, 0)?;
    let descr = dtype::convert(&descr)?;
    let class = match arr.dtype().num {
        TypeNum::STRING => py.get_type::<PyBytes>(),
        TypeNum::UNICODE => py.get_type::<PyString>(),
        _ => return Err(PyTypeError::new_err("string operation on non-string array")),
    };
    let method = class.getattr(name.cast::<PyString>()?)?;
    let mut operands = vec![arr];
    if let Some(e) = extra.filter(|e| !e.is_none()) {
        for o in
            args::items(&e).map_err(|_| PyTypeError::new_err("'args' must be a sequence of arguments"))?
        {
            operands.push(coercion::from_any(&o, None, 0, 0, 0)?);
        }
    }
    let shapes: Vec<&[isize]> = operands.iter().map(|x| x.shape()).collect();
    let shape = broadcast_shapes_args(&shapes).py(py)?;
    if shape.len() > 32 {
        return Err(PyValueError::new_err(format!("too many dimensions: {}", shape_text(&shape))));
    }
    let out = alloc::new(&descr, &shape, Order::C, false)?;
    let mut rows: Vec<Dims> = vec![Dims::from_slice(out.strides())];
    for x in &operands {
        rows.push(broadcast_strides(x.shape(), x.strides(), &shape).py(py)?);
    }
    let refs: Vec<&[isize]> = rows.iter().map(|r| &r[..]).collect();
    let data: Vec<*mut u8> = std::iter::once(out.data()).chain(operands.iter().map(|x| x.data())).collect();
    let mut it = MultiIter::c_order(&shape, &data, &refs);
    let out_descr = out.descr();
    if it.size() == 0 {
        return Ok(out.0);
    }
    loop {
        for i in 0..it.inner_count() as isize {
            let at = |k: usize| it.ptrs()[k].wrapping_offset(i * it.inner_strides()[k]);
            let mut values = Vec::with_capacity(operands.len());
            for (k, x) in operands.iter().enumerate() {
                values.push(element(x, at(k + 1))?);
            }
            let result = method.call1(PyTuple::new(py, values)?)?;
            // SAFETY: an element of the new array.
            unsafe { scalar::set_item(&out_descr, at(0), &result) }
                .map_err(|_| PyTypeError::new_err("result array type does not match underlying function"))?;
        }
        if !it.advance() {
            return Ok(out.0);
        }
    }
}

static METHODS: Methods<3> = Methods::new([
    fastcall!(c"compare_chararrays", compare_chararrays),
    fastcall!(c"_vec_string", vec_string),
    END,
]);

/// Add the functions.
pub fn add(_py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    super::add_functions(module, METHODS.as_ptr())
}
