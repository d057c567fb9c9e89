//! `ufunc.at`: an operation in place on the elements an index selects, one after the other, so that an element selected
//! twice is operated on twice.
//!
//! All addresses are computed and checked before the first element changes; nothing that happens meanwhile (methods of
//! object elements, operands that share memory) leads outside the array.

use micronumpy::array::{Dims, buffer};
use micronumpy::cast::{Transfer, release_objects};
use micronumpy::index::{Item, Plan, nonzero, plan};
use micronumpy::iter::{MultiIter, broadcast_strides};
use micronumpy::ufunc::BoundLoop;
use micronumpy::ufunc::exec::{bounds_meet, needs_buffer};
use micronumpy::{ArrayRef, Casting, NdArray, Order, TypeNum};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyEllipsis};
use ufuncs::elem::LongDouble;
use ufuncs::fpstatus;

use super::bind::{Input, bind};
use super::{UfuncRef, errstate, overrides};
use crate::error::IntoPyResult;
use crate::ffi::Args;
use crate::objects::array::subscript::parse::{Part, parse};
use crate::objects::{Array, array};

/// `ufunc.at(a, indices, b=None, /)`
pub fn at<'py>(slf: &Bound<'py, PyAny>, args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    let uf = UfuncRef::with_loops(slf);
    let py = uf.py();
    let none = py.None().into_bound(py);
    if let Some(sig) = uf.data().core.borrow().core.as_ref().filter(|_| uf.is_generalized()) {
        return Err(PyTypeError::new_err(format!(
            "{0}.at does not support ufunc with non-trivial signature: {0} has signature {1}.",
            uf.name(),
            sig.text
        )));
    }
    if args.has_keywords() {
        return Err(PyTypeError::new_err("ufunc.at() takes no keyword arguments"));
    }
    if args.len() < 2 {
        return Err(PyTypeError::new_err(format!("at() takes at least 2 arguments ({} given)", args.len())));
    }
    if args.len() > 3 {
        return Err(PyTypeError::new_err(format!("at() takes at most 3 arguments ({} given)", args.len())));
    }
    let given: Vec<Bound<'py, PyAny>> = args.positional().collect();
    if let Some(result) =
        overrides::check(&uf, "at", given.iter().cloned(), || Ok((given.clone(), PyDict::new(py))))?
    {
        return Ok(result);
    }
    if uf.nin() > 2 {
        return Err(PyValueError::new_err("Only unary and binary ufuncs supported at this time"));
    }
    if uf.nout() != 1 {
        return Err(PyValueError::new_err("Only single output ufuncs supported at this time"));
    }
    match (uf.nin(), given.len()) {
        (1, 3) => return Err(PyValueError::new_err("second operand provided when ufunc is unary")),
        (2, 2) => return Err(PyValueError::new_err("second operand needed for ufunc")),
        _ => {}
    }
    let Some(arr) = Array::cast(&given[0]) else {
        return Err(PyTypeError::new_err("first operand must be array"));
    };
    array::assign::check_writeable(&arr, "operand array with iterator write flag set")?;

    let second = match given.get(2) {
        Some(b) => Some(array::from_any(b, None, 0, 0, 0)?),
        None => None,
    };
    let mut ins: micronumpy::iter::PerOp<Input<'py>> = micronumpy::iter::PerOp::new();
    ins.push(Input { obj: arr.0.clone(), arr: arr.clone(), weak: None });
    if let Some(b) = &second {
        ins.push(Input { obj: b.0.clone(), arr: b.clone(), weak: None });
    }
    let signature = (0..uf.nargs()).map(|_| None).collect();
    let binding = bind(&uf, &mut ins, &[Some(arr.clone())], &signature, Casting::Unsafe)?;
    let raw = binding.raw_descrs();
    let mut l = BoundLoop::new(&binding.def, uf.nin(), binding.dtypes(), binding.host(&uf, &raw));
    let (shape, offsets) = selected(&arr, &given[1])?;

    fpstatus::clear();
    let mut temp: Option<NdArray> = None;
    if let Some(b) = &second {
        let want = &binding.dtypes()[1];
        if broadcast_strides(b.shape(), b.strides(), &shape).is_err() {
            return Err(PyValueError::new_err("array is not broadcastable to correct shape"));
        }
        if needs_buffer(&b.view(), want, l.takes_unaligned()) || bounds_meet(&b.view(), &arr.view()) {
            let copy = NdArray::empty(b.shape(), want, Order::C).py(py)?;
            micronumpy::cast::copy_into(&copy.view(), &b.view()).py(py)?;
            temp = Some(copy);
        }
    }
    let operand = second.as_ref().map(|b| temp.as_ref().map_or_else(|| b.view(), |t| t.view()));
    let name = uf.name();
    let rows = is_of_rows(&arr, second.as_ref(), &given[1], binding.dtypes());
    // Quotients of complex numbers have none.
    let quotients = name == "divide" && binding.dtypes()[0].num.is_complex();
    let indexed = rows && second.is_some() && !quotients && INDEXED.contains(&name.as_str());
    let unordered = indexed
        && matches!(name.as_str(), "maximum" | "minimum")
        && (offsets.iter().any(|&off| is_nan(arr.dtype().num, arr.data().wrapping_offset(off)))
            || !offsets.is_empty() && operand.as_ref().is_some_and(any_nan));
    let types = || binding.dtypes().iter().map(|d| d.num);
    let own = match &binding.owner {
        Some(owner) => owner.method_ref(py).indexed_loop(),
        None => uf.data().indexed.borrow().iter().find(|(t, _)| types().eq(t.iter().copied())).map(|l| l.1),
    };
    let cast = match own {
        Some(func) if rows && shape.len() == 1 => {
            l.func = func;
            run_indexed(&l, &arr.view(), &offsets, operand.as_ref()).py(py)?;
            false
        }
        _ => apply(&l, &arr.view(), &shape, &offsets, operand.as_ref()).py(py)?,
    };
    // Casts have a status, too.
    if binding.has_fp_status() || cast || unordered {
        let status = fpstatus::take() | if unordered { fpstatus::INVALID } else { 0 };
        if status != 0 {
            errstate::report(py, if indexed { &name } else { "at" }, status)?;
        }
    }
    Ok(none)
}

/// Ufuncs for which numpy has loops over lists of positions, which report trouble under the ufunc's name.
const INDEXED: [&str; 9] =
    ["add", "subtract", "multiply", "divide", "floor_divide", "maximum", "minimum", "fmax", "fmin"];

/// Whether such a loop could do it: rows of the loop's dtypes, which are numbers, and one list of positions.
fn is_of_rows(
    arr: &Array<'_>,
    second: Option<&Array<'_>>,
    key: &Bound<'_, PyAny>,
    dtypes: &[micronumpy::Dtype],
) -> bool {
    let plain = |a: &Array<'_>, dt: &micronumpy::Dtype| a.dtype() == dt && a.view().is_aligned();
    let key = match key.cast::<pyo3::types::PyTuple>() {
        // An ellipsis stands for no axis here.
        Ok(t) => {
            match &t.iter().filter(|part| !part.is_instance_of::<PyEllipsis>()).collect::<Vec<_>>()[..] {
                [part] => part.clone(),
                _ => return false,
            }
        }
        Err(_) => key.clone(),
    };
    let is_list =
        Array::cast(&key).is_some_and(|a| a.ndim() > 0) || key.is_instance_of::<pyo3::types::PyList>();
    is_list
        && arr.ndim() == 1
        && dtypes[0].num.is_number()
        && plain(arr, &dtypes[0])
        && plain(arr, &dtypes[dtypes.len() - 1])
        && second.is_none_or(|second| second.ndim() <= 1 && plain(second, &dtypes[1]))
}

/// Whether an aligned element is a float that is not a number. Those of numpy's own loops for lists of positions that look for the
/// larger or the smaller one compare first, which is "invalid" then.
fn is_nan(num: TypeNum, p: *const u8) -> bool {
    // SAFETY: callers pass places of aligned elements of that type.
    unsafe {
        match num {
            TypeNum::FLOAT => (*p.cast::<f32>()).is_nan(),
            TypeNum::DOUBLE => (*p.cast::<f64>()).is_nan(),
            TypeNum::LONGDOUBLE => (*p.cast::<LongDouble>()).is_nan(),
            _ => false,
        }
    }
}

fn any_nan(row: &ArrayRef<'_>) -> bool {
    let mut found = false;
    let mut iter = MultiIter::c_order(row.shape, &[row.data], &[row.strides]);
    let _ = iter.for_each(|p, n, st| {
        found |= (0..n as isize).any(|i| is_nan(row.dtype.num, p[0].wrapping_offset(i * st[0])));
        Ok(())
    });
    found
}

/// Shape of what an index selects, and the byte offset of every element, in C order.
fn selected<'py>(arr: &Array<'py>, key: &Bound<'py, PyAny>) -> PyResult<(Dims, Vec<isize>)> {
    let py = arr.py();
    let index = parse(key, arr.shape())?;
    let items: Vec<Item<'_>> = index.parts.iter().map(Part::item).collect();
    match plan(arr.shape(), arr.strides(), &items).py(py)? {
        Plan::Fancy(p) => Ok((p.shape.clone(), p.element_offsets().py(py)?)),
        Plan::View(v) => {
            let offsets = view_offsets(&v.shape, &v.strides, v.offset).py(py)?;
            Ok((v.shape, offsets))
        }
        Plan::Mask(_) => {
            let mask = index.parts.iter().find_map(|p| match p {
                Part::Mask(m) => Some(m),
                _ => None,
            });
            let Some(mask) = mask else { return Err(PyValueError::new_err("no mask in a masked index")) };
            let axes = nonzero(&mask.view()).py(py)?;
            let count = axes.first().map_or(0, Vec::len);
            let mut offsets = buffer::scratch(count, 0).py(py)?;
            for (positions, &s) in axes.iter().zip(arr.strides()) {
                for (off, &i) in offsets.iter_mut().zip(positions) {
                    *off += i * s;
                }
            }
            Ok((std::iter::once(count as isize).collect(), offsets))
        }
    }
}

/// Byte offsets of the elements of a view, in C order.
fn view_offsets(shape: &[isize], strides: &[isize], start: isize) -> micronumpy::Result<Vec<isize>> {
    let count: isize = shape.iter().product();
    let mut out = buffer::scratch_list(count.max(0) as usize)?;
    if count > 0 {
        let origin = std::ptr::without_provenance_mut::<u8>(start as usize);
        let mut iter = MultiIter::c_order(shape, &[origin], &[strides]);
        loop {
            let (p, s) = (iter.ptrs()[0] as isize, iter.inner_strides()[0]);
            out.extend((0..iter.inner_count() as isize).map(|i| p + i * s));
            if !iter.advance() {
                break;
            }
        }
    }
    Ok(out)
}

/// Run compiled code's own loop over the positions in a row, which gets the row, positions and values, and the row's length as a last
/// stride.
fn run_indexed(
    l: &BoundLoop<'_>,
    row: &ArrayRef<'_>,
    offsets: &[isize],
    values: Option<&ArrayRef<'_>>,
) -> micronumpy::Result<()> {
    let stride = row.strides[0];
    // The offsets are multiples of the stride; without one every place is the first.
    let mut positions = buffer::scratch(offsets.len(), 0isize)?;
    for (position, offset) in positions.iter_mut().zip(offsets) {
        *position = offset.checked_div(stride).unwrap_or(0);
    }
    let (data, step) = match values {
        Some(v) => (v.data, broadcast_strides(v.shape, v.strides, &[offsets.len() as isize])?[0]),
        None => (std::ptr::null_mut(), 0),
    };
    // SAFETY: aligned elements of the loop's dtypes, at positions within the row, and as many values or one.
    unsafe {
        l.call(
            &[row.data, positions.as_mut_ptr().cast(), data],
            &[offsets.len() as isize],
            &[stride, size_of::<isize>() as isize, step, row.shape[0]],
        )
    }
}

/// Run the loop on every selected element in turn; says whether elements were cast.
fn apply(
    l: &BoundLoop<'_>,
    arr: &ArrayRef<'_>,
    shape: &[isize],
    offsets: &[isize],
    second: Option<&ArrayRef<'_>>,
) -> micronumpy::Result<bool> {
    let last = l.dtypes.len() - 1;
    let unaligned = l.takes_unaligned();
    let direct =
        !needs_buffer(arr, &l.dtypes[0], unaligned) && !needs_buffer(arr, &l.dtypes[last], unaligned);
    let aligned = arr.is_aligned();
    let mut through = if direct {
        None
    } else {
        Some(Through {
            read: Transfer::new(arr.dtype, &l.dtypes[0], aligned)?,
            write: Transfer::new(&l.dtypes[last], arr.dtype, aligned)?,
            source: buffer::scratch(l.dtypes[0].itemsize.div_ceil(16).max(1), 0)?,
            result: buffer::scratch(l.dtypes[last].itemsize.div_ceil(16).max(1), 0)?,
        })
    };
    let mut one = |at: *mut u8, b: *mut u8| -> micronumpy::Result<()> {
        let Some(t) = &mut through else {
            let data = [at, if second.is_some() { b } else { at }, at];
            // SAFETY: one element of each operand, as the loop wants it.
            return unsafe { l.call(&data[..=last], &[1], &[0; 3][..=last]) };
        };
        let (src, dst) = (t.source.as_mut_ptr().cast::<u8>(), t.result.as_mut_ptr().cast::<u8>());
        let data = if second.is_some() { [src, b, dst] } else { [src, dst, dst] };
        // SAFETY: one element each; the buffers hold one element of the loop's dtypes, objects in them null or owned.
        unsafe {
            t.read.run(at, 0, src, 0, 1)?;
            let before = fpstatus::get();
            let mut status = l.call(&data[..=last], &[1], &[0; 3][..=last]);
            l.settle_status(before);
            if status.is_ok() {
                status = t.write.run(dst, 0, at, 0, 1);
            }
            for (buf, dt) in [(src, &l.dtypes[0]), (dst, &l.dtypes[last])] {
                if dt.has_object() {
                    release_objects(&ArrayRef::new(buf, &[], &[], dt));
                }
            }
            status
        }
    };
    let Some(b) = second else {
        for &off in offsets {
            one(arr.data.wrapping_offset(off), std::ptr::null_mut())?;
        }
        return Ok(!direct);
    };
    let strides = broadcast_strides(b.shape, b.strides, shape)?;
    let mut iter = MultiIter::c_order(shape, &[b.data], &[&strides]);
    let mut k = 0;
    iter.for_each(|p, n, st| {
        for i in 0..n as isize {
            one(arr.data.wrapping_offset(offsets[k]), p[0].wrapping_offset(i * st[0]))?;
            k += 1;
        }
        Ok(())
    })?;
    Ok(!direct)
}

/// Elements that are not what the loop wants pass through here.
struct Through {
    read: Transfer,
    write: Transfer,
    /// Words, so that they are aligned for everything.
    source: Vec<u128>,
    result: Vec<u128>,
}
