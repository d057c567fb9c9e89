//! Random expressions, built fused and computed unfused at once.

use micronumpy::cast::copy_into;
use micronumpy::{ArrayRef, Dtype, NdArray, Order, TypeNum};
use micronumpy_expr::{Expr, Number};

use crate::plain;

/// A small generator of numbers; runs repeat exactly.
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

const TYPES: &[TypeNum] = &[
    TypeNum::DOUBLE,
    TypeNum::DOUBLE,
    TypeNum::DOUBLE,
    TypeNum::FLOAT,
    TypeNum::FLOAT,
    TypeNum::LONG,
    TypeNum::INT,
    TypeNum::BOOL,
    TypeNum::BYTE,
    TypeNum::UBYTE,
    TypeNum::SHORT,
    TypeNum::USHORT,
    TypeNum::UINT,
    TypeNum::ULONG,
    TypeNum::LONGLONG,
    TypeNum::HALF,
    TypeNum::LONGDOUBLE,
    TypeNum::CFLOAT,
    TypeNum::CDOUBLE,
];

const UNARY: &[&str] = &[
    "negative",
    "absolute",
    "square",
    "sqrt",
    "reciprocal",
    "positive",
    "floor",
    "ceil",
    "trunc",
    "rint",
    "sign",
    "invert",
    "isnan",
    "isinf",
    "isfinite",
    "signbit",
    "conjugate",
    "logical_not",
    "exp",
    "log",
    "sin",
    "cbrt",
    "fabs",
    "_ones_like",
];
const BINARY: &[&str] = &[
    "add",
    "add",
    "subtract",
    "subtract",
    "multiply",
    "multiply",
    "divide",
    "maximum",
    "minimum",
    "fmax",
    "fmin",
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "equal",
    "not_equal",
    "logical_and",
    "logical_or",
    "logical_xor",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "left_shift",
    "right_shift",
    "copysign",
    "floor_divide",
    "remainder",
    "hypot",
    "arctan2",
    "fmod",
];
const FOLDS: &[&str] = &[
    "add",
    "add",
    "add",
    "multiply",
    "maximum",
    "minimum",
    "fmax",
    "fmin",
    "logical_and",
    "logical_or",
    "logical_xor",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
];

/// Memory for an array that lies in some odd way inside it, with the array.
pub struct Odd {
    _memory: Vec<u128>,
    pub data: *mut u8,
    pub shape: Vec<isize>,
    pub strides: Vec<isize>,
    pub dtype: Dtype,
}

impl Odd {
    pub fn view(&self) -> ArrayRef<'_> {
        // SAFETY: made to lie inside the memory.
        unsafe { ArrayRef::new(self.data, &self.shape, &self.strides, &self.dtype) }
    }
}

/// One interesting value of a type, by way of a cast from one of these.
fn value(rng: &mut Rng) -> f64 {
    const SPECIAL: &[f64] =
        &[0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 3.0, 100.0, 7.0, -8.0, 1e300, 1e-300, 70000.0, 1e20, f64::INFINITY];
    match rng.below(12) {
        0 => rng.pick(SPECIAL),
        1 if rng.one_in(6) => f64::NAN,
        2..=5 => (rng.below(21) as f64) - 10.0,
        _ => (rng.next() >> 11) as f64 / (1u64 << 53) as f64 * 20.0 - 10.0,
    }
}

/// An array of a type and shape in a random layout.
pub fn odd_array(rng: &mut Rng, num: TypeNum, shape: &[isize]) -> Odd {
    let swapped = rng.one_in(12) && num.size() > 1;
    let dtype = if swapped { Dtype::builtin(num).with_byteorder(b'>') } else { Dtype::builtin(num) };
    let size = dtype.itemsize as isize;
    let ndim = shape.len();
    // Order of axes in memory, then steps between elements, then directions.
    let mut order: Vec<usize> = (0..ndim).collect();
    let plain = rng.one_in(2);
    if !plain && rng.one_in(2) {
        order.reverse();
    } else if !plain && ndim > 2 {
        order.swap(0, ndim - 1);
    }
    let mut strides = vec![0; ndim];
    let mut extent = size;
    for &a in order.iter().rev() {
        let gap = if plain || !rng.one_in(4) { 1 } else { 2 };
        strides[a] = extent * gap;
        if !plain && rng.one_in(8) && shape[a] > 1 {
            strides[a] = 0;
            continue;
        }
        extent *= gap * shape[a].max(1);
    }
    let mut start = 0;
    for a in 0..ndim {
        if !plain && rng.one_in(6) && strides[a] > 0 {
            start += strides[a] * (shape[a] - 1).max(0);
            strides[a] = -strides[a];
        }
    }
    let unaligned = isize::from(!plain && rng.one_in(8));
    let mut memory = vec![0u128; (extent as usize + 32).div_ceil(16)];
    let base = memory.as_mut_ptr().cast::<u8>();
    let odd = Odd {
        _memory: memory,
        data: base.wrapping_offset(start + unaligned),
        shape: shape.to_vec(),
        strides,
        dtype,
    };
    let n: usize = shape.iter().map(|&n| n as usize).product();
    let fill = NdArray::empty(shape, &Dtype::float64(), Order::C).unwrap();
    for i in 0..n {
        let mut x = value(rng);
        if num.is_integer() || num.is_bool() {
            // Conversions out of range are the platform's, and the same everywhere; no need to make many.
            x = if x.is_finite() && x.abs() < 1e9 { x.round() } else { 5.0 };
        }
        // SAFETY: element `i` of a fresh array.
        unsafe { fill.data().cast::<f64>().add(i).write(x) };
    }
    copy_into(&odd.view(), &fill.view()).unwrap();
    odd
}

/// A value of the pool: the expression, what it is, and the status of the calls it took.
pub struct Known<'a> {
    pub expr: Expr<'a>,
    pub array: Plain<'a>,
    /// How it was made: name, flags, operands in the pool.
    pub made: Option<(&'static str, u32, Vec<usize>)>,
}

/// An unfused result, or what went in.
pub enum Plain<'a> {
    Own(NdArray),
    Leaf(&'a Odd),
}

impl Plain<'_> {
    pub fn view(&self) -> ArrayRef<'_> {
        match self {
            Plain::Own(arr) => arr.view(),
            Plain::Leaf(odd) => odd.view(),
        }
    }
}

pub struct Pool<'a> {
    pub values: Vec<Known<'a>>,
}

impl<'a> Pool<'a> {
    /// The status numpy would report evaluating a value, in program order.
    pub fn status(&self, root: usize) -> Vec<(&'static str, u32)> {
        let mut seen = vec![false; self.values.len()];
        let mut out = vec![];
        let mut todo = vec![(root, false)];
        while let Some((i, ready)) = todo.pop() {
            if ready {
                if let Some((name, flags, _)) = &self.values[i].made
                    && *flags != 0
                {
                    out.push((*name, *flags));
                }
                continue;
            }
            if std::mem::replace(&mut seen[i], true) {
                continue;
            }
            todo.push((i, true));
            if let Some((_, _, args)) = &self.values[i].made {
                todo.extend(args.iter().rev().map(|&a| (a, false)));
            }
        }
        out
    }
}

fn number(rng: &mut Rng) -> Number {
    match rng.below(8) {
        0..=3 => Number::Int(rng.below(7) as i128),
        4 => Number::Float(0.5),
        5 => Number::Float(-1.25),
        6 => Number::Float(2.0),
        _ => Number::Complex(1.0, -0.5),
    }
}

/// Build a random program over some arrays.
pub fn program<'a>(rng: &mut Rng, leaves: &'a [Odd], steps: usize) -> Pool<'a> {
    let mut pool = Pool { values: vec![] };
    for odd in leaves {
        // SAFETY: the memory lives for 'a, and is only read.
        let expr = unsafe { Expr::from_ref(&odd.view()) }.unwrap();
        pool.values.push(Known { expr, array: Plain::Leaf(odd), made: None });
    }
    let mut tries = 0;
    while pool.values.len() < leaves.len() + steps && tries < 40 * steps {
        tries += 1;
        step(rng, &mut pool);
    }
    pool
}

fn step(rng: &mut Rng, pool: &mut Pool<'_>) {
    let any = |rng: &mut Rng, pool: &Pool<'_>| {
        // Recent values more often, so that expressions get deep.
        let n = pool.values.len();
        if rng.one_in(3) { rng.below(n) } else { n - 1 - rng.below(n.min(3)) }
    };
    let made = match rng.below(20) {
        0..=4 => {
            let (name, a) = (rng.pick(UNARY), any(rng, pool));
            one(pool, name, &[Some(a)], &[])
        }
        5..=13 => {
            let name = rng.pick(BINARY);
            let (a, b) = (any(rng, pool), any(rng, pool));
            match rng.below(6) {
                0 => {
                    let n = number(rng);
                    one(pool, name, &[Some(a), None], &[n])
                }
                1 => {
                    let n = number(rng);
                    one(pool, name, &[None, Some(b)], &[n])
                }
                _ => one(pool, name, &[Some(a), Some(b)], &[]),
            }
        }
        14 => {
            let (a, b, c) = (any(rng, pool), any(rng, pool), any(rng, pool));
            one(pool, "clip", &[Some(a), Some(b), Some(c)], &[])
        }
        15 => {
            let a = any(rng, pool);
            one(pool, "power", &[Some(a), None], &[Number::Int(2)])
        }
        16 => {
            let (a, b, c) = (any(rng, pool), any(rng, pool), any(rng, pool));
            let (x, y) = (&pool.values[b], &pool.values[c]);
            let Ok(expr) = Expr::where_(&pool.values[a].expr, &x.expr, &y.expr) else { return };
            let plain = plain::select(
                &pool.values[a].array.view(),
                plain::Operand::Array(x.array.view()),
                plain::Operand::Array(y.array.view()),
            );
            plain.ok().map(|(array, flags)| Known {
                expr,
                array: Plain::Own(array),
                made: Some(("where", flags, vec![a, b, c])),
            })
        }
        17..=18 => {
            let (a, num) = (any(rng, pool), rng.pick(TYPES));
            let from = pool.values[a].array.view().dtype.num;
            // Packed loops to `uint32` answer out of range by position.
            if num == TypeNum::UINT && (from.is_float() || from.is_complex()) {
                return;
            }
            let dtype = Dtype::builtin(num);
            let Ok(expr) = pool.values[a].expr.astype(&dtype) else { return };
            let plain = plain::cast(&pool.values[a].array.view(), &dtype);
            plain.ok().map(|(array, flags)| Known {
                expr,
                array: Plain::Own(array),
                made: Some(("cast", flags, vec![a])),
            })
        }
        _ => {
            let (name, a) = (rng.pick(FOLDS), any(rng, pool));
            let ndim = pool.values[a].array.view().shape.len();
            let axes: Vec<bool> = match rng.below(3) {
                0 => vec![true; ndim],
                _ => (0..ndim).map(|_| rng.one_in(2)).collect(),
            };
            let keepdims = rng.one_in(3);
            let list: Vec<isize> = (0..ndim as isize).filter(|&i| axes[i as usize]).collect();
            let Ok(expr) = pool.values[a].expr.reduce(name, Some(&list), keepdims) else { return };
            let plain = plain::fold(name, &pool.values[a].array.view(), &axes, keepdims, None);
            plain.ok().map(|(array, flags)| Known {
                expr,
                array: Plain::Own(array),
                made: Some(("reduce", flags, vec![a])),
            })
        }
    };
    pool.values.extend(made);
}

/// An elementwise call of pool values and numbers (`None`).
fn one<'a>(
    pool: &Pool<'a>,
    name: &'static str,
    at: &[Option<usize>],
    numbers: &[Number],
) -> Option<Known<'a>> {
    // The sign of a NaN that was computed depends on how a loop was compiled; that of an input does not.
    let last = at.last().copied().flatten();
    if matches!(name, "signbit" | "copysign") && last.is_some_and(|i| pool.values[i].made.is_some()) {
        return None;
    }
    let mut numbers = numbers.iter();
    let mut exprs = vec![];
    let mut plains = vec![];
    for a in at {
        match a {
            Some(i) => {
                exprs.push(pool.values[*i].expr.clone());
                plains.push(plain::Operand::Array(pool.values[*i].array.view()));
            }
            None => {
                let n = *numbers.next()?;
                exprs.push(Expr::number(n));
                plains.push(plain::Operand::Number(n));
            }
        }
    }
    let expr = Expr::ufunc(name, &exprs).ok()?;
    let (array, flags) = plain::call(name, &plains).ok()?;
    Some(Known {
        expr,
        array: Plain::Own(array),
        made: Some((name, flags, at.iter().flatten().copied().collect())),
    })
}

/// Whether two arrays of one shape hold the same bits, NaN for NaN; the first difference otherwise.
pub fn difference(a: &ArrayRef<'_>, b: &ArrayRef<'_>) -> Option<String> {
    if a.shape != b.shape || a.dtype.num != b.dtype.num {
        return Some(format!("{:?} {:?} and {:?} {:?}", a.shape, a.dtype.num, b.shape, b.dtype.num));
    }
    let (x, y) = (NdArray::copy_of(a, Order::C).unwrap(), NdArray::copy_of(b, Order::C).unwrap());
    let (num, n) = (a.dtype.num, a.size());
    let part = num.real_part();
    let parts = if num.is_complex() { 2 } else { 1 };
    for i in 0..n * parts {
        // SAFETY: part `i` of contiguous arrays.
        unsafe {
            let at = |d: *mut u8| d.add(i * part.size());
            let (p, q) = (at(x.data()), at(y.data()));
            let size = if part == TypeNum::LONGDOUBLE { 10 } else { part.size() };
            let same = (0..size).all(|k| *p.add(k) == *q.add(k));
            let alike = same || is_nan(p, part) && is_nan(q, part);
            if !alike {
                let bytes =
                    |p: *mut u8| (0..size).rev().map(|k| format!("{:02x}", *p.add(k))).collect::<String>();
                return Some(format!("element {} of {n} {num:?}: {} and {}", i / parts, bytes(p), bytes(q)));
            }
        }
    }
    None
}

unsafe fn is_nan(p: *const u8, num: TypeNum) -> bool {
    // SAFETY: an element of the type.
    unsafe {
        match num {
            TypeNum::HALF => p.cast::<u16>().read() & 0x7fff > 0x7c00,
            TypeNum::FLOAT => p.cast::<f32>().read().is_nan(),
            TypeNum::DOUBLE => p.cast::<f64>().read().is_nan(),
            TypeNum::LONGDOUBLE => p.cast::<ufuncs::elem::LongDouble>().read().is_nan(),
            _ => false,
        }
    }
}

/// Shapes that broadcast with each other.
pub fn shapes(rng: &mut Rng, count: usize) -> Vec<Vec<isize>> {
    let long = [1500isize, 2500, 700, 40, 9000];
    let full: Vec<isize> = match rng.below(9) {
        0 => vec![],
        1 => vec![rng.pick(&long)],
        2 => vec![rng.pick(&long), 3],
        3 => vec![rng.below(6) as isize, rng.pick(&long)],
        4 => vec![5, 7, 11],
        5 => vec![2, 3, rng.pick(&long)],
        6 => vec![40, 33],
        7 => vec![17, 1, 60],
        _ => vec![rng.below(200) as isize],
    };
    (0..count)
        .map(|_| {
            let drop = if rng.one_in(4) { rng.below(full.len() + 1) } else { 0 };
            let mut shape = full[drop..].to_vec();
            for n in &mut shape {
                if rng.one_in(7) {
                    *n = 1;
                }
            }
            shape
        })
        .collect()
}

pub fn leaves(rng: &mut Rng) -> Vec<Odd> {
    let count = 1 + rng.below(3);
    let shapes = shapes(rng, count);
    let same = rng.one_in(2).then(|| rng.pick(TYPES));
    shapes
        .iter()
        .map(|shape| {
            let num = same.unwrap_or_else(|| rng.pick(TYPES));
            odd_array(rng, num, shape)
        })
        .collect()
}
