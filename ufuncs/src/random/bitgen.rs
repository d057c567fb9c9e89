//! `bitgen_t`: a state and four functions that draw from it.

use std::cell::Cell;
use std::ffi::c_void;

/// A source of random bits as C sees it (numpy's `bitgen_t`).
///
/// Drawing changes the state behind the pointer. Whoever hands out `&BitGen` has to see to it that no two threads draw at
/// once (numpy's generators carry a lock for that) and that the state outlives the reference. Copies draw from one state.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct BitGen {
    state: *mut c_void,
    next_uint64: unsafe extern "C" fn(*mut c_void) -> u64,
    next_uint32: unsafe extern "C" fn(*mut c_void) -> u32,
    next_double: unsafe extern "C" fn(*mut c_void) -> f64,
    next_raw: unsafe extern "C" fn(*mut c_void) -> u64,
}

const _: () = assert!(size_of::<BitGen>() == 40);

/// What the streams of [`BitGen`] are made of.
pub trait Source {
    /// What C calls.
    fn functions() -> &'static Functions;
    fn u64(&mut self) -> u64;
    fn u32(&mut self) -> u32;
    /// As many draws of 32 bits.
    #[inline]
    fn fill_u32(&mut self, out: &mut [u32]) {
        out.iter_mut().for_each(|x| *x = self.u32());
    }
    /// Uniform on [0, 1) with 53 bits.
    #[inline]
    fn f64(&mut self) -> f64 {
        unit_f64(self.u64())
    }
    /// One output of the underlying generator, whatever its width.
    fn raw(&mut self) -> u64 {
        self.u64()
    }
}

#[inline]
pub(crate) fn unit_f64(bits: u64) -> f64 {
    (bits >> 11) as f64 * (1.0 / 9007199254740992.0)
}

/// What distributions draw from: the C functions of a [`BitGen`], or the code of a generator itself.
pub trait Bits {
    fn u64(&self) -> u64;
    fn u32(&self) -> u32;
    /// As many draws of 32 bits.
    #[inline]
    fn fill_u32(&self, out: &mut [u32]) {
        out.iter_mut().for_each(|x| *x = self.u32());
    }
    /// Uniform on [0, 1) with 53 bits.
    fn f64(&self) -> f64;
    /// Uniform on [0, 1) with 24 bits.
    #[inline]
    fn f32(&self) -> f32 {
        (self.u32() >> 8) as f32 * (1.0 / 16777216.0)
    }
}

impl Bits for BitGen {
    #[inline]
    fn u64(&self) -> u64 {
        BitGen::u64(self)
    }
    #[inline]
    fn u32(&self) -> u32 {
        BitGen::u32(self)
    }
    #[inline]
    fn f64(&self) -> f64 {
        BitGen::f64(self)
    }
}

/// A generator of ours while many numbers are drawn from it: a small state stays in registers.
pub(crate) struct Local<S>(pub Cell<S>);

impl<S: Source + Copy> Local<S> {
    #[inline(always)]
    fn with<T>(&self, draw: impl FnOnce(&mut S) -> T) -> T {
        let mut state = self.0.get();
        let value = draw(&mut state);
        self.0.set(state);
        value
    }
}

impl<S: Source + Copy> Bits for Local<S> {
    #[inline(always)]
    fn u64(&self) -> u64 {
        self.with(S::u64)
    }
    #[inline(always)]
    fn u32(&self) -> u32 {
        self.with(S::u32)
    }
    #[inline(always)]
    fn fill_u32(&self, out: &mut [u32]) {
        self.with(|state| state.fill_u32(out));
    }
    #[inline(always)]
    fn f64(&self) -> f64 {
        self.with(S::f64)
    }
}

/// As [`Local`], for a state too large to be moved about.
pub(crate) struct InPlace<S>(pub *mut S);

impl<S: Source> Bits for InPlace<S> {
    #[inline(always)]
    fn u64(&self) -> u64 {
        // SAFETY: `direct!` makes it from a live state nobody else is using, here and below.
        unsafe { (*self.0).u64() }
    }
    #[inline(always)]
    fn u32(&self) -> u32 {
        // SAFETY: as above.
        unsafe { (*self.0).u32() }
    }
    #[inline(always)]
    fn fill_u32(&self, out: &mut [u32]) {
        // SAFETY: as above.
        unsafe { (*self.0).fill_u32(out) }
    }
    #[inline(always)]
    fn f64(&self) -> f64 {
        // SAFETY: as above.
        unsafe { (*self.0).f64() }
    }
}

/// `direct!(rng, bits => body)` evaluates the body with `bits` drawing from the [`BitGen`]: by the generator's own code,
/// compiled into the body, if it is one of ours.
macro_rules! direct {
    ($rng:expr, $bits:ident => $body:expr) => {{
        let rng: &$crate::random::BitGen = $rng;
        $crate::random::bitgen::direct!(@try rng, $bits, $body, [
            $crate::random::pcg64::Pcg64, $crate::random::pcg64::Pcg64Dxsm, $crate::random::sfc64::Sfc64;
            $crate::random::philox::Philox, $crate::random::mt19937::Mt19937
        ])
    }};
    (@try $rng:ident, $bits:ident, $body:expr, [$($source:ty),*; $($large:ty),*]) => {
        $(if let Some(state) = $rng.state_of::<$source>() {
            // SAFETY: `state_of` knows the type; the promise of `BitGen::new` makes this the only user of the state.
            let local = $crate::random::bitgen::Local(std::cell::Cell::new(unsafe { *state }));
            let $bits = &local;
            let result = $body;
            // SAFETY: as above.
            unsafe { *state = local.0.get() };
            result
        } else)* $(if let Some(state) = $rng.state_of::<$large>() {
            let $bits = &$crate::random::bitgen::InPlace(state);
            $body
        } else)* {
            let $bits = $rng;
            $body
        }
    };
}
pub(crate) use direct;

// SAFETY (the four functions): `BitGen::new` requires that `state` points to a live `S` nobody else is using.
unsafe extern "C" fn next_uint64<S: Source>(state: *mut c_void) -> u64 {
    // SAFETY: as above.
    unsafe { (*state.cast::<S>()).u64() }
}
unsafe extern "C" fn next_uint32<S: Source>(state: *mut c_void) -> u32 {
    // SAFETY: as above.
    unsafe { (*state.cast::<S>()).u32() }
}
unsafe extern "C" fn next_double<S: Source>(state: *mut c_void) -> f64 {
    // SAFETY: as above.
    unsafe { (*state.cast::<S>()).f64() }
}
unsafe extern "C" fn next_raw<S: Source>(state: *mut c_void) -> u64 {
    // SAFETY: as above.
    unsafe { (*state.cast::<S>()).raw() }
}

/// The four functions of a generator.
///
/// Each of our generators has one `static` of them: functions made from a type may exist several times, once for every
/// crate that mentions them, and have to have one address to be recognised by.
#[derive(Clone, Copy)]
pub struct Functions {
    next_uint64: unsafe extern "C" fn(*mut c_void) -> u64,
    next_uint32: unsafe extern "C" fn(*mut c_void) -> u32,
    next_double: unsafe extern "C" fn(*mut c_void) -> f64,
    next_raw: unsafe extern "C" fn(*mut c_void) -> u64,
}

impl Functions {
    /// Those of a type.
    pub const fn of<S: Source>() -> Functions {
        Functions {
            next_uint64: next_uint64::<S>,
            next_uint32: next_uint32::<S>,
            next_double: next_double::<S>,
            next_raw: next_raw::<S>,
        }
    }
    fn addresses(&self) -> [usize; 4] {
        [
            self.next_uint64 as usize,
            self.next_uint32 as usize,
            self.next_double as usize,
            self.next_raw as usize,
        ]
    }
}

impl BitGen {
    /// The interface of a generator.
    ///
    /// # Safety
    /// `state` stays valid, at its place, for as long as the value is used, and is not drawn from by two threads at once.
    pub unsafe fn new<S: Source>(state: *mut S) -> BitGen {
        let Functions { next_uint64, next_uint32, next_double, next_raw } = *S::functions();
        BitGen { state: state.cast(), next_uint64, next_uint32, next_double, next_raw }
    }
    /// The state, if the four functions are those of `S`. (Should two types share all their code, they share its meaning.)
    pub(crate) fn state_of<S: Source>(&self) -> Option<*mut S> {
        (self.function_addresses() == S::functions().addresses()).then_some(self.state.cast())
    }
    /// Address of the state.
    pub fn state_address(&self) -> usize {
        self.state as usize
    }
    /// Addresses of the functions: 64 bits, 32 bits, double, raw.
    pub fn function_addresses(&self) -> [usize; 4] {
        [
            self.next_uint64 as usize,
            self.next_uint32 as usize,
            self.next_double as usize,
            self.next_raw as usize,
        ]
    }
    #[inline]
    pub fn u64(&self) -> u64 {
        // SAFETY: the promise made to `new`, here and below.
        unsafe { (self.next_uint64)(self.state) }
    }
    #[inline]
    pub fn u32(&self) -> u32 {
        // SAFETY: as above.
        unsafe { (self.next_uint32)(self.state) }
    }
    /// Uniform on [0, 1).
    #[inline]
    pub fn f64(&self) -> f64 {
        // SAFETY: as above.
        unsafe { (self.next_double)(self.state) }
    }
    #[inline]
    pub fn raw(&self) -> u64 {
        // SAFETY: as above.
        unsafe { (self.next_raw)(self.state) }
    }
    /// Uniform on [0, 1) with 24 bits.
    #[inline]
    pub fn f32(&self) -> f32 {
        (self.u32() >> 8) as f32 * (1.0 / 16777216.0)
    }
    /// A non-negative 64-bit integer.
    pub fn positive_i64(&self) -> i64 {
        (self.u64() >> 1) as i64
    }
}

/// The unused half of a 64-bit output, kept for the next 32-bit draw.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Half {
    pub has_uint32: i32,
    pub uinteger: u32,
}

impl Half {
    /// The kept half, or the low half of a fresh output (its high half is kept).
    #[inline]
    pub(crate) fn take(&mut self, next: impl FnOnce() -> u64) -> u32 {
        if self.has_uint32 != 0 {
            self.has_uint32 = 0;
            return self.uinteger;
        }
        let bits = next();
        self.has_uint32 = 1;
        self.uinteger = (bits >> 32) as u32;
        bits as u32
    }
    /// As many draws as by [`Half::take`].
    #[inline]
    pub(crate) fn fill(&mut self, mut next: impl FnMut() -> u64, out: &mut [u32]) {
        let kept = (self.has_uint32 as usize).min(1).min(out.len());
        let (first, rest) = out.split_at_mut(kept);
        first.fill_with(|| self.take(&mut next));
        let (pairs, last) = rest.as_chunks_mut::<2>();
        for pair in pairs {
            let bits = next();
            *pair = [bits as u32, (bits >> 32) as u32];
            // What was given out is still shown in the state.
            self.uinteger = pair[1];
        }
        last.fill_with(|| self.take(&mut next));
    }
    pub fn reset(&mut self) {
        *self = Half::default();
    }
}
