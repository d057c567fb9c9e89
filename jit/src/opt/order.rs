//! Addresses add up what changes least first.
//!
//! An element of an array with several axes is at `base + i*s + j*t`, and producers add in the order of the axes. In a loop
//! over `i`, `base + j*t` is the same each time; written as `(base + i*s) + j*t` it is not seen. So the terms of an address,
//! of the sums among its indices too, are sorted by how deep in the nest they are defined, outermost first. Invariant
//! code motion then takes out the front of the sum, and what is left in a loop is one index that follows its counter.
//!
//! All of this is exact, since addresses wrap. Sums whose terms lie equally deep stay as they are, and a sum that is taken
//! apart for one access may have to be kept for another use; it is one addition either way.

use super::Pass;
use super::emit::Emit;
use super::scope::Scopes;
use crate::ir::{Addr, Binary, Inst, InstId, RegionId, Stride, Trace, Ty, Value};

/// Terms of an address that are told apart.
const LIMIT: usize = 8;

/// See the module.
pub struct Order;

impl Pass for Order {
    fn name(&self) -> &'static str {
        "order"
    }
    fn run(&self, tr: &mut Trace) -> bool {
        let scopes = Scopes::new(tr);
        let mut depths = vec![0; tr.region_count()];
        region(tr, &scopes, &mut depths, Trace::ROOT)
    }
}

fn region(tr: &mut Trace, scopes: &Scopes, depths: &mut [u32], id: RegionId) -> bool {
    let insts = std::mem::take(&mut tr.region_mut(id).insts);
    let mut out = Emit { insts: Vec::with_capacity(insts.len()) };
    let mut changed = false;
    for inst in insts {
        changed |= depths[id.index()] > 0 && access(tr, scopes, depths, inst, &mut out);
        let deeper = u32::from(matches!(tr.inst(inst), Inst::Loop { .. }));
        for inner in tr.inst(inst).regions() {
            depths[inner.index()] = depths[id.index()] + deeper;
            changed |= region(tr, scopes, depths, inner);
        }
        out.insts.push(inst);
    }
    tr.region_mut(id).insts = out.insts;
    changed
}

fn access(tr: &mut Trace, scopes: &Scopes, depths: &[u32], id: InstId, out: &mut Emit) -> bool {
    let addr = match tr.inst(id) {
        Inst::Load(a) | Inst::Store(a, _) => a.addr,
        Inst::Lea(a) => *a,
        _ => return false,
    };
    let depth = |v: Value| scopes.home(tr, v).map_or(0, |home| depths[home.index()]);
    let mut sum = Sum { base: addr.base, disp: addr.disp, terms: vec![] };
    if let Some((index, stride)) = addr.index {
        sum.add(tr, &depth, index, stride);
    }
    // What bases are made of comes before.
    while let Some(&Inst::Lea(inner)) = tr.def_inst(sum.base) {
        let Some(disp) = sum.disp.checked_add(inner.disp) else { break };
        let behind = std::mem::take(&mut sum.terms);
        if let Some((index, stride)) = inner.index {
            sum.add(tr, &depth, index, stride);
        }
        sum.terms.extend(behind);
        (sum.base, sum.disp) = (inner.base, disp);
    }
    let sorted = sum.terms.is_sorted_by_key(|t| t.2);
    if sorted || sum.terms.len() > LIMIT {
        return false;
    }
    sum.terms.sort_by_key(|t| t.2);
    let Some((last, front)) = sum.terms.split_last() else { return false };
    let mut base = sum.base;
    for &(index, stride, _) in front {
        base = out.value(tr, Inst::Lea(Addr { base, index: Some((index, stride)), disp: 0 }), Ty::PTR);
    }
    let new = Addr { base, index: Some((last.0, last.1)), disp: sum.disp };
    match tr.inst_mut(id) {
        Inst::Load(a) | Inst::Store(a, _) => a.addr = new,
        Inst::Lea(a) => *a = new,
        _ => {}
    }
    true
}

struct Sum {
    base: Value,
    disp: i32,
    /// Indices with their strides, and how deep they are defined.
    terms: Vec<(Value, Stride, u32)>,
}

impl Sum {
    fn add(&mut self, tr: &Trace, depth: &impl Fn(Value) -> u32, index: Value, stride: Stride) {
        let step = match stride {
            Stride::Const(_) => 0,
            Stride::Value(v) => depth(v),
        };
        if let Some(&Inst::Binary(Binary::Add, a, b)) = tr.def_inst(index) {
            if depth(a).max(step) != depth(b).max(step) && self.terms.len() < LIMIT {
                self.add(tr, depth, a, stride);
                return self.add(tr, depth, b, stride);
            }
        }
        self.terms.push((index, stride, depth(index).max(step)));
    }
}
