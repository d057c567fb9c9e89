//! Which method casts one DType to another, and how the object space asks for it.
//!
//! Casts between builtin types are the object space's own: their methods only put a face on `micronumpy::cast`. Casts of
//! user DTypes are registered here, and the object space finds them through [`resolve`] and [`host_loop`].

use std::collections::HashMap;
use std::ffi::{CString, c_int, c_void};
use std::ptr::null_mut;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use micronumpy::cast::{self, CastResolution, HostLoop};
use micronumpy::iter::PerOp;
use micronumpy::{Casting, Dtype, Error, Order, TypeNum};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use ufuncs::LoopContext;

use super::{Aux, Kind, Method, MethodRef, Resolved, SAME_VALUE, Strided, make};
use crate::abi::*;
use crate::error::to_host_error;
use crate::objects::dtype::class::DtypeClass;
use crate::objects::{Descr, array, dtype};

/// Registered casts by the addresses of their classes, which live as long as the process.
static CASTS: LazyLock<Mutex<HashMap<(usize, usize), Py<PyAny>>>> = LazyLock::new(Mutex::default);

fn all() -> MutexGuard<'static, HashMap<(usize, usize), Py<PyAny>>> {
    CASTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Register the cast between two classes.
pub fn register<'py>(method: MethodRef<'py>, from: &DtypeClass<'py>, to: &DtypeClass<'py>) -> PyResult<()> {
    let m = method.method();
    if m.nin != 1 || m.nout != 1 {
        return Err(PyTypeError::new_err("Only method with one input and one output can be casts"));
    }
    let key = (from.raw() as usize, to.raw() as usize);
    if all().contains_key(&key) {
        return Err(PyRuntimeError::new_err(format!(
            "A cast was already added for {} -> {}. (method: {})",
            from.0.str()?.to_string_lossy(),
            to.0.str()?.to_string_lossy(),
            m.name.to_string_lossy()
        )));
    }
    all().insert(key, method.0.unbind());
    Ok(())
}

fn registered<'py>(from: &DtypeClass<'py>, to: &DtypeClass<'py>) -> Option<MethodRef<'py>> {
    let key = (from.raw() as usize, to.raw() as usize);
    all().get(&key).map(|m| MethodRef(m.bind(from.py()).clone()))
}

/// Pairs of type numbers whose casts have been declared safe.
static SAFE: Mutex<Vec<(i32, i32)>> = Mutex::new(Vec::new());

/// `PyArray_RegisterCanCast`
pub fn declare_safe(from: TypeNum, to: TypeNum) {
    SAFE.lock().unwrap_or_else(PoisonError::into_inner).push((from.0, to.0));
}

fn is_declared_safe(from: TypeNum, to: TypeNum) -> bool {
    SAFE.lock().unwrap_or_else(PoisonError::into_inner).contains(&(from.0, to.0))
}

/// `PyArray_RegisterCastFunc`: a cast by a function of the old kind. A later one replaces an earlier one.
pub fn register_function(
    py: Python<'_>,
    from: TypeNum,
    to: TypeNum,
    function: PyArray_VectorUnaryFunc,
) -> PyResult<()> {
    let (from, to) = (DtypeClass::of_num(py, from)?, DtypeClass::of_num(py, to)?);
    let name = CString::new("legacy_cast")?;
    let flags = NPY_METH_REQUIRES_PYAPI;
    let method = Method { name, nin: 1, nout: 1, casting: -1, flags, kind: Kind::Old(function) };
    all().insert((from.raw() as usize, to.raw() as usize), make(py, method)?.0.unbind());
    Ok(())
}

/// What a cast of the old kind works on: native elements, no parameters.
pub(super) fn resolve_old<'py>(
    classes: &[DtypeClass<'py>],
    given: &[Option<Descr<'py>>],
) -> PyResult<Option<Resolved<'py>>> {
    let descrs = given.iter().zip(classes).map(|(d, class)| match d {
        Some(d) => class.canonical(d),
        None => class.default_descr(),
    });
    let safe = is_declared_safe(classes[0].num(), classes[1].num());
    let casting = if safe { Casting::Safe } else { Casting::Unsafe } as c_int;
    Ok(Some(Resolved { descrs: descrs.collect::<PyResult<_>>()?, casting, view_offset: None }))
}

/// A function of the old kind, which wants contiguous elements and arrays to learn their dtypes from.
#[repr(C)]
struct OldCast {
    head: NpyAuxData,
    function: PyArray_VectorUnaryFunc,
    arrays: [*mut ffi::PyObject; 2],
    itemsizes: [isize; 2],
}

unsafe extern "C" fn free_old(aux: *mut NpyAuxData) {
    // SAFETY: made by `old_loop`, freed once, with the GIL held.
    unsafe {
        let own = Box::from_raw(aux.cast::<OldCast>());
        own.arrays.iter().for_each(|&a| ffi::Py_DECREF(a));
    }
}

unsafe extern "C" fn run_old(
    _: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    aux: *mut c_void,
) -> c_int {
    // SAFETY: `aux` is an `OldCast`; the loop contract for the rest.
    unsafe {
        let own = &*aux.cast::<OldCast>();
        let [from, to] = own.arrays.map(|a| a.cast::<c_void>());
        let (src, dst, n) = (*data, *data.add(1), *dims);
        let steps = [*strides, *strides.add(1)];
        if steps == own.itemsizes {
            (own.function)(src.cast(), dst.cast(), n, from, to);
        } else {
            for i in 0..n {
                let (s, d) = (src.wrapping_offset(i * steps[0]), dst.wrapping_offset(i * steps[1]));
                (own.function)(s.cast(), d.cast(), 1, from, to);
            }
        }
        if ffi::PyErr_Occurred().is_null() { 0 } else { -1 }
    }
}

/// The loop of a cast of the old kind.
pub(super) fn old_loop(function: PyArray_VectorUnaryFunc, descrs: &[Descr<'_>]) -> PyResult<Strided> {
    let one = |d: &Descr<'_>| array::new(d, &[], Order::C, true).map(|a| a.0.into_ptr());
    let own = Box::new(OldCast {
        head: NpyAuxData { free: Some(free_old), clone: None, reserved: [null_mut(); 2] },
        function,
        arrays: [one(&descrs[0])?, one(&descrs[1])?],
        itemsizes: [descrs[0].itemsize() as isize, descrs[1].itemsize() as isize],
    });
    let aux = Aux::owned(Box::into_raw(own).cast());
    Ok(Strided { func: run_old, aux, flags: NPY_METH_REQUIRES_PYAPI })
}

/// The method that casts between two classes.
pub fn method_for<'py>(from: &DtypeClass<'py>, to: &DtypeClass<'py>) -> PyResult<Option<MethodRef<'py>>> {
    if let Some(method) = registered(from, to) {
        return Ok(Some(method));
    }
    let (a, b) = (from.num(), to.num());
    let Some((name, flags)) = builtin_name(a, b) else { return Ok(None) };
    let name = CString::new(name)?;
    let method = Method { name, nin: 1, nout: 1, casting: loosest(a, b), flags, kind: Kind::Builtin };
    make(from.py(), method).map(Some)
}

/// The loosest level a cast between two classes can have, as numpy notes it; -1 where it notes none.
fn loosest(a: TypeNum, b: TypeNum) -> c_int {
    use TypeNum as T;
    let number = |n: TypeNum| n.is_bool() || n.is_number();
    let level = match (a, b) {
        _ if a == b && !a.is_object() => return -1,
        (T::VOID, _) | (_, T::VOID) if !a.is_object() && !b.is_object() => return -1,
        (T::STRING, T::UNICODE) => Casting::SameKind,
        (_, T::STRING | T::UNICODE) if number(a) => Casting::SameKind,
        (_, T::STRING | T::UNICODE) => Casting::Unsafe,
        // One type but for the name, in another byte order at worst.
        _ if a.is_integer() && a.kind() == b.kind() && a.size() == b.size() => Casting::Equiv,
        _ => cast::cast_level(&Dtype::builtin(a), &Dtype::builtin(b)).unwrap_or(Casting::Unsafe),
    };
    level as c_int | if number(a) && number(b) { SAME_VALUE } else { 0 }
}

/// numpy's name of a cast with a builtin type on at least one side, and its flags.
fn builtin_name(a: TypeNum, b: TypeNum) -> Option<(&'static str, c_int)> {
    use TypeNum as T;
    let any = NPY_METH_SUPPORTS_UNALIGNED;
    let api = NPY_METH_REQUIRES_PYAPI;
    let number = |n: TypeNum| n.is_bool() || n.is_number();
    let foreign = |n: TypeNum| n.is_user();
    Some(match (a, b) {
        (T::OBJECT, T::OBJECT) => ("object_to_object_cast", any | api),
        (T::OBJECT, _) => ("object_to_any_cast", any | api),
        (_, T::OBJECT) => ("any_to_object_cast", any | api),
        (T::VSTRING, T::VSTRING) => ("cast_StringDType_to_StringDType", any),
        (T::VSTRING, n) if !foreign(n) => (cast_name(n)?[0], api),
        (n, T::VSTRING) if !foreign(n) => (cast_name(n)?[1], api),
        (T::VOID, T::VOID) => ("void_to_void_cast", any),
        (T::VOID, _) => ("void_to_any_cast", any),
        (_, T::VOID) => ("any_to_void_cast", any),
        _ if foreign(a) || foreign(b) => return None,
        (T::STRING, T::STRING) | (T::UNICODE, T::UNICODE) => ("string_to_string_cast", any),
        // These names say what numpy's say, not what the casts do.
        (T::STRING, T::DATETIME) => ("datetime_to_timedelta_cast", any),
        (T::UNICODE, T::DATETIME) | (T::DATETIME, T::STRING | T::UNICODE) => {
            ("datetime_to_timedelta_cast", any | api)
        }
        (T::DATETIME, T::DATETIME) | (T::TIMEDELTA, T::TIMEDELTA) => ("datetime_casts", any),
        (T::DATETIME, T::TIMEDELTA) | (T::TIMEDELTA, T::STRING | T::UNICODE) => {
            ("datetime_to_timedelta_cast", api)
        }
        (T::TIMEDELTA, T::DATETIME) => ("timedelta_and_datetime_cast", api),
        (_, T::STRING | T::UNICODE) => ("legacy_cast_to_string", api | NPY_METH_NO_FLOATINGPOINT_ERRORS),
        _ if number(a) && number(b) => {
            let same = a == b || a.is_integer() && a.kind() == b.kind() && a.size() == b.size();
            (if same { "numeric_copy_or_byteswap" } else { "numeric_cast" }, any)
        }
        _ => ("legacy_cast", api),
    })
}

/// numpy's names of the casts from variable-width strings to a type and back.
fn cast_name(n: TypeNum) -> Option<[&'static str; 2]> {
    use TypeNum as T;
    macro_rules! names {
        ($($num:ident $name:literal;)*) => {
            Some(match n {
                $(T::$num => {
                    [concat!("cast_StringDType_to_", $name), concat!("cast_", $name, "_to_StringDType")]
                })*
                _ => return None,
            })
        };
    }
    names! {
        BOOL "Bool";
        BYTE "byte";
        UBYTE "unsigned byte";
        SHORT "short";
        USHORT "unsigned short";
        INT "int";
        UINT "unsigned int";
        LONG "long";
        ULONG "unsigned long";
        LONGLONG "long long";
        ULONGLONG "unsigned long long";
        HALF "half";
        FLOAT "float";
        DOUBLE "double";
        LONGDOUBLE "long double";
        CFLOAT "complex float";
        CDOUBLE "complex double";
        CLONGDOUBLE "complex long double";
        STRING "Bytes";
        UNICODE "Unicode";
        VOID "Void";
        DATETIME "Datetime";
        TIMEDELTA "Timedelta";
    }
}

/// What the object space resolves a cast of its own to, with the operands' descriptors where they stay.
pub(super) fn resolve_builtin<'py>(
    to_class: &DtypeClass<'py>,
    given: &[Option<Descr<'py>>],
) -> PyResult<Option<Resolved<'py>>> {
    let Some(from) = &given[0] else { return Err(PyTypeError::new_err("the source of a cast is missing")) };
    let py = from.py();
    if from.dtype().num.is_object() && given[1].is_none() && to_class.is_parametric() {
        return Err(PyTypeError::new_err(format!(
            "casting from object to the parametric DType {} requires the specified output dtype instance. This may be a \
             NumPy issue, since the correct instance should be discovered automatically, however.",
            to_class.0.str()?.to_string_lossy()
        )));
    }
    let class = to_class.num();
    let host = |num: TypeNum| num.is_user() || num == TypeNum::VSTRING;
    let sized = |n: TypeNum| n.is_string() || n == TypeNum::VOID;
    let to = match &given[1] {
        Some(d) => Some(d.clone()),
        // Strings do not say how much room they take.
        None if from.dtype().num == TypeNum::VSTRING && sized(class) => return Ok(None),
        None if from.dtype().num == TypeNum::VSTRING && class == TypeNum::VSTRING => Some(from.clone()),
        // A class the object space does not know the instances of.
        None if host(class) => Some(to_class.default_descr()?),
        None => None,
    };
    let Some(r) = cast::resolve(from.dtype(), class, to.as_ref().map(|d| d.dtype())) else { return Ok(None) };
    let source = if r.from == *from.dtype() { from.clone() } else { dtype::descr_of(py, &r.from)? };
    let target = match to {
        Some(d) if r.to == *d.dtype() => d,
        None if class == from.dtype().num && r.to == *from.dtype() => from.clone(),
        _ => dtype::descr_of(py, &r.to)?,
    };
    let casting = r.level as c_int | if r.checks_values { SAME_VALUE } else { 0 };
    Ok(Some(Resolved { descrs: [source, target].into_iter().collect(), casting, view_offset: r.view_offset }))
}

/// The registered cast between a dtype and a class, resolved for the object space.
pub fn resolve(
    py: Python<'_>,
    from: &Dtype,
    num: TypeNum,
    to: Option<&Dtype>,
) -> PyResult<Option<CastResolution>> {
    let Some(found) = resolve_descrs(py, from, num, to)? else { return Ok(None) };
    Ok(Some(CastResolution {
        from: found.1.descrs[0].dtype().clone(),
        to: found.1.descrs[1].dtype().clone(),
        level: found.1.level(),
        view_offset: found.1.view_offset,
        checks_values: found.1.casting & SAME_VALUE != 0,
    }))
}

fn resolve_descrs<'py>(
    py: Python<'py>,
    from: &Dtype,
    num: TypeNum,
    to: Option<&Dtype>,
) -> PyResult<Option<(MethodRef<'py>, Resolved<'py>)>> {
    let classes = [DtypeClass::of_num(py, from.num)?, DtypeClass::of_num(py, num)?];
    let Some(method) = registered(&classes[0], &classes[1]) else { return Ok(None) };
    let given = [Some(dtype::descr_of(py, from)?), to.map(|dt| dtype::descr_of(py, dt)).transpose()?];
    Ok(method.resolve(&classes, &given)?.map(|r| (method, r)))
}

/// The loop of a registered cast between dtypes it resolved to.
pub fn host_loop(py: Python<'_>, from: &Dtype, to: &Dtype, aligned: bool) -> PyResult<Box<dyn HostLoop>> {
    let classes = [DtypeClass::of_num(py, from.num)?, DtypeClass::of_num(py, to.num)?];
    let method = registered(&classes[0], &classes[1])
        .ok_or_else(|| PyTypeError::new_err("no cast between these types"))?;
    let descrs = [dtype::descr_of(py, from)?, dtype::descr_of(py, to)?];
    let unaligned = method.method().flags & NPY_METH_SUPPORTS_UNALIGNED != 0;
    // Strides are not known yet; none of them may be relied on.
    let strides = [isize::MAX; 2];
    let strided = method.get_loop(&descrs, null_mut(), aligned || !unaligned, &strides)?;
    Ok(Box::new(CastLoop {
        strided,
        descrs: descrs.map(|d| d.0.unbind()),
        method: method.0.unbind(),
        unaligned,
    }))
}

struct CastLoop {
    strided: Strided,
    descrs: [Py<PyAny>; 2],
    method: Py<PyAny>,
    unaligned: bool,
}

impl HostLoop for CastLoop {
    unsafe fn run(
        &self,
        src: *const u8,
        sst: isize,
        dst: *mut u8,
        dst_st: isize,
        n: usize,
    ) -> micronumpy::Result<()> {
        // SAFETY: the object space calls this with the GIL held.
        let py = unsafe { Python::assume_attached() };
        let raw: PerOp<*mut PyArray_Descr> = self.descrs.iter().map(|d| d.as_ptr().cast()).collect();
        let context = MethodRef(self.method.bind(py).clone()).context(null_mut(), raw.as_ptr());
        let (data, dims, strides) = ([src.cast_mut(), dst], [n as isize], [sst, dst_st]);
        // SAFETY: the caller's promise.
        let code = unsafe {
            (self.strided.func)(
                &context,
                data.as_ptr(),
                dims.as_ptr(),
                strides.as_ptr(),
                self.strided.aux.ptr(),
            )
        };
        if code == 0 {
            return Ok(());
        }
        if PyErr::occurred(py) {
            return Err(Error::Host);
        }
        Err(to_host_error(py, PyRuntimeError::new_err("a cast failed without saying why")))
    }
    fn takes_unaligned(&self) -> bool {
        self.unaligned
    }
}
