//! One distribution over scalars, a size, an output array, or broadcast parameters.

use micronumpy::array::broadcast_shapes_args;
use micronumpy::iter::{MultiIter, broadcast_strides};
use micronumpy::{Dims, Order, TypeNum};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyInt, PyTuple};
use pyo3::{IntoPyObjectExt, ffi, intern};
use ufuncs::random::BitGen;

use super::constraint::Constraint;
use super::{Arg, Obj};
use crate::abi::*;
use crate::error::IntoPyResult;
use crate::objects::{Array, Descr, array, dtype, scalar};

/// Draws below this number are not worth giving up the interpreter for.
const FEW: usize = 256;

/// The generator to draw from: its functions, its lock, and what keeps it alive.
pub struct Stream<'py> {
    pub rng: BitGen,
    pub lock: Obj<'py>,
    pub _owner: Obj<'py>,
}

/// Attaches the interpreter again when dropped.
struct Guarded(*mut ffi::PyThreadState);
impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: what `PyEval_SaveThread` gave.
        unsafe { ffi::PyEval_RestoreThread(self.0) };
    }
}

/// Run `work` holding a lock; when it is about `n` elements long, other Python threads run meanwhile. `work` touches no
/// Python object, and what it touches is kept alive by its caller.
pub fn locked<R>(lock: &Obj<'_>, n: usize, work: impl FnOnce() -> R) -> PyResult<R> {
    let py = lock.py();
    lock.call_method0(intern!(py, "acquire"))?;
    let result = if n < FEW {
        work()
    } else {
        // SAFETY: the interpreter is attached, and is again when the guard goes, unwinding or not.
        let _guard = Guarded(unsafe { ffi::PyEval_SaveThread() });
        work()
    };
    lock.call_method0(intern!(py, "release"))?;
    Ok(result)
}

/// A type that draws come in.
pub trait Output: Copy + Default {
    const NUM: TypeNum;
    fn object<'py>(self, py: Python<'py>) -> PyResult<Obj<'py>>;
}
macro_rules! output {
    ($t:ty, $num:ident, $as:ty) => {
        impl Output for $t {
            const NUM: TypeNum = TypeNum::$num;
            fn object<'py>(self, py: Python<'py>) -> PyResult<Obj<'py>> {
                (self as $as).into_bound_py_any(py)
            }
        }
    };
}
output!(f64, DOUBLE, f64);
output!(f32, FLOAT, f64);
output!(i64, LONG, i64);
output!(u64, ULONG, u64);

/// `size`, with absent the same as `None`.
pub fn given(size: &Arg<'_>) -> bool {
    size.as_ref().is_some_and(|s| !s.is_none())
}

/// `np.empty(size, dtype)`
pub fn empty<'py>(py: Python<'py>, size: &Arg<'py>, num: TypeNum) -> PyResult<Array<'py>> {
    let none = py.None().into_bound(py);
    let shape = array::args::shape(size.as_ref().unwrap_or(&none))?;
    array::new(&dtype::builtin(py, num), &shape, Order::C, false)
}

/// `np.zeros((*size, last), dtype)`, where an integer `size` is one dimension.
pub fn zeros_with_last<'py>(
    py: Python<'py>,
    size: &Arg<'py>,
    last: isize,
    num: TypeNum,
) -> PyResult<Array<'py>> {
    let mut shape = match size {
        Some(size) if !size.is_none() => match array::args::index(size) {
            Ok(n) => Dims::from_elem(n, 1),
            Err(_) => array::args::shape(&py.get_type::<PyTuple>().call1((size,))?)?,
        },
        _ => Dims::new(),
    };
    shape.push(last);
    array::new(&dtype::builtin(py, num), &shape, Order::C, true)
}

/// Convert to an aligned array of a builtin type by safe casts.
pub fn as_array<'py>(obj: &Obj<'py>, num: TypeNum, requirements: i32) -> PyResult<Array<'py>> {
    array::from_any(obj, Some(&dtype::builtin(obj.py(), num)), 0, 0, NPY_ARRAY_ALIGNED | requirements)
}

/// A distribution parameter: a number, or an array to be walked.
pub struct Param<'py> {
    name: &'static str,
    constraint: Constraint,
    value: f64,
    integer: i64,
    array: Option<Array<'py>>,
    is_integer: bool,
    /// What an integer parameter without dimensions was converted from, if it was no plain integer.
    origin: Option<Obj<'py>>,
}

impl<'py> Param<'py> {
    fn blank(name: &'static str, constraint: Constraint) -> Self {
        Param { name, constraint, value: 0.0, integer: 0, array: None, is_integer: false, origin: None }
    }
    /// A number.
    pub fn number(value: f64, name: &'static str, constraint: Constraint) -> Self {
        Param { value, ..Param::blank(name, constraint) }
    }
    /// A real parameter that was passed, or its default.
    pub fn real(arg: &Arg<'py>, default: f64, name: &'static str, constraint: Constraint) -> PyResult<Self> {
        let Some(obj) = arg else { return Ok(Param::number(default, name, constraint)) };
        let mut param = Param::blank(name, constraint);
        if obj.is_exact_instance_of::<PyFloat>() || obj.is_exact_instance_of::<PyInt>() {
            param.value = obj.extract()?;
            return Ok(param);
        }
        let arr = as_array(obj, TypeNum::DOUBLE, 0)?;
        if arr.ndim() == 0 {
            param.value = real_number(obj)?;
        } else {
            param.array = Some(arr);
        }
        Ok(param)
    }
    /// An array already converted to `float64`.
    pub fn converted(arr: &Array<'py>, name: &'static str, constraint: Constraint) -> Self {
        let mut param = Param::blank(name, constraint);
        if arr.ndim() == 0 {
            // SAFETY: one aligned float64.
            param.value = unsafe { arr.data().cast::<f64>().read() };
        } else {
            param.array = Some(arr.clone());
        }
        param
    }
    /// An integer parameter.
    pub fn integer(arg: &Arg<'py>, name: &'static str, constraint: Constraint) -> PyResult<Self> {
        let mut param = Param { is_integer: true, ..Param::blank(name, constraint) };
        let Some(obj) = arg else { return Ok(param) };
        if !obj.is_exact_instance_of::<PyInt>() {
            let arr = as_array(obj, TypeNum::LONG, 0)?;
            if arr.ndim() > 0 {
                param.array = Some(arr);
                return Ok(param);
            }
            // SAFETY: one aligned int64.
            param.integer = unsafe { arr.data().cast::<i64>().read() };
            param.origin = Some(obj.clone());
        } else {
            param.integer = integer(obj)?;
        }
        param.value = param.integer as f64;
        Ok(param)
    }
    /// Let parameters of a call without arrays be converted by their own `__int__`.
    pub fn convert_numbers(params: &mut [&mut Param<'py>]) -> PyResult<()> {
        if params.iter().any(|p| p.array.is_some()) {
            return Ok(());
        }
        for param in params {
            if let Some(obj) = param.origin.take() {
                param.integer = integer(&as_int(&obj)?)?;
                param.value = param.integer as f64;
            }
        }
        Ok(())
    }
    /// The value of a real parameter that is no array.
    pub fn real_value(&self) -> f64 {
        self.value
    }
    pub fn array(&self) -> Option<&Array<'py>> {
        self.array.as_ref()
    }
    /// Address, shape and strides of what is to be walked.
    pub fn walk(&self) -> (*mut u8, &[isize], &[isize]) {
        match &self.array {
            Some(arr) => (arr.data(), arr.shape(), arr.strides()),
            None if self.is_integer => ((&raw const self.integer).cast_mut().cast(), &[], &[]),
            None => ((&raw const self.value).cast_mut().cast(), &[], &[]),
        }
    }
    /// Check the parameter; `scalar` when no parameter of the distribution is an array.
    pub fn check(&self, scalar: bool) -> PyResult<()> {
        match &self.array {
            Some(arr) => self.constraint.check_array(arr, self.name),
            None => self.constraint.check(self.value, self.name, !scalar),
        }
    }
}

/// `float(obj)` without strings.
pub fn real_number(obj: &Obj<'_>) -> PyResult<f64> {
    // SAFETY: live object; -1 may be a value or an error.
    let value = unsafe { ffi::PyFloat_AsDouble(obj.as_ptr()) };
    match PyErr::take(obj.py()) {
        Some(e) if value == -1.0 => Err(e),
        _ => Ok(value),
    }
}

/// A C `int64_t` from an integer.
pub fn integer(obj: &Obj<'_>) -> PyResult<i64> {
    // SAFETY: live object; -1 may be a value or an error.
    let value = unsafe { ffi::PyLong_AsLongLong(obj.as_ptr()) };
    match PyErr::take(obj.py()) {
        Some(e) if value == -1 => Err(if e.is_instance_of::<pyo3::exceptions::PyOverflowError>(obj.py()) {
            pyo3::exceptions::PyOverflowError::new_err("Python int too large to convert to C long")
        } else {
            e
        }),
        _ => Ok(value),
    }
}

/// `int(obj)` of what is a number.
fn as_int<'py>(obj: &Obj<'py>) -> PyResult<Obj<'py>> {
    // SAFETY: live object; the table of number methods may be absent.
    unsafe {
        let number = (*ffi::Py_TYPE(obj.as_ptr())).tp_as_number;
        if number.is_null() || (*number).nb_int.is_none() && (*number).nb_index.is_none() {
            return Err(PyTypeError::new_err("an integer is required"));
        }
        Bound::from_owned_ptr_or_err(obj.py(), ffi::PyNumber_Long(obj.as_ptr()))
    }
}

/// A value of a parameter inside a loop.
pub trait Value: Copy {
    /// # Safety
    /// An aligned `f64` or `i64`, as the implementor says.
    unsafe fn read(p: *const u8) -> Self;
}
impl Value for f64 {
    unsafe fn read(p: *const u8) -> f64 {
        // SAFETY: the caller's promise.
        unsafe { p.cast::<f64>().read() }
    }
}
impl Value for i64 {
    unsafe fn read(p: *const u8) -> i64 {
        // SAFETY: the caller's promise.
        unsafe { p.cast::<i64>().read() }
    }
}

/// Whether an `out` argument can take draws, in upstream's order of complaints.
pub fn check_out<'py>(
    out: &Arg<'py>,
    num: TypeNum,
    size: &Arg<'py>,
    need_c: bool,
) -> PyResult<Option<Array<'py>>> {
    let Some(obj) = out.as_ref().filter(|o| !o.is_none()) else { return Ok(None) };
    let py = obj.py();
    let arr = Array::cast(obj);
    let fits = |arr: &Array<'py>| {
        arr.dtype().is_native()
            && arr.has_flags(NPY_ARRAY_BEHAVED)
            && (arr.has_flags(NPY_ARRAY_C_CONTIGUOUS) || !need_c && arr.has_flags(NPY_ARRAY_F_CONTIGUOUS))
    };
    let Some(arr) = arr.filter(fits) else {
        let c = if need_c { "C-" } else { "" };
        return Err(PyValueError::new_err(format!(
            "Supplied output array must be {c}contiguous, writable, aligned, and in machine byte-order."
        )));
    };
    if arr.dtype().num != num {
        return Err(PyTypeError::new_err(format!(
            "Supplied output array has the wrong type. Expected {}, got {}",
            dtype::builtin(py, num).0.str()?,
            arr.descr().0.str()?
        )));
    }
    if let Some(size) = size.as_ref().filter(|s| !s.is_none()) {
        let shape = match py.get_type::<PyTuple>().call1((size,)) {
            Ok(shape) => shape,
            Err(e) if e.is_instance_of::<PyTypeError>(py) => PyTuple::new(py, [size])?.into_any(),
            Err(e) => return Err(e),
        };
        if !shape.eq(obj.getattr(intern!(py, "shape"))?)? {
            return Err(PyValueError::new_err("size must match out.shape when used together"));
        }
    }
    Ok(Some(arr))
}

/// Draw with parameters that are numbers or arrays: a Python number when nothing asks for an array.
pub fn draw<'py, const N: usize, V: Value, T: Output>(
    stream: &Stream<'py>,
    size: &Arg<'py>,
    params: &[Param<'py>; N],
    out: &Arg<'py>,
    mut one: impl FnMut([V; N]) -> T,
) -> PyResult<Obj<'py>> {
    let py = stream.lock.py();
    let out = check_out(out, T::NUM, size, N > 0)?;
    let scalar = params.iter().all(|p| p.array.is_none());
    for param in params {
        param.check(scalar)?;
    }
    // SAFETY: parameters are aligned and of type V, as whoever made them for `one` saw to.
    let read = |p: *mut u8| unsafe { V::read(p) };
    if scalar {
        let values = std::array::from_fn(|i| read(params[i].walk().0));
        if out.is_none() && !given(size) {
            return locked(&stream.lock, 1, || one(values))?.object(py);
        }
        let randoms = match out {
            Some(out) => out,
            None => empty(py, size, T::NUM)?,
        };
        fill(stream, &randoms, || one(values))?;
        return Ok(randoms.0);
    }
    let walks: [_; N] = std::array::from_fn(|i| params[i].walk());
    let shapes: [&[isize]; N] = std::array::from_fn(|i| walks[i].1);
    let randoms = match out {
        Some(out) => out,
        None if given(size) => empty(py, size, T::NUM)?,
        None => {
            let shape = broadcast_shapes_args(&shapes).py(py)?;
            array::new(&dtype::builtin(py, T::NUM), &shape, Order::C, false)?
        }
    };
    let mut all: Vec<&[isize]> = vec![randoms.shape()];
    all.extend(shapes);
    let shape = broadcast_shapes_args(&all).py(py)?;
    check_shape(&shape, &randoms)?;
    let mut it = walk(py, &shape, &walks)?;
    let n = randoms.size();
    let mut at: *mut T = randoms.data().cast();
    locked(&stream.lock, n, || {
        for_each(&mut it, |ptrs: [*mut u8; N]| {
            // SAFETY: `randoms` is C-contiguous and has as many elements as the iteration has steps.
            unsafe {
                at.write(one(ptrs.map(read)));
                at = at.add(1);
            }
        });
    })?;
    Ok(randoms.0)
}

/// Draws with the same parameters, all made by one call of `many` with a place and how many fit there.
pub fn filled<'py, T: Output>(
    stream: &Stream<'py>,
    size: &Arg<'py>,
    out: &Arg<'py>,
    mut many: impl FnMut(*mut T, usize),
) -> PyResult<Obj<'py>> {
    let py = stream.lock.py();
    let out = check_out(out, T::NUM, size, false)?;
    if out.is_none() && !given(size) {
        let mut value = T::default();
        locked(&stream.lock, 1, || many(&mut value, 1))?;
        return value.object(py);
    }
    let randoms = match out {
        Some(out) => out,
        None => empty(py, size, T::NUM)?,
    };
    let (n, data) = (randoms.size(), randoms.data().cast::<T>());
    locked(&stream.lock, n, || many(data, n))?;
    Ok(randoms.0)
}

/// The iteration of operands over a shape they broadcast to, in C order.
pub fn walk(
    py: Python<'_>,
    shape: &[isize],
    operands: &[(*mut u8, &[isize], &[isize])],
) -> PyResult<MultiIter> {
    let mut strides = Vec::new();
    for (_, from, st) in operands {
        strides.push(broadcast_strides(from, st, shape).py(py)?);
    }
    let strides: Vec<&[isize]> = strides.iter().map(|s| s.as_slice()).collect();
    let data: Vec<*mut u8> = operands.iter().map(|o| o.0).collect();
    Ok(MultiIter::c_order(shape, &data, &strides))
}

/// Call `f` with the addresses of the operands at each step.
pub fn for_each<const N: usize>(it: &mut MultiIter, mut f: impl FnMut([*mut u8; N])) {
    if it.size() == 0 {
        return;
    }
    loop {
        let mut ptrs: [*mut u8; N] = std::array::from_fn(|k| it.ptrs()[k]);
        let strides: [isize; N] = std::array::from_fn(|k| it.inner_strides()[k]);
        for _ in 0..it.inner_count() {
            f(ptrs);
            for k in 0..N {
                ptrs[k] = ptrs[k].wrapping_offset(strides[k]);
            }
        }
        if !it.advance() {
            return;
        }
    }
}

/// An iteration must not be larger than the output.
pub fn check_shape(shape: &[isize], output: &Array<'_>) -> PyResult<()> {
    if shape == output.shape() {
        return Ok(());
    }
    let py = output.py();
    Err(PyValueError::new_err(format!(
        "Output size {} is not compatible with broadcast dimensions of inputs {}.",
        PyTuple::new(py, output.shape())?.repr()?,
        PyTuple::new(py, shape)?.repr()?
    )))
}

/// Fill an array (contiguous in either order) with independent draws.
pub fn fill<T: Output>(stream: &Stream<'_>, arr: &Array<'_>, mut one: impl FnMut() -> T) -> PyResult<()> {
    let (n, data) = (arr.size(), arr.data().cast::<T>());
    locked(&stream.lock, n, || {
        for i in 0..n {
            // SAFETY: the array is contiguous, of this type, and has n elements.
            unsafe { data.add(i).write(one()) };
        }
    })
}

/// Draws without parameters.
pub fn plain<'py, T: Output>(
    stream: &Stream<'py>,
    size: &Arg<'py>,
    out: &Arg<'py>,
    mut one: impl FnMut() -> T,
) -> PyResult<Obj<'py>> {
    draw::<0, f64, T>(stream, size, &[], out, |[]| one())
}

/// A numpy scalar of a builtin type.
pub fn numpy_scalar<'py, T: Copy>(py: Python<'py>, num: TypeNum, value: T) -> PyResult<Obj<'py>> {
    let descr: Descr<'py> = dtype::builtin(py, num);
    debug_assert_eq!(descr.itemsize(), size_of::<T>());
    // SAFETY: `value` has the size and the type of the descriptor.
    unsafe { scalar::to_scalar(&descr, (&raw const value).cast(), None) }
}
