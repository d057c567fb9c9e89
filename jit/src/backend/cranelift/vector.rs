//! Vectors of any number of lanes in registers of 128 bits.
//!
//! A vector of more than 16 bytes is several registers. One of less is *repeated* until it fills a register: then every
//! operation does to the filling what it does to the lanes, so that it cannot raise floating-point status the lanes do not,
//! and to widen or narrow a vector needs no case of its own: the lower half of a register is always a whole vector.
//!
//! A vector of `bool` is a mask of lanes all ones or all zeros. How wide these lanes are is up to whoever made it: that of
//! the operands for a comparison, a byte for what comes from memory. Who uses a mask converts it ([`Lanes::with_width`]).

use cranelift_codegen::ir::{self, ConstantData, Endianness, InstBuilder, MemFlagsData, Type, types};

use super::isa::Arch;
use super::lower::Lowering;
use crate::ir::{Binary, Const, Inst, Overflow, Scalar, Ty, Value};

/// Bytes of a register.
pub(super) const REGISTER: usize = 16;

/// A value: a scalar, or the registers of a vector.
#[derive(Clone, Debug)]
pub(super) struct Lanes {
    pub ty: Ty,
    /// Bytes of a lane, which the type does not tell of masks.
    pub width: u8,
    pub parts: Vec<ir::Value>,
}

/// Cranelift's type of one lane, or of a scalar.
pub(super) fn lane_type(s: Scalar) -> Type {
    match s {
        Scalar::F32 => types::F32,
        Scalar::F64 => types::F64,
        s => int_type(s.size() as u8),
    }
}
/// The integer of that many bytes.
pub(super) fn int_type(bytes: u8) -> Type {
    Type::int(u16::from(bytes) * 8).expect("1, 2, 4 or 8 bytes")
}
/// A register of such lanes.
pub(super) fn register_type(lane: Type) -> Type {
    lane.by(REGISTER as u32 * 8 / lane.bits()).expect("a power of two of lanes")
}

impl Lanes {
    pub fn scalar(s: Scalar, part: ir::Value) -> Lanes {
        Lanes { ty: Ty::scalar(s), width: s.size() as u8, parts: vec![part] }
    }
    pub fn empty(ty: Ty, width: u8) -> Lanes {
        Lanes { ty, width, parts: vec![] }
    }
    pub fn registers(&self) -> usize {
        if self.ty.is_vector() { registers(self.ty.lanes, self.width) } else { 1 }
    }
    pub fn part_type(&self) -> Type {
        let lane =
            if self.ty.scalar == Scalar::Bool { int_type(self.width) } else { lane_type(self.ty.scalar) };
        if self.ty.is_vector() { register_type(lane) } else { lane }
    }
    /// The same lanes with other parts.
    pub fn map(&self, mut f: impl FnMut(ir::Value) -> ir::Value) -> Lanes {
        Lanes { parts: self.parts.iter().map(|&p| f(p)).collect(), ..*self }
    }
    /// As many lanes of another type.
    pub fn of(&self, s: Scalar, parts: Vec<ir::Value>) -> Lanes {
        Lanes { ty: self.ty.with(s), width: s.size() as u8, parts }
    }
    /// A mask with lanes of that width; other values as they are.
    pub fn with_width(&self, l: &mut Lowering, width: u8) -> Lanes {
        if self.ty.scalar != Scalar::Bool || !self.ty.is_vector() || self.width == width {
            return self.clone();
        }
        let parts = l.resize(self.parts.clone(), self.ty.lanes, self.width, width, Resize::Mask);
        Lanes { ty: self.ty, width, parts }
    }
}

/// What to move a vector narrower than a register as: floats, which need no general registers, where there are any.
pub(super) fn whole_type(bytes: usize) -> Type {
    match bytes {
        2 => types::I16,
        4 => types::F32,
        _ => types::F64,
    }
}

fn registers(lanes: u8, width: u8) -> usize {
    (usize::from(lanes) * usize::from(width)).div_ceil(REGISTER)
}

/// How lanes get wider or narrower.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Resize {
    /// By extending the sign, or dropping bits.
    Signed,
    /// By zeros, or dropping bits.
    Unsigned,
    /// All bits of a lane are the same.
    Mask,
}

impl Lowering<'_> {
    pub fn is_register(&self, v: ir::Value) -> bool {
        self.b.func.dfg.value_type(v).is_vector()
    }
    pub fn type_of(&self, v: ir::Value) -> Type {
        self.b.func.dfg.value_type(v)
    }

    /// A constant of a type, the same in all lanes if it is a register.
    pub fn constant(&mut self, ty: Type, bits: u64) -> ir::Value {
        if ty.is_vector() {
            let lane = ty.lane_bits() as usize / 8;
            let bytes: Vec<u8> = bits.to_le_bytes()[..lane].repeat(REGISTER / lane);
            return self.register_constant(ty, bytes);
        }
        match ty {
            types::F32 => self.b.ins().f32const(f32::from_bits(bits as u32)),
            types::F64 => self.b.ins().f64const(f64::from_bits(bits)),
            _ => {
                // Cranelift wants the bits beyond the type to be zero.
                let unused = 64 - ty.bits();
                self.b.ins().iconst(ty, (bits << unused >> unused) as i64)
            }
        }
    }
    pub fn constant_like(&mut self, v: ir::Value, bits: u64) -> ir::Value {
        self.constant(self.type_of(v), bits)
    }
    fn register_constant(&mut self, ty: Type, bytes: Vec<u8>) -> ir::Value {
        let data = self.b.func.dfg.constants.insert(ConstantData::from(bytes));
        self.b.ins().vconst(ty, data)
    }

    /// The same bits as another type of the same size.
    pub fn cast(&mut self, v: ir::Value, ty: Type) -> ir::Value {
        if self.type_of(v) == ty {
            return v;
        }
        let flags = MemFlagsData::new().with_endianness(Endianness::Little);
        self.b.ins().bitcast(ty, flags, v)
    }
    /// The bits of a float, or of several, as integers.
    pub fn as_ints(&mut self, v: ir::Value) -> ir::Value {
        self.cast(v, self.type_of(v).as_int())
    }
    pub fn as_floats(&mut self, v: ir::Value) -> ir::Value {
        let ty = self.type_of(v);
        let lane = if ty.lane_bits() == 32 { types::F32 } else { types::F64 };
        self.cast(v, if ty.is_vector() { register_type(lane) } else { lane })
    }

    /// `condition ? a : b`: of scalars a `bool`, of registers a mask of the same lanes.
    pub fn pick(&mut self, condition: ir::Value, a: ir::Value, b: ir::Value) -> ir::Value {
        if self.is_register(a) {
            let condition = self.cast(condition, self.type_of(a));
            self.b.ins().bitselect(condition, a, b)
        } else {
            self.b.ins().select(condition, a, b)
        }
    }

    /// Bytes of two registers in any order, 16 to 31 those of the second.
    fn shuffle(&mut self, a: ir::Value, b: ir::Value, bytes: [u8; 16]) -> ir::Value {
        let ty = self.type_of(a);
        let (a, b) = (self.cast(a, types::I8X16), self.cast(b, types::I8X16));
        let mask = self.b.func.dfg.immediates.push(ConstantData::from(bytes.to_vec()));
        let shuffled = self.b.ins().shuffle(a, b, mask);
        self.cast(shuffled, ty)
    }
    /// The lower halves of two registers.
    pub fn lower_halves(&mut self, a: ir::Value, b: ir::Value) -> ir::Value {
        self.shuffle(a, b, std::array::from_fn(|i| if i < 8 { i } else { i + 8 } as u8))
    }
    /// The upper half of a register in both halves.
    pub fn upper_half(&mut self, a: ir::Value) -> ir::Value {
        self.shuffle(a, a, std::array::from_fn(|i| (i % 8 + 8) as u8))
    }
    /// The lower halves of the lanes of two registers.
    fn even_halves(&mut self, a: ir::Value, b: ir::Value, width: u8) -> ir::Value {
        let half = usize::from(width / 2);
        self.shuffle(a, b, std::array::from_fn(|i| (i / half * 2 * half + i % half) as u8))
    }

    /// Integer lanes (or masks) of another width.
    pub fn resize(
        &mut self,
        mut parts: Vec<ir::Value>,
        lanes: u8,
        mut from: u8,
        to: u8,
        how: Resize,
    ) -> Vec<ir::Value> {
        while from < to {
            let mut wider = vec![];
            for &part in &parts {
                wider.push(if how == Resize::Unsigned {
                    self.b.ins().uwiden_low(part)
                } else {
                    self.b.ins().swiden_low(part)
                });
                if wider.len() < registers(lanes, from * 2) {
                    wider.push(if how == Resize::Unsigned {
                        self.b.ins().uwiden_high(part)
                    } else {
                        self.b.ins().swiden_high(part)
                    });
                }
            }
            (parts, from) = (wider, from * 2);
        }
        while from > to {
            let pairs: Vec<_> = parts.chunks(2).map(|p| (p[0], p[p.len() - 1])).collect();
            parts = pairs.into_iter().map(|(a, b)| self.narrow(a, b, from, how)).collect();
            from /= 2;
        }
        parts
    }
    /// The lower halves of the lanes of two registers as lanes of their own.
    fn narrow(&mut self, a: ir::Value, b: ir::Value, from: u8, how: Resize) -> ir::Value {
        if self.isa.arch() == Arch::Arm || from == 8 {
            let halves = self.even_halves(a, b, from);
            return self.cast(halves, register_type(int_type(from / 2)));
        }
        if how == Resize::Mask {
            return self.b.ins().snarrow(a, b);
        }
        if from == 2 || self.isa.packs_words() {
            // What is left fits, so that saturation has nothing to do.
            let mask = self.constant_like(a, (1 << (from * 4)) - 1);
            let (a, b) = (self.b.ins().band(a, mask), self.b.ins().band(b, mask));
            return self.b.ins().unarrow(a, b);
        }
        let half = self.b.ins().iconst(types::I32, i64::from(from) * 4);
        let [a, b] = [a, b].map(|v| {
            let up = self.b.ins().ishl(v, half);
            self.b.ins().sshr(up, half)
        });
        self.b.ins().snarrow(a, b)
    }

    /// A vector of scalars.
    pub fn pack(&mut self, ty: Ty, scalars: &[ir::Value]) -> Lanes {
        let mut lanes = Lanes::empty(ty, ty.scalar.size() as u8);
        let part_type = lanes.part_type();
        for scalars in scalars.chunks(REGISTER / ty.scalar.size()) {
            // There is no way into a register for less than 32 bits.
            let mut first = scalars[0];
            if ty.scalar.size() < 4 {
                first = self.b.ins().uextend(types::I32, first);
            }
            let lane = self.type_of(first);
            let register = self.b.ins().scalar_to_vector(register_type(lane), first);
            let mut part = self.cast(register, part_type);
            for (i, &x) in scalars.iter().enumerate().skip(1) {
                part = self.b.ins().insertlane(part, x, i as u8);
            }
            lanes.parts.push(part);
        }
        if ty.size() < REGISTER {
            let whole = register_type(whole_type(ty.size()));
            let part = self.cast(lanes.parts[0], whole);
            let bits = self.b.ins().extractlane(part, 0);
            let repeated = self.b.ins().splat(whole, bits);
            lanes.parts[0] = self.cast(repeated, part_type);
        }
        lanes
    }
    /// The scalars of a vector.
    pub fn unpack(&mut self, v: &Lanes) -> Vec<ir::Value> {
        (0..v.ty.lanes).map(|n| self.extract(v, n)).collect()
    }
    fn extract(&mut self, v: &Lanes, n: u8) -> ir::Value {
        if !v.ty.is_vector() {
            return v.parts[0];
        }
        let per_part = REGISTER as u8 / v.width;
        let lane = self.b.ins().extractlane(v.parts[usize::from(n / per_part)], n % per_part);
        if v.ty.scalar != Scalar::Bool {
            return lane;
        }
        let byte = if v.width == 1 { lane } else { self.b.ins().ireduce(types::I8, lane) };
        self.b.ins().band_imm_u(byte, 1)
    }
    /// A vector computed scalar by scalar.
    pub fn one_by_one(
        &mut self,
        to: Scalar,
        operands: &[&Lanes],
        mut f: impl FnMut(&mut Self, &[ir::Value]) -> ir::Value,
    ) -> Lanes {
        let ty = operands[0].ty.with(to);
        let columns: Vec<Vec<ir::Value>> = operands.iter().map(|v| self.unpack(v)).collect();
        let scalars: Vec<ir::Value> = (0..usize::from(ty.lanes))
            .map(|i| {
                let row: Vec<ir::Value> = columns.iter().map(|c| c[i]).collect();
                f(self, &row)
            })
            .collect();
        if !ty.is_vector() {
            return Lanes::scalar(to, scalars[0]);
        }
        let packed = self.pack(ty, &scalars);
        if to != Scalar::Bool { packed } else { self.bytes_to_mask(&packed) }
    }
    /// A mask from bytes 0 and 1.
    fn bytes_to_mask(&mut self, v: &Lanes) -> Lanes {
        v.map(|part| self.b.ins().ineg(part))
    }
    /// Bytes 0 and 1 from a mask.
    pub fn mask_bytes(&mut self, v: &Lanes) -> Lanes {
        let mask = v.with_width(self, 1);
        mask.map(|part| {
            let one = self.constant_like(part, 1);
            self.b.ins().band(part, one)
        })
    }

    pub fn splat(&mut self, a: Value, ty: Ty) -> Lanes {
        let mut lanes = Lanes::empty(ty, ty.scalar.size() as u8);
        let part_type = lanes.part_type();
        let part = match self.tr.as_const(a) {
            Some(Const { scalar: Scalar::Bool, bits }) => self.constant(part_type, bits.wrapping_neg()),
            Some(c) => self.constant(part_type, c.bits),
            None => {
                let mut lane = self.scalar(a);
                if ty.scalar == Scalar::Bool {
                    lane = self.b.ins().ineg(lane);
                }
                self.b.ins().splat(part_type, lane)
            }
        };
        lanes.parts = vec![part; lanes.registers()];
        lanes
    }
    pub fn iota(&mut self, ty: Ty) -> Lanes {
        let mut lanes = Lanes::empty(ty, ty.scalar.size() as u8);
        let (part_type, size) = (lanes.part_type(), ty.scalar.size());
        for i in 0..lanes.registers() {
            let numbers = (0..REGISTER / size).map(|n| (i * (REGISTER / size) + n) % usize::from(ty.lanes));
            let bytes = numbers.flat_map(|n| (n as u64).to_le_bytes()[..size].to_vec()).collect();
            lanes.parts.push(self.register_constant(part_type, bytes));
        }
        lanes
    }
    pub fn lane(&mut self, a: &Lanes, n: u8) -> Lanes {
        Lanes::scalar(a.ty.scalar, self.extract(a, n))
    }

    /// Combines halves of a vector until one lane is left.
    pub fn reduce(&mut self, op: Binary, a: &Lanes) -> Lanes {
        let mut parts = a.parts.clone();
        let mut lanes = a.ty.lanes;
        if a.ty.scalar == Scalar::Bool && usize::from(lanes * a.width) >= REGISTER {
            let all = parts.into_iter().reduce(|x, y| self.binary_part(op, Scalar::Bool, x, y));
            let all = all.expect("a vector has parts");
            match op {
                Binary::And => return Lanes::scalar(Scalar::Bool, self.b.ins().vall_true(all)),
                Binary::Or => return Lanes::scalar(Scalar::Bool, self.b.ins().vany_true(all)),
                _ => parts = vec![all],
            }
            lanes = (REGISTER / usize::from(a.width)) as u8;
        }
        while lanes > 1 {
            lanes /= 2;
            let upper = if parts.len() > 1 {
                parts.split_off(parts.len() / 2)
            } else {
                // Lanes beyond the half are of no interest any more.
                vec![self.shift_down(parts[0], lanes * a.width)]
            };
            for (a_part, upper) in parts.iter_mut().zip(upper) {
                *a_part = self.binary_part(op, a.ty.scalar, *a_part, upper);
            }
        }
        let lane = self.extract(&Lanes { parts, ..*a }, 0);
        Lanes::scalar(a.ty.scalar, lane)
    }
    /// Moves the bytes from this one on, up to as many again, to the front of a register.
    fn shift_down(&mut self, a: ir::Value, bytes: u8) -> ir::Value {
        let ty = self.type_of(a);
        let shifted = match bytes {
            8 => return self.upper_half(a),
            4 => self.shuffle(a, a, std::array::from_fn(|i| (i % 4 + i / 8 * 8 + 4) as u8)),
            _ => {
                let both = self.cast(a, register_type(int_type(bytes * 2)));
                self.b.ins().ushr_imm_u(both, i64::from(bytes) * 8)
            }
        };
        self.cast(shifted, ty)
    }

    /// The width of the mask a `bool` vector will be, as far as that shows already.
    pub fn mask_width(&self, v: Value) -> Option<u8> {
        self.mask_width_within(v, 8)
    }
    fn mask_width_within(&self, v: Value, depth: u32) -> Option<u8> {
        if self.is_defined(v) {
            return Some(self.lanes(v).width);
        }
        let deeper = |v| depth.checked_sub(1).and_then(|d| self.mask_width_within(v, d));
        let size = |v: &Value| match self.tr.ty(*v).scalar {
            Scalar::Bool => deeper(*v),
            s => Some(s.size() as u8),
        };
        match self.tr.def_inst(v)? {
            Inst::Compare(_, a, _) | Inst::Convert(a) => size(a),
            Inst::Overflow(Overflow::Mul, ..) => Some(1),
            Inst::Overflow(_, a, _) => size(a),
            Inst::Unary(_, a) => deeper(*a),
            Inst::Binary(_, a, b) => deeper(*a).or_else(|| deeper(*b)),
            Inst::Select(_, a, _) => deeper(*a),
            _ => None,
        }
    }
}
