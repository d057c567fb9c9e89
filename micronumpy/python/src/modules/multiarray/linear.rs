//! Products: `dot`, `inner`, `vdot`, `correlate`.

use micronumpy::dtype::host::is_host_class;
use micronumpy::dtype::promote::promote;
use micronumpy::ops::product::{self, Overlaps};
use micronumpy::{ArrayRef, TypeNum};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyModule, PyString};
use ufuncs::fpstatus;

use crate::abi::{NPY_ARRAY_ALIGNED, NPY_ARRAY_CARRAY};
use crate::error::IntoPyResult;
use crate::fastcall;
use crate::ffi::args::none_as_absent;
use crate::ffi::methods::{END, Methods};
use crate::ffi::{Args, Sig};
use crate::objects::array::alloc::{self, Make};
use crate::objects::array::args;
use crate::objects::{Array, Descr, array, dtype, wrap};

static FUNCTIONS: Methods<6> = Methods::new([
    fastcall!(c"dot", dot_function),
    fastcall!(c"inner", inner),
    fastcall!(c"vdot", vdot),
    fastcall!(c"correlate", correlate),
    fastcall!(c"correlate2", correlate2),
    END,
]);

pub fn add(_py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    super::add_functions(module, &FUNCTIONS)
}

/// Both operands as arrays, and their common descriptor.
fn operands<'py>(
    a: &Bound<'py, PyAny>,
    b: &Bound<'py, PyAny>,
) -> PyResult<(Array<'py>, Array<'py>, Descr<'py>)> {
    let py = a.py();
    let a = array::from_any(a, None, 0, 0, NPY_ARRAY_ALIGNED)?;
    let b = array::from_any(b, None, 0, 0, NPY_ARRAY_ALIGNED)?;
    // What nothing else has in common are objects.
    let descr = match promote(a.dtype(), b.dtype()) {
        Ok(common) => dtype::descr_of(py, &common.with_byteorder(b'='))?,
        Err(_) => dtype::builtin(py, TypeNum::OBJECT),
    };
    Ok((a, b, descr))
}

/// An operand in the common dtype.
fn converted<'py>(arr: &Array<'py>, descr: &Descr<'py>) -> PyResult<Array<'py>> {
    array::from_any(&arr.0, Some(descr), 0, 0, NPY_ARRAY_ALIGNED | crate::abi::NPY_ARRAY_FORCECAST)
}

/// The array a product goes to: `out` if it is exactly right, else a new plain one.
fn result<'py>(descr: &Descr<'py>, shape: &[isize], out: Option<&Array<'py>>) -> PyResult<Array<'py>> {
    if let Some(out) = out {
        let right = out.ndim() == shape.len()
            && out.dtype().num == descr.dtype().num
            && out.has_flags(NPY_ARRAY_CARRAY)
            && out.dtype().is_native();
        if !right {
            return Err(PyValueError::new_err(
                "output array is not acceptable (must have the right datatype, number of dimensions, and be a C-Array)",
            ));
        }
        if out.shape() != shape {
            return Err(PyValueError::new_err("output array has wrong dimensions"));
        }
        return Ok(out.clone());
    }
    // SAFETY: fresh contiguous memory.
    unsafe { Make { zeroed: true, ..Make::new(descr, shape) }.build() }
}

/// A new result as an instance of the operands' class, that of the higher priority if they differ.
fn like_operands<'py>(res: Array<'py>, a: &Array<'py>, b: &Array<'py>) -> PyResult<Array<'py>> {
    let same = a.0.get_type().is(b.0.get_type());
    let owner = if same || wrap::priority(&a.0, 0.0)? >= wrap::priority(&b.0, 0.0)? { a } else { b };
    if owner.is_exact() {
        return Ok(res);
    }
    alloc::instance_of(res, owner.0.get_type().as_any(), Some(&owner.0))
}

type ShapeOf = fn(&[isize], &[isize]) -> micronumpy::Result<micronumpy::Dims>;
type Compute = fn(&ArrayRef<'_>, &ArrayRef<'_>, &ArrayRef<'_>) -> micronumpy::Result<()>;

fn product<'py>(
    a: &Bound<'py, PyAny>,
    b: &Bound<'py, PyAny>,
    out: Option<&Array<'py>>,
    shape_of: ShapeOf,
    compute: Compute,
    is_vdot: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let py = a.py();
    let given = (a, b);
    let (a, b, descr) = operands(a, b)?;
    if is_host_class(descr.dtype().num) || descr.dtype().num == TypeNum::VSTRING {
        return Err(PyTypeError::new_err(format!(
            "This function currently only supports native NumPy dtypes and old-style user dtypes, but the dtype was {}.\n(The \
             function may need to be updated to support arbitraryuser dtypes.)",
            descr.0.repr()?
        )));
    }
    let own = dtype::DtypeClass::of(&descr).functions().is_some_and(|f| f.dotfunc.is_some());
    let num = descr.dtype().num;
    let scales = !is_vdot && (a.ndim() == 0 || b.ndim() == 0);
    if !own && !num.is_number() && (!matches!(num.kind(), b'b' | b'O' | b'm') || num.kind() == b'm' && scales)
    {
        if is_vdot || (a.ndim() > 0 && b.ndim() > 0) {
            shape_of(a.shape(), b.shape()).py(py)?;
            match num.kind() {
                // The result has no length of its own.
                b'S' | b'U' => return Err(PyValueError::new_err("data type must provide an itemsize")),
                b'M' => return Err(PyValueError::new_err("dot not available for this type")),
                _ => {}
            }
        }
        // numpy multiplies what it has no product for, each operand as long as it is, and so words the error.
        let kind = dtype::builtin(py, num);
        let one = |obj: &Bound<'py, PyAny>| array::from_any(obj, Some(&kind), 0, 0, NPY_ARRAY_ALIGNED);
        let (a, b) = (one(given.0)?, one(given.1)?);
        return crate::objects::ufunc::call_by_name(py, "multiply", &[&a.0, &b.0], None);
    }
    // Scalars of numpy stay what they are among objects.
    let objects = num.is_object();
    let (a2, b2) = match objects {
        true => (
            array::from_any(given.0, Some(&descr), 0, 0, 0)?,
            array::from_any(given.1, Some(&descr), 0, 0, 0)?,
        ),
        false => (converted(&a, &descr)?, converted(&b, &descr)?),
    };
    let a2 = match is_vdot && objects {
        true => {
            let conjugated = crate::objects::ufunc::call_by_name(py, "conjugate", &[&a2.0], None)?;
            array::from_any(&conjugated, Some(&descr), 0, 0, NPY_ARRAY_ALIGNED)?
        }
        false => a2,
    };
    let blas = matches!(num, TypeNum::FLOAT | TypeNum::DOUBLE | TypeNum::CFLOAT | TypeNum::CDOUBLE)
        && a.ndim() <= 2
        && b.ndim() <= 2;
    if scales && !blas {
        // Nothing is added up, which shows in the sign of zeros.
        return crate::objects::ufunc::call_by_name(py, "multiply", &[&a2.0, &b2.0], out.map(|o| &o.0));
    }
    let shape = shape_of(a.shape(), b.shape()).py(py)?;
    let res = result(&descr, &shape, out)?;
    if !is_vdot {
        fpstatus::clear();
    }
    let single = a.size() == 1 && b.size() == 1 && descr.dtype().is_native() && res.view().is_aligned();
    if blas && !is_vdot && single {
        // Nor is anything added up here.
        // SAFETY: one element each, of one native type that `blas` lists, aligned.
        unsafe { product_of_two(num, a2.data(), b2.data(), res.data()) };
    } else {
        compute(&a2.view(), &b2.view(), &res.view()).py(py)?;
    }
    if !is_vdot {
        report(&res)?;
    }
    if out.is_some() { Ok(res.0) } else { array::unwrap_0d(like_operands(res, &a, &b)?) }
}

/// `x * y` of single or double precision.
///
/// # Safety
/// Aligned elements of that type.
unsafe fn product_of_two(num: TypeNum, x: *const u8, y: *const u8, out: *mut u8) {
    macro_rules! real {
        ($t:ty) => {
            // SAFETY: the caller's promise.
            unsafe { *out.cast::<$t>() = *x.cast::<$t>() * *y.cast::<$t>() }
        };
    }
    macro_rules! complex {
        ($t:ty) => {{
            // SAFETY: the caller's promise; two parts each.
            unsafe {
                let ([a, b], [c, d]) = (*x.cast::<[$t; 2]>(), *y.cast::<[$t; 2]>());
                *out.cast::<[$t; 2]>() = [a * c - b * d, a * d + b * c];
            }
        }};
    }
    match num {
        TypeNum::FLOAT => real!(f32),
        TypeNum::DOUBLE => real!(f64),
        TypeNum::CFLOAT => complex!(f32),
        _ => complex!(f64),
    }
}

/// Report the floating-point trouble of a product. Tiles that are filled up with zeros raise "invalid" where they meet an
/// infinity; what they compute is not part of the result, so it counts only if the result has a NaN.
fn report(res: &Array<'_>) -> PyResult<()> {
    let mut status = fpstatus::take() as u8;
    let num = res.dtype().num;
    if status == 0 || !(num.is_float() || num.is_complex()) {
        return Ok(());
    }
    if u32::from(status) & fpstatus::INVALID != 0 && !has_nan(res)? {
        status &= !(fpstatus::INVALID as u8);
    }
    crate::objects::ufunc::report_fp_status(res.py(), "dot", status)
}

fn has_nan(res: &Array<'_>) -> PyResult<bool> {
    let py = res.py();
    let nan = crate::objects::ufunc::call_by_name(py, "isnan", &[&res.0], None)?;
    nan.call_method0("any")?.is_truthy()
}

/// `np.dot(a, b, out)`
pub fn dot<'py>(
    a: &Bound<'py, PyAny>,
    b: &Bound<'py, PyAny>,
    out: Option<&Array<'py>>,
) -> PyResult<Bound<'py, PyAny>> {
    if out.is_none()
        && let Some(res) = of_short_vectors(a, b)?
    {
        return Ok(res);
    }
    product(a, b, out, product::dot_shape, product::dot, false)
}

/// Vectors up to this length are multiplied without further ado.
const SHORT: isize = 1024;

/// The product of two short vectors of one type, as they are; `None` for all else.
fn of_short_vectors<'py>(
    a: &Bound<'py, PyAny>,
    b: &Bound<'py, PyAny>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let (Some(a), Some(b)) = (Array::cast(a), Array::cast(b)) else { return Ok(None) };
    if !(a.is_exact() && b.is_exact() && a.ndim() == 1 && b.ndim() == 1) {
        return Ok(None);
    }
    let (x, y) = (a.view(), b.view());
    let (num, n) = (x.dtype.num, x.shape[0]);
    // Of one element only integers are summed up.
    let few = if num.is_integer() { 1 } else { 2 };
    let plain = num.is_number() && num == y.dtype.num && n == y.shape[0] && (few..=SHORT).contains(&n);
    let native = |x: &ArrayRef<'_>| x.dtype.is_native() && x.is_aligned();
    let (true, Some(dot)) = (plain && native(&x) && native(&y), ufuncs::dot::dot_fn(num)) else {
        return Ok(None);
    };
    let res = result(&a.descr(), &[], None)?;
    fpstatus::clear();
    // SAFETY: both vectors have `n` aligned elements of the type, and the result has one.
    unsafe { dot(x.data, x.strides[0], y.data, y.strides[0], res.view().data, n as usize) };
    report(&res)?;
    array::unwrap_0d(res).map(Some)
}

fn dot_function<'py>(_m: &Bound<'py, PyAny>, a: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    static SIG: Sig = Sig::new("dot(a, b, out=None)");
    let [a, b, out] = a.parse(&SIG)?;
    let (Some(a), Some(b)) = (a, b) else { return Err(PyTypeError::new_err("dot() needs two arguments")) };
    let out = match none_as_absent(out) {
        Some(o) => Some(Array::cast(&o).ok_or_else(|| PyTypeError::new_err("'out' must be an array"))?),
        None => None,
    };
    dot(&a, &b, out.as_ref())
}

fn inner<'py>(_m: &Bound<'py, PyAny>, a: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    static SIG: Sig = Sig::new("inner(a, b, /)");
    let [a, b] = a.parse(&SIG)?;
    let (Some(a), Some(b)) = (a, b) else { return Err(PyTypeError::new_err("inner() needs two arguments")) };
    product(&a, &b, None, product::inner_shape, product::inner, false)
}

fn vdot<'py>(_m: &Bound<'py, PyAny>, a: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    static SIG: Sig = Sig::new("vdot(a, b, /)");
    let [a, b] = a.parse(&SIG)?;
    let (Some(a), Some(b)) = (a, b) else { return Err(PyTypeError::new_err("vdot() needs two arguments")) };
    product(&a, &b, None, |_, _| Ok(micronumpy::Dims::new()), product::vdot, true)
}

/// How the overlap is named: a number or a word, spelled out.
fn overlaps(mode: Option<&Bound<'_, PyAny>>) -> PyResult<Overlaps> {
    let Some(mode) = mode else { return Ok(Overlaps::Valid) };
    if let Ok(word) = mode.cast::<PyString>() {
        return match &*word.to_string_lossy() {
            "valid" => Ok(Overlaps::Valid),
            "same" => Ok(Overlaps::Same),
            "full" => Ok(Overlaps::Full),
            other
                if matches!(
                    other.as_bytes().first().map(u8::to_ascii_lowercase),
                    Some(b'v' | b's' | b'f')
                ) =>
            {
                Err(PyValueError::new_err(
                    "Use one of 'valid', 'same', or 'full' for convolve/correlate mode",
                ))
            }
            _ => Err(PyValueError::new_err(format!(
                "mode must be one of 'valid', 'same', or 'full' (got {})",
                mode.repr()?
            ))),
        };
    }
    match args::int32(mode) {
        Ok(_) if mode.is_instance_of::<PyBool>() => {
            Err(PyTypeError::new_err("convolve/correlate mode not understood"))
        }
        Ok(0) => Ok(Overlaps::Valid),
        Ok(1) => Ok(Overlaps::Same),
        Ok(2) => Ok(Overlaps::Full),
        Ok(_) => Err(PyValueError::new_err("integer convolve/correlate mode must be 0, 1, or 2")),
        Err(_) => Err(PyTypeError::new_err("convolve/correlate mode not understood")),
    }
}

fn correlation<'py>(
    py: Python<'py>,
    a: Args<'_, 'py>,
    sig: &Sig,
    newer: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let [a, v, mode] = a.parse(sig)?;
    let (Some(a), Some(v)) = (a, v) else {
        return Err(PyTypeError::new_err("correlate() needs two arguments"));
    };
    let mode = overlaps(mode.as_ref())?;
    let a = array::from_any(&a, None, 1, 1, 0)?;
    let v = array::from_any(&v, None, 1, 1, 0)?;
    let common = promote(a.dtype(), v.dtype()).py(py)?;
    let out = product::correlate(&a.view(), &v.view(), &common, mode, newer, newer);
    Ok(alloc::take(py, out)?.0)
}

fn correlate<'py>(m: &Bound<'py, PyAny>, a: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    static SIG: Sig = Sig::new("correlate(a, v, mode=0)");
    correlation(m.py(), a, &SIG, false)
}

fn correlate2<'py>(m: &Bound<'py, PyAny>, a: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    static SIG: Sig = Sig::new("correlate2(a, v, mode=0)");
    correlation(m.py(), a, &SIG, true)
}
