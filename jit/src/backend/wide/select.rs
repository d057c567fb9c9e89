//! Instruction selection: from the instructions of a trace to machine instructions on virtual registers.
//!
//! How values are held: a group is as many iterations as lanes of the loop's widest type fit a register. A lane value of
//! a narrower type has as many lanes in a shorter register, or in the lower part of one. So every conversion is one
//! instruction from register to register, and no value needs two. Lanes above the group's hold anything; only types
//! without floating-point status are ever that short.
//!
//! A `bool` is a mask register on AVX-512 machines, on others a vector of all-ones or all-zeros lanes whose size is that
//! of the compared type and is changed where a user wants another.
//!
//! The last, incomplete group computes the same on all lanes. Idle lanes repeat the group's first element, so they raise
//! no floating-point status the element itself does not raise, and no operation needs a mask; only memory accesses,
//! the counter and reductions do.

use iced_x86::Code;

use super::super::Unsupported;
use super::Level;
use super::isa::{self, Length, Row, Single};
use super::program::*;
use super::shape::{Kernel, Walk, describe};
use crate::ir::{Const, Inst, InstId, Scalar, Stride, Value};

/// What code is selected for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// What comes before the loop.
    Setup,
    /// A whole group.
    Full,
    /// The last group, with fewer iterations than lanes.
    Tail,
    /// What comes after the loop: the carried values of so many copies of the body become one.
    Finish { copies: usize },
}

/// Where a lane value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Held {
    Vector(Src),
    /// A `bool`; the size of its lanes, if it is in a vector.
    Mask(Src, usize),
}

/// Lanes that are all-ones or all-zeros in every size.
pub(super) const ANY_REP: usize = 0;

pub(super) type Result<T> = std::result::Result<T, Unsupported>;

pub struct Select<'a> {
    pub(super) kernel: &'a Kernel<'a>,
    pub(super) level: Level,
    mode: Mode,
    pub(super) lanes: usize,
    invariants: &'a mut Invariants,
    program: Program,
    held: Vec<Option<Held>>,
    /// The lanes that count in the tail, on AVX2, by their size.
    tail_masks: [Option<Src>; 4],
    /// What is selected now.
    at: InstId,
}

/// Select code for one part of the kernel.
///
/// # Errors
/// The first instruction without code at this level.
pub fn select<'a>(
    kernel: &'a Kernel<'a>,
    level: Level,
    mode: Mode,
    invariants: &'a mut Invariants,
) -> Result<Program> {
    let mut s = Select {
        kernel,
        level,
        mode,
        // Before the loop all lanes are the same. With these every type fits a register, and lane 0 is spread afterwards.
        lanes: if mode == Mode::Setup { level.bytes() / 8 } else { kernel.lanes },
        invariants,
        program: Program::default(),
        held: vec![None; kernel.tr.value_count()],
        tail_masks: [None; 4],
        at: InstId::new(0),
    };
    match mode {
        Mode::Setup => s.setup()?,
        Mode::Full | Mode::Tail => s.body()?,
        Mode::Finish { copies } => s.finish(copies)?,
    }
    Ok(s.program)
}

impl<'a> Select<'a> {
    fn setup(&mut self) -> Result<()> {
        let kernel = self.kernel;
        // Computing comes first: it may add invariants of its own, constants namely.
        let wanted: Vec<InvId> = (0..self.invariants.list.len() as u32).map(InvId).collect();
        for &id in &kernel.setup {
            self.inst(id)?;
        }
        for id in wanted {
            let Invariant::Setup { value, class } = *self.invariants.get(id) else { continue };
            let home = Src::Mem(Mem::Home(id));
            match (class, self.held(value)?) {
                (Class::Mask, Held::Mask(m, _)) => {
                    self.effect(Code::VEX_Kmovq_m64_kr, [home, m, Src::None]);
                }
                (Class::Vector, Held::Mask(..)) => {
                    // Spread from its first byte.
                    let m = self.mask_as(value, 1)?;
                    self.store_whole(home, m);
                }
                (_, Held::Vector(src)) => {
                    self.store_whole(home, src);
                }
            }
        }
        self.program.ends.push(self.program.ins.len());
        Ok(())
    }
    fn store_whole(&mut self, home: Src, src: Src) {
        let length = if self.level == Level::Avx2 { Length::Ymm } else { Length::Zmm };
        let code = isa::STORE.code(self.level, length).expect("both levels store whole registers");
        self.effect(code, [home, src, Src::None]);
    }

    fn body(&mut self) -> Result<()> {
        let kernel = self.kernel;
        for c in &kernel.carried {
            let v = self.vreg(Class::Vector);
            self.held[c.param.index()] = Some(Held::Vector(Src::Reg(v)));
        }
        for &id in &kernel.body {
            self.inst(id)?;
            self.program.ends.push(self.program.ins.len());
        }
        for c in &kernel.carried {
            let size = self.size(c.next);
            let old = self.vector(c.param)?;
            let mut next = self.vector(c.next)?;
            if self.mode == Mode::Tail {
                next = self.blend_tail(size, next, old)?;
            }
            let (Src::Reg(old), Src::Reg(next)) = (old, self.register(next, size)) else {
                unreachable!("registers of their own")
            };
            self.program.carried.push((old, next));
        }
        self.program.ends.push(self.program.ins.len());
        Ok(())
    }
    /// Copies first, then halves of lanes; what lies above the lanes that count is computed along and not looked at.
    fn finish(&mut self, copies: usize) -> Result<()> {
        let kernel = self.kernel;
        for (number, c) in kernel.carried.iter().enumerate() {
            let (s, size) = (self.scalar(c.param), self.size(c.param));
            let at = |copy: usize, byte: usize| {
                Src::Mem(Mem::Carried { number: number as u32, copy: copy as u32, byte: byte as u32 })
            };
            let mut sum = self.one(isa::LOAD, size, at(0, 0))?;
            for copy in 1..copies {
                let other = self.one(isa::LOAD, size, at(copy, 0))?;
                sum = self.binary(c.op, s, sum, other)?;
            }
            let mut lanes = self.lanes;
            while lanes > 1 {
                lanes /= 2;
                self.store_whole(at(0, 0), sum);
                let upper = self.one(isa::LOAD, size, at(0, lanes * size))?;
                sum = self.binary(c.op, s, sum, upper)?;
            }
            let init = self.vector(c.init)?;
            sum = self.binary(c.op, s, sum, init)?;
            self.store_whole(at(0, 0), sum);
        }
        self.program.ends.push(self.program.ins.len());
        Ok(())
    }
    /// The new value in lanes that count, the old one in others.
    fn blend_tail(&mut self, size: usize, new: Src, old: Src) -> Result<Src> {
        if self.level == Level::Avx512 {
            let code = self.code(blend_row(size), size)?;
            return Ok(self.under(code, [old, new, Src::None], Under::Tail));
        }
        let mask = self.tail_mask(size)?;
        let code = self.code(isa::BLENDV_B, size)?;
        Ok(self.op(code, [old, new, mask], None))
    }
    /// All-ones in lanes that count, on AVX2.
    fn tail_mask(&mut self, size: usize) -> Result<Src> {
        let index = size.trailing_zeros() as usize;
        if let Some(mask) = self.tail_masks[index] {
            return Ok(mask);
        }
        self.pseudo(Pseudo::Remaining);
        let left = self.general_broadcast(size)?;
        let lanes = self.pattern(|i| (i / size) as u64, size);
        let mask = self.two(size_row(CMPGT, size), size, left, lanes)?;
        self.tail_masks[index] = Some(mask);
        Ok(mask)
    }
    /// The scratch register in all lanes.
    fn general_broadcast(&mut self, size: usize) -> Result<Src> {
        let low = self.op(isa::FROM_GENERAL.code(self.level), [Src::Scratch, Src::None, Src::None], None);
        let code = self.code(size_row(BROADCAST, size), size)?;
        Ok(self.op(code, [low, Src::None, Src::None], None))
    }

    fn inst(&mut self, id: InstId) -> Result<()> {
        self.at = id;
        let tr = self.kernel.tr;
        let held = match *tr.inst(id) {
            Inst::Store(_, v) => return self.store(id, v),
            Inst::Load(_) => self.load(id)?,
            // Constants are invariants, wherever they stand.
            Inst::Const(_) => return Ok(()),
            _ => self.compute(id)?,
        };
        let v = tr.results(id)[0];
        self.held[v.index()] = Some(held);
        Ok(())
    }

    // What the parts in other files build on.

    pub(super) fn decline<T>(&self, reason: &str) -> Result<T> {
        let inst = self.kernel.tr.inst(self.at);
        Err(Unsupported::at(self.at, format!("{} {reason}", describe(inst)).trim_end().to_string()))
    }
    pub(super) fn scalar(&self, v: Value) -> Scalar {
        self.kernel.tr.ty(v).scalar
    }
    pub(super) fn size(&self, v: Value) -> usize {
        self.scalar(v).size()
    }
    /// The instruction in the length for lanes of that size.
    pub(super) fn code(&self, row: Row, size: usize) -> Result<Code> {
        match row.code(self.level, Length::of(self.lanes * size)) {
            Some(code) => Ok(code),
            None => self.decline("has no instruction at this level"),
        }
    }
    fn vreg(&mut self, class: Class) -> VReg {
        self.program.classes.push(class);
        VReg(self.program.classes.len() as u32 - 1)
    }
    fn push(&mut self, op: Op) {
        self.program.ins.push(Ins::Op(op));
    }
    pub(super) fn pseudo(&mut self, p: Pseudo) {
        self.program.ins.push(Ins::Pseudo(p));
    }
    fn define(&mut self, class: Class, op: Op) -> Src {
        let v = self.vreg(class);
        self.push(Op { dst: Some(v), ..op });
        Src::Reg(v)
    }
    fn plain(code: Code, src: [Src; 3]) -> Op {
        Op { code, dst: None, src, imm: None, under: Under::All, zeroing: false, tied: false }
    }
    /// A vector from sources.
    pub(super) fn op(&mut self, code: Code, src: [Src; 3], imm: Option<u8>) -> Src {
        self.define(Class::Vector, Op { imm, ..Self::plain(code, src) })
    }
    /// The same where the destination is the first source.
    pub(super) fn tied(&mut self, code: Code, src: [Src; 3], imm: Option<u8>, under: Under) -> Src {
        self.define(Class::Vector, Op { imm, under, tied: true, ..Self::plain(code, src) })
    }
    pub(super) fn under(&mut self, code: Code, src: [Src; 3], under: Under) -> Src {
        self.define(Class::Vector, Op { under, ..Self::plain(code, src) })
    }
    pub(super) fn zeroing(&mut self, code: Code, src: [Src; 3], under: Under) -> Src {
        self.define(Class::Vector, Op { under, zeroing: true, ..Self::plain(code, src) })
    }
    /// A mask from sources.
    pub(super) fn mask_op(&mut self, code: Code, src: [Src; 3], imm: Option<u8>, under: Under) -> Src {
        self.define(Class::Mask, Op { imm, under, ..Self::plain(code, src) })
    }
    fn effect(&mut self, code: Code, src: [Src; 3]) {
        self.push(Self::plain(code, src));
    }
    pub(super) fn two(&mut self, row: Row, size: usize, a: Src, b: Src) -> Result<Src> {
        let code = self.code(row, size)?;
        Ok(self.op(code, [a, b, Src::None], None))
    }
    /// The same when operands may be exchanged: an invariant goes where it need not be in a register.
    pub(super) fn commute(&mut self, row: Row, size: usize, a: Src, b: Src) -> Result<Src> {
        let (a, b) = if matches!(a, Src::Inv(_)) { (b, a) } else { (a, b) };
        self.two(row, size, a, b)
    }
    pub(super) fn one(&mut self, row: Row, size: usize, a: Src) -> Result<Src> {
        let code = self.code(row, size)?;
        Ok(self.op(code, [a, Src::None, Src::None], None))
    }
    pub(super) fn immediate(&mut self, row: Row, size: usize, a: Src, imm: u8) -> Result<Src> {
        let code = self.code(row, size)?;
        Ok(self.op(code, [a, Src::None, Src::None], Some(imm)))
    }
    /// A constant made of lanes: what is at each byte's lane, by the number of the byte.
    pub(super) fn pattern(&mut self, lane: impl Fn(usize) -> u64, size: usize) -> Src {
        let bytes = std::array::from_fn(|i| lane(i).to_le_bytes()[i % size]);
        Src::Inv(self.invariants.intern(Invariant::Pattern(bytes)))
    }
    pub(super) fn splat(&mut self, bits: u64, size: usize) -> Src {
        self.pattern(|_| bits, size)
    }
    /// A value in a register of its own.
    fn register(&mut self, src: Src, size: usize) -> Src {
        match src {
            Src::Reg(_) => src,
            _ => {
                let code = self.code(isa::LOAD, size).expect("both levels load");
                self.op(code, [src, Src::None, Src::None], None)
            }
        }
    }

    /// Where a value is, computing invariants' places on first use.
    pub(super) fn held(&mut self, v: Value) -> Result<Held> {
        if let Some(held) = self.held[v.index()] {
            return Ok(held);
        }
        let tr = self.kernel.tr;
        let scalar = self.scalar(v);
        let held = match tr.def_inst(v) {
            _ if v == self.kernel.counter => Held::Vector(self.counter()?),
            Some(Inst::Const(c)) => self.constant(*c),
            None => {
                let slot = tr.params().iter().position(|&p| p == v).expect("a parameter of the trace") as u32;
                let class = self.class_of(scalar);
                let inv = self.invariants.intern(Invariant::Param { slot, scalar, class });
                self.wrap(scalar, Src::Inv(inv), ANY_REP)
            }
            Some(_) if self.mode == Mode::Setup => {
                return self.decline("needs a value that is not computed before");
            }
            Some(_) => {
                let inv = self.invariants.intern(Invariant::Setup { value: v, class: self.class_of(scalar) });
                self.wrap(scalar, Src::Inv(inv), ANY_REP)
            }
        };
        self.held[v.index()] = Some(held);
        Ok(held)
    }
    fn class_of(&self, s: Scalar) -> Class {
        if s == Scalar::Bool && self.level == Level::Avx512 { Class::Mask } else { Class::Vector }
    }
    fn wrap(&self, s: Scalar, src: Src, rep: usize) -> Held {
        if s == Scalar::Bool { Held::Mask(src, rep) } else { Held::Vector(src) }
    }
    fn constant(&mut self, c: Const) -> Held {
        if c.scalar != Scalar::Bool {
            return Held::Vector(self.splat(c.bits, c.scalar.size()));
        }
        let ones = self.splat(c.bits.wrapping_neg(), 8);
        if self.level == Level::Avx2 {
            return Held::Mask(ones, ANY_REP);
        }
        let code = self.code(isa::TEST_B, 1).expect("bytes are tested at this level");
        Held::Mask(self.mask_op(code, [ones, ones, Src::None], None, Under::All), 1)
    }
    pub(super) fn vector(&mut self, v: Value) -> Result<Src> {
        match self.held(v)? {
            Held::Vector(src) => Ok(src),
            Held::Mask(..) => unreachable!("a bool is held as a mask"),
        }
    }
    /// The mask and the size of its lanes.
    pub(super) fn mask(&mut self, v: Value) -> Result<(Src, usize)> {
        match self.held(v)? {
            Held::Mask(src, rep) => Ok((src, rep)),
            Held::Vector(_) => unreachable!("only a bool is held as a mask"),
        }
    }
    /// A mask with lanes of that size. On AVX-512 machines masks have no size.
    pub(super) fn mask_as(&mut self, v: Value, size: usize) -> Result<Src> {
        let (src, rep) = self.mask(v)?;
        if self.level == Level::Avx512 || rep == size || rep == ANY_REP {
            return Ok(src);
        }
        self.resize(src, rep, size, true)
    }

    fn counter(&mut self) -> Result<Src> {
        self.pseudo(Pseudo::Counter);
        let first = self.general_broadcast(8)?;
        let mut lanes = self.pattern(|i| (i / 8) as u64, 8);
        if self.mode == Mode::Tail {
            lanes = match self.level {
                Level::Avx512 => {
                    let code = self.code(isa::LOAD, 8)?;
                    self.zeroing(code, [lanes, Src::None, Src::None], Under::Tail)
                }
                Level::Avx2 => {
                    let mask = self.tail_mask(8)?;
                    self.two(isa::AND, 8, mask, lanes)?
                }
            };
        }
        self.two(isa::ADD_Q, 8, first, lanes)
    }

    // Memory.

    fn load(&mut self, id: InstId) -> Result<Held> {
        let kernel = self.kernel;
        let number = kernel.site_of[&id];
        let site = kernel.sites[number];
        let size = site.scalar.size();
        let mem = |lane: u32| Src::Mem(Mem::Site(number as u32, lane));
        let bytes = size * self.lanes;
        let src = match (kernel.pointers[site.pointer].walk, self.mode) {
            (Walk::Fixed(_), _) | (_, Mode::Setup) => self.broadcast(size, mem(0))?,
            (Walk::Index, Mode::Full | Mode::Finish { .. }) => match bytes {
                4 => self.op(isa::LOAD_4.code(self.level), [mem(0), Src::None, Src::None], None),
                8 => self.op(isa::LOAD_8.code(self.level), [mem(0), Src::None, Src::None], None),
                _ => self.one(isa::LOAD, size, mem(0))?,
            },
            (Walk::Index, Mode::Tail) if self.level == Level::Avx512 => {
                let first = self.broadcast(size, mem(0))?;
                let code = self.code(size_row(LOAD, size), size)?;
                self.tied(code, [first, mem(0), Src::None], None, Under::Tail)
            }
            (Walk::Index, Mode::Tail) if size >= 4 => {
                let (first, mask) = (self.broadcast(size, mem(0))?, self.tail_mask(size)?);
                let row = if size == 4 { isa::MASKED_LOAD_D } else { isa::MASKED_LOAD_Q };
                let rest = self.two(row, size, mask, mem(0))?;
                let code = self.code(isa::BLENDV_B, size)?;
                self.op(code, [first, rest, mask], None)
            }
            (_, Mode::Tail) => {
                let first = self.broadcast(size, mem(0))?;
                let buffer = Src::Mem(Mem::Buffer);
                self.store_whole(buffer, first);
                self.pseudo(Pseudo::CopyIn(number as u32));
                self.one(isa::LOAD, size, buffer)?
            }
            (Walk::Step(stride), _) => self.load_apart(number as u32, size, stride)?,
        };
        if site.scalar != Scalar::Bool {
            return Ok(Held::Vector(src));
        }
        self.nonzero(src, 1)
    }
    fn broadcast(&mut self, size: usize, mem: Src) -> Result<Src> {
        self.one(size_row(BROADCAST, size), size, mem)
    }
    /// Lanes that are not side by side, one by one: on the processors measured, that is faster than a gather.
    fn load_apart(&mut self, site: u32, size: usize, stride: Stride) -> Result<Src> {
        let lanes = self.lanes;
        let mut walk = Apart::new(self, site, stride);
        let per = 16 / size;
        let mut chunks = vec![];
        for chunk in (0..lanes).step_by(per) {
            let first = walk.next(self);
            let code =
                size_row(BROADCAST, size).code(self.level, Length::Xmm).expect("both levels broadcast");
            let mut x = self.op(code, [first, Src::None, Src::None], None);
            for lane in chunk + 1..lanes.min(chunk + per) {
                let mem = walk.next(self);
                let code = size_single(INSERT, size).code(self.level);
                x = self.op(code, [x, mem, Src::None], Some((lane - chunk) as u8));
            }
            chunks.push(x);
        }
        Ok(self.join(&chunks))
    }
    /// Vectors of 128 bits as one.
    fn join(&mut self, chunks: &[Src]) -> Src {
        match *chunks {
            [x] => x,
            [low, high] => self.op(isa::INSERT_128.code(self.level), [low, high, Src::None], Some(1)),
            _ => {
                let (low, high) = chunks.split_at(2);
                let (low, high) = (self.join(low), self.join(high));
                self.op(Code::EVEX_Vinserti64x4_zmm_k1z_zmm_ymmm256_imm8, [low, high, Src::None], Some(1))
            }
        }
    }

    fn store(&mut self, id: InstId, v: Value) -> Result<()> {
        let kernel = self.kernel;
        let number = kernel.site_of[&id];
        let site = kernel.sites[number];
        let size = site.scalar.size();
        let src = match self.held(v)? {
            Held::Vector(src) => src,
            Held::Mask(..) => {
                let one = self.splat(1, 1);
                self.mask_and(v, one, 1)?
            }
        };
        let mem = |lane: u32| Src::Mem(Mem::Site(number as u32, lane));
        match (kernel.pointers[site.pointer].walk, self.mode) {
            (Walk::Index, Mode::Full) => {
                let code = match size * self.lanes {
                    4 => isa::STORE_4.code(self.level),
                    8 => isa::STORE_8.code(self.level),
                    _ => self.code(isa::STORE, size)?,
                };
                self.effect(code, [mem(0), src, Src::None]);
            }
            (Walk::Index, Mode::Tail) if self.level == Level::Avx512 => {
                let code = self.code(size_row(STORE, size), size)?;
                self.push(Op { under: Under::Tail, ..Self::plain(code, [mem(0), src, Src::None]) });
            }
            (Walk::Index, Mode::Tail) if size >= 4 => {
                let mask = self.tail_mask(size)?;
                let row = if size == 4 { isa::MASKED_STORE_D } else { isa::MASKED_STORE_Q };
                let code = self.code(row, size)?;
                self.effect(code, [mem(0), mask, src]);
            }
            (Walk::Step(stride), Mode::Full) => self.store_apart(number as u32, size, stride, src),
            _ => {
                self.store_whole(Src::Mem(Mem::Buffer), src);
                self.pseudo(Pseudo::CopyOut(number as u32));
            }
        }
        Ok(())
    }
    fn store_apart(&mut self, site: u32, size: usize, stride: Stride, src: Src) {
        let lanes = self.lanes;
        let mut walk = Apart::new(self, site, stride);
        let per = 16 / size;
        for chunk in (0..lanes).step_by(per) {
            let number = (chunk / per) as u8;
            let x = match (number, Length::of(lanes * size)) {
                (0, _) => src,
                (_, Length::Zmm) => {
                    let code = Code::EVEX_Vextracti32x4_xmmm128_k1z_zmm_imm8;
                    self.op(code, [src, Src::None, Src::None], Some(number))
                }
                _ => self.op(isa::EXTRACT_128.code(self.level), [src, Src::None, Src::None], Some(number)),
            };
            for lane in chunk..lanes.min(chunk + per) {
                let mem = walk.next(self);
                let code = size_single(EXTRACT, size).code(self.level);
                self.push(Op { imm: Some((lane - chunk) as u8), ..Self::plain(code, [mem, x, Src::None]) });
            }
        }
    }
}

/// Goes from lane to lane of a site whose lanes are apart.
struct Apart {
    site: u32,
    constant: bool,
    lane: u32,
}

impl Apart {
    fn new(s: &mut Select<'_>, site: u32, stride: Stride) -> Apart {
        let constant = matches!(stride, Stride::Const(_));
        if !constant {
            s.pseudo(Pseudo::Start(site));
        }
        Apart { site, constant, lane: 0 }
    }
    fn next(&mut self, s: &mut Select<'_>) -> Src {
        let lane = self.lane;
        self.lane += 1;
        if self.constant {
            return Src::Mem(Mem::Site(self.site, lane));
        }
        if lane > 0 {
            s.pseudo(Pseudo::Advance(self.site));
        }
        Src::Mem(Mem::Scratch)
    }
}

// Rows by the size of lanes: 1, 2, 4, 8 bytes.
pub(super) type BySize = [Row; 4];
pub(super) const CMPGT: BySize = [isa::CMPGT_B, isa::CMPGT_W, isa::CMPGT_D, isa::CMPGT_Q];
const BROADCAST: BySize = [isa::BROADCAST_B, isa::BROADCAST_W, isa::BROADCAST_D, isa::BROADCAST_Q];
const LOAD: BySize = [isa::LOAD_B, isa::LOAD_W, isa::LOAD_D, isa::LOAD];
const STORE: BySize = [isa::STORE_B, isa::STORE_W, isa::STORE_D, isa::STORE];
const BLEND: BySize = [isa::BLEND_B, isa::BLEND_W, isa::BLEND_D, isa::BLEND_Q];
const INSERT: [Single; 4] = [isa::INSERT_B, isa::INSERT_W, isa::INSERT_D, isa::INSERT_Q];
const EXTRACT: [Single; 4] = [isa::EXTRACT_B, isa::EXTRACT_W, isa::EXTRACT_D, isa::EXTRACT_Q];

pub(super) fn size_row(rows: BySize, size: usize) -> Row {
    rows[size.trailing_zeros() as usize]
}
fn size_single(singles: [Single; 4], size: usize) -> Single {
    singles[size.trailing_zeros() as usize]
}
/// First source where the mask is 0, second where it is 1.
pub(super) fn blend_row(size: usize) -> Row {
    size_row(BLEND, size)
}
