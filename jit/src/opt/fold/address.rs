//! Addresses: what is constant about an index goes into displacement and stride.
//!
//! `base + index * stride + disp` wraps, and so do sums and products of integers, so that regrouping is exact. Both back
//! ends fold a constant stride of 1, 2, 4 or 8 and a displacement into the access itself, and equal index values are how
//! the passes on memory see that two accesses are neighbours.

use super::Folder;
use crate::ir::{Addr, Binary, Inst, InstId, Stride, Unary, Value};

impl Folder<'_> {
    pub(super) fn memory(&mut self, id: InstId) {
        let mut inst = self.tr.inst(id).clone();
        let mut changed = false;
        let size = match inst {
            Inst::Store(_, v) => self.tr.ty(v).scalar.size(),
            _ => self.tr.ty(self.tr.results(id)[0]).scalar.size(),
        };
        match &mut inst {
            Inst::Load(access) | Inst::Store(access, _) => {
                if let Some(Stride::Value(v)) = access.lane_stride {
                    if let Some(n) = self.int(v) {
                        access.lane_stride = Some(Stride::Const(n));
                        changed = true;
                    }
                }
                if access.lane_stride == Some(Stride::Const(size as i64)) {
                    access.lane_stride = None;
                    changed = true;
                }
                while self.address(&mut access.addr) {
                    changed = true;
                }
            }
            Inst::Lea(addr) => {
                while self.address(addr) {
                    changed = true;
                }
                if addr.index.is_none() && addr.disp == 0 {
                    let result = self.tr.results(id)[0];
                    return self.subst.replace(result, addr.base);
                }
            }
            _ => {}
        }
        if changed {
            self.changed = true;
            *self.tr.inst_mut(id) = inst;
        }
        self.out.push(id);
    }

    /// One step; says whether there was one.
    fn address(&self, a: &mut Addr) -> bool {
        if let Some(&Inst::Lea(inner)) = self.tr.def_inst(a.base) {
            let disp = inner.disp.checked_add(a.disp);
            if let (Some(disp), true) = (disp, a.index.is_none() || inner.index.is_none()) {
                *a = Addr { base: inner.base, index: a.index.or(inner.index), disp };
                return true;
            }
        }
        let Some((index, stride)) = a.index else { return false };
        if let Stride::Value(v) = stride {
            if let Some(n) = self.int(v) {
                a.index = Some((index, Stride::Const(n)));
                return true;
            }
            if let Some(n) = self.int(index) {
                a.index = (n != 0).then_some((v, Stride::Const(n)));
                return true;
            }
            return false;
        }
        let Stride::Const(step) = stride else { return false };
        if step == 0 {
            a.index = None;
            return true;
        }
        // Part of the index that is a constant.
        let shifted = |n: i64| {
            let bytes = n.checked_mul(step)?.checked_add(i64::from(a.disp))?;
            i32::try_from(bytes).ok()
        };
        if let Some(n) = self.int(index) {
            let Some(disp) = shifted(n) else { return false };
            (a.index, a.disp) = (None, disp);
            return true;
        }
        let scaled = |v: Value, n: i64| Some((v, Stride::Const(step.wrapping_mul(n))));
        let index = match self.tr.def_inst(index) {
            Some(&Inst::Binary(Binary::Add, x, c)) => {
                let Some(disp) = self.int(c).and_then(shifted) else { return false };
                a.disp = disp;
                Some((x, stride))
            }
            Some(&Inst::Binary(Binary::Mul, x, y)) => match self.int(y) {
                Some(n) => scaled(x, n),
                None if step == 1 => Some((x, Stride::Value(y))),
                None => return false,
            },
            Some(&Inst::Binary(Binary::Shl, x, c)) => match self.int(c) {
                Some(n @ 0..64) => scaled(x, 1 << n),
                _ => return false,
            },
            Some(&Inst::Unary(Unary::Neg, x)) => scaled(x, -1),
            _ => return false,
        };
        a.index = index;
        true
    }
}
