//! Arguments beyond which a function has one value: what it tells of them is known without computing anything.
//!
//! Lane code leaves overflow, poles and what is outside of a domain to others, because it raises no status. The C library takes
//! twenty times as long for such an argument as the lanes do for an ordinary one, and arrays may be full of them.

use super::{Lane, Settled};
use crate::cpu::{Level, multiversion};
use crate::fpstatus::{DIVIDEBYZERO, INVALID, OVERFLOW, UNDERFLOW};

/// In place of a status: the C library is to be asked.
const UNKNOWN: u32 = 1 << 31;
/// The NaN that processors and the C library make.
const INVALID_NAN: f64 = f64::from_bits(0xfff8_0000_0000_0000);

/// One end of the numbers a function is computed for.
#[derive(Clone, Copy)]
pub struct Edge {
    pub(super) limit: f64,
    pub(super) limit_f32: f64,
    /// Value and status for everything beyond the limit, infinity included. That an infinity overflows is not reported.
    beyond: (f64, u32),
    /// The same at the limit.
    at: (f64, u32),
}

impl Edge {
    const fn new(limit: f64, beyond: (f64, u32), at: (f64, u32)) -> Edge {
        Edge { limit, limit_f32: limit, beyond, at }
    }
    /// Everything past the limit overflows or underflows.
    const fn range(limit: f64, limit_f32: f64, beyond: (f64, u32)) -> Edge {
        Edge { limit, limit_f32, beyond, at: (0.0, UNKNOWN) }
    }
}

/// Both ends.
#[derive(Clone, Copy)]
pub struct Edges {
    low: Edge,
    high: Edge,
}

const INF: f64 = f64::INFINITY;
const OUTSIDE: (f64, u32) = (INVALID_NAN, INVALID);
const TOO_LARGE: (f64, u32) = (INF, OVERFLOW);
const TOO_SMALL: (f64, u32) = (0.0, UNDERFLOW);
const ASK: (f64, u32) = (0.0, UNKNOWN);

impl Edges {
    const fn new(low: Edge, high: Edge) -> Edges {
        Edges { low, high }
    }
    /// Nothing is known.
    pub(super) const NONE: Edges = Edges::new(Edge::new(-INF, ASK, ASK), Edge::new(INF, ASK, ASK));
    /// All finite numbers have a value.
    pub(super) const FINITE: Edges = Edges::new(Edge::new(-INF, ASK, OUTSIDE), Edge::new(INF, ASK, OUTSIDE));
    /// Between -1 and 1, where they are computed.
    pub(super) const UNIT: Edges = Edges::new(Edge::new(-1.0, OUTSIDE, ASK), Edge::new(1.0, OUTSIDE, ASK));
    /// Between poles at -1 and 1.
    pub(super) const OPEN_UNIT: Edges = Edges::new(
        Edge::new(-1.0, OUTSIDE, (-INF, DIVIDEBYZERO)),
        Edge::new(1.0, OUTSIDE, (INF, DIVIDEBYZERO)),
    );
    /// Right of a pole.
    pub(super) const fn above(pole: f64) -> Edges {
        Edges::new(Edge::new(pole, OUTSIDE, (-INF, DIVIDEBYZERO)), Edge::new(INF, ASK, (INF, 0)))
    }
    /// From 1, where it is zero.
    pub(super) const FROM_ONE: Edges =
        Edges::new(Edge::new(1.0, OUTSIDE, (0.0, 0)), Edge::new(INF, ASK, (INF, 0)));
    pub(super) const EXP: Edges =
        Edges::new(Edge::range(-745.2, -104.1, TOO_SMALL), Edge::range(709.8, 88.8, TOO_LARGE));
    pub(super) const EXP2: Edges =
        Edges::new(Edge::range(-1075.5, -150.5, TOO_SMALL), Edge::range(1024.0, 128.0, TOO_LARGE));
    pub(super) const EXPM1: Edges =
        Edges::new(Edge::new(-INF, ASK, ASK), Edge::range(709.8, 88.8, TOO_LARGE));
    pub(super) const SINH: Edges =
        Edges::new(Edge::range(-710.5, -89.5, (-INF, OVERFLOW)), Edge::range(710.5, 89.5, TOO_LARGE));
    pub(super) const COSH: Edges =
        Edges::new(Edge::range(-710.5, -89.5, TOO_LARGE), Edge::range(710.5, 89.5, TOO_LARGE));

    /// Value and status of an argument, [`UNKNOWN`] included.
    #[inline(always)]
    fn of<T: Lane>(&self, x: T) -> (T, u32) {
        let Edges { low, high } = self;
        let pick = |condition, (value, status): (f64, u32), (no, other): (T, u32)| {
            (T::select(condition, T::from_f64(value), no), if condition { status } else { other })
        };
        // A NaN that signals is for the library.
        let known = pick(x < T::limit(low), low.beyond, (x, if x.is_quiet_nan() { 0 } else { UNKNOWN }));
        let known = pick(x > T::limit(high), high.beyond, known);
        let known = pick(x == T::limit(low), low.at, known);
        let (value, status) = pick(x == T::limit(high), high.at, known);
        let exact = x.fabs() == T::from_f64(INF);
        (value, if exact { status & !(OVERFLOW | UNDERFLOW) } else { status })
    }

    /// Whether the library has to be asked.
    #[inline(always)]
    pub(super) fn knows<T: Lane>(&self, x: T) -> bool {
        self.of(x).1 & UNKNOWN == 0
    }
}

#[inline(always)]
fn settle_body<T: Lane>(edges: &Edges, settled: Settled, x: &[T], y: &mut [T]) -> u32 {
    let mut all = 0;
    for (y, &x) in y.iter_mut().zip(x) {
        let open = !y.is_settled(settled);
        let (value, status) = edges.of(x);
        *y = T::select(open & (status & UNKNOWN == 0), value, *y);
        all |= if open { status } else { 0 };
    }
    all
}

multiversion! { fn settle_lanes[T: Lane](edges: &Edges, settled: Settled, x: &[T], y: &mut [T]) -> u32
= settle_body::<T>; }

/// Put what is known in the place of answers that are not settled. Returns its status, and whether there are others.
pub(super) fn settle<T: Lane>(
    level: Level,
    edges: &Edges,
    settled: Settled,
    x: &[T],
    y: &mut [T],
) -> (u32, bool) {
    let all = settle_lanes::<T>(level, edges, settled, x, y);
    (all & !UNKNOWN, all & UNKNOWN != 0)
}
