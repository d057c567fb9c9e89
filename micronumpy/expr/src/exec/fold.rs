//! Folds: elements are computed a tile at a time and folded at once, in exactly the order numpy folds an array of them.
//!
//! That order is decided by where the elements of that array would lie, and by where the results lie
//! (`micronumpy::ufunc::reduce`): the innermost axis of that walk is a *strip*. Three things make a strip's bits:
//!
//! * float sums are pairwise along a folded strip: a binary tree whose leaves are in [`ufuncs::loops::pairwise`]. The tree is
//!   walked here down to subtrees that fit a tile;
//! * everything else goes in order, or the order cannot be seen;
//! * except that extremes of floats keep running results side by side, which shows in the sign of a zero. Where a zero is
//!   the result, the strip is folded once more in that pattern.
//!
//! Elements that are cast on their way into the fold are folded a buffer at a time.

use std::hint::black_box;

use micronumpy::threads::{self, Team};
use micronumpy::ufunc::loop_status;
use micronumpy::{Dims, Result, TypeNum};
use ufuncs::casts::copy::copy_strided;
use ufuncs::elem::{Complex, LongDouble, f16, float16};
use ufuncs::loops::pairwise::{self, Part};
use ufuncs::{Identity, LoopContext, LoopDef, LoopInfo, fpstatus};

use super::{Evaluator, with_scratch};
use crate::plan::{Report, TILE};

/// How a strip is folded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    /// A tree of sums.
    Pairwise,
    /// One element after the other, in single precision, rounded at the end.
    Halves,
    /// Extremes of `f32` and `f64`.
    Extreme,
    /// One element after the other; exact, so that any grouping gives the same bits.
    Exact,
    /// One element after the other.
    Serial,
}

impl Order {
    pub fn of(name: &str, num: TypeNum) -> Order {
        let extreme = matches!(name, "maximum" | "minimum" | "fmax" | "fmin");
        match num {
            TypeNum::HALF if name == "add" => Order::Pairwise,
            TypeNum::HALF if matches!(name, "subtract" | "multiply" | "divide") => Order::Halves,
            TypeNum::FLOAT | TypeNum::DOUBLE if extreme => Order::Extreme,
            n if (n.is_float() || n.is_complex()) && name == "add" => Order::Pairwise,
            n if n.is_integer() || n.is_bool() => match name {
                "add" | "multiply" | "bitwise_and" | "bitwise_or" | "bitwise_xor" | "logical_and"
                | "logical_or" | "logical_xor" => Order::Exact,
                _ if extreme => Order::Exact,
                _ => Order::Serial,
            },
            _ => Order::Serial,
        }
    }
}

/// What a fold does, and where its results lie.
pub(crate) struct FoldPlan {
    pub name: &'static str,
    pub def: LoopDef,
    pub num: TypeNum,
    pub size: usize,
    pub order: Order,
    /// The walk over the elements as numpy would take it, outermost axis first.
    pub shape: Dims,
    /// Bytes from result to result along each axis of the walk; 0: folded.
    pub out_strides: Dims,
    /// Whether elements would lie side by side along a strip.
    pub dense: bool,
    /// Elements folded at a time.
    pub chunk: usize,
    /// Whether results start with the first elements and not with an identity.
    pub first: bool,
    pub identity: Identity,
    pub report: Report,
}

/// One running fold.
struct Folding<'t> {
    ev: &'t Evaluator<'t>,
    plan: &'t FoldPlan,
    /// The walk's axes; a flat one has its length only now.
    shape: &'t [isize],
    out: *mut u8,
    /// Length of a strip.
    inner: usize,
}

// SAFETY: threads fold into disjoint results, or into memory of their own.
unsafe impl Sync for Folding<'_> {}

/// Fold all elements of a walk (the plan's, or a flat one) into the results at `out`, which hold the identity unless the plan takes the first elements.
///
/// # Errors
/// What a loop or a cast reports.
///
/// # Safety
/// `ev`'s inputs are as its layout says; `out` has the results' elements at the plan's strides, and overlaps no input.
pub(crate) unsafe fn run(
    ev: &Evaluator<'_>,
    plan: &FoldPlan,
    shape: &[isize],
    out: *mut u8,
    team: Team,
) -> Result<()> {
    let total: usize = shape.iter().map(|&n| n as usize).product();
    if total == 0 {
        return Ok(());
    }
    let (inner, outer) = match shape.split_last() {
        Some((&n, outer)) => (n as usize, outer),
        None => (1, &[][..]),
    };
    let f = Folding { ev, plan, shape, out, inner };
    let strips = total / inner;
    let along = f.inner_stride();
    if team.threads <= 1 {
        // SAFETY: the caller's promise.
        return unsafe { f.strips(0, strips, 0, inner) };
    }
    if outer.is_empty() && along == 0 {
        // SAFETY: the caller's promise.
        return unsafe { f.one_strip(team) };
    }
    if !outer.is_empty() && plan.out_strides[0] != 0 {
        let rows = outer[0] as usize;
        let per_row = strips / rows;
        return threads::for_parts(rows, 1, total, team, |from, to| {
            // SAFETY: other rows have other results.
            unsafe { f.strips(from * per_row, to * per_row, 0, inner) }
        });
    }
    if along != 0 && inner >= team.grain / 2 {
        return threads::for_parts(inner, 64, total, team, |from, to| {
            // SAFETY: other columns have other results.
            unsafe { f.strips(0, strips, from, to) }
        });
    }
    // SAFETY: the caller's promise.
    unsafe { f.strips(0, strips, 0, inner) }
}

impl Folding<'_> {
    fn inner_stride(&self) -> isize {
        self.plan.out_strides.last().copied().unwrap_or(0)
    }
    /// The result of a strip, and whether it is the first strip to go there.
    fn result_of(&self, strip: usize) -> (*mut u8, bool) {
        let (mut rest, mut at, mut first) = (strip, 0, true);
        for axis in (0..self.shape.len().saturating_sub(1)).rev() {
            let n = self.shape[axis] as usize;
            let (i, stride) = (rest % n, self.plan.out_strides[axis]);
            at += i as isize * stride;
            first &= i == 0 || stride != 0;
            rest /= n;
        }
        (self.out.wrapping_offset(at), first && self.plan.first)
    }
    /// Elements `flat..flat + n`, side by side: in this thread's memory, or where they are if nothing is to be computed.
    unsafe fn elements(&self, scratch: *mut u8, flat: usize, n: usize) -> Result<*mut u8> {
        if self.ev.steps.is_dense_input {
            let layout = self.ev.layout;
            let whole =
                layout.shape.len() == 1 || layout.gathers || flat % layout.inner() + n <= layout.inner();
            if whole {
                return Ok(self.ev.inputs.0[0].wrapping_offset(layout.offset(0, flat)));
            }
        }
        let tile = scratch.wrapping_add(self.ev.steps.scratch.next_multiple_of(64));
        // SAFETY: the memory behind the steps' own has room for a tile.
        unsafe { self.ev.range(scratch, flat, n, &[tile])? };
        Ok(tile)
    }
    fn scratch_bytes(&self) -> usize {
        self.ev.steps.scratch.next_multiple_of(64) + TILE * self.plan.size
    }
    /// Fold `n` elements at `p` into results `stride` bytes apart.
    unsafe fn fold(&self, out: *mut u8, stride: isize, p: *mut u8, n: usize) -> Result<()> {
        let size = self.plan.size as isize;
        let (data, strides) = ([out, p, out], [stride, size, stride]);
        let sizes = [self.plan.size; 3];
        let info = LoopInfo { itemsizes: sizes.as_ptr() };
        let ctx = LoopContext {
            caller: std::ptr::null_mut(),
            method: std::ptr::null_mut(),
            descriptors: std::ptr::null(),
            info: &info,
            flags: 0,
            parameters: std::ptr::null_mut(),
        };
        // SAFETY: the results and the elements are the loop's own type; the tile is memory of its own.
        let code = unsafe {
            (self.plan.def.func)(&ctx, data.as_ptr(), &(n as isize), strides.as_ptr(), self.plan.def.aux)
        };
        self.ev.check(self.plan.report);
        loop_status(code)
    }
    /// Columns `left..right` of some strips.
    unsafe fn strips(&self, from: usize, to: usize, left: usize, right: usize) -> Result<()> {
        with_scratch(self.scratch_bytes(), |scratch| {
            fpstatus::clear();
            let mut strip = from;
            while strip < to {
                // SAFETY: strips of the walk, columns of a strip.
                unsafe {
                    if self.inner > TILE || right - left < self.inner {
                        self.long_strip(scratch, strip, left, right)?;
                        strip += 1;
                        continue;
                    }
                    let count = (TILE / self.inner).min(to - strip);
                    let p = self.elements(scratch, strip * self.inner, count * self.inner)?;
                    self.short_strips(strip, count, p)?;
                    strip += count;
                }
            }
            Ok(())
        })
    }
    /// Strips whose elements are at `p`, one behind the other.
    unsafe fn short_strips(&self, from: usize, count: usize, p: *mut u8) -> Result<()> {
        let row = self.inner * self.plan.size;
        let (axis, per_axis) = match self.shape.len() {
            0 | 1 => (0, 1),
            n => (self.plan.out_strides[n - 2], self.shape[n - 2] as usize),
        };
        let mut done = 0;
        while done < count {
            let (strip, p) = (from + done, p.wrapping_add(done * row));
            // Results of strips along the last outer axis lie evenly.
            let run = (per_axis - strip % per_axis).min(count - done);
            let (out, first) = self.result_of(strip);
            // SAFETY: the strips' elements and results.
            unsafe {
                match self.plan.def.fold {
                    Some(fold) if !first && run > 1 => {
                        let (strides, shape) = ([row as isize, self.plan.size as isize], [run, self.inner]);
                        fold(out, [axis, self.inner_stride()], p, strides, shape);
                        self.ev.check(self.plan.report);
                        done += run;
                    }
                    _ => {
                        self.short_strip(strip, p)?;
                        done += 1;
                    }
                }
            }
        }
        Ok(())
    }
    /// A strip whose elements are at `p`.
    unsafe fn short_strip(&self, strip: usize, p: *mut u8) -> Result<()> {
        let (out, first) = self.result_of(strip);
        let along = self.inner_stride();
        let size = self.plan.size;
        let (mut p, mut n) = (p, self.inner);
        if first {
            let taken = if along == 0 { 1 } else { n };
            // SAFETY: the elements, and as many results.
            unsafe { copy_strided(out, along, p, size as isize, taken, size) };
            p = p.wrapping_add(taken * size);
            n -= taken;
        }
        if n == 0 {
            return Ok(());
        }
        // A strip is shorter than a buffer. SAFETY: the rest of the strip.
        unsafe { self.fold(out, along, p, n) }
    }
    /// Columns of a strip longer than a tile, or part of one.
    unsafe fn long_strip(&self, scratch: *mut u8, strip: usize, left: usize, right: usize) -> Result<()> {
        let (out, first) = self.result_of(strip);
        let along = self.inner_stride();
        let flat = strip * self.inner;
        if along == 0 {
            // SAFETY: the caller's promise; such a strip is never cut into columns.
            return unsafe { self.folded_strip(scratch, flat, self.inner, out, first) };
        }
        let mut at = left;
        while at < right {
            let n = TILE.min(right - at);
            let to = out.wrapping_offset(at as isize * along);
            // SAFETY: columns of the strip and their results.
            unsafe {
                let p = self.elements(scratch, flat + at, n)?;
                if first {
                    copy_strided(to, along, p, self.plan.size as isize, n, self.plan.size);
                } else {
                    self.fold(to, along, p, n)?;
                }
            }
            at += n;
        }
        Ok(())
    }
    /// A strip of one result.
    unsafe fn folded_strip(
        &self,
        scratch: *mut u8,
        flat: usize,
        n: usize,
        out: *mut u8,
        first: bool,
    ) -> Result<()> {
        let size = self.plan.size;
        let mut start = flat;
        // SAFETY: elements of the walk, and one result.
        unsafe {
            // What the strip starts from, for folding it again.
            let before = crate::number::Element::read(out, size);
            if first {
                let p = self.elements(scratch, flat, 1)?;
                std::ptr::copy_nonoverlapping(p, out, size);
                start += 1;
            }
            let begin = if first { crate::number::Element::read(out, size) } else { before };
            let end = flat + n;
            let mut at = start;
            while at < end {
                let len = self.plan.chunk.min(end - at);
                match self.plan.order {
                    Order::Pairwise => self.sum_into(scratch, at, len, out)?,
                    Order::Halves => self.halves(scratch, at, len, out)?,
                    _ => self.in_order(scratch, at, len, out)?,
                }
                at += len;
            }
            if self.plan.order == Order::Extreme && self.plan.dense && is_zero(out, self.plan.num) {
                match self.plan.num {
                    TypeNum::FLOAT => self.lanes::<f32>(scratch, start, end, begin, out)?,
                    _ => self.lanes::<f64>(scratch, start, end, begin, out)?,
                }
            }
        }
        Ok(())
    }
    unsafe fn in_order(&self, scratch: *mut u8, flat: usize, n: usize, out: *mut u8) -> Result<()> {
        let mut at = flat;
        while at < flat + n {
            let len = TILE.min(flat + n - at);
            // SAFETY: elements of the walk, and one result.
            unsafe {
                let p = self.elements(scratch, at, len)?;
                self.fold(out, 0, p, len)?;
            }
            at += len;
        }
        Ok(())
    }
    /// Halves keep a single-precision total.
    unsafe fn halves(&self, scratch: *mut u8, flat: usize, n: usize, out: *mut u8) -> Result<()> {
        let apply: fn(f32, f32) -> f32 = match self.plan.name {
            "subtract" => |a, b| a - b,
            "divide" => |a, b| a / b,
            _ => |a, b| a * b,
        };
        // SAFETY: one result, then elements of the walk.
        unsafe {
            let mut total = float16::to_f32(out.cast::<f16>().read());
            let mut at = flat;
            while at < flat + n {
                let len = TILE.min(flat + n - at);
                let p = self.elements(scratch, at, len)?.cast::<f16>();
                for i in 0..len {
                    total = apply(total, float16::to_f32(p.add(i).read()));
                }
                black_box(total);
                self.ev.check(self.plan.report);
                at += len;
            }
            out.cast::<f16>().write(float16::from_f32(total));
        }
        self.ev.check(self.plan.report);
        Ok(())
    }
    unsafe fn sum_into(&self, scratch: *mut u8, flat: usize, n: usize, out: *mut u8) -> Result<()> {
        // SAFETY: the type the plan's number names.
        unsafe {
            match self.plan.num {
                TypeNum::HALF => self.add::<f16>(scratch, flat, n, out),
                TypeNum::FLOAT => self.add::<f32>(scratch, flat, n, out),
                TypeNum::DOUBLE => self.add::<f64>(scratch, flat, n, out),
                TypeNum::LONGDOUBLE => self.add::<LongDouble>(scratch, flat, n, out),
                TypeNum::CFLOAT => self.add::<Complex<f32>>(scratch, flat, n, out),
                TypeNum::CDOUBLE => self.add::<Complex<f64>>(scratch, flat, n, out),
                _ => self.add::<Complex<LongDouble>>(scratch, flat, n, out),
            }
        }
    }
    unsafe fn add<T: Summed>(&self, scratch: *mut u8, flat: usize, n: usize, out: *mut u8) -> Result<()> {
        // SAFETY: the caller's promise.
        unsafe {
            let total = self.tree::<T>(scratch, flat, n)?;
            T::add_to(out, total);
        }
        self.ev.check(self.plan.report);
        Ok(())
    }
    /// The sum of a range, by the tree of [`pairwise`].
    unsafe fn tree<T: Summed>(&self, scratch: *mut u8, flat: usize, n: usize) -> Result<T::Total> {
        // SAFETY: the caller's promise, for each part.
        unsafe {
            let total = if n <= TILE {
                let p = self.elements(scratch, flat, n)?;
                T::sum(p, n)
            } else {
                let first = T::split(n);
                let a = self.tree::<T>(scratch, flat, first)?;
                let b = self.tree::<T>(scratch, flat + first, n - first)?;
                // Not to be computed after the status is read.
                black_box(T::plus(a, b))
            };
            self.ev.check(self.plan.report);
            Ok(total)
        }
    }
    /// The same sum by several threads.
    unsafe fn forest<T: Summed>(&self, flat: usize, n: usize, grain: usize) -> Result<T::Total> {
        if n <= 2 * grain || n <= 128 {
            return with_scratch(self.scratch_bytes(), |scratch| {
                fpstatus::clear();
                // SAFETY: the caller's promise.
                unsafe { self.tree::<T>(scratch, flat, n) }
            });
        }
        let first = T::split(n);
        // SAFETY: the caller's promise, for each part.
        let (a, b) = rayon::join(
            || unsafe { self.forest::<T>(flat, first, grain) },
            || unsafe { self.forest::<T>(flat + first, n - first, grain) },
        );
        fpstatus::clear();
        let total = black_box(T::plus(black_box(a?), black_box(b?)));
        self.ev.check(self.plan.report);
        Ok(total)
    }
    /// The only strip, by several threads.
    unsafe fn one_strip(&self, team: Team) -> Result<()> {
        let unbroken = self.plan.chunk >= self.inner;
        // SAFETY: the caller's promise in all of these.
        unsafe {
            match (self.plan.order, self.plan.num) {
                (Order::Pairwise, num) if unbroken => match num {
                    TypeNum::HALF => self.forest_into::<f16>(team),
                    TypeNum::FLOAT => self.forest_into::<f32>(team),
                    TypeNum::DOUBLE => self.forest_into::<f64>(team),
                    TypeNum::LONGDOUBLE => self.forest_into::<LongDouble>(team),
                    TypeNum::CFLOAT => self.forest_into::<Complex<f32>>(team),
                    TypeNum::CDOUBLE => self.forest_into::<Complex<f64>>(team),
                    _ => self.forest_into::<Complex<LongDouble>>(team),
                },
                (Order::Exact, _) => self.partials(team),
                (Order::Extreme, num) => {
                    self.partials(team)?;
                    // The parts fold zeros of both signs in another order than the whole.
                    if is_zero(self.out, num) { self.strips(0, 1, 0, self.inner) } else { Ok(()) }
                }
                _ => self.strips(0, 1, 0, self.inner),
            }
        }
    }
    unsafe fn forest_into<T: Summed>(&self, team: Team) -> Result<()> {
        // SAFETY: the caller's promise; the result is written by this thread only.
        let total =
            threads::install(team.threads, || unsafe { self.forest::<T>(0, self.inner, team.grain) })?;
        fpstatus::clear();
        // SAFETY: as above.
        unsafe { T::add_to(self.out, total) };
        self.ev.check(self.plan.report);
        Ok(())
    }
    /// Parts of the strip folded apart, then their results in order. Every part starts with its first element.
    unsafe fn partials(&self, team: Team) -> Result<()> {
        let part = 2 * team.grain.max(1);
        let count = self.inner.div_ceil(part);
        let results: Vec<std::sync::OnceLock<crate::number::Element>> =
            (0..count).map(|_| std::sync::OnceLock::new()).collect();
        threads::for_parts(count, 1, self.inner, team, |from, to| {
            with_scratch(self.scratch_bytes(), |scratch| {
                fpstatus::clear();
                for (i, slot) in results.iter().enumerate().take(to).skip(from) {
                    let n = part.min(self.inner - i * part);
                    let mut e = crate::number::Element::default();
                    // SAFETY: elements of the walk, and a result of our own.
                    unsafe { self.folded_strip(scratch, i * part, n, e.as_mut_ptr(), true)? };
                    let _ = slot.set(e);
                }
                Ok(())
            })
        })?;
        let mut results: Vec<crate::number::Element> =
            results.into_iter().filter_map(|r| r.into_inner()).collect();
        for (i, e) in results.iter_mut().enumerate() {
            // SAFETY: one result and one element each.
            unsafe {
                if i == 0 && self.plan.first {
                    std::ptr::copy_nonoverlapping(e.as_ptr(), self.out, self.plan.size);
                } else {
                    self.fold(self.out, 0, e.as_mut_ptr(), 1)?;
                }
            }
        }
        Ok(())
    }
    /// Fold a strip as the loop for contiguous floats does: running results side by side, those folded in order, then what
    /// does not fill them.
    unsafe fn lanes<T: Copy + Default>(
        &self,
        scratch: *mut u8,
        start: usize,
        end: usize,
        begin: crate::number::Element,
        out: *mut u8,
    ) -> Result<()> {
        const LANES: usize = ufuncs::ops::minmax::LANES;
        let size = self.plan.size;
        let whole = start + (end - start) / LANES * LANES;
        // SAFETY: elements of the walk in tiles of whole blocks; one result.
        unsafe {
            std::ptr::copy_nonoverlapping(begin.as_ptr(), out, size);
            let mut lanes = [T::default(); LANES];
            let running = lanes.as_mut_ptr().cast::<u8>();
            let mut at = start;
            while at < end {
                let limit = if at < whole { whole } else { end };
                let n = TILE.min(limit - at);
                let p = self.elements(scratch, at, n)?;
                if at < whole {
                    for block in (0..n).step_by(LANES) {
                        let p = p.wrapping_add(block * size);
                        if at + block == start {
                            std::ptr::copy_nonoverlapping(p, running, LANES * size);
                        } else {
                            self.fold(running, size as isize, p, LANES)?;
                        }
                    }
                }
                at += n;
                if at == whole && whole > start && limit == whole {
                    self.each(out, running, LANES)?;
                }
                if limit == end && at > whole {
                    self.each(out, p, n)?;
                }
            }
        }
        Ok(())
    }
    /// Fold elements into a result one by one.
    unsafe fn each(&self, out: *mut u8, p: *mut u8, n: usize) -> Result<()> {
        for i in 0..n {
            // SAFETY: one of the elements, one result.
            unsafe { self.fold(out, 0, p.wrapping_add(i * self.plan.size), 1)? };
        }
        Ok(())
    }
}

/// Whether a float is a zero of either sign.
unsafe fn is_zero(p: *const u8, num: TypeNum) -> bool {
    // SAFETY: the caller's float.
    unsafe {
        match num {
            TypeNum::FLOAT => p.cast::<f32>().read() == 0.0,
            _ => p.cast::<f64>().read() == 0.0,
        }
    }
}

/// Elements that are summed pairwise.
trait Summed {
    type Total: Copy + Send;
    /// # Safety
    /// `n` elements at `p`.
    unsafe fn sum(p: *const u8, n: usize) -> Self::Total;
    /// How many elements the first half of a sum has.
    fn split(n: usize) -> usize;
    fn plus(a: Self::Total, b: Self::Total) -> Self::Total;
    /// # Safety
    /// An element at `acc`.
    unsafe fn add_to(acc: *mut u8, total: Self::Total);
}

macro_rules! summed {
    ($($t:ty, $total:ty, $to:expr, $from:expr;)*) => {$(
        impl Summed for $t {
            type Total = $total;
            unsafe fn sum(p: *const u8, n: usize) -> $total {
                // SAFETY: the caller's promise.
                unsafe { pairwise::sum::<$t>(p, n, size_of::<$t>() as isize) }
            }
            fn split(n: usize) -> usize {
                n / 2 - n / 2 % 8
            }
            fn plus(a: $total, b: $total) -> $total {
                a + b
            }
            unsafe fn add_to(acc: *mut u8, total: $total) {
                let acc = acc.cast::<$t>();
                // SAFETY: the caller's promise.
                unsafe { acc.write($from($to(acc.read()) + total)) };
            }
        }
    )*};
}
summed! {
    f16, f32, float16::to_f32, float16::from_f32;
    f32, f32, |x| x, |x| x;
    f64, f64, |x| x, |x| x;
    LongDouble, LongDouble, |x| x, |x| x;
}

impl<T: Part + Send> Summed for Complex<T>
where
    Complex<T>: Copy + Send,
{
    type Total = Complex<T>;
    unsafe fn sum(p: *const u8, n: usize) -> Complex<T> {
        // SAFETY: the caller's promise.
        unsafe { pairwise::sum_complex::<T>(p, n, size_of::<Complex<T>>() as isize) }
    }
    fn split(n: usize) -> usize {
        (n - n % 8) / 2
    }
    fn plus(a: Complex<T>, b: Complex<T>) -> Complex<T> {
        Complex { re: a.re + b.re, im: a.im + b.im }
    }
    unsafe fn add_to(acc: *mut u8, total: Complex<T>) {
        let acc = acc.cast::<Complex<T>>();
        // SAFETY: the caller's promise.
        unsafe { acc.write(Self::plus(acc.read(), total)) };
    }
}

/// Fill results with the identity of a fold; false if it has none.
///
/// # Safety
/// `n` elements of the type at `p`, side by side.
pub(crate) unsafe fn fill_identity(identity: Identity, num: TypeNum, p: *mut u8, n: usize) -> bool {
    use crate::number::{Element, Number};
    let number = match identity {
        Identity::None | Identity::ReorderableNone => return false,
        Identity::Zero | Identity::False => Number::Int(0),
        Identity::One | Identity::True => Number::Int(1),
        Identity::MinusOne if num.is_unsigned() => Number::Int((1 << (8 * num.size())) - 1),
        Identity::MinusOne => Number::Int(-1),
        Identity::NegInf => Number::Float(f64::NEG_INFINITY),
    };
    let dtype = micronumpy::Dtype::builtin(num);
    let element =
        if num.is_datetime() { Element::default() } else { number.to_element(&dtype).unwrap_or_default() };
    // SAFETY: the caller's promise.
    unsafe { copy_strided(p, num.size() as isize, element.as_ptr(), 0, n, num.size()) };
    true
}
