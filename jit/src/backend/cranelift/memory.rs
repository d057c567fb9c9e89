//! Addresses, loads and stores.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, InstBuilder, types};

use super::lower::Lowering;
use super::vector::{Lanes, REGISTER, lane_type, register_type, whole_type};
use crate::ir::{Access, Addr, Binary, Inst, Scalar, Stride, Ty, Value};

/// An address a loop carries: `base + counter * stride`.
#[derive(Clone, Copy)]
pub(super) struct Pointer {
    pub counter: Value,
    pub base: Value,
    pub stride: Stride,
    pub part: ir::Value,
    /// What it grows by each time.
    pub delta: ir::Value,
}

/// Room left in the offset of an address for the parts and lanes behind it.
const MAX_DISP: i64 = 1 << 30;

impl Lowering<'_> {
    /// A stride in bytes.
    pub fn stride(&mut self, s: Stride) -> ir::Value {
        match s {
            Stride::Const(n) => self.b.ins().iconst(types::I64, n),
            Stride::Value(v) => self.scalar(v),
        }
    }

    /// An index as another one plus a number of steps, which go into the offset if a step is a constant.
    pub fn split_index(&self, index: Value, stride: Stride) -> (Option<Value>, i64) {
        let constant = |v| self.tr.as_const(v).map(|c| c.bits as i64);
        if matches!(stride, Stride::Value(_)) {
            return (Some(index), 0);
        }
        if let Some(n) = constant(index) {
            return (None, n);
        }
        if let Some(&Inst::Binary(Binary::Add, a, b)) = self.tr.def_inst(index) {
            match (constant(a), constant(b)) {
                (None, Some(n)) => return (Some(a), n),
                (Some(n), None) => return (Some(b), n),
                _ => {}
            }
        }
        (Some(index), 0)
    }

    /// A base and the offset to it.
    fn address(&mut self, a: &Addr) -> (ir::Value, i32) {
        let (mut at, mut disp) = (self.scalar(a.base), i64::from(a.disp));
        if let Some((index, stride)) = a.index {
            let (rest, steps) = self.split_index(index, stride);
            if let Stride::Const(n) = stride {
                disp = disp.wrapping_add(steps.wrapping_mul(n));
            }
            if let Some(index) = rest {
                let carried = |p: &&Pointer| (p.counter, p.base, p.stride) == (index, a.base, stride);
                at = match self.pointers.iter().find(carried) {
                    Some(p) => p.part,
                    None => {
                        let known = self.tr.as_const(index).map(|c| c.bits as i64);
                        let index = self.scalar(index);
                        let bytes = match stride {
                            Stride::Const(1) => index,
                            _ if known == Some(0) => index,
                            Stride::Value(v) if known == Some(1) => self.scalar(v),
                            Stride::Value(v) if known == Some(-1) => {
                                let stride = self.scalar(v);
                                self.b.ins().ineg(stride)
                            }
                            // Part of the addressing mode.
                            Stride::Const(n @ (2 | 4 | 8)) => {
                                self.b.ins().ishl_imm_u(index, i64::from(n.trailing_zeros()))
                            }
                            stride => {
                                let stride = self.stride(stride);
                                self.b.ins().imul(index, stride)
                            }
                        };
                        self.b.ins().iadd(at, bytes)
                    }
                };
            }
        }
        if !(-MAX_DISP..=MAX_DISP).contains(&disp) {
            at = self.b.ins().iadd_imm_s(at, disp);
            disp = 0;
        }
        (at, disp as i32)
    }

    pub fn lea(&mut self, a: &Addr) -> Lanes {
        let (at, disp) = self.address(a);
        Lanes::scalar(Scalar::Ptr, self.b.ins().iadd_imm_s(at, i64::from(disp)))
    }

    pub fn load(&mut self, access: &Access, ty: Ty) -> Lanes {
        let (at, disp) = self.address(&access.addr);
        let flags = Self::access_flags();
        let bytes = match (ty.is_vector(), access.lane_stride) {
            (false, _) => Lanes::scalar(ty.scalar, self.b.ins().load(lane_type(ty.scalar), flags, at, disp)),
            (true, None) => return self.load_vector(ty, at, disp),
            (true, Some(stride)) => {
                let lane = lane_type(ty.scalar);
                let places = self.lane_places(at, disp, stride, ty.lanes);
                let lanes: Vec<_> =
                    places.into_iter().map(|(at, disp)| self.b.ins().load(lane, flags, at, disp)).collect();
                self.pack(ty, &lanes)
            }
        };
        self.truths(bytes)
    }
    /// What is loaded as it is, but for `bool`: any byte other than 0 is true.
    fn truths(&mut self, bytes: Lanes) -> Lanes {
        if bytes.ty.scalar != Scalar::Bool {
            return bytes;
        }
        bytes.map(|part| {
            let zero = self.constant_like(part, 0);
            self.b.ins().icmp(IntCC::NotEqual, part, zero)
        })
    }

    pub fn store(&mut self, access: &Access, v: &Lanes) {
        let (at, disp) = self.address(&access.addr);
        let flags = Self::access_flags();
        match (v.ty.is_vector(), access.lane_stride) {
            (false, _) => {
                self.b.ins().store(flags, v.parts[0], at, disp);
            }
            (true, None) => self.store_vector(v, at, disp),
            (true, Some(stride)) => {
                let places = self.lane_places(at, disp, stride, v.ty.lanes);
                for (lane, (at, disp)) in self.unpack(v).into_iter().zip(places) {
                    self.b.ins().store(flags, lane, at, disp);
                }
            }
        }
    }

    /// Where the lanes of a vector are that are not side by side.
    fn lane_places(&mut self, at: ir::Value, disp: i32, stride: Stride, lanes: u8) -> Vec<(ir::Value, i32)> {
        if let Stride::Const(n) = stride {
            let offset = |i: u8| n.checked_mul(i64::from(i)).filter(|o| (-MAX_DISP..=MAX_DISP).contains(o));
            if let Some(offsets) = (0..lanes).map(offset).collect::<Option<Vec<_>>>() {
                return offsets.into_iter().map(|o| (at, disp + o as i32)).collect();
            }
        }
        let stride = self.stride(stride);
        let mut place = at;
        (0..lanes)
            .map(|i| {
                if i > 0 {
                    place = self.b.ins().iadd(place, stride);
                }
                (place, disp)
            })
            .collect()
    }

    /// Lanes side by side.
    pub fn load_vector(&mut self, ty: Ty, at: ir::Value, disp: i32) -> Lanes {
        let flags = Self::access_flags();
        let mut lanes = Lanes::empty(ty, ty.scalar.size() as u8);
        let part = lanes.part_type();
        if ty.size() >= REGISTER {
            // A load of integers does not become part of an instruction on floats.
            let loaded = if self.isa.takes_unaligned_operands() { part } else { part.as_int() };
            for i in 0..lanes.registers() {
                let register = self.b.ins().load(loaded, flags, at, disp + (i * REGISTER) as i32);
                lanes.parts.push(self.cast(register, part));
            }
        } else {
            let whole = whole_type(ty.size());
            let bits = self.b.ins().load(whole, flags, at, disp);
            let repeated = self.b.ins().splat(register_type(whole), bits);
            lanes.parts.push(self.cast(repeated, part));
        }
        self.truths(lanes)
    }

    /// Stores lanes side by side, `bool` as bytes 0 and 1.
    pub fn store_vector(&mut self, v: &Lanes, at: ir::Value, disp: i32) {
        let flags = Self::access_flags();
        let v = if v.ty.scalar == Scalar::Bool { self.mask_bytes(v) } else { v.clone() };
        if v.ty.size() >= REGISTER {
            for (i, &part) in v.parts.iter().enumerate() {
                self.b.ins().store(flags, part, at, disp + (i * REGISTER) as i32);
            }
        } else {
            let whole = whole_type(v.ty.size());
            let part = self.cast(v.parts[0], register_type(whole));
            let bits = self.b.ins().extractlane(part, 0);
            self.b.ins().store(flags, bits, at, disp);
        }
    }
}
