//! Two outputs.

use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;

use super::{Scratch, are_apart, load, scatter, store};
use crate::abi::LoopContext;
use crate::cpu::{Level, multiversion};
use crate::elem::Elem;
use crate::fpstatus;
use crate::ops::divide::{FloorDivide, Remainder};
use crate::ops::{BinaryPairOp, UnaryPairOp};
use crate::typenum::TypeNum;
use crate::vmath::{Stored, loops as vmath};

/// One input, two outputs.
pub unsafe extern "C" fn unary_pair<Op: UnaryPairOp<A>, A: Elem>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: three operands, see the module.
    unsafe {
        let n = *dims as usize;
        let [mut a, o0, o1] = *data.cast::<[*mut u8; 3]>();
        let [sa, so0, so1] = *strides.cast::<[isize; 3]>();
        let sizes = [size_of::<A>(), size_of::<Op::Out0>(), size_of::<Op::Out1>()];
        let mut outs = Outputs::<Op::Out0, Op::Out1>::new(o0, so0, o1, so1);
        let alone = n > 1 && outs.are_apart(n) && outs.leave((a, sa, sizes[0]), n);
        if !alone {
            for _ in 0..n {
                let (r0, r1) = Op::apply(load(a));
                outs.put(r0, r1, A::TYPENUM.is_float() && A::TYPENUM != TypeNum::HALF);
                a = a.wrapping_offset(sa);
            }
            return 0;
        }
        let mut inputs = Scratch::new();
        let (mut left, mut status) = (n, 0);
        let capacity = Scratch::capacity::<A>().min(Outputs::<Op::Out0, Op::Out1>::CAPACITY);
        while left > 0 {
            let count = left.min(capacity);
            let x = inputs.gather::<A>(a, count, sa);
            outs.block(count, |y0, y1| status |= map::<Op, A>(Level::current(), x, y0, y1));
            a = a.wrapping_offset(count as isize * sa);
            left -= count;
        }
        if status != 0 {
            fpstatus::raise(status);
        }
    }
    0
}

/// Two inputs, two outputs.
pub unsafe extern "C" fn binary_pair<Op: BinaryPairOp<A>, A: Elem>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: four operands, see the module.
    unsafe {
        let n = *dims as usize;
        let [mut a, mut b, o0, o1] = *data.cast::<[*mut u8; 4]>();
        let [sa, sb, so0, so1] = *strides.cast::<[isize; 4]>();
        let size = size_of::<A>();
        let mut outs = Outputs::<Op::Out0, Op::Out1>::new(o0, so0, o1, so1);
        let alone =
            n > 1 && outs.are_apart(n) && outs.leave((a, sa, size), n) && outs.leave((b, sb, size), n);
        if !alone {
            for _ in 0..n {
                let (r0, r1) = Op::apply(load(a), load(b));
                outs.put(r0, r1, A::TYPENUM.is_float());
                a = a.wrapping_offset(sa);
                b = b.wrapping_offset(sb);
            }
            return 0;
        }
        let mut inputs = [Scratch::new(), Scratch::new()];
        let (mut left, mut status) = (n, 0);
        let capacity = Scratch::capacity::<A>().min(Outputs::<Op::Out0, Op::Out1>::CAPACITY);
        while left > 0 {
            let count = left.min(capacity);
            let [x, y] = &mut inputs;
            let (x, y) = (x.gather::<A>(a, count, sa), y.gather::<A>(b, count, sb));
            outs.block(count, |z0, z1| status |= zip::<Op, A>(Level::current(), x, y, z0, z1));
            a = a.wrapping_offset(count as isize * sa);
            b = b.wrapping_offset(count as isize * sb);
            left -= count;
        }
        if status != 0 {
            fpstatus::raise(status);
        }
    }
    0
}

/// `divmod` of floats: the quotients, then the remainders, each from the loop that has them.
pub unsafe extern "C" fn float_divmod<S: Stored>(
    ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    aux: *mut c_void,
) -> c_int
where
    crate::ops::divide::Divmod: BinaryPairOp<S, Out0 = S, Out1 = S>,
{
    // SAFETY: four operands, see the module.
    unsafe {
        let n = *dims as usize;
        let [a, b, o0, o1] = *data.cast::<[*mut u8; 4]>();
        let [sa, sb, so0, so1] = *strides.cast::<[isize; 4]>();
        let size = size_of::<S>();
        let meet = |o: *mut u8, so: isize| {
            !are_apart((a, sa, size), (o, so, size), n) || !are_apart((b, sb, size), (o, so, size), n)
        };
        if n == 0 || meet(o0, so0) || !are_apart((o0, so0, size), (o1, so1, size), n) {
            return binary_pair::<crate::ops::divide::Divmod, S>(ctx, data, dims, strides, aux);
        }
        vmath::zip::<FloorDivide, S>(ctx, [a, b, o0].as_ptr(), dims, [sa, sb, so0].as_ptr(), aux);
        vmath::zip::<Remainder, S>(ctx, [a, b, o1].as_ptr(), dims, [sa, sb, so1].as_ptr(), aux)
    }
}

/// Where the results go.
struct Outputs<O0, O1> {
    to: (*mut u8, *mut u8),
    strides: (isize, isize),
    rooms: (Scratch, Scratch),
    types: core::marker::PhantomData<(O0, O1)>,
}

impl<O0: Elem, O1: Elem> Outputs<O0, O1> {
    /// Results of a block.
    const CAPACITY: usize = if Scratch::capacity::<O0>() < Scratch::capacity::<O1>() {
        Scratch::capacity::<O0>()
    } else {
        Scratch::capacity::<O1>()
    };

    #[inline(always)]
    fn new(o0: *mut u8, so0: isize, o1: *mut u8, so1: isize) -> Outputs<O0, O1> {
        let rooms = (Scratch::new(), Scratch::new());
        Outputs { to: (o0, o1), strides: (so0, so1), rooms, types: core::marker::PhantomData }
    }

    /// Whether the two have no byte in common.
    #[inline(always)]
    fn are_apart(&self, n: usize) -> bool {
        are_apart(
            (self.to.0, self.strides.0, size_of::<O0>()),
            (self.to.1, self.strides.1, size_of::<O1>()),
            n,
        )
    }

    /// Whether an input is not written, or only where it has just been read.
    #[inline(always)]
    fn leave(&self, input: (*mut u8, isize, usize), n: usize) -> bool {
        let harmless = |o: (*mut u8, isize, usize)| {
            input == o && o.1 != 0 || are_apart((input.0, input.1, input.2), (o.0, o.1, o.2), n)
        };
        harmless((self.to.0, self.strides.0, size_of::<O0>()))
            && harmless((self.to.1, self.strides.1, size_of::<O1>()))
    }

    /// Where both go to one place the last one stays. Most of numpy's functions of floats return the first result, after they have
    /// stored the second one through a pointer.
    ///
    /// # Safety
    /// There is room for one more pair.
    #[inline(always)]
    unsafe fn put(&mut self, r0: O0, r1: O1, second_first: bool) {
        // SAFETY: the caller's promise.
        unsafe {
            if second_first {
                store(self.to.1, r1);
                store(self.to.0, r0);
            } else {
                store(self.to.0, r0);
                store(self.to.1, r1);
            }
        }
        self.advance(1);
    }

    fn advance(&mut self, n: usize) {
        self.to.0 = self.to.0.wrapping_offset(n as isize * self.strides.0);
        self.to.1 = self.to.1.wrapping_offset(n as isize * self.strides.1);
    }

    /// Lets `fill` write `n` results of each kind.
    ///
    /// # Safety
    /// There is room for as many; the two outputs are apart, and `fill` writes all of them.
    #[inline(always)]
    unsafe fn block(&mut self, n: usize, fill: impl FnOnce(&mut [MaybeUninit<O0>], &mut [MaybeUninit<O1>])) {
        let direct = (self.strides.0 == size_of::<O0>() as isize, self.strides.1 == size_of::<O1>() as isize);
        // SAFETY: the caller's promise.
        unsafe {
            let y0 = if direct.0 {
                core::slice::from_raw_parts_mut(self.to.0.cast(), n)
            } else {
                self.rooms.0.room(n)
            };
            let y1 = if direct.1 {
                core::slice::from_raw_parts_mut(self.to.1.cast(), n)
            } else {
                self.rooms.1.room(n)
            };
            fill(y0, y1);
            if !direct.0 {
                scatter(self.to.0, self.strides.0, y0);
            }
            if !direct.1 {
                scatter(self.to.1, self.strides.1, y1);
            }
        }
        self.advance(n);
    }
}

#[inline(always)]
fn map_body<Op: UnaryPairOp<A>, A: Elem>(
    x: &[A],
    y0: &mut [MaybeUninit<Op::Out0>],
    y1: &mut [MaybeUninit<Op::Out1>],
) -> u32 {
    let mut all = 0;
    for ((&x, y0), y1) in x.iter().zip(y0).zip(y1) {
        let ((r0, r1), status) = Op::apply_status(x);
        y0.write(r0);
        y1.write(r1);
        all |= status;
    }
    all
}

#[inline(always)]
fn zip_body<Op: BinaryPairOp<A>, A: Elem>(
    x: &[A],
    y: &[A],
    z0: &mut [MaybeUninit<Op::Out0>],
    z1: &mut [MaybeUninit<Op::Out1>],
) -> u32 {
    let mut all = 0;
    for (((&x, &y), z0), z1) in x.iter().zip(y).zip(z0).zip(z1) {
        let ((r0, r1), status) = Op::apply_status(x, y);
        z0.write(r0);
        z1.write(r1);
        all |= status;
    }
    all
}

multiversion! {
    fn map[Op: UnaryPairOp<A>, A: Elem](
        x: &[A],
        y0: &mut [MaybeUninit<<Op as UnaryPairOp<A>>::Out0>],
        y1: &mut [MaybeUninit<<Op as UnaryPairOp<A>>::Out1>]
    ) -> u32 = map_body::<Op, A>;
}
multiversion! {
    fn zip[Op: BinaryPairOp<A>, A: Elem](
        x: &[A],
        y: &[A],
        z0: &mut [MaybeUninit<<Op as BinaryPairOp<A>>::Out0>],
        z1: &mut [MaybeUninit<<Op as BinaryPairOp<A>>::Out1>]
    ) -> u32 = zip_body::<Op, A>;
}
