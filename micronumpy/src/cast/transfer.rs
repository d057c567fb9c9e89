//! The plan for moving a run of strided elements from one dtype to another.
//!
//! Contract of every step in this module and its siblings: `src` and `dst` point to `n` elements at the given byte
//! strides, valid for reading respectively writing; they coincide element by element or do not overlap. Destination
//! slots of object type hold null or an owned reference, which is given back when the slot is overwritten. Numeric
//! kernels and host casts want aligned native elements and are wrapped in [`Buffered`] otherwise; everything else works
//! at any alignment, and on native elements only (the plan swaps around it).

use ufuncs::casts::copy::{copy_strided, swap_strided};
use ufuncs::datetime::Converter;
use ufuncs::{LoopContext, LoopFlags, LoopFn};

use super::resolve::CastResolution;
use super::{Casting, HostLoop, cast_level, dates, nested, text, vstring};
use crate::array::buffer;
use crate::dtype::promote::class_name;
use crate::dtype::{Body, Dtype, TypeNum};
use crate::error::{Error, Result};
use crate::object::{self, ObjectOps};

/// A compiled way to move elements from one dtype to another. Make one with [`Transfer::new`], use it for any number of
/// runs.
pub struct Transfer {
    pub(super) step: Step,
    needs_host: bool,
    sets_fp: bool,
}

pub(super) enum Step {
    Copy {
        itemsize: usize,
    },
    Swap {
        itemsize: usize,
        word: usize,
    },
    /// Bytes of a shorter item, zeros behind; or the first bytes of a longer one.
    Resize {
        from: usize,
        to: usize,
    },
    Kernel(LoopFn),
    Host(Box<dyn HostLoop>),
    CopyObject,
    ToObject(Dtype),
    FromObject(Dtype),
    /// By way of a scalar: what has no rule of its own.
    Roundtrip(Dtype, Dtype),
    VoidToBool(usize),
    Text(text::TextStep),
    Strings(vstring::StringStep),
    Dates(Converter),
    /// Dates without a unit where a unit is needed.
    GenericDates,
    Buffered(Box<Buffered>),
    Nested(nested::NestedStep),
    /// Cast, cast back, compare.
    SameValue(Box<SameValue>),
}

/// A step that needs aligned native elements, with buffers where they are not.
pub(super) struct Buffered {
    load: Option<Step>,
    store: Option<Step>,
    src_size: usize,
    dst_size: usize,
    inner: Step,
    apart: Apart,
}

/// Whether elements that were not contiguous may not be so in the buffer, either. What is out of range becomes something else
/// where the conversion takes blocks of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Apart {
    Never,
    Strided,
    Always,
}

pub(super) struct SameValue {
    forward: Step,
    back: Step,
    src: Dtype,
    dst: Dtype,
}

/// Bytes that are swapped together in elements of this dtype.
pub(super) fn word_size(dt: &Dtype) -> usize {
    match dt.num {
        TypeNum::UNICODE => 4,
        n if n.is_complex() => dt.itemsize / 2,
        n if n.is_flexible() => 1,
        _ => dt.itemsize,
    }
}

pub(super) fn host() -> Result<&'static ObjectOps> {
    object::ops().ok_or_else(|| Error::missing("an object element without a host"))
}

impl Transfer {
    /// A plan from `src` to `dst`. `aligned`: elements will be at their dtype's alignment on both sides.
    ///
    /// Casting complex numbers to real ones warns here, once for every field it is done in.
    ///
    /// # Errors
    /// When there is no cast between the two; the warning turned into an error.
    pub fn new(src: &Dtype, dst: &Dtype, aligned: bool) -> Result<Transfer> {
        // What cannot be cast are the whole elements, also if a part of them is the reason.
        let step = plan(src, dst, aligned).map_err(|e| match e {
            Error::NoCast(_) => Error::no_cast(src, dst),
            e => e,
        })?;
        Ok(Transfer::from_step(step, src, dst))
    }
    /// Like [`Transfer::new`], but running it fails when a value does not survive the cast.
    ///
    /// # Errors
    /// As there, and for dtypes other than numbers.
    pub fn same_value(src: &Dtype, dst: &Dtype, aligned: bool) -> Result<Transfer> {
        if dst.num.is_bool() || cast_level(src, dst).is_some_and(|l| l <= Casting::Equiv) {
            return Transfer::new(src, dst, aligned);
        }
        if !super::can_cast(src, dst, Casting::SameValue) {
            return Err(Error::type_(format!(
                "Cannot cast from {:?} to {:?} according to the rule 'same_value'",
                src.num, dst.num
            )));
        }
        let (s, d) = (src.with_byteorder(b'='), dst.with_byteorder(b'='));
        let check = SameValue { forward: plan(&s, &d, true)?, back: numbers(&d, &s, true)?, src: s, dst: d };
        let step = buffered(Step::SameValue(Box::new(check)), src, dst, aligned, true);
        Ok(Transfer::from_step(step, src, dst))
    }
    fn from_step(step: Step, src: &Dtype, dst: &Dtype) -> Transfer {
        let needs_host = step.needs_host() || src.has_object() || dst.has_object();
        Transfer { sets_fp: step.sets_fp(src, dst), needs_host, step }
    }
    /// Whether running it may call into the host (and so needs its lock).
    pub fn needs_host(&self) -> bool {
        self.needs_host
    }
    /// Whether the floating-point status means something after a run.
    pub fn sets_fp(&self) -> bool {
        self.sets_fp
    }
    /// The item size, when the plan is to copy bytes unchanged.
    pub fn plain_copy(&self) -> Option<usize> {
        match self.step {
            Step::Copy { itemsize } => Some(itemsize),
            _ => None,
        }
    }
    /// Move `n` elements.
    ///
    /// # Errors
    /// Values that cannot be converted; elements before the offending one have been stored.
    ///
    /// # Safety
    /// The contract in the module text, with the alignment promised to [`Transfer::new`].
    pub unsafe fn run(
        &self,
        src: *const u8,
        sst: isize,
        dst: *mut u8,
        dst_st: isize,
        n: usize,
    ) -> Result<()> {
        // SAFETY: handed on.
        unsafe { self.step.run(src, sst, dst, dst_st, n) }
    }
}

impl Step {
    pub(super) unsafe fn run(
        &self,
        src: *const u8,
        sst: isize,
        dst: *mut u8,
        dst_st: isize,
        n: usize,
    ) -> Result<()> {
        // SAFETY: the module contract covers every branch.
        unsafe {
            match self {
                Step::Copy { itemsize } => {
                    copy_strided(dst, dst_st, src, sst, n, *itemsize);
                }
                Step::Swap { itemsize, word } => swap_strided(dst, dst_st, src, sst, n, *itemsize, *word),
                Step::Resize { from, to } => {
                    let common = *from.min(to);
                    for i in 0..n as isize {
                        let d = dst.offset(i * dst_st);
                        std::ptr::copy(src.offset(i * sst), d, common);
                        std::ptr::write_bytes(d.add(common), 0, to - common);
                    }
                }
                Step::Kernel(f) => {
                    let ctx = LoopContext {
                        caller: std::ptr::null_mut(),
                        method: std::ptr::null_mut(),
                        descriptors: std::ptr::null(),
                        info: std::ptr::null(),
                        flags: 0,
                        parameters: std::ptr::null_mut(),
                    };
                    let (data, dims, strides) = ([src.cast_mut(), dst], [n as isize], [sst, dst_st]);
                    if f(&ctx, data.as_ptr(), dims.as_ptr(), strides.as_ptr(), std::ptr::null_mut()) != 0 {
                        return Err(Error::Host);
                    }
                }
                Step::Host(cast) => return cast.run(src, sst, dst, dst_st, n),
                Step::CopyObject => copy_objects(src, sst, dst, dst_st, n)?,
                Step::ToObject(dt) => {
                    let ops = host()?;
                    for i in 0..n as isize {
                        let new = (ops.get)(dt, src.offset(i * sst))?;
                        replace_object(ops, dst.offset(i * dst_st), new);
                    }
                }
                Step::FromObject(dt) => {
                    let ops = host()?;
                    for i in 0..n as isize {
                        let obj = src.offset(i * sst).cast::<*mut u8>().read_unaligned();
                        let obj = if obj.is_null() { (ops.none)() } else { obj };
                        (ops.set)(dt, dst.offset(i * dst_st), obj)?;
                    }
                }
                Step::Roundtrip(from, to) => {
                    for i in 0..n as isize {
                        roundtrip(from, to, src.offset(i * sst), dst.offset(i * dst_st))?;
                    }
                }
                Step::VoidToBool(size) => {
                    for i in 0..n as isize {
                        let p = src.offset(i * sst);
                        let any = (0..*size).any(|k| *p.add(k) != 0);
                        *dst.offset(i * dst_st) = any as u8;
                    }
                }
                Step::Text(t) => return t.run(src, sst, dst, dst_st, n),
                Step::Strings(s) => return s.run(src, sst, dst, dst_st, n),
                Step::Dates(d) => d.run(src, sst, dst, dst_st, n),
                Step::GenericDates => return dates::run_generic(src, sst, dst, dst_st, n),
                Step::Buffered(b) => return b.run(src, sst, dst, dst_st, n),
                Step::Nested(s) => return s.run(src, sst, dst, dst_st, n),
                Step::SameValue(s) => return s.run(src, sst, dst, dst_st, n),
            }
        }
        Ok(())
    }
    fn needs_host(&self) -> bool {
        match self {
            Step::Host(_)
            | Step::CopyObject
            | Step::ToObject(_)
            | Step::FromObject(_)
            | Step::Roundtrip(..)
            // Failing conversions of text raise in the host.
            | Step::Text(_)
            | Step::Strings(_) => true,
            Step::Buffered(b) => b.steps().any(Step::needs_host),
            Step::Nested(s) => s.steps().any(Step::needs_host),
            _ => false,
        }
    }
    fn sets_fp(&self, src: &Dtype, dst: &Dtype) -> bool {
        match self {
            Step::Kernel(_) | Step::SameValue(_) => {
                !ufuncs::casts::cast_flags(src.num, dst.num).contains(LoopFlags::NO_FP_ERRORS)
            }
            Step::Buffered(b) => b.steps().any(|step| step.sets_fp(src, dst)),
            // What becomes of an object is told when it is stored.
            Step::Host(_) | Step::Text(_) | Step::Strings(_) => true,
            Step::Nested(_) => true,
            _ => false,
        }
    }
}

/// Store a new reference in an object slot.
pub(super) unsafe fn replace_object(ops: &ObjectOps, slot: *mut u8, new: *mut u8) {
    // SAFETY: the slot is valid and owns what it holds. The old object goes last: giving it back may run anything.
    unsafe {
        let slot = slot.cast::<*mut u8>();
        let old = slot.read_unaligned();
        slot.write_unaligned(new);
        (ops.decref)(old);
    }
}

unsafe fn copy_objects(src: *const u8, sst: isize, dst: *mut u8, dst_st: isize, n: usize) -> Result<()> {
    let ops = host()?;
    for i in 0..n as isize {
        // SAFETY: the module contract.
        unsafe {
            let obj = src.offset(i * sst).cast::<*mut u8>().read_unaligned();
            (ops.incref)(obj);
            replace_object(ops, dst.offset(i * dst_st), obj);
        }
    }
    Ok(())
}

/// One element by way of its scalar.
pub(super) unsafe fn roundtrip(from: &Dtype, to: &Dtype, src: *const u8, dst: *mut u8) -> Result<()> {
    // SAFETY: the module contract.
    unsafe { (host()?.by_scalar)(from, to, src, dst) }
}

/// Bytes of one chunk in [`Buffered`].
const CHUNK: usize = 2048;

impl Buffered {
    fn steps(&self) -> impl Iterator<Item = &Step> {
        self.load.iter().chain(&self.store).chain([&self.inner])
    }
    unsafe fn run(&self, src: *const u8, sst: isize, dst: *mut u8, dst_st: isize, n: usize) -> Result<()> {
        let mut small = [[0u128; CHUNK / 16]; 2];
        let mut large: Vec<u128>;
        let biggest = self.src_size.max(self.dst_size).max(1);
        let (in_buf, out_buf, chunk) = if biggest <= CHUNK / 4 {
            let [a, b] = &mut small;
            (a.as_mut_ptr().cast::<u8>(), b.as_mut_ptr().cast::<u8>(), CHUNK / biggest)
        } else {
            let words = biggest.div_ceil(16);
            large = buffer::scratch(2 * words, 0)?;
            let p = large.as_mut_ptr();
            // SAFETY: `p` points to `2 * words` words.
            (p.cast::<u8>(), unsafe { p.add(words) }.cast::<u8>(), 1)
        };
        let contiguous = sst == self.src_size as isize && dst_st == self.dst_size as isize;
        let (step, chunk) = match self.apart {
            Apart::Strided if contiguous => (self.src_size, chunk),
            Apart::Never => (self.src_size, chunk),
            _ => (2 * self.src_size, chunk / 2),
        };
        let mut done = 0;
        while done < n {
            let m = (n - done).min(chunk);
            // SAFETY: the module contract, and both buffers hold `chunk` elements of the larger size at this step.
            unsafe {
                let (mut s, mut s_step) = (src.offset(done as isize * sst), sst);
                let d = dst.offset(done as isize * dst_st);
                if let Some(load) = &self.load {
                    load.run(s, s_step, in_buf, step as isize, m)?;
                    (s, s_step) = (in_buf, step as isize);
                }
                match &self.store {
                    Some(store) => {
                        self.inner.run(s, s_step, out_buf, self.dst_size as isize, m)?;
                        store.run(out_buf, self.dst_size as isize, d, dst_st, m)?;
                    }
                    None => self.inner.run(s, s_step, d, dst_st, m)?,
                }
            }
            done += m;
        }
        Ok(())
    }
}

impl SameValue {
    unsafe fn run(&self, src: *const u8, sst: isize, dst: *mut u8, dst_st: isize, n: usize) -> Result<()> {
        let mut back = [0u128; 2];
        let back = back.as_mut_ptr().cast::<u8>();
        for i in 0..n as isize {
            // SAFETY: the module contract; no numeric element is larger than 32 bytes.
            unsafe {
                let (s, d) = (src.offset(i * sst), dst.offset(i * dst_st));
                // Overflow shows as a changed value; its flag would be a second report.
                let before = ufuncs::fpstatus::get();
                self.forward.run(s, 0, d, 0, 1)?;
                self.back.run(d, 0, back, 0, 1)?;
                if before == 0 {
                    ufuncs::fpstatus::clear();
                }
                let complex = self.src.num.is_complex() && !self.dst.num.is_complex();
                let part = if complex { self.src.num.real_part() } else { self.src.num };
                let why = if !same_number(part, s, back) || self.loses_sign(s, d) || self.loses_infinity(s) {
                    ""
                } else if complex && !same_number(part, s.add(part.size()), back.add(part.size())) {
                    ": imag is not 0"
                } else {
                    continue;
                };
                return Err(Error::value(format!(
                    "could not cast 'same_value' {} to {}{why}",
                    c_name(self.src.num),
                    c_name(self.dst.num)
                )));
            }
        }
        Ok(())
    }
    /// No integer is infinite, but the smallest one may be when it comes back as a half.
    unsafe fn loses_infinity(&self, s: *const u8) -> bool {
        let part = self.src.num.real_part();
        // SAFETY: a native element.
        self.dst.num.is_integer() && part.is_float() && unsafe { !is_finite(part, s) }
    }
    /// `-1` as unsigned comes back as `-1` although it changed in between.
    unsafe fn loses_sign(&self, s: *const u8, d: *const u8) -> bool {
        let negative = |num: TypeNum, p: *const u8| {
            let top = if cfg!(target_endian = "little") { num.size() - 1 } else { 0 };
            // SAFETY: a native element; the sign is in its most significant byte.
            num.is_signed() && unsafe { *p.add(top) } & 0x80 != 0
        };
        self.src.num.is_integer()
            && self.dst.num.is_integer()
            && negative(self.src.num, s) != negative(self.dst.num, d)
    }
}

/// A type number in lower case, as errors spell it.
fn c_name(num: TypeNum) -> String {
    format!("{num:?}").to_lowercase()
}

/// Whether a float is neither infinite nor NaN.
unsafe fn is_finite(num: TypeNum, p: *const u8) -> bool {
    // SAFETY: a native element of this type.
    unsafe {
        match num {
            TypeNum::HALF => ufuncs::elem::f16::from_bits(p.cast::<u16>().read_unaligned()).is_finite(),
            TypeNum::FLOAT => p.cast::<f32>().read_unaligned().is_finite(),
            TypeNum::DOUBLE => p.cast::<f64>().read_unaligned().is_finite(),
            _ => {
                let x = p.cast::<ufuncs::elem::LongDouble>().read_unaligned();
                !x.is_nan() && !x.is_infinite()
            }
        }
    }
}

/// Equality as values: equal bytes, or (floats) both NaN, or zeros of either sign.
unsafe fn same_number(num: TypeNum, a: *const u8, b: *const u8) -> bool {
    // SAFETY: two native elements of this type.
    unsafe {
        let part = num.real_part();
        let parts = if num.is_complex() { 2 } else { 1 };
        (0..parts).all(|k| {
            let (a, b) = (a.add(k * part.size()), b.add(k * part.size()));
            match part {
                TypeNum::HALF => {
                    let f = |p: *const u8| {
                        ufuncs::elem::f16::from_bits(p.cast::<u16>().read_unaligned()).to_f32()
                    };
                    f(a) == f(b) || f(a).is_nan() && f(b).is_nan()
                }
                TypeNum::FLOAT => {
                    let f = |p: *const u8| p.cast::<f32>().read_unaligned();
                    f(a) == f(b) || f(a).is_nan() && f(b).is_nan()
                }
                TypeNum::DOUBLE => {
                    let f = |p: *const u8| p.cast::<f64>().read_unaligned();
                    f(a) == f(b) || f(a).is_nan() && f(b).is_nan()
                }
                TypeNum::LONGDOUBLE => {
                    let f = |p: *const u8| p.cast::<ufuncs::elem::LongDouble>().read_unaligned();
                    let (x, y) = (f(a), f(b));
                    x.to_bytes()[..10] == y.to_bytes()[..10]
                        || x.is_nan() && y.is_nan()
                        || x.is_zero() && y.is_zero()
                }
                _ => (0..part.size()).all(|i| *a.add(i) == *b.add(i)),
            }
        })
    }
}

/// Wrap a step that works on native (and, `wants_aligned`, aligned) elements for elements that are not.
fn buffered(inner: Step, src: &Dtype, dst: &Dtype, aligned: bool, wants_aligned: bool) -> Step {
    let io = |dt: &Dtype| {
        let plain = matches!(dt.body, Body::Plain | Body::Datetime(_) | Body::Host(_));
        let word = if plain && dt.is_swapped() { word_size(dt) } else { 0 };
        let copy = wants_aligned && !aligned && dt.align > 1;
        if word > 1 {
            Some(Step::Swap { itemsize: dt.itemsize, word })
        } else {
            copy.then_some(Step::Copy { itemsize: dt.itemsize })
        }
    };
    let (load, store) = (io(src), io(dst));
    if load.is_none() && store.is_none() {
        return inner;
    }
    let copies = matches!((&load, &store), (Some(Step::Copy { .. }), Some(Step::Copy { .. })));
    let apart = match dst.num {
        TypeNum::UINT if copies && src.num.is_complex() => Apart::Always,
        TypeNum::UINT if copies && src.num.is_float() => Apart::Strided,
        _ => Apart::Never,
    };
    let (src_size, dst_size) = (src.itemsize, dst.itemsize);
    Step::Buffered(Box::new(Buffered { load, store, src_size, dst_size, inner, apart }))
}

/// The step from one dtype to another.
pub(super) fn plan(src: &Dtype, dst: &Dtype, aligned: bool) -> Result<Step> {
    use TypeNum as T;
    if src.num.is_user() || dst.num.is_user() {
        return plan_host(src, dst, aligned);
    }
    let nested = |d: &Dtype| matches!(d.body, Body::Struct(_) | Body::Subarray(..));
    Ok(match (src.num, dst.num) {
        (T::OBJECT, T::OBJECT) => Step::CopyObject,
        (_, T::OBJECT) => Step::ToObject(src.clone()),
        (T::OBJECT, T::VSTRING) => Step::FromObject(dst.clone()),
        (T::VSTRING, _) | (_, T::VSTRING) => {
            // A structure is what its bytes say.
            buffered(Step::Strings(vstring::plan(src, dst)?), src, dst, aligned, false)
        }
        (_, _) if nested(src) || (nested(dst) && src.num != T::OBJECT) => nested::plan(src, dst, aligned)?,
        (T::OBJECT, _) => Step::FromObject(dst.clone()),
        (T::STRING, T::STRING) | (T::VOID, T::VOID) => resize(src.itemsize, dst.itemsize),
        (T::UNICODE, T::UNICODE) => {
            if src.itemsize == dst.itemsize {
                same_layout(src, dst)
            } else {
                buffered(resize(src.itemsize, dst.itemsize), src, dst, aligned, false)
            }
        }
        (T::VOID, T::BOOL) => Step::VoidToBool(src.itemsize),
        (T::VOID, _) => Step::Roundtrip(src.clone(), dst.clone()),
        // The bytes of the native value.
        (_, T::VOID) => buffered(resize(src.itemsize, dst.itemsize), src, dst, aligned, false),
        (T::STRING | T::UNICODE, _) | (_, T::STRING | T::UNICODE) => {
            let step = text::plan(&src.with_byteorder(b'='), &dst.with_byteorder(b'='))?;
            buffered(Step::Text(step), src, dst, aligned, false)
        }
        (T::DATETIME | T::TIMEDELTA, T::DATETIME | T::TIMEDELTA) => match dates::plan(src, dst)? {
            _ if dates::refuses_generic(src, dst) => buffered(Step::GenericDates, src, dst, aligned, false),
            None => same_layout(src, dst),
            Some(step) => buffered(Step::Dates(step), src, dst, aligned, false),
        },
        (a, b) => {
            if a.is_complex()
                && (b.is_integer() || b.is_float())
                && let Some(ops) = object::ops()
            {
                (ops.warn)("ComplexWarning", "Casting complex values to real discards the imaginary part")?;
            }
            numbers(src, dst, aligned)?
        }
    })
}

/// The step between two dtypes of bools, numbers and dates, without a warning.
fn numbers(src: &Dtype, dst: &Dtype, aligned: bool) -> Result<Step> {
    let (a, b) = (src.num, dst.num);
    if a == b || a.size() == b.size() && a.is_integer() && b.is_integer() {
        return Ok(same_layout(src, dst));
    }
    let Some(f) = ufuncs::casts::cast_loop(a, b) else { return Err(Error::no_cast(src, dst)) };
    Ok(buffered(Step::Kernel(f), src, dst, aligned, true))
}

/// Same bytes, perhaps swapped.
fn same_layout(src: &Dtype, dst: &Dtype) -> Step {
    let word = word_size(src);
    if src.is_swapped() == dst.is_swapped() || word <= 1 {
        Step::Copy { itemsize: src.itemsize }
    } else {
        Step::Swap { itemsize: src.itemsize, word }
    }
}

fn resize(from: usize, to: usize) -> Step {
    if from == to { Step::Copy { itemsize: from } } else { Step::Resize { from, to } }
}

/// Casts of dtypes the host defines at least one of.
fn plan_host(src: &Dtype, dst: &Dtype, aligned: bool) -> Result<Step> {
    let ops = host()?;
    if let Some(r) = (ops.cast)(src, dst.num, Some(dst))? {
        return plan_resolved(src, dst, aligned, &r);
    }
    let same = src.num == dst.num && src == dst;
    if same && src.num.is_user() && !src.has_object() {
        return Ok(same_layout(src, dst));
    }
    if dst.num.is_object() {
        return Ok(Step::ToObject(src.clone()));
    }
    if src.num.is_object() {
        return Ok(Step::FromObject(dst.clone()));
    }
    if let Body::Struct(_) | Body::Subarray(..) = dst.body {
        return nested::plan(src, dst, aligned);
    }
    if let Body::Struct(_) | Body::Subarray(..) = src.body {
        return nested::plan(src, dst, aligned);
    }
    if dst.num == TypeNum::VOID && !src.has_object() {
        return Ok(resize(src.itemsize, dst.itemsize));
    }
    let (from, to) = (class_name(src.num), class_name(dst.num));
    Err(Error::type_(format!("cannot cast from {from} to {to}.")))
}

/// A cast of the host, with casts before and after it where its loop works on other dtypes than the operands.
fn plan_resolved(src: &Dtype, dst: &Dtype, aligned: bool, r: &CastResolution) -> Result<Step> {
    if r.from.has_object() && r.from != *src || r.to.has_object() && r.to != *dst {
        return Err(Error::missing("a cast through a dtype that holds objects"));
    }
    let run = (host()?.cast_loop)(&r.from, &r.to, aligned)?;
    let takes_unaligned = aligned || run.takes_unaligned();
    let inner = buffered(Step::Host(run), &r.from, &r.to, takes_unaligned, true);
    let load = if r.from == *src { None } else { Some(plan(src, &r.from, aligned)?) };
    let store = if r.to == *dst { None } else { Some(plan(&r.to, dst, aligned)?) };
    if load.is_none() && store.is_none() {
        return Ok(inner);
    }
    let (src_size, dst_size) = (r.from.itemsize, r.to.itemsize);
    Ok(Step::Buffered(Box::new(Buffered { load, store, src_size, dst_size, inner, apart: Apart::Never })))
}
