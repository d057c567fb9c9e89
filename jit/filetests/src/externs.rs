//! The functions traces of tests may call, by name.
//!
//! They cover the kinds of arguments, both entries, and each effect. What a function with effects was called with is
//! written down, so that the order of calls is part of a test's outcome.

use std::cell::RefCell;

use jit::ir::{Effects, Scalar, Trace};

thread_local! {
    static CALLS: RefCell<Vec<u64>> = const { RefCell::new(vec![]) };
}

/// The calls of `test.note` on this thread since the last time.
pub fn take_calls() -> Vec<u64> {
    CALLS.take()
}

extern "C" fn add(a: f64, b: f64) -> f64 {
    a + b
}

extern "C" fn half(x: f64) -> f64 {
    x * 0.5
}
unsafe extern "C" fn half_tile(n: usize, x: *const f64, out: *mut f64) {
    for i in 0..n {
        // SAFETY: `n` elements behind both pointers, by the convention of tile entries.
        unsafe { out.add(i).write_unaligned(half(x.add(i).read_unaligned())) };
    }
}

extern "C" fn scale(x: f32, n: i32) -> f32 {
    x * n as f32
}
unsafe extern "C" fn scale_tile(n: usize, x: *const f32, by: *const i32, out: *mut f32) {
    for i in 0..n {
        // SAFETY: as above.
        unsafe { out.add(i).write_unaligned(scale(x.add(i).read_unaligned(), by.add(i).read_unaligned())) };
    }
}

/// Narrow integers of both signs, in and out.
extern "C" fn narrow(a: i8, b: u16, flag: bool) -> i16 {
    if flag { i16::from(a).wrapping_add(b as i16) } else { -1 }
}

/// As many arguments as go in registers, of both kinds, mixed.
extern "C" fn many(a: i64, x: f64, b: u8, y: f32, c: i32, z: f64, d: i64, e: i64) -> f64 {
    a as f64
        + 2.0 * x
        + 3.0 * f64::from(b)
        + 4.0 * f64::from(y)
        + 5.0 * f64::from(c)
        + 6.0 * z
        + 7.0 * d as f64
        + 8.0 * e as f64
}

extern "C" fn odd(n: i64) -> bool {
    n & 1 != 0
}

extern "C" fn note(n: i64) {
    CALLS.with_borrow_mut(|calls| calls.push(n as u64));
}

unsafe extern "C" fn get(p: *const f64) -> f64 {
    // SAFETY: a trace passes an address it may read; nothing is said about alignment.
    unsafe { p.read_unaligned() }
}

unsafe extern "C" fn put(p: *mut f64, x: f64) {
    // SAFETY: a trace passes an address it may write.
    unsafe { p.write_unaligned(x) }
}

/// A function of the table.
pub struct Extern {
    pub name: &'static str,
    pub params: &'static [Scalar],
    pub result: Option<Scalar>,
    pub effects: Effects,
    addr: fn() -> usize,
    tile: fn() -> usize,
}

/// A row: name, parameters, result, effects, entry, tile entry.
macro_rules! functions {
    ($($name:literal ($($p:ident),*) $(-> $r:ident)? $effects:ident $addr:path $(, $tile:path)?;)*) => {
        /// All of them.
        pub static TABLE: &[Extern] = &[$(Extern {
            name: $name,
            params: &[$(Scalar::$p),*],
            result: functions!(@option $(Scalar::$r)?),
            effects: $effects,
            addr: || $addr as *const () as usize,
            tile: || functions!(@tile $($tile)?),
        }),*];
    };
    (@option) => { None };
    (@option $e:expr) => { Some($e) };
    (@tile) => { 0 };
    (@tile $f:path) => { $f as *const () as usize };
}
const PURE: Effects = Effects::PURE;
const MATH: Effects = Effects::MATH;
const READS: Effects = Effects { reads: true, writes: false, raises: false };
const WRITES: Effects = Effects { reads: false, writes: true, raises: false };
functions! {
    "test.add"(F64, F64) -> F64 MATH add;
    "test.half"(F64) -> F64 MATH half, half_tile;
    "test.scale"(F32, I32) -> F32 MATH scale, scale_tile;
    "test.narrow"(I8, U16, Bool) -> I16 PURE narrow;
    "test.many"(I64, F64, U8, F32, I32, F64, I64, I64) -> F64 MATH many;
    "test.odd"(I64) -> Bool PURE odd;
    "test.note"(I64) WRITES note;
    "test.get"(Ptr) -> F64 READS get;
    "test.put"(Ptr, F64) WRITES put;
}

/// Gives the calls of a trace their addresses.
///
/// # Errors
/// A function that is not in the table, or is declared with another type.
pub fn link(tr: &mut Trace) -> Result<(), String> {
    for call in &mut tr.calls {
        let found = TABLE.iter().find(|e| e.name == call.name);
        let e = found.ok_or_else(|| format!("there is no function {} for tests", call.name))?;
        if call.params != e.params || call.result != e.result {
            return Err(format!("{} has another type", call.name));
        }
        let missing = (e.effects.reads && !call.effects.reads) || (e.effects.writes && !call.effects.writes);
        if missing {
            return Err(format!("{} has more effects than declared", call.name));
        }
        (call.addr, call.tile) = ((e.addr)(), (e.tile)());
    }
    Ok(())
}
