//! `npy_cabs` and friends: mathematical functions of one element, in a given precision.

use micronumpy::TypeNum;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::abi::{NPY_ARRAY_CARRAY_RO, NPY_ARRAY_FORCECAST};
use crate::ffi::Args;
use crate::ffi::args::Sig;
use crate::ffi::methods::{END, Methods};
use crate::objects::array::args::index;
use crate::objects::ufunc::call_by_name;
use crate::objects::{array, dtype};
use crate::{fastcall, onearg};

type Obj<'py> = Bound<'py, PyAny>;

/// The first element of `obj` as this type goes through the ufunc; the result is a 0-d array.
fn apply<'py>(obj: &Obj<'py>, num: TypeNum, ufunc: &'static str) -> PyResult<Obj<'py>> {
    let py = obj.py();
    let descr = dtype::builtin(py, num);
    let arr = array::from_any(obj, Some(&descr), 0, 0, NPY_ARRAY_CARRAY_RO | NPY_ARRAY_FORCECAST)?;
    if arr.size() == 0 {
        return Err(PyValueError::new_err("the array is empty"));
    }
    let element = array::element(&arr, arr.data())?;
    let result = match ufunc {
        "angle" => {
            call_by_name(py, "arctan2", &[&element.getattr("imag")?, &element.getattr("real")?], None)?
        }
        _ => call_by_name(py, ufunc, &[&element], None)?,
    };
    Ok(array::from_any(&result, None, 0, 0, 0)?.0)
}

macro_rules! functions {
    ($count:literal: $($body:ident $name:literal $num:ident $ufunc:literal;)*) => {
        $(fn $body<'py>(_: &Obj<'py>, arg: &Obj<'py>) -> PyResult<Obj<'py>> {
            apply(arg, TypeNum::$num, $ufunc)
        })*
        pub static FUNCTIONS: Methods<$count> = Methods::new([
            $(onearg!($name, $body),)*
            fastcall!(c"format_float_OSprintf_g", format_g),
            END,
        ]);
    };
}

functions! { 23:
    cabsf c"npy_cabsf" CFLOAT "absolute";
    cabs c"npy_cabs" CDOUBLE "absolute";
    cabsl c"npy_cabsl" CLONGDOUBLE "absolute";
    cargf c"npy_cargf" CFLOAT "angle";
    carg c"npy_carg" CDOUBLE "angle";
    cargl c"npy_cargl" CLONGDOUBLE "angle";
    log10f c"npy_log10f" FLOAT "log10";
    log10 c"npy_log10" DOUBLE "log10";
    log10l c"npy_log10l" LONGDOUBLE "log10";
    coshf c"npy_coshf" FLOAT "cosh";
    cosh c"npy_cosh" DOUBLE "cosh";
    coshl c"npy_coshl" LONGDOUBLE "cosh";
    sinhf c"npy_sinhf" FLOAT "sinh";
    sinh c"npy_sinh" DOUBLE "sinh";
    sinhl c"npy_sinhl" LONGDOUBLE "sinh";
    tanf c"npy_tanf" FLOAT "tan";
    tan c"npy_tan" DOUBLE "tan";
    tanl c"npy_tanl" LONGDOUBLE "tan";
    tanhf c"npy_tanhf" FLOAT "tanh";
    tanh c"npy_tanh" DOUBLE "tanh";
    tanhl c"npy_tanhl" LONGDOUBLE "tanh";
}

/// `printf("%.{precision}g")` of a float of any size.
fn format_g<'py>(_: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("format_float_OSprintf_g(val, precision, /)");
    let [val, precision] = args.parse(&SIG)?;
    let (Some(val), Some(precision)) = (val, precision) else {
        return Err(PyTypeError::new_err("missing argument"));
    };
    let precision = usize::try_from(index(&precision)?)
        .map_err(|_| PyTypeError::new_err("precision must be non-negative"))?
        .min(1 << 16);
    let scalar = crate::objects::scalar::descr_of_scalar(&val)?;
    let value = if scalar.is_some_and(|d| d.dtype().num == TypeNum::LONGDOUBLE) {
        let descr = dtype::builtin(args.py, TypeNum::LONGDOUBLE);
        let arr = array::from_any(&val, Some(&descr), 0, 0, NPY_ARRAY_CARRAY_RO | NPY_ARRAY_FORCECAST)?;
        // SAFETY: a 0-d array of one aligned long double.
        unsafe { arr.data().cast::<ufuncs::elem::LongDouble>().read() }
    } else {
        ufuncs::elem::LongDouble::from(val.extract::<f64>()?)
    };
    Ok(value.format(b'g', precision).into_pyobject(args.py)?.into_any())
}
