//! The text of a trace. [`super::parse`] reads it back; its page has the grammar.

use std::fmt::{self, Display, Formatter, Write};

use super::trace::*;
use super::ty::{Scalar, Ty};

struct List<'a>(&'a [Value]);

impl Display for List<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (i, v) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{v}")?;
        }
        Ok(())
    }
}

impl Display for Const {
    /// Floats in the shortest decimal form that reads back, unless it is a NaN, whose bits are given.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.scalar {
            Scalar::Bool => write!(f, "{}", self.bits != 0),
            Scalar::F64 if !f64::from_bits(self.bits).is_nan() => {
                write!(f, "{:?}", f64::from_bits(self.bits))
            }
            Scalar::F32 if !f32::from_bits(self.bits as u32).is_nan() => {
                write!(f, "{:?}", f32::from_bits(self.bits as u32))
            }
            Scalar::F64 | Scalar::F32 | Scalar::F16 | Scalar::Ptr => write!(f, "{:#x}", self.bits),
            s if s.is_signed() => write!(f, "{}", self.bits as i64),
            _ => write!(f, "{}", self.bits),
        }
    }
}

impl Display for Stride {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Stride::Const(n) => write!(f, "{n}"),
            Stride::Value(v) => write!(f, "{v}"),
        }
    }
}

impl Display for Addr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}[", self.base)?;
        match self.index {
            Some((index, stride)) => {
                write!(f, "{index}*{stride}")?;
                if self.disp != 0 {
                    write!(f, " + {}", self.disp)?;
                }
            }
            None => write!(f, "{}", self.disp)?,
        }
        f.write_char(']')
    }
}

impl Display for Access {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.addr)?;
        if let Some(s) = self.lane_stride {
            write!(f, " by {s}")?;
        }
        if self.class != MemClass::ANY {
            write!(f, " !{}", self.class.0)?;
        }
        Ok(())
    }
}

impl Display for CallDescr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "extern {}(", self.name)?;
        for (i, p) in self.params.iter().enumerate() {
            write!(f, "{}{p}", if i > 0 { ", " } else { "" })?;
        }
        f.write_char(')')?;
        if let Some(r) = self.result {
            write!(f, " -> {r}")?;
        }
        let Effects { reads, writes, raises } = self.effects;
        for (set, name) in [(reads, " reads"), (writes, " writes"), (raises, " raises")] {
            if set {
                f.write_str(name)?;
            }
        }
        Ok(())
    }
}

struct Printer<'a, 'f, 'b> {
    tr: &'a Trace,
    f: &'f mut Formatter<'b>,
}

impl Printer<'_, '_, '_> {
    fn indent(&mut self, depth: usize) -> fmt::Result {
        write!(self.f, "{:width$}", "", width = depth * 4)
    }
    fn snap(&mut self, id: SnapId) -> fmt::Result {
        let snap = self.tr.snapshot(id);
        write!(self.f, "@{}({})", snap.key, List(&snap.values))
    }
    fn region(&mut self, id: RegionId, depth: usize) -> fmt::Result {
        for &inst in &self.tr.region(id).insts {
            self.indent(depth)?;
            self.inst(inst, depth)?;
            self.f.write_char('\n')?;
        }
        Ok(())
    }
    /// The type that cannot be read off the operands.
    fn result_ty(&self, id: InstId) -> Ty {
        self.tr.ty(self.tr.results(id)[0])
    }
    fn inst(&mut self, id: InstId, depth: usize) -> fmt::Result {
        let tr = self.tr;
        let results = tr.results(id);
        if !results.is_empty() {
            write!(self.f, "{} = ", List(results))?;
        }
        match tr.inst(id) {
            Inst::Const(c) => write!(self.f, "const.{} {c}", c.scalar),
            Inst::Unary(op, a) => write!(self.f, "{} {a}", op.name()),
            Inst::Binary(op, a, b) => write!(self.f, "{} {a}, {b}", op.name()),
            Inst::Fma(a, b, c) => write!(self.f, "fma {a}, {b}, {c}"),
            Inst::Overflow(op, a, b) => write!(self.f, "{} {a}, {b}", op.name()),
            Inst::Compare(cond, a, b) => write!(self.f, "{} {a}, {b}", cond.name()),
            Inst::Select(m, a, b) => write!(self.f, "select {m}, {a}, {b}"),
            Inst::Convert(a) => write!(self.f, "convert.{} {a}", self.result_ty(id).scalar),
            Inst::Bitcast(a) => write!(self.f, "bitcast.{} {a}", self.result_ty(id).scalar),
            Inst::Splat(a) => write!(self.f, "splat.{} {a}", self.result_ty(id).lanes),
            Inst::Iota => write!(self.f, "iota.{}", self.result_ty(id)),
            Inst::Lane(a, n) => write!(self.f, "lane.{n} {a}"),
            Inst::Reduce(op, a) => write!(self.f, "reduce.{} {a}", op.name()),
            Inst::Load(access) => write!(self.f, "load.{} {access}", self.result_ty(id)),
            Inst::Store(access, v) => write!(self.f, "store {v}, {access}"),
            Inst::Lea(addr) => write!(self.f, "lea {addr}"),
            Inst::Call(call, args) => write!(self.f, "call {}({})", tr.call(*call).name, List(args)),
            Inst::Guard { cond, expected, snap } => {
                write!(self.f, "guard.{expected} {cond} else ")?;
                self.snap(*snap)
            }
            Inst::Loop { range, init, body } => {
                self.f.write_str("loop ")?;
                let mut params = tr.region(*body).params.as_slice();
                if let Some(r) = range {
                    write!(self.f, "{} in {}..{} ", params[0], r.start, r.end)?;
                    if r.step != 1 {
                        write!(self.f, "step {} ", r.step)?;
                    }
                    params = &params[1..];
                }
                if !params.is_empty() {
                    self.f.write_str("carry (")?;
                    for (i, (p, v)) in params.iter().zip(init).enumerate() {
                        write!(self.f, "{}{p} = {v}", if i > 0 { ", " } else { "" })?;
                    }
                    self.f.write_str(") ")?;
                }
                self.f.write_str("{\n")?;
                self.region(*body, depth + 1)?;
                self.indent(depth)?;
                self.f.write_char('}')
            }
            Inst::If { cond, then, other } => {
                writeln!(self.f, "if {cond} {{")?;
                self.region(*then, depth + 1)?;
                self.indent(depth)?;
                self.f.write_str("} else {\n")?;
                self.region(*other, depth + 1)?;
                self.indent(depth)?;
                self.f.write_char('}')
            }
            Inst::BreakIf(cond, args) => write!(self.f, "break {cond} ({})", List(args)),
            Inst::Yield(args) => write!(self.f, "yield ({})", List(args)),
            Inst::Exit(snap) => {
                self.f.write_str("exit ")?;
                self.snap(*snap)
            }
        }
    }
}

impl Display for Trace {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for call in &self.calls {
            writeln!(f, "{call}")?;
        }
        write!(f, "trace {}(", self.name)?;
        for (i, &p) in self.params().iter().enumerate() {
            write!(f, "{}{p}: {}", if i > 0 { ", " } else { "" }, self.ty(p))?;
        }
        let status = if self.status { " status" } else { "" };
        let ahead = if self.ahead { " ahead" } else { "" };
        writeln!(f, "){status}{ahead} {{")?;
        Printer { tr: self, f }.region(Trace::ROOT, 1)?;
        writeln!(f, "}}")
    }
}
