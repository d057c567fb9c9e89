//! `PyArray_ArrFuncs`: what a builtin type can do with its elements, as a table of functions that C code calls directly.
//!
//! A function is made for each type number and finds out the rest (byte order, length, fields) from the array it is given,
//! of which callers fill in little more than the descriptor. Without an array the plain native type is meant. Memory need
//! not be aligned. Everything is answered by the object space with a view of the elements in question.

use std::cmp::Ordering;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::null_mut;

use micronumpy::cast::{copy_into_status, release_objects, retain_objects};
use micronumpy::elem_text::parse_prefix;
use micronumpy::ops::{compare::Compare, fill, product, select, sort};
use micronumpy::{ArrayRef, Dtype, TypeNum};
use pyo3::exceptions::PyTypeError;
use pyo3::ffi::PyObject;
use pyo3::prelude::*;
use ufuncs::sort::SortKind;

use super::Slot;
use super::given::{self, zero};
use crate::abi::*;
use crate::error::IntoPyResult;
use crate::ffi::guard;
use crate::objects::dtype::{DtypeClass, builtin, dtype_of};
use crate::objects::{Descr, scalar};

pub static SLOTS: &[Slot] = &[Slot(365, _PyDataType_GetArrFuncs as *const ())];

static TABLES: StaticType<[PyArray_ArrFuncs; TypeNum::NTYPES]> = StaticType::zeroed();

unsafe extern "C" fn _PyDataType_GetArrFuncs(descr: *const PyArray_Descr) -> *mut PyArray_ArrFuncs {
    // SAFETY: the C API's contract: a live descriptor. Only types made at run time are asked with the help of Python.
    unsafe {
        let num = (*descr).type_num;
        match usize::try_from(num) {
            Ok(i) if i < TypeNum::NTYPES => (&raw mut (*TABLES.get())[i]),
            _ => guard(|py| {
                let class = DtypeClass::of(&given::descr(py, descr.cast_mut()));
                class.functions().map(|f| (f as *const PyArray_ArrFuncs).cast_mut()).ok_or_else(|| {
                    PyTypeError::new_err("this DType has no table of functions of the older kind")
                })
            }),
        }
    }
}

/// Fill the tables; called once, while the module initialises.
pub(super) fn init() {
    // SAFETY: nobody has the tables yet.
    let tables = unsafe { &mut *TABLES.get() };
    macro_rules! fill {
        ($($num:literal)*) => {$(tables[$num] = table::<$num>();)*};
    }
    fill!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23);
}

fn table<const N: i32>() -> PyArray_ArrFuncs {
    let num = TypeNum(N);
    let numeric = num.is_bool() || num.is_number();
    let ordered = numeric || num.is_datetime() || num.is_object();
    let sorted = num != TypeNum::VOID;
    PyArray_ArrFuncs {
        // Casts have their own home since numpy 2; the places for them stay empty.
        cast: [None; 21],
        getitem: Some(getitem::<N>),
        setitem: Some(setitem::<N>),
        copyswapn: Some(copyswapn::<N>),
        copyswap: Some(copyswap::<N>),
        compare: Some(compare::<N>),
        argmax: Some(argmax::<N>),
        argmin: Some(argmin::<N>),
        dotfunc: (ordered && num != TypeNum::DATETIME).then_some(dot::<N>),
        scanfunc: null_mut(),
        fromstr: if numeric { from_text::<N> as FromText as *mut c_void } else { null_mut() },
        nonzero: Some(nonzero::<N>),
        fill: ordered.then_some(progression::<N>),
        fillwithscalar: ordered.then_some(fill_with::<N>),
        sort: if sorted { sorts::<N>() } else { [null_mut(); 3] },
        argsort: if sorted { argsorts::<N>() } else { [null_mut(); 3] },
        castdict: null_mut(),
        scalarkind: null_mut(),
        cancastscalarkindto: null_mut(),
        cancastto: null_mut(),
        unused: [null_mut(); 3],
    }
}

type FromText = unsafe extern "C" fn(*mut c_char, *mut c_void, *mut *mut c_char, *mut PyArray_Descr) -> c_int;
type SortFunction = unsafe extern "C" fn(*mut c_void, isize, *mut c_void) -> c_int;
type ArgSortFunction = unsafe extern "C" fn(*mut c_void, *mut isize, isize, *mut c_void) -> c_int;

fn sorts<const N: i32>() -> [*mut c_void; 3] {
    let all: [SortFunction; 3] = [sort_items::<N, 0>, sort_items::<N, 1>, sort_items::<N, 2>];
    all.map(|f| f as *mut c_void)
}

fn argsorts<const N: i32>() -> [*mut c_void; 3] {
    let all: [ArgSortFunction; 3] = [argsort_items::<N, 0>, argsort_items::<N, 1>, argsort_items::<N, 2>];
    all.map(|f| f as *mut c_void)
}

/// The descriptor of the elements: the array's, or that of the type.
unsafe fn descr_of<const N: i32>(py: Python<'_>, arr: *mut c_void) -> Descr<'_> {
    // SAFETY: null or something with a descriptor where arrays have it.
    unsafe {
        match arr.cast::<PyArrayObject>().as_ref().filter(|a| !a.descr.is_null()) {
            Some(a) => given::descr(py, a.descr),
            None => builtin(py, TypeNum(N)),
        }
    }
}

/// Work on elements without Python, for types that do not need it. The dtype lives as long as the array.
unsafe fn with_dtype<const N: i32, R>(arr: *mut c_void, body: impl FnOnce(&Dtype) -> R) -> R {
    // SAFETY: null or something with a descriptor where arrays have it.
    unsafe {
        match arr.cast::<PyArrayObject>().as_ref().filter(|a| !a.descr.is_null()) {
            Some(a) => body(dtype_of(a.descr)),
            None => body(&Dtype::builtin(TypeNum(N))),
        }
    }
}

unsafe extern "C" fn getitem<const N: i32>(data: *mut c_void, arr: *mut c_void) -> *mut PyObject {
    // SAFETY: an element, here and below.
    given::give(|py| unsafe { scalar::get_item(&descr_of::<N>(py, arr), data.cast()) })
}

unsafe extern "C" fn setitem<const N: i32>(
    value: *mut PyObject,
    data: *mut c_void,
    arr: *mut c_void,
) -> c_int {
    // SAFETY: as above.
    zero(|py| unsafe { scalar::set_item(&descr_of::<N>(py, arr), data.cast(), &given::object(py, value)) })
}

/// Copy `n` elements (a null source: leave them) and swap their bytes.
unsafe extern "C" fn copyswapn<const N: i32>(
    dst: *mut c_void,
    dst_stride: isize,
    src: *mut c_void,
    src_stride: isize,
    n: isize,
    swap: c_int,
    arr: *mut c_void,
) {
    // SAFETY: as above, for `n` elements.
    unsafe {
        with_dtype::<N, _>(arr, |dt| {
            let itemsize = dt.itemsize;
            for i in 0..n {
                let to = dst.cast::<u8>().wrapping_offset(i * dst_stride);
                if !src.is_null() {
                    let from = src.cast::<u8>().wrapping_offset(i * src_stride);
                    if dt.has_object() {
                        // The new references are taken before the old ones go.
                        let old = ArrayRef::new(to, &[], &[], dt);
                        retain_objects(&ArrayRef::new(from, &[], &[], dt));
                        release_objects(&old);
                    }
                    std::ptr::copy(from, to, itemsize);
                }
                if swap != 0 {
                    fill::byteswap(&ArrayRef::new(to, &[], &[], dt));
                }
            }
        });
    }
}

unsafe extern "C" fn copyswap<const N: i32>(
    dst: *mut c_void,
    src: *mut c_void,
    swap: c_int,
    arr: *mut c_void,
) {
    // SAFETY: as above.
    unsafe { copyswapn::<N>(dst, 0, src, 0, 1, swap, arr) }
}

unsafe extern "C" fn nonzero<const N: i32>(data: *mut c_void, arr: *mut c_void) -> u8 {
    // SAFETY: as above. Only objects are asked by Python.
    unsafe {
        with_dtype::<N, _>(arr, |dt| match select::count_nonzero(&ArrayRef::new(data.cast(), &[], &[], dt)) {
            Ok(n) => u8::from(n != 0),
            Err(e) => guard(|py| Err(e).py(py)),
        })
    }
}

unsafe extern "C" fn compare<const N: i32>(a: *const c_void, b: *const c_void, arr: *mut c_void) -> c_int {
    // SAFETY: as above.
    unsafe {
        with_dtype::<N, _>(arr, |dt| {
            let native = dt.with_byteorder(b'=');
            let result = Compare::of(&native).and_then(|c| {
                if dt.is_native() {
                    return c.order(a.cast(), b.cast());
                }
                let (x, y) = (native_copy(dt, &native, a.cast())?, native_copy(dt, &native, b.cast())?);
                c.order(x.as_ptr().cast(), y.as_ptr().cast())
            });
            match result {
                Ok(Ordering::Less) => -1,
                Ok(Ordering::Equal) => 0,
                Ok(Ordering::Greater) => 1,
                Err(e) => zero(|py| Err(e).py(py)) + 1,
            }
        })
    }
}

/// An element in native byte order, in words so that it is aligned.
unsafe fn native_copy(dt: &Dtype, native: &Dtype, data: *const u8) -> micronumpy::Result<Vec<u128>> {
    let mut out = vec![0u128; dt.itemsize.div_ceil(16).max(1)];
    // SAFETY: an element, and room for one.
    unsafe {
        let (from, to) = (
            ArrayRef::new(data.cast_mut(), &[], &[], dt),
            ArrayRef::new(out.as_mut_ptr().cast(), &[], &[], native),
        );
        copy_into_status(&to, &from)?;
    }
    Ok(out)
}

unsafe fn extreme<const N: i32>(
    data: *mut c_void,
    n: isize,
    out: *mut isize,
    arr: *mut c_void,
    min: bool,
) -> c_int {
    // SAFETY: as above, `n` elements in a row.
    unsafe {
        with_dtype::<N, _>(arr, |dt| {
            let (shape, strides) = ([n], [dt.itemsize as isize]);
            let items = ArrayRef::new(data.cast(), &shape, &strides, dt);
            let index = Dtype::builtin(TypeNum::LONG);
            match select::argmax(&items, 0, min, &ArrayRef::new(out.cast(), &[], &[], &index)) {
                Ok(()) => 0,
                Err(e) => zero(|py| Err(e).py(py)),
            }
        })
    }
}

unsafe extern "C" fn argmax<const N: i32>(
    data: *mut c_void,
    n: isize,
    out: *mut isize,
    arr: *mut c_void,
) -> c_int {
    // SAFETY: as above.
    unsafe { extreme::<N>(data, n, out, arr, false) }
}

unsafe extern "C" fn argmin<const N: i32>(
    data: *mut c_void,
    n: isize,
    out: *mut isize,
    arr: *mut c_void,
) -> c_int {
    // SAFETY: as above.
    unsafe { extreme::<N>(data, n, out, arr, true) }
}

unsafe extern "C" fn dot<const N: i32>(
    a: *mut c_void,
    a_stride: isize,
    b: *mut c_void,
    b_stride: isize,
    out: *mut c_void,
    n: isize,
    arr: *mut c_void,
) {
    // SAFETY: as above.
    unsafe {
        with_dtype::<N, _>(arr, |dt| {
            let (shape, x, y) = ([n], [a_stride], [b_stride]);
            let (a, b) = (ArrayRef::new(a.cast(), &shape, &x, dt), ArrayRef::new(b.cast(), &shape, &y, dt));
            if let Err(e) = product::dot(&a, &b, &ArrayRef::new(out.cast(), &[], &[], dt)) {
                guard(|py| Err(e).py(py))
            }
        });
    }
}

/// Go on as the first two elements begin.
unsafe extern "C" fn progression<const N: i32>(data: *mut c_void, n: isize, arr: *mut c_void) -> c_int {
    // SAFETY: as above.
    unsafe {
        with_dtype::<N, _>(arr, |dt| {
            let (shape, strides) = ([n], [dt.itemsize as isize]);
            match fill::progression(&ArrayRef::new(data.cast(), &shape, &strides, dt)) {
                Ok(()) => 0,
                Err(e) => zero(|py| Err(e).py(py)),
            }
        })
    }
}

unsafe extern "C" fn fill_with<const N: i32>(
    data: *mut c_void,
    n: isize,
    value: *mut c_void,
    arr: *mut c_void,
) -> c_int {
    // SAFETY: as above; the value is an element.
    unsafe {
        with_dtype::<N, _>(arr, |dt| {
            let (shape, strides) = ([n], [dt.itemsize as isize]);
            let dst = ArrayRef::new(data.cast(), &shape, &strides, dt);
            match copy_into_status(&dst, &ArrayRef::new(value.cast(), &shape, &[0], dt)) {
                Ok(_) => 0,
                Err(e) => zero(|py| Err(e).py(py)),
            }
        })
    }
}

const fn sort_kind(number: i32) -> SortKind {
    match number {
        1 => SortKind::Heap,
        2 => SortKind::Stable,
        _ => SortKind::Quick,
    }
}

unsafe extern "C" fn sort_items<const N: i32, const KIND: i32>(
    data: *mut c_void,
    n: isize,
    arr: *mut c_void,
) -> c_int {
    let kind = sort_kind(KIND);
    // SAFETY: as above.
    unsafe {
        with_dtype::<N, _>(arr, |dt| {
            let (shape, strides) = ([n], [dt.itemsize as isize]);
            match sort::sort(&ArrayRef::new(data.cast(), &shape, &strides, dt), 0, kind) {
                Ok(()) => 0,
                Err(e) => zero(|py| Err(e).py(py)),
            }
        })
    }
}

/// Put the indices in `order` in the order of their elements.
unsafe extern "C" fn argsort_items<const N: i32, const KIND: i32>(
    data: *mut c_void,
    order: *mut isize,
    n: isize,
    arr: *mut c_void,
) -> c_int {
    // SAFETY: as above; the caller has filled the indices with 0 to n.
    unsafe {
        with_dtype::<N, _>(arr, |dt| {
            let (shape, strides) = ([n], [dt.itemsize as isize]);
            let index = Dtype::builtin(TypeNum::LONG);
            let out_strides = [size_of::<isize>() as isize];
            let out = ArrayRef::new(order.cast(), &shape, &out_strides, &index);
            let items = ArrayRef::new(data.cast(), &shape, &strides, dt);
            match sort::argsort(&items, 0, sort_kind(KIND), &out) {
                Ok(()) => 0,
                Err(e) => zero(|py| Err(e).py(py)),
            }
        })
    }
}

/// Read an element from text; `end` is where reading stopped, the start if there is no number.
unsafe extern "C" fn from_text<const N: i32>(
    text: *mut c_char,
    data: *mut c_void,
    end: *mut *mut c_char,
    _: *mut PyArray_Descr,
) -> c_int {
    let mut bytes = Vec::new();
    // SAFETY: as above; a C string.
    unsafe {
        let used = parse_prefix(TypeNum(N), CStr::from_ptr(text).to_bytes(), &mut bytes);
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), data.cast(), bytes.len());
        if !end.is_null() {
            *end = text.add(used);
        }
    }
    0
}
