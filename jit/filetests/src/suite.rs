//! Cases of every operation on every type, made from the tables of operations.
//!
//! Filetests show what operations mean; this shows that each back end has all of them. Each operation runs on a grid of
//! values from [`crate::edges`]: from slots, in loops over memory at several numbers of lanes, and with constants as
//! second operands, for which back ends have instructions of their own.

use jit::ir::{
    Access, Binary, Builder, Cond, Const, MemClass, Overflow, Range, Scalar, Stride, Trace, Ty, Unary, Value,
};

use crate::case::{Arg, Buffer, Case};
use crate::edges;

/// A trace and what to run it with.
pub struct Test {
    pub trace: Trace,
    pub cases: Vec<Case>,
}

/// What an operation does to a body being built.
type Make<'a> = &'a dyn Fn(&mut Builder, &[Value]) -> Value;

const SCALARS: [Scalar; 12] = [
    Scalar::Bool,
    Scalar::I8,
    Scalar::I16,
    Scalar::I32,
    Scalar::I64,
    Scalar::U8,
    Scalar::U16,
    Scalar::U32,
    Scalar::U64,
    Scalar::F16,
    Scalar::F32,
    Scalar::F64,
];

/// One lane, two, a register of 16 bytes and one of 64 of this type.
fn lanes(s: Scalar) -> Vec<u8> {
    let mut all = vec![1, 2, (16 / s.size()).max(2) as u8, (64 / s.size()) as u8];
    all.dedup();
    all
}

/// Every combination of values, an operand each.
fn grid(types: &[Scalar]) -> Vec<Vec<u64>> {
    let mut rows: Vec<Vec<u64>> = vec![vec![]];
    for (i, &s) in types.iter().enumerate() {
        let mut values = edges::values(s);
        // The third operand makes the grid large.
        if i == 2 {
            values = values.into_iter().step_by(5).collect();
        }
        let longer =
            |row: &Vec<u64>| values.iter().map(move |&v| [row.as_slice(), &[v]].concat()).collect::<Vec<_>>();
        rows = rows.iter().flat_map(longer).collect();
    }
    rows
}

fn access(base: Value, index: Value, s: Scalar, class: u16) -> Access {
    Access {
        class: MemClass(class),
        ..Access::new(base, Some((index, Stride::Const(s.size() as i64))), MemClass::ANY)
    }
}

/// Gives all tests to a function, one after the other.
pub fn for_each(mut f: impl FnMut(Test)) {
    let mut suite = Suite { give: &mut f };
    for s in SCALARS {
        suite.of_type(s);
    }
    for from in SCALARS {
        for to in SCALARS {
            suite.elementwise(&format!("convert.{from}.{to}"), &[from], to, &|b, v| b.convert(v[0], to));
            if from.size() == to.size() && from != Scalar::Bool && to != Scalar::Bool {
                // Which NaN a float is shows in an integer; moves keep it.
                suite.elementwise(&format!("bitcast.{from}.{to}"), &[from], to, &|b, v| b.bitcast(v[0], to));
            }
        }
    }
    // A mask made by comparing lanes of one width picks lanes of another.
    for s in [Scalar::I8, Scalar::I16, Scalar::F32, Scalar::I64, Scalar::F64] {
        for t in SCALARS {
            suite.elementwise(&format!("pick.{s}.{t}"), &[s, t, t], t, &|b, v| {
                let zero = b.constant(Const::canonical(s, 0));
                let zero = spread(b, zero, v[0]);
                let mask = b.compare(Cond::Gt, v[0], zero);
                b.select(mask, v[1], v[2])
            });
        }
    }
}

/// A scalar with as many lanes as another value.
fn spread(b: &mut Builder, scalar: Value, like: Value) -> Value {
    match b.ty(like).lanes {
        1 => scalar,
        n => b.splat(scalar, n),
    }
}

struct Suite<'a> {
    give: &'a mut dyn FnMut(Test),
}

impl Suite<'_> {
    fn of_type(&mut self, s: Scalar) {
        for &op in Unary::ALL.iter().filter(|op| op.domain().contains(s)) {
            self.elementwise(&format!("{}.{s}", op.name()), &[s], s, &|b, v| b.unary(op, v[0]));
        }
        for &op in Binary::ALL.iter().filter(|op| op.domain().contains(s)) {
            let make = |b: &mut Builder, v: &[Value]| b.binary(op, v[0], v[1]);
            self.elementwise(&format!("{}.{s}", op.name()), &[s, s], s, &make);
            self.with_constants(&format!("{}.const.{s}", op.name()), s, s, &make);
        }
        for &op in Overflow::ALL.iter().filter(|op| op.domain().contains(s)) {
            let make = |b: &mut Builder, v: &[Value]| b.overflow(op, v[0], v[1]);
            self.elementwise(&format!("{}.{s}", op.name()), &[s, s], Scalar::Bool, &make);
            self.with_constants(&format!("{}.const.{s}", op.name()), s, Scalar::Bool, &make);
        }
        for &cond in Cond::ALL.iter().filter(|cond| cond.domain().contains(s)) {
            let make = |b: &mut Builder, v: &[Value]| b.compare(cond, v[0], v[1]);
            self.elementwise(&format!("{}.{s}", cond.name()), &[s, s], Scalar::Bool, &make);
            self.with_constants(&format!("{}.const.{s}", cond.name()), s, Scalar::Bool, &make);
        }
        if s.is_float() {
            self.elementwise(&format!("fma.{s}"), &[s, s, s], s, &|b, v| b.fma(v[0], v[1], v[2]));
        }
        self.elementwise(&format!("select.{s}"), &[Scalar::Bool, s, s], s, &|b, v| {
            b.select(v[0], v[1], v[2])
        });
        for lanes in lanes(s).into_iter().filter(|&n| n > 1) {
            self.moves(s, lanes);
            for &op in Binary::ALL.iter().filter(|op| op.domain().contains(s)) {
                if op.is_associative(s) || matches!(op, Binary::Min | Binary::Max) {
                    let name = format!("reduce.{}.{s}x{lanes}", op.name());
                    self.reduced(&name, s, lanes, &|b, v| b.reduce(op, v[0]));
                }
            }
            for lane in [0, 1, lanes / 2, lanes - 1] {
                self.reduced(&format!("lane.{lane}.{s}x{lanes}"), s, lanes, &|b, v| b.lane(v[0], lane));
            }
        }
    }

    /// An operation on scalars from slots, and on elements of memory at each number of lanes.
    fn elementwise(&mut self, name: &str, inputs: &[Scalar], output: Scalar, make: Make) {
        let rows = grid(inputs);
        let mut b = Builder::new(name);
        let params: Vec<Value> = inputs.iter().map(|&s| b.param(Ty::scalar(s))).collect();
        let v = make(&mut b, &params);
        b.exit(0, vec![v]);
        let scalars = |row: &Vec<u64>| {
            row.iter().zip(inputs).map(|(&bits, &scalar)| Arg::Scalar(Const { scalar, bits })).collect()
        };
        let cases = rows.iter().map(|row| Case { name: name.into(), args: scalars(row), buffers: vec![] });
        (self.give)(Test { cases: cases.collect(), trace: b.finish() });
        let widest = inputs.iter().copied().chain([output]).max_by_key(|s| s.size()).unwrap_or(output);
        for lanes in lanes(widest) {
            self.loop_over(&format!("{name}.x{lanes}"), inputs, output, lanes, &rows, make);
        }
    }

    fn with_constants(&mut self, name: &str, s: Scalar, output: Scalar, make: Make) {
        for bits in edges::values(s) {
            let constant = |b: &mut Builder, v: &[Value]| {
                let c = b.constant(Const { scalar: s, bits });
                let c = spread(b, c, v[0]);
                make(b, &[v[0], c])
            };
            for lanes in [1, (16 / s.size()).max(2) as u8] {
                self.loop_over(&format!("{name}.x{lanes}"), &[s], output, lanes, &grid(&[s]), &constant);
            }
        }
    }

    fn buffers(inputs: &[Scalar], output: Scalar, rows: &[Vec<u64>]) -> (Vec<Buffer>, usize) {
        // Whole vectors of any width.
        let n = rows.len().next_multiple_of(64);
        let column = |k: usize| (0..n).map(|i| rows[i % rows.len()][k]).collect();
        let mut buffers: Vec<Buffer> = inputs
            .iter()
            .enumerate()
            .map(|(k, &scalar)| Buffer { scalar, elems: column(k), class: MemClass(k as u16 + 1) })
            .collect();
        buffers.push(Buffer { scalar: output, elems: vec![0; n], class: MemClass(9) });
        (buffers, n)
    }

    fn loop_over(
        &mut self,
        name: &str,
        inputs: &[Scalar],
        output: Scalar,
        lanes: u8,
        rows: &[Vec<u64>],
        make: Make,
    ) {
        let (buffers, n) = Suite::buffers(inputs, output, rows);
        let mut b = Builder::new(name);
        let pointers: Vec<Value> = inputs.iter().map(|_| b.param(Ty::PTR)).collect();
        let (out, end) = (b.param(Ty::PTR), b.param(Ty::I64));
        let start = b.i64(0);
        b.counted(Range { start, end, step: i64::from(lanes) }, vec![], |b, i, _| {
            let values: Vec<Value> = inputs
                .iter()
                .zip(&pointers)
                .enumerate()
                .map(|(k, (&s, &p))| b.load(Ty::vector(s, lanes), access(p, i, s, k as u16 + 1)))
                .collect();
            let v = make(b, &values);
            b.store(access(out, i, output, 9), v);
            vec![]
        });
        b.exit(0, vec![]);
        self.give_loop(b, name, buffers, n);
    }
    fn give_loop(&mut self, b: Builder, name: &str, buffers: Vec<Buffer>, n: usize) {
        let mut args: Vec<Arg> =
            (0..buffers.len()).map(|buffer| Arg::Pointer { buffer, offset: 0 }).collect();
        args.push(Arg::Scalar(Const::i64(n as i64)));
        (self.give)(Test { trace: b.finish(), cases: vec![Case { name: name.into(), args, buffers }] });
    }

    /// A vector to a scalar.
    fn reduced(&mut self, name: &str, s: Scalar, lanes: u8, make: Make) {
        self.loop_over(name, &[s], s, lanes, &grid(&[s]), make);
    }

    /// Memory in steps, splats and iotas.
    fn moves(&mut self, s: Scalar, lanes: u8) {
        let ty = Ty::vector(s, lanes);
        let (size, count) = (s.size() as i64, i64::from(lanes));
        let rows: Vec<Vec<u64>> = grid(&[s]).into_iter().cycle().take(256).collect();
        // By the step between lanes: what the elements are apart, and where lane 0 has to be.
        for step in [1, 2, 3, 0, -1, -2] {
            for dynamic in [false, true] {
                let name = format!("by.{step}.{ty}{}", if dynamic { ".dynamic" } else { "" });
                let (buffers, _) = Suite::buffers(&[s], s, &rows);
                let mut b = Builder::new(name.as_str());
                let (p, out, by) = (b.param(Ty::PTR), b.param(Ty::PTR), b.param(Ty::I64));
                let stride = if dynamic { Stride::Value(by) } else { Stride::Const(step * size) };
                let first = if step < 0 { -step * (count - 1) } else { 0 };
                let at = |base, disp: i64, lane_stride, class| Access {
                    addr: jit::ir::Addr { base, index: None, disp: (disp * size) as i32 },
                    class: MemClass(class),
                    lane_stride,
                };
                let v = b.load(ty, at(p, first + 1, Some(stride), 1));
                b.store(at(out, 0, None, 9), v);
                let w = b.load(ty, at(p, 5, None, 1));
                b.store(at(out, 64 + first, Some(stride), 9), w);
                b.exit(0, vec![]);
                self.give_loop(b, &name, buffers, (step * size) as usize);
            }
        }
        if s != Scalar::Ptr {
            let name = format!("splat.{ty}");
            let (buffers, n) = Suite::buffers(&[s], s, &rows);
            let mut b = Builder::new(name.as_str());
            let (p, out, end) = (b.param(Ty::PTR), b.param(Ty::PTR), b.param(Ty::I64));
            let start = b.i64(0);
            b.counted(Range { start, end, step: count }, vec![], |b, i, _| {
                let v = b.load(Ty::scalar(s), access(p, i, s, 1));
                let v = b.splat(v, lanes);
                b.store(access(out, i, s, 9), v);
                vec![]
            });
            b.exit(0, vec![]);
            self.give_loop(b, &name, buffers, n);
        }
        if s.is_int() {
            self.loop_over(&format!("iota.{ty}"), &[s], s, lanes, &rows, &|b, v| {
                let iota = b.iota(ty);
                b.binary(Binary::Add, iota, v[0])
            });
        }
    }
}
