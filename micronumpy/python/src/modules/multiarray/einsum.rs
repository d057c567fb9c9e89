//! `c_einsum`: arguments in either notation, then the plan of the object space.

use micronumpy::ops::einsum::{check_dtype, einsum, parse};
use micronumpy::{Casting, Order};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyEllipsis, PyModule, PyTuple};

use crate::abi::*;
use crate::error::IntoPyResult;
use crate::fastcall;
use crate::ffi::Args;
use crate::ffi::import::cached;
use crate::ffi::methods::{END, Methods};
use crate::objects::array::alloc::{self, Make};
use crate::objects::array::{args, assign, coercion, unwrap_0d};
use crate::objects::{Array, Descr, dtype};

type Obj<'py> = Bound<'py, PyAny>;

/// A list of axis numbers as letters.
fn letters(list: &Obj<'_>, out: &mut String) -> PyResult<()> {
    let py = list.py();
    let items = args::items(list)
        .map_err(|_| PyTypeError::new_err("subscripts for each operand must be a list or tuple"))?;
    for o in items {
        if o.is(PyEllipsis::get(py)) {
            out.push_str("...");
            continue;
        }
        let i = args::index(&o)
            .map_err(|_| PyTypeError::new_err("each subscript must be either an integer or an ellipsis"))?;
        match u8::try_from(i) {
            Ok(i @ 0..26) => out.push((b'A' + i) as char),
            Ok(i @ 26..52) => out.push((b'a' + i - 26) as char),
            _ => return Err(PyValueError::new_err("subscript is not within the valid range [0, 52)")),
        }
    }
    Ok(())
}

/// `c_einsum(subscripts, *operands, out=None, order='K', casting='safe', dtype=None)`
fn c_einsum<'py>(_m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    let py = a.py;
    let positional: Vec<Obj<'py>> = a.positional().collect();
    let Some(first) = positional.first() else {
        return Err(PyValueError::new_err(
            "must specify the einstein sum subscripts string and at least one operand, or at least one operand and its \
             corresponding subscripts list",
        ));
    };
    let mut subscripts = String::new();
    let mut operands: Vec<Obj<'py>> = Vec::new();
    if let Some(text) = args::text(first) {
        subscripts = text;
        operands.extend_from_slice(&positional[1..]);
        if operands.is_empty() {
            return Err(PyValueError::new_err("must provide at least an operand to the einsum function"));
        }
    } else {
        for (k, pair) in positional.chunks(2).enumerate() {
            match pair {
                [operand, list] => {
                    if k > 0 {
                        subscripts.push(',');
                    }
                    operands.push(operand.clone());
                    letters(list, &mut subscripts)?;
                }
                [output] if k > 0 => {
                    subscripts.push_str("->");
                    letters(output, &mut subscripts)?;
                }
                _ => return Err(PyTypeError::new_err("subscripts for each operand must be a list or tuple")),
            }
        }
    }
    let (mut out, mut order, mut casting, mut descr) = (None, None, None, None);
    for (k, v) in a.keywords() {
        match k.extract::<&str>()? {
            "out" => out = Some(v).filter(|v| !v.is_none()),
            "order" => order = Some(v),
            "casting" => casting = Some(v),
            "dtype" => descr = Some(v).filter(|v| !v.is_none()),
            other => {
                return Err(PyTypeError::new_err(format!(
                    "einsum() got an unexpected keyword argument '{other}'"
                )));
            }
        }
    }
    let out = match out {
        Some(o) => match Array::cast(&o) {
            Some(x) => Some(x),
            None => return Err(PyTypeError::new_err("keyword parameter out must be an array for einsum")),
        },
        None => None,
    };
    let order = args::order(order.as_ref(), Order::Keep)?;
    let casting = args::plain_casting(casting.as_ref(), Casting::Safe)?;
    let descr = descr.map(|d| dtype::convert(&d)).transpose()?;
    let arrays = operands
        .iter()
        .map(|o| coercion::from_any(o, None, 0, 0, NPY_ARRAY_ENSUREARRAY))
        .collect::<PyResult<Vec<_>>>()?;
    let ndims: Vec<usize> = arrays.iter().map(|x| x.ndim()).collect();
    let plan = parse(&subscripts, &ndims).py(py)?;

    let want = match &descr {
        Some(d) => d.clone(),
        None if arrays.iter().all(|x| {
            x.dtype().num == arrays[0].dtype().num
                && x.dtype().is_native()
                && coercion::same_type(&x.descr(), &arrays[0].descr())
        }) =>
        {
            arrays[0].descr()
        }
        None if arrays.len() == 1 => arrays[0].descr(),
        None => {
            let f = cached(py, "numpy._core._multiarray_umath", "result_type")?;
            let d = f.call1(PyTuple::new(py, arrays.iter().map(|x| x.descr().0))?)?;
            Descr::cast(&d).ok_or_else(|| PyTypeError::new_err("result_type gave no dtype"))?
        }
    };
    if let (None, [only]) = (&out, &arrays[..])
        && coercion::same_type(&only.descr(), &want)
        && let Some(v) = plan.view(only.shape(), only.strides()).py(py)?
    {
        let data = only.data().wrapping_offset(v.offset);
        // SAFETY: the plan keeps inside the operand.
        return unwrap_0d(unsafe {
            alloc::new_view(&only.descr(), data, &v.shape, &v.strides, &only.0, only.is_writeable(), None)?
        });
    }
    check_dtype(want.dtype()).py(py)?;
    let native = dtype::descr_of(py, &want.dtype().with_byteorder(b'='))?;
    for (k, x) in arrays.iter().enumerate() {
        if !micronumpy::cast::can_cast(x.dtype(), native.dtype(), casting) {
            return Err(PyTypeError::new_err(format!(
                "Iterator operand {k} dtype could not be cast from {} to {} according to the rule '{}'",
                x.descr().0.repr()?,
                native.0.repr()?,
                args::casting_text(casting)
            )));
        }
    }
    let views: Vec<_> = arrays.iter().map(|x| x.view()).collect();
    let layout = plan.layout(&views, out.as_ref().map(|o| o.shape())).py(py)?;
    let target = match &out {
        Some(o) => {
            assign::check_writeable(o, "output array")?;
            if !micronumpy::cast::can_cast(native.dtype(), o.dtype(), casting) {
                return Err(PyTypeError::new_err(format!(
                    "Iterator requested dtype could not be cast from {} to {}, the operand {} dtype, according to the \
                     rule '{}'",
                    native.0.repr()?,
                    o.descr().0.repr()?,
                    arrays.len(),
                    args::casting_text(casting)
                )));
            }
            let overlaps = arrays.iter().any(|x| micronumpy::array::overlap::may_share(&x.view(), &o.view()));
            if coercion::same_type(&o.descr(), &native) && !overlaps {
                o.clone()
            } else {
                alloc::new(&native, layout.out_shape(), Order::C, false)?
            }
        }
        None => {
            let order = match order {
                Order::Any if arrays.iter().all(alloc::is_fortran_only) => Order::F,
                Order::Any => Order::C,
                o => o,
            };
            alloc::checked_nbytes(layout.out_shape(), native.itemsize())?;
            let strides = layout.out_strides(native.itemsize(), order);
            // SAFETY: fresh memory; the strides are a permutation of the contiguous ones.
            unsafe { Make { strides: Some(&strides), ..Make::new(&native, layout.out_shape()) }.build()? }
        }
    };
    einsum(&plan, &views, &target.view()).py(py)?;
    match out {
        Some(o) => {
            if !o.0.is(&target.0) {
                assign::assign_array(&o, &target)?;
            }
            Ok(o.0)
        }
        None => unwrap_0d(target),
    }
}

static METHODS: Methods<2> = Methods::new([fastcall!(c"c_einsum", c_einsum), END]);

/// Add the function.
pub fn add(_py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    super::add_functions(module, &METHODS)
}
