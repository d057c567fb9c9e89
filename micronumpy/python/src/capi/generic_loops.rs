//! Loops that call a function for each element: what extensions put into their ufuncs, with the function as the loop's data.
//!
//! A name tells the types of the operands and, after `_As_`, those of the function, where elements are converted on the way.
//! `e f d g` are half to long double and `F D G` their complex kin, which functions take by address.

use std::ffi::{c_char, c_void};
use std::ptr::null;

use pyo3::ffi::PyObject;
use ufuncs::elem::{f16, float16};

use super::Slot;
use crate::objects::ufunc::object_loops;

pub static SLOTS: &[Slot] = &[
    Slot(4, PyUFunc_f_f_As_d_d as *const ()),
    Slot(5, PyUFunc_d_d as *const ()),
    Slot(6, PyUFunc_f_f as *const ()),
    Slot(7, PyUFunc_g_g as *const ()),
    Slot(8, PyUFunc_F_F_As_D_D as *const ()),
    Slot(9, PyUFunc_F_F as *const ()),
    Slot(10, PyUFunc_D_D as *const ()),
    Slot(11, PyUFunc_G_G as *const ()),
    Slot(12, PyUFunc_O_O as *const ()),
    Slot(13, PyUFunc_ff_f_As_dd_d as *const ()),
    Slot(14, PyUFunc_ff_f as *const ()),
    Slot(15, PyUFunc_dd_d as *const ()),
    Slot(16, PyUFunc_gg_g as *const ()),
    Slot(17, PyUFunc_FF_F_As_DD_D as *const ()),
    Slot(18, PyUFunc_DD_D as *const ()),
    Slot(19, PyUFunc_FF_F as *const ()),
    Slot(20, PyUFunc_GG_G as *const ()),
    Slot(21, PyUFunc_OO_O as *const ()),
    Slot(22, PyUFunc_O_O_method as *const ()),
    Slot(23, PyUFunc_OO_O_method as *const ()),
    Slot(24, PyUFunc_On_Om as *const ()),
    Slot(33, PyUFunc_e_e as *const ()),
    Slot(34, PyUFunc_e_e_As_f_f as *const ()),
    Slot(35, PyUFunc_e_e_As_d_d as *const ()),
    Slot(36, PyUFunc_ee_e as *const ()),
    Slot(37, PyUFunc_ee_e_As_ff_f as *const ()),
    Slot(38, PyUFunc_ee_e_As_dd_d as *const ()),
];

/// An element type as the function sees it.
trait Via<E> {
    fn of(elem: E) -> Self;
    fn back(self) -> E;
}
impl<E> Via<E> for E {
    fn of(elem: E) -> E {
        elem
    }
    fn back(self) -> E {
        self
    }
}
impl Via<f32> for f64 {
    fn of(elem: f32) -> f64 {
        f64::from(elem)
    }
    fn back(self) -> f32 {
        self as f32
    }
}

impl Via<f16> for f32 {
    fn of(elem: f16) -> f32 {
        float16::to_f32(elem)
    }
    fn back(self) -> f16 {
        float16::from_f32(self)
    }
}
impl Via<f16> for f64 {
    fn of(elem: f16) -> f64 {
        float16::to_f64(elem)
    }
    fn back(self) -> f16 {
        float16::from_f64(self)
    }
}

/// A complex number of this component type.
type Complex<T> = [T; 2];

impl Via<Complex<f32>> for Complex<f64> {
    fn of(elem: Complex<f32>) -> Complex<f64> {
        elem.map(f64::from)
    }
    fn back(self) -> Complex<f32> {
        self.map(|x| x as f32)
    }
}

/// Sixteen bytes, as a long double is stored. Nothing here looks inside.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
struct Wide([u8; 16]);

/// Walk the operands of a loop; `body` gets the addresses of an element of each.
///
/// # Safety
/// The contract of loops of the older kind, for `N` operands.
unsafe fn walk<const N: usize>(
    args: *mut *mut c_char,
    dims: *const isize,
    steps: *const isize,
    mut body: impl FnMut([*mut u8; N]),
) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut at: [*mut u8; N] = std::array::from_fn(|i| (*args.add(i)).cast());
        for _ in 0..*dims {
            body(at);
            for (i, p) in at.iter_mut().enumerate() {
                *p = p.wrapping_offset(*steps.add(i));
            }
        }
    }
}

macro_rules! by_value {
    ($($name:ident: $elem:ty => $own:ty, $n:tt;)*) => {$(
        unsafe extern "C" fn $name(
            args: *mut *mut c_char,
            dims: *const isize,
            steps: *const isize,
            function: *mut c_void,
        ) {
            // SAFETY: the contract of loops; the data is a function of these types.
            unsafe { by_value!(@$n $elem, $own, args, dims, steps, function) }
        }
    )*};
    (@1 $elem:ty, $own:ty, $args:ident, $dims:ident, $steps:ident, $function:ident) => {{
        let f = std::mem::transmute::<*mut c_void, unsafe extern "C" fn($own) -> $own>($function);
        walk::<2>($args, $dims, $steps, |[x, out]| {
            let x = <$own as Via<$elem>>::of(x.cast::<$elem>().read_unaligned());
            out.cast::<$elem>().write_unaligned(Via::<$elem>::back(f(x)));
        })
    }};
    (@2 $elem:ty, $own:ty, $args:ident, $dims:ident, $steps:ident, $function:ident) => {{
        let f = std::mem::transmute::<*mut c_void, unsafe extern "C" fn($own, $own) -> $own>($function);
        walk::<3>($args, $dims, $steps, |[x, y, out]| {
            let x = <$own as Via<$elem>>::of(x.cast::<$elem>().read_unaligned());
            let y = <$own as Via<$elem>>::of(y.cast::<$elem>().read_unaligned());
            out.cast::<$elem>().write_unaligned(Via::<$elem>::back(f(x, y)));
        })
    }};
}
by_value! {
    PyUFunc_d_d: f64 => f64, 1;
    PyUFunc_f_f: f32 => f32, 1;
    PyUFunc_f_f_As_d_d: f32 => f64, 1;
    PyUFunc_e_e: u16 => u16, 1;
    PyUFunc_e_e_As_f_f: f16 => f32, 1;
    PyUFunc_e_e_As_d_d: f16 => f64, 1;
    PyUFunc_dd_d: f64 => f64, 2;
    PyUFunc_ff_f: f32 => f32, 2;
    PyUFunc_ff_f_As_dd_d: f32 => f64, 2;
    PyUFunc_ee_e: u16 => u16, 2;
    PyUFunc_ee_e_As_ff_f: f16 => f32, 2;
    PyUFunc_ee_e_As_dd_d: f16 => f64, 2;
}

macro_rules! by_address {
    ($($name:ident: $elem:ty => $own:ty, $n:tt;)*) => {$(
        unsafe extern "C" fn $name(
            args: *mut *mut c_char,
            dims: *const isize,
            steps: *const isize,
            function: *mut c_void,
        ) {
            // SAFETY: the contract of loops; the data is a function of these types.
            unsafe { by_address!(@$n $elem, $own, args, dims, steps, function) }
        }
    )*};
    (@1 $elem:ty, $own:ty, $args:ident, $dims:ident, $steps:ident, $function:ident) => {{
        let f = std::mem::transmute::<*mut c_void, unsafe extern "C" fn(*mut $own, *mut $own)>($function);
        walk::<2>($args, $dims, $steps, |[x, out]| {
            let mut x = <$own as Via<$elem>>::of(x.cast::<$elem>().read_unaligned());
            let mut result = x;
            f(&mut x, &mut result);
            out.cast::<$elem>().write_unaligned(Via::<$elem>::back(result));
        })
    }};
    (@2 $elem:ty, $own:ty, $args:ident, $dims:ident, $steps:ident, $function:ident) => {{
        type Function = unsafe extern "C" fn(*mut $own, *mut $own, *mut $own);
        let f = std::mem::transmute::<*mut c_void, Function>($function);
        walk::<3>($args, $dims, $steps, |[x, y, out]| {
            let mut x = <$own as Via<$elem>>::of(x.cast::<$elem>().read_unaligned());
            let mut y = <$own as Via<$elem>>::of(y.cast::<$elem>().read_unaligned());
            let mut result = x;
            f(&mut x, &mut y, &mut result);
            out.cast::<$elem>().write_unaligned(Via::<$elem>::back(result));
        })
    }};
}
by_address! {
    PyUFunc_F_F: Complex<f32> => Complex<f32>, 1;
    PyUFunc_D_D: Complex<f64> => Complex<f64>, 1;
    PyUFunc_G_G: Complex<Wide> => Complex<Wide>, 1;
    PyUFunc_F_F_As_D_D: Complex<f32> => Complex<f64>, 1;
    PyUFunc_FF_F: Complex<f32> => Complex<f32>, 2;
    PyUFunc_DD_D: Complex<f64> => Complex<f64>, 2;
    PyUFunc_GG_G: Complex<Wide> => Complex<Wide>, 2;
    PyUFunc_FF_F_As_DD_D: Complex<f32> => Complex<f64>, 2;
}

/// Call a function of long doubles, a type Rust does not have: arguments go where C expects them by hand.
#[cfg(target_arch = "x86_64")]
unsafe fn call_wide(function: *mut c_void, x: &Wide, y: &Wide, out: &mut Wide) {
    // SAFETY: both arguments lie on the stack, the first one lowest, and the result is on top of the register stack; a
    // function of one argument does not look at the second.
    unsafe {
        std::arch::asm!(
            "sub rsp, 32",
            "fld tbyte ptr [{x}]",
            "fstp tbyte ptr [rsp]",
            "fld tbyte ptr [{y}]",
            "fstp tbyte ptr [rsp + 16]",
            "call {function}",
            "fstp tbyte ptr [r12]",
            "add rsp, 32",
            x = in(reg) x,
            y = in(reg) y,
            function = in(reg) function,
            in("r12") out,
            clobber_abi("C"),
        );
    }
}

#[cfg(target_arch = "aarch64")]
unsafe fn call_wide(function: *mut c_void, x: &Wide, y: &Wide, out: &mut Wide) {
    // SAFETY: arguments and result are in vector registers; a function of one argument does not look at the second.
    unsafe {
        std::arch::asm!(
            "ldr q0, [{x}]",
            "ldr q1, [{y}]",
            "blr {function}",
            "str q0, [x20]",
            x = in(reg) x,
            y = in(reg) y,
            function = in(reg) function,
            in("x20") out,
            clobber_abi("C"),
        );
    }
}

unsafe extern "C" fn PyUFunc_g_g(
    args: *mut *mut c_char,
    dims: *const isize,
    steps: *const isize,
    function: *mut c_void,
) {
    // SAFETY: the contract of loops; the data is a function of a long double.
    unsafe {
        walk::<2>(args, dims, steps, |[x, out]| {
            let x = x.cast::<Wide>().read_unaligned();
            let mut result = x;
            call_wide(function, &x, &x, &mut result);
            out.cast::<Wide>().write_unaligned(result);
        });
    }
}

unsafe extern "C" fn PyUFunc_gg_g(
    args: *mut *mut c_char,
    dims: *const isize,
    steps: *const isize,
    function: *mut c_void,
) {
    // SAFETY: the contract of loops; the data is a function of two long doubles.
    unsafe {
        walk::<3>(args, dims, steps, |[x, y, out]| {
            let (x, y) = (x.cast::<Wide>().read_unaligned(), y.cast::<Wide>().read_unaligned());
            let mut result = x;
            call_wide(function, &x, &y, &mut result);
            out.cast::<Wide>().write_unaligned(result);
        });
    }
}

macro_rules! of_objects {
    ($($name:ident => $loop:ident;)*) => {$(
        unsafe extern "C" fn $name(
            args: *mut *mut c_char,
            dims: *const isize,
            steps: *const isize,
            function: *mut c_void,
        ) {
            // SAFETY: the contracts differ in the context, which these loops do not look at, and in how they say that
            // they failed: an exception is all the older kind has.
            unsafe { object_loops::$loop(null(), args.cast::<*mut u8>(), dims, steps, function) };
        }
    )*};
}
of_objects! {
    PyUFunc_O_O => unary_function;
    PyUFunc_OO_O => binary_function;
    PyUFunc_O_O_method => unary_method;
    PyUFunc_OO_O_method => binary_method;
}

/// `PyUFunc_PyFuncData`
#[repr(C)]
struct PyFuncData {
    nin: i32,
    nout: i32,
    callable: *mut PyObject,
}

/// Call a Python function of any number of arguments and results.
unsafe extern "C" fn PyUFunc_On_Om(
    args: *mut *mut c_char,
    dims: *const isize,
    steps: *const isize,
    data: *mut c_void,
) {
    // SAFETY: the contract of loops; the data tells the function and how many operands there are.
    unsafe {
        let f = &*data.cast::<PyFuncData>();
        object_loops::call_function(f.callable, f.nin as usize, f.nout as usize, args.cast(), *dims, steps);
    }
}
