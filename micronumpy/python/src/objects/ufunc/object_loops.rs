//! Loops over object elements: they call operators and methods of the elements themselves.
//!
//! An element is a pointer to a Python object that the array owns; null reads as `None`. A loop stores a new reference
//! and gives the old one back only then, so that an input may be the output.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::null_mut;

use micronumpy::ufunc::Loop;
use pyo3::ffi::{self, PyObject};
use ufuncs::{LoopContext, LoopDef, LoopFlags, LoopFn, TypeNum};

/// The element at `p`, borrowed.
///
/// # Safety
/// `p` points to an object slot.
#[inline]
pub(super) unsafe fn get(p: *mut u8) -> *mut PyObject {
    // SAFETY: the caller's promise.
    unsafe {
        let obj = *p.cast::<*mut PyObject>();
        if obj.is_null() { ffi::Py_None() } else { obj }
    }
}

/// Replace the element at `p` by a new reference.
///
/// # Safety
/// `p` points to an object slot, `obj` is owned by the caller.
#[inline]
pub(super) unsafe fn put(p: *mut u8, obj: *mut PyObject) {
    // SAFETY: the caller's promise.
    unsafe {
        let slot = p.cast::<*mut PyObject>();
        let old = slot.replace(obj);
        ffi::Py_XDECREF(old);
    }
}

macro_rules! apply {
    ($name:ident, $n:literal, |$args:ident, $aux:ident| $body:expr) => {
        /// # Safety
        /// The loop contract, object operands, `aux` as this loop expects it.
        pub unsafe extern "C" fn $name(
            _ctx: *const LoopContext,
            data: *const *mut u8,
            dims: *const isize,
            strides: *const isize,
            $aux: *mut c_void,
        ) -> c_int {
            // SAFETY: the loop contract: `$n` inputs and one output of `dims[0]` slots each.
            unsafe {
                let mut ptrs = [null_mut::<u8>(); $n + 1];
                ptrs.copy_from_slice(std::slice::from_raw_parts(data, $n + 1));
                let steps = std::slice::from_raw_parts(strides, $n + 1);
                for _ in 0..*dims {
                    let mut $args = [null_mut::<PyObject>(); $n];
                    for (slot, p) in $args.iter_mut().zip(ptrs) {
                        *slot = get(p);
                    }
                    let result: *mut PyObject = $body;
                    if result.is_null() {
                        return -1;
                    }
                    put(ptrs[$n], result);
                    for (p, s) in ptrs.iter_mut().zip(steps) {
                        *p = p.wrapping_offset(*s);
                    }
                }
            }
            0
        }
    };
}

type Unary = unsafe extern "C" fn(*mut PyObject) -> *mut PyObject;
type Binary = unsafe extern "C" fn(*mut PyObject, *mut PyObject) -> *mut PyObject;
type Ternary = unsafe extern "C" fn(*mut PyObject, *mut PyObject, *mut PyObject) -> *mut PyObject;

apply!(unary_function, 1, |a, aux| std::mem::transmute::<*mut c_void, Unary>(aux)(a[0]));
apply!(binary_function, 2, |a, aux| std::mem::transmute::<*mut c_void, Binary>(aux)(a[0], a[1]));
apply!(ternary_function, 3, |a, aux| std::mem::transmute::<*mut c_void, Ternary>(aux)(a[0], a[1], a[2]));
apply!(compare_objects, 2, |a, aux| ffi::PyObject_RichCompare(a[0], a[1], aux as usize as c_int));
apply!(binary_method, 2, |a, aux| {
    let name = ffi::PyUnicode_InternFromString(aux.cast::<c_char>());
    if name.is_null() {
        null_mut()
    } else {
        let r = ffi::PyObject_CallMethodObjArgs(a[0], name, a[1], null_mut::<PyObject>());
        ffi::Py_DECREF(name);
        r
    }
});

/// Call a function of any number of arguments for each row of elements; several results come as a tuple.
///
/// # Safety
/// The loop contract for `nin + nout` operands of objects.
pub unsafe fn call_function(
    callable: *mut PyObject,
    nin: usize,
    nout: usize,
    data: *const *mut u8,
    n: isize,
    strides: *const isize,
) -> c_int {
    // SAFETY: the loop contract.
    unsafe {
        let nargs = nin + nout;
        let mut ptrs: Vec<*mut u8> = std::slice::from_raw_parts(data, nargs).to_vec();
        let steps = std::slice::from_raw_parts(strides, nargs);
        let mut args: Vec<*mut PyObject> = vec![null_mut(); nin];
        for _ in 0..n {
            for (slot, &p) in args.iter_mut().zip(&ptrs) {
                *slot = get(p);
                // The function may drop the element from the array it came from.
                ffi::Py_INCREF(*slot);
            }
            let result = ffi::PyObject_Vectorcall(callable, args.as_ptr(), nin, null_mut());
            for &arg in &args {
                ffi::Py_DECREF(arg);
            }
            if result.is_null() {
                return -1;
            }
            match nout {
                0 => ffi::Py_DECREF(result),
                1 => put(ptrs[nin], result),
                n => {
                    // Anything but a tuple of the right length leaves the outputs as they are.
                    let fits = ffi::PyTuple_Check(result) != 0 && ffi::PyTuple_GET_SIZE(result) as usize == n;
                    if fits {
                        for k in 0..n {
                            let item = ffi::PyTuple_GET_ITEM(result, k as isize);
                            ffi::Py_INCREF(item);
                            put(ptrs[nin + k], item);
                        }
                    }
                    ffi::Py_DECREF(result);
                }
            }
            for (p, &s) in ptrs.iter_mut().zip(steps) {
                *p = p.wrapping_offset(s);
            }
        }
    }
    0
}

/// # Safety
/// The loop contract: objects in, objects out; `aux` is the name of a method.
pub unsafe extern "C" fn unary_method(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    aux: *mut c_void,
) -> c_int {
    // SAFETY: the loop contract.
    unsafe {
        let name = aux.cast::<c_char>();
        let (mut src, mut dst) = (*data, *data.add(1));
        for i in 0..*dims {
            let obj = get(src);
            let method = ffi::PyObject_GetAttrString(obj, name);
            if method.is_null() || ffi::PyCallable_Check(method) == 0 {
                no_method(i, obj, name, method);
                return -1;
            }
            let result = ffi::PyObject_CallNoArgs(method);
            ffi::Py_DECREF(method);
            if result.is_null() {
                return -1;
            }
            put(dst, result);
            src = src.wrapping_offset(*strides);
            dst = dst.wrapping_offset(*strides.add(1));
        }
    }
    0
}

/// Raise the error of an element without the method a loop calls; the lookup's own error becomes its cause. What numpy calls
/// the number of the argument is the element's place `i` in the loop.
///
/// # Safety
/// Live objects; `method` is owned or null.
unsafe fn no_method(i: isize, obj: *mut PyObject, name: *const c_char, method: *mut PyObject) {
    // SAFETY: the caller's promise; the GIL is held wherever object loops run.
    unsafe {
        let py = pyo3::Python::assume_attached();
        ffi::Py_XDECREF(method);
        let cause = pyo3::PyErr::take(py);
        let ty = CStr::from_ptr((*ffi::Py_TYPE(obj)).tp_name).to_string_lossy();
        let err = pyo3::exceptions::PyTypeError::new_err(format!(
            "loop of ufunc does not support argument {i} of type {ty} which has no callable {} method",
            CStr::from_ptr(name).to_string_lossy()
        ));
        if cause.is_some() {
            err.set_cause(py, cause);
        }
        err.restore(py);
    }
}

/// # Safety
/// The loop contract: two objects in, a bool out; `aux` is the comparison's number.
unsafe extern "C" fn compare_to_bool(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    aux: *mut c_void,
) -> c_int {
    // SAFETY: the loop contract.
    unsafe {
        let (mut a, mut b, mut out) = (*data, *data.add(1), *data.add(2));
        for _ in 0..*dims {
            let result = ffi::PyObject_RichCompare(get(a), get(b), aux as usize as c_int);
            if result.is_null() {
                return -1;
            }
            let truth = ffi::PyObject_IsTrue(result);
            ffi::Py_DECREF(result);
            if truth < 0 {
                return -1;
            }
            *out = truth as u8;
            a = a.wrapping_offset(*strides);
            b = b.wrapping_offset(*strides.add(1));
            out = out.wrapping_offset(*strides.add(2));
        }
    }
    0
}

/// A new reference to `obj`.
///
/// # Safety
/// Live object.
unsafe fn new_ref(obj: *mut PyObject) -> *mut PyObject {
    // SAFETY: the caller's promise.
    unsafe {
        ffi::Py_INCREF(obj);
        obj
    }
}

unsafe extern "C" fn power(a: *mut PyObject, b: *mut PyObject) -> *mut PyObject {
    // SAFETY: live objects, as for all functions below.
    unsafe { ffi::PyNumber_Power(a, b, ffi::Py_None()) }
}

/// `a` if the comparison holds, else `b`.
unsafe fn choose(a: *mut PyObject, b: *mut PyObject, op: c_int) -> *mut PyObject {
    // SAFETY: live objects.
    unsafe {
        match ffi::PyObject_RichCompareBool(a, b, op) {
            1 => new_ref(a),
            0 => new_ref(b),
            _ => null_mut(),
        }
    }
}

unsafe extern "C" fn maximum(a: *mut PyObject, b: *mut PyObject) -> *mut PyObject {
    // SAFETY: live objects.
    unsafe { choose(a, b, ffi::Py_GE) }
}

unsafe extern "C" fn minimum(a: *mut PyObject, b: *mut PyObject) -> *mut PyObject {
    // SAFETY: live objects.
    unsafe { choose(a, b, ffi::Py_LE) }
}

unsafe extern "C" fn clip(a: *mut PyObject, lo: *mut PyObject, hi: *mut PyObject) -> *mut PyObject {
    // SAFETY: live objects; `low` is owned here.
    unsafe {
        let low = maximum(a, lo);
        if low.is_null() {
            return null_mut();
        }
        let result = minimum(low, hi);
        ffi::Py_DECREF(low);
        result
    }
}

unsafe extern "C" fn logical_and(a: *mut PyObject, b: *mut PyObject) -> *mut PyObject {
    // SAFETY: live objects.
    unsafe {
        match ffi::PyObject_IsTrue(a) {
            0 => new_ref(a),
            1 => new_ref(b),
            _ => null_mut(),
        }
    }
}

unsafe extern "C" fn logical_or(a: *mut PyObject, b: *mut PyObject) -> *mut PyObject {
    // SAFETY: live objects.
    unsafe {
        match ffi::PyObject_IsTrue(a) {
            1 => new_ref(a),
            0 => new_ref(b),
            _ => null_mut(),
        }
    }
}

unsafe extern "C" fn logical_not(a: *mut PyObject) -> *mut PyObject {
    // SAFETY: live objects.
    unsafe {
        match ffi::PyObject_Not(a) {
            -1 => null_mut(),
            truth => ffi::PyBool_FromLong(truth.into()),
        }
    }
}

unsafe extern "C" fn sign(a: *mut PyObject) -> *mut PyObject {
    // SAFETY: live objects.
    unsafe {
        let zero = ffi::PyLong_FromLong(0);
        if zero.is_null() {
            return null_mut();
        }
        let mut result = null_mut();
        let mut decided = false;
        for (op, value) in [(ffi::Py_LT, -1), (ffi::Py_GT, 1), (ffi::Py_EQ, 0)] {
            match ffi::PyObject_RichCompareBool(a, zero, op) {
                1 => {
                    result = ffi::PyLong_FromLong(value);
                    decided = true;
                    break;
                }
                0 => {}
                _ => {
                    decided = true;
                    break;
                }
            }
        }
        ffi::Py_DECREF(zero);
        if !decided {
            ffi::PyErr_SetString(ffi::PyExc_TypeError, c"unorderable types for comparison".as_ptr());
        }
        result
    }
}

unsafe extern "C" fn one(_: *mut PyObject) -> *mut PyObject {
    // SAFETY: plain C API call.
    unsafe { ffi::PyLong_FromLong(1) }
}

unsafe extern "C" fn reciprocal(a: *mut PyObject) -> *mut PyObject {
    // SAFETY: live objects.
    unsafe {
        let one = ffi::PyLong_FromLong(1);
        if one.is_null() {
            return null_mut();
        }
        let result = ffi::PyNumber_TrueDivide(one, a);
        ffi::Py_DECREF(one);
        result
    }
}

unsafe extern "C" fn square(a: *mut PyObject) -> *mut PyObject {
    // SAFETY: live objects.
    unsafe { ffi::PyNumber_Multiply(a, a) }
}

/// Call `module.name(args...)`.
///
/// # Safety
/// Live objects.
unsafe fn call_name(module: &'static str, name: &str, args: &[*mut PyObject]) -> *mut PyObject {
    // SAFETY: the GIL is held wherever object loops run; the arguments are live.
    unsafe {
        let py = pyo3::Python::assume_attached();
        match crate::ffi::import::cached(py, module, name) {
            Ok(f) => ffi::PyObject_Vectorcall(f.as_ptr(), args.as_ptr().cast_mut(), args.len(), null_mut()),
            Err(e) => {
                e.restore(py);
                null_mut()
            }
        }
    }
}

unsafe extern "C" fn floor(a: *mut PyObject) -> *mut PyObject {
    // SAFETY: live objects.
    unsafe { call_name("math", "floor", &[a]) }
}
unsafe extern "C" fn ceil(a: *mut PyObject) -> *mut PyObject {
    // SAFETY: live objects.
    unsafe { call_name("math", "ceil", &[a]) }
}
unsafe extern "C" fn trunc(a: *mut PyObject) -> *mut PyObject {
    // SAFETY: live objects.
    unsafe { call_name("math", "trunc", &[a]) }
}

/// The greatest common divisor by `math.gcd`, or for other number types by the Python layer's own Euclid.
unsafe extern "C" fn gcd(a: *mut PyObject, b: *mut PyObject) -> *mut PyObject {
    // SAFETY: live objects; `g` is owned here.
    unsafe {
        let quick = call_name("math", "gcd", &[a, b]);
        if !quick.is_null() {
            return quick;
        }
        ffi::PyErr_Clear();
        let g = call_name("numpy._core._internal", "_gcd", &[a, b]);
        if g.is_null() {
            return null_mut();
        }
        let result = ffi::PyNumber_Absolute(g);
        ffi::Py_DECREF(g);
        result
    }
}

unsafe extern "C" fn lcm(a: *mut PyObject, b: *mut PyObject) -> *mut PyObject {
    // SAFETY: live objects; intermediate results are owned here.
    unsafe {
        let g = gcd(a, b);
        if g.is_null() {
            return null_mut();
        }
        // Floor division keeps integers integers; there is no remainder.
        let quotient = ffi::PyNumber_FloorDivide(a, g);
        ffi::Py_DECREF(g);
        if quotient.is_null() {
            return null_mut();
        }
        let product = ffi::PyNumber_Multiply(quotient, b);
        ffi::Py_DECREF(quotient);
        if product.is_null() {
            return null_mut();
        }
        let result = ffi::PyNumber_Absolute(product);
        ffi::Py_DECREF(product);
        result
    }
}

/// Sum of products along the core dimension, in order.
///
/// # Safety
/// `n` object slots at these addresses and strides, an object slot to store to.
unsafe fn dot(
    mut a: *mut u8,
    sa: isize,
    mut b: *mut u8,
    sb: isize,
    n: isize,
    out: *mut u8,
    conjugate: bool,
) -> c_int {
    // SAFETY: the caller's promise; every intermediate is owned here.
    unsafe {
        let mut sum: *mut PyObject = null_mut();
        for _ in 0..n {
            let left = if conjugate {
                let r = ffi::PyObject_CallMethodNoArgs(get(a), CONJUGATE.get());
                if r.is_null() {
                    ffi::Py_XDECREF(sum);
                    return -1;
                }
                r
            } else {
                new_ref(get(a))
            };
            let product = ffi::PyNumber_Multiply(left, get(b));
            ffi::Py_DECREF(left);
            if product.is_null() {
                ffi::Py_XDECREF(sum);
                return -1;
            }
            if sum.is_null() {
                sum = product;
            } else {
                let next = ffi::PyNumber_Add(sum, product);
                ffi::Py_DECREF(sum);
                ffi::Py_DECREF(product);
                if next.is_null() {
                    return -1;
                }
                sum = next;
            }
            a = a.wrapping_offset(sa);
            b = b.wrapping_offset(sb);
        }
        // A sum of nothing is nothing, except for `matmul`.
        put(out, if sum.is_null() { new_ref(ffi::Py_None()) } else { sum });
    }
    0
}

/// The name `conjugate`, interned at first use.
struct Interned(std::sync::OnceLock<pyo3::Py<pyo3::types::PyString>>);
impl Interned {
    fn get(&self) -> *mut PyObject {
        // SAFETY: object loops run with the GIL held.
        let py = unsafe { pyo3::Python::assume_attached() };
        self.0.get_or_init(|| pyo3::types::PyString::intern(py, "conjugate").unbind()).as_ptr()
    }
}
static CONJUGATE: Interned = Interned(std::sync::OnceLock::new());

/// # Safety
/// The contract of a loop with signature `(m,n),(n,p)->(m,p)`.
unsafe extern "C" fn matmul(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    st: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: the loop contract: core dimensions after dims[0], core strides after three outer strides. Object loops run with the
    // GIL held.
    unsafe {
        let py = pyo3::Python::assume_attached();
        let (m, n, p) = (*dims.add(1), *dims.add(2), *dims.add(3));
        let s = std::slice::from_raw_parts(st, 9);
        // numpy leaves a matrix where an object fails, goes on with the next one, and tells of the last failure.
        let mut failure = None;
        for o in 0..*dims {
            let at = |i: usize| (*data.add(i)).wrapping_offset(o * s[i]);
            let element = |i: isize, j: isize| {
                let a = at(0).wrapping_offset(i * s[3]);
                let b = at(1).wrapping_offset(j * s[6]);
                let out = at(2).wrapping_offset(i * s[7] + j * s[8]);
                if n == 0 {
                    put(out, ffi::PyLong_FromLong(0));
                    return true;
                }
                dot(a, s[4], b, s[5], n, out, false) == 0
            };
            if !(0..m).all(|i| (0..p).all(|j| element(i, j))) {
                failure = pyo3::PyErr::take(py).or(failure);
            }
        }
        if let Some(error) = failure {
            error.restore(py);
            return -1;
        }
    }
    0
}

/// # Safety
/// The contract of a loop with signature `(m,n),(n)->(m)`.
unsafe extern "C" fn matvec(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    st: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: the loop contract.
    unsafe {
        let (m, n) = (*dims.add(1), *dims.add(2));
        let s = std::slice::from_raw_parts(st, 7);
        for o in 0..*dims {
            let at = |i: usize| (*data.add(i)).wrapping_offset(o * s[i]);
            for i in 0..m {
                let (a, out) = (at(0).wrapping_offset(i * s[3]), at(2).wrapping_offset(i * s[6]));
                if dot(a, s[4], at(1), s[5], n, out, false) < 0 {
                    return -1;
                }
            }
        }
    }
    0
}

/// # Safety
/// The contract of a loop with signature `(n),(n,m)->(m)`.
unsafe extern "C" fn vecmat(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    st: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: the loop contract.
    unsafe {
        let (n, m) = (*dims.add(1), *dims.add(2));
        let s = std::slice::from_raw_parts(st, 7);
        for o in 0..*dims {
            let at = |i: usize| (*data.add(i)).wrapping_offset(o * s[i]);
            for j in 0..m {
                let (b, out) = (at(1).wrapping_offset(j * s[5]), at(2).wrapping_offset(j * s[6]));
                if dot(at(0), s[3], b, s[4], n, out, true) < 0 {
                    return -1;
                }
            }
        }
    }
    0
}

/// # Safety
/// The contract of a loop with signature `(n),(n)->()`.
unsafe extern "C" fn vecdot(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    st: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: the loop contract.
    unsafe {
        let n = *dims.add(1);
        let s = std::slice::from_raw_parts(st, 5);
        for o in 0..*dims {
            let at = |i: usize| (*data.add(i)).wrapping_offset(o * s[i]);
            if dot(at(0), s[3], at(1), s[4], n, at(2), true) < 0 {
                return -1;
            }
        }
    }
    0
}

const O1: &[TypeNum] = &[TypeNum::OBJECT; 2];
const O2: &[TypeNum] = &[TypeNum::OBJECT; 3];
const O3: &[TypeNum] = &[TypeNum::OBJECT; 4];
const OOB: &[TypeNum] = &[TypeNum::OBJECT, TypeNum::OBJECT, TypeNum::BOOL];

fn row(types: &'static [TypeNum], func: LoopFn, aux: *mut c_void) -> Loop {
    let flags = LoopFlags::NEEDS_API;
    Loop::from(LoopDef { types: types.into(), func, aux, flags, fold: None })
}
fn unary_row(f: Unary) -> Vec<Loop> {
    vec![row(O1, unary_function, f as *mut c_void)]
}
fn binary_row(f: Binary) -> Vec<Loop> {
    vec![row(O2, binary_function, f as *mut c_void)]
}
fn method_row(name: &'static CStr) -> Vec<Loop> {
    vec![row(O1, unary_method, name.as_ptr().cast_mut().cast())]
}
fn method2_row(name: &'static CStr) -> Vec<Loop> {
    vec![row(O2, binary_method, name.as_ptr().cast_mut().cast())]
}
fn compare_rows(op: c_int) -> Vec<Loop> {
    let aux = op as usize as *mut c_void;
    vec![row(OOB, compare_to_bool, aux), row(O2, compare_objects, aux)]
}

/// The object loops of a builtin ufunc; they follow the rows of the table.
pub fn loops_of(name: &str) -> Vec<Loop> {
    use ffi::*;
    match name {
        "add" => binary_row(PyNumber_Add),
        "subtract" => binary_row(PyNumber_Subtract),
        "multiply" => binary_row(PyNumber_Multiply),
        "divide" => binary_row(PyNumber_TrueDivide),
        "floor_divide" => binary_row(PyNumber_FloorDivide),
        "remainder" => binary_row(PyNumber_Remainder),
        "power" => binary_row(power),
        "bitwise_and" => binary_row(PyNumber_And),
        "bitwise_or" => binary_row(PyNumber_Or),
        "bitwise_xor" => binary_row(PyNumber_Xor),
        "left_shift" => binary_row(PyNumber_Lshift),
        "right_shift" => binary_row(PyNumber_Rshift),
        "maximum" | "fmax" => binary_row(maximum),
        "minimum" | "fmin" => binary_row(minimum),
        "gcd" => binary_row(gcd),
        "lcm" => binary_row(lcm),
        "logical_and" => binary_row(logical_and),
        "logical_or" => binary_row(logical_or),
        "absolute" => unary_row(PyNumber_Absolute),
        "negative" => unary_row(PyNumber_Negative),
        "positive" => unary_row(PyNumber_Positive),
        "invert" => unary_row(PyNumber_Invert),
        "logical_not" => unary_row(logical_not),
        "sign" => unary_row(sign),
        "_ones_like" => unary_row(one),
        "reciprocal" => unary_row(reciprocal),
        "square" => unary_row(square),
        "floor" => unary_row(floor),
        "ceil" => unary_row(ceil),
        "trunc" => unary_row(trunc),
        "clip" => vec![row(O3, ternary_function, clip as *mut c_void)],
        "equal" => compare_rows(Py_EQ),
        "not_equal" => compare_rows(Py_NE),
        "less" => compare_rows(Py_LT),
        "less_equal" => compare_rows(Py_LE),
        "greater" => compare_rows(Py_GT),
        "greater_equal" => compare_rows(Py_GE),
        "logical_xor" => method2_row(c"logical_xor"),
        "arctan2" => method2_row(c"arctan2"),
        "fmod" => method2_row(c"fmod"),
        "hypot" => method2_row(c"hypot"),
        "bitwise_count" => method_row(c"bit_count"),
        "conjugate" => method_row(c"conjugate"),
        "matmul" => vec![row(O2, matmul, null_mut())],
        "matvec" => vec![row(O2, matvec, null_mut())],
        "vecmat" => vec![row(O2, vecmat, null_mut())],
        "vecdot" => vec![row(O2, vecdot, null_mut())],
        "arccos" => method_row(c"arccos"),
        "arccosh" => method_row(c"arccosh"),
        "arcsin" => method_row(c"arcsin"),
        "arcsinh" => method_row(c"arcsinh"),
        "arctan" => method_row(c"arctan"),
        "arctanh" => method_row(c"arctanh"),
        "cbrt" => method_row(c"cbrt"),
        "cos" => method_row(c"cos"),
        "cosh" => method_row(c"cosh"),
        "deg2rad" => method_row(c"deg2rad"),
        "degrees" => method_row(c"degrees"),
        "exp" => method_row(c"exp"),
        "exp2" => method_row(c"exp2"),
        "expm1" => method_row(c"expm1"),
        "fabs" => method_row(c"fabs"),
        "log" => method_row(c"log"),
        "log10" => method_row(c"log10"),
        "log1p" => method_row(c"log1p"),
        "log2" => method_row(c"log2"),
        "rad2deg" => method_row(c"rad2deg"),
        "radians" => method_row(c"radians"),
        "rint" => method_row(c"rint"),
        "sin" => method_row(c"sin"),
        "sinh" => method_row(c"sinh"),
        "sqrt" => method_row(c"sqrt"),
        "tan" => method_row(c"tan"),
        "tanh" => method_row(c"tanh"),
        _ => vec![],
    }
}
