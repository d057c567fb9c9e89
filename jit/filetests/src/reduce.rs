//! Makes a failing trace small.
//!
//! The same idea at every size: leave something out, and keep the smaller trace if it is still well formed and still
//! fails. Leaving out an instruction gives its results something simpler: zero, or an operand of the same type. A region
//! is replaced by nothing, an `if` by one of its sides. Only what makes the text smaller counts, so rounds end.

use std::collections::HashMap;

use jit::ir::{Const, Inst, InstId, Region, RegionId, Trace, Value, parse, verify};

use crate::case::{Arg, Case};

/// The smallest trace found that still fails, with its case.
pub fn reduce(trace: Trace, case: Case, fails: &mut dyn FnMut(&Trace, &Case) -> bool) -> (Trace, Case) {
    let mut r = Reducer { trace: renumber(&trace), case, fails };
    loop {
        let before = size(&r.trace, &r.case);
        r.instructions();
        r.branches();
        r.snapshots();
        r.constants();
        r.params();
        if size(&r.trace, &r.case) == before {
            return (r.trace, r.case);
        }
    }
}

struct Reducer<'a> {
    trace: Trace,
    case: Case,
    fails: &'a mut dyn FnMut(&Trace, &Case) -> bool,
}

/// What is to become smaller: lines, then characters.
fn size(tr: &Trace, case: &Case) -> (usize, usize) {
    let text = tr.to_string();
    (text.lines().count(), text.len() + case.to_string().len())
}

/// Without what is not reachable, values numbered in order.
fn renumber(tr: &Trace) -> Trace {
    match parse(&tr.to_string()) {
        Ok(mut traces) if traces.len() == 1 => traces.remove(0),
        _ => tr.clone(),
    }
}

/// Every region in use and its instructions, inner ones first.
fn regions(tr: &Trace) -> Vec<RegionId> {
    fn visit(tr: &Trace, region: RegionId, out: &mut Vec<RegionId>) {
        for &inst in &tr.region(region).insts {
            tr.inst(inst).regions().for_each(|r| visit(tr, r, out));
        }
        out.push(region);
    }
    let mut out = vec![];
    visit(tr, Trace::ROOT, &mut out);
    out
}

/// Puts other values in the place of some, wherever they are used.
fn replace(tr: &mut Trace, with: &HashMap<Value, Value>) {
    let get = |v: Value| with.get(&v).copied().unwrap_or(v);
    for id in (0..tr.inst_count()).map(InstId::new) {
        tr.inst_mut(id).map_uses(get);
    }
    for snap in &mut tr.snapshots {
        snap.values.iter_mut().for_each(|v| *v = get(*v));
    }
}

impl Reducer<'_> {
    /// Keeps a candidate if it is smaller and still fails.
    fn accept(&mut self, candidate: &Trace, case: &Case) -> bool {
        if verify(candidate).is_err() {
            return false;
        }
        let candidate = renumber(candidate);
        if size(&candidate, case) >= size(&self.trace, &self.case) || !(self.fails)(&candidate, case) {
            return false;
        }
        (self.trace, self.case) = (candidate, case.clone());
        true
    }

    /// Leaves out instructions: many at once, then one by one, last ones first.
    fn instructions(&mut self) {
        let mut size = self.places().len().max(1);
        loop {
            let mut end = self.places().len();
            while end > 0 {
                let start = end.saturating_sub(size);
                let places = self.places();
                let chosen = &places[start.min(places.len())..end.min(places.len())];
                let candidates: Vec<Trace> = (0..3).filter_map(|way| self.without(chosen, way)).collect();
                let _ = candidates.iter().any(|c| self.accept(c, &self.case.clone()));
                end = start;
            }
            if size == 1 {
                return;
            }
            size = (size / 2).max(1);
        }
    }
    /// All instructions and the regions they are in, inner ones first.
    fn all(&self) -> impl Iterator<Item = (RegionId, InstId)> {
        let of = |r: RegionId| self.trace.region(r).insts.iter().map(move |&i| (r, i));
        regions(&self.trace).into_iter().flat_map(of)
    }
    /// Those that can be left out.
    fn places(&self) -> Vec<(RegionId, InstId)> {
        self.all().filter(|&(_, inst)| !self.trace.inst(inst).is_terminator()).collect()
    }
    /// Without these instructions; their results become operands of theirs, or constants, by `way`.
    fn without(&self, places: &[(RegionId, InstId)], way: usize) -> Option<Trace> {
        let mut tr = self.trace.clone();
        let mut with = HashMap::new();
        let mut used = vec![false; tr.value_count()];
        for (_, inst) in self.all().filter(|place| !places.contains(place)) {
            self.trace.for_each_use(self.trace.inst(inst), |v| used[v.index()] = true);
        }
        for &(region, inst) in places {
            let at = tr.region(region).insts.iter().position(|&i| i == inst)?;
            tr.region_mut(region).insts.remove(at);
            let mut operands = vec![];
            self.trace.inst(inst).for_each_use(|v| operands.push(v));
            let mut new = vec![];
            for &v in self.trace.results(inst).iter().filter(|v| used[v.index()]) {
                let ty = tr.ty(v);
                let mut same = operands.iter().filter(|&&o| tr.ty(o) == ty).copied();
                let operand = if way == 2 { same.next_back() } else { same.next() };
                let value = match operand.filter(|_| way > 0) {
                    Some(v) => v,
                    None if way == 2 || matches!(self.trace.inst(inst), Inst::Const(_)) => return None,
                    None => {
                        let zero = Const::canonical(ty.scalar, 0);
                        let c = tr.add_inst(Inst::Const(zero), &[jit::ir::Ty::scalar(ty.scalar)]);
                        new.push(c);
                        let mut v = tr.results(c)[0];
                        if ty.is_vector() {
                            let splat = tr.add_inst(Inst::Splat(v), &[ty]);
                            new.push(splat);
                            v = tr.results(splat)[0];
                        }
                        v
                    }
                };
                with.insert(v, value);
            }
            tr.region_mut(region).insts.splice(at..at, new);
        }
        // A replacement may have been left out too.
        let resolve = |v: &Value| {
            let mut v = *v;
            while let Some(&next) = with.get(&v) {
                v = next;
            }
            v
        };
        let with = with.iter().map(|(&old, new)| (old, resolve(new))).collect();
        replace(&mut tr, &with);
        Some(tr)
    }

    /// Puts the instructions of one side in the place of an `if`, and one iteration in the place of a loop.
    fn branches(&mut self) {
        let mut n = 0;
        loop {
            let owner = |(_, i): &(RegionId, InstId)| self.trace.inst(*i).regions().next().is_some();
            let found = self.all().filter(owner).nth(n);
            let Some((region, inst)) = found else { return };
            let candidates: Vec<Trace> = self
                .trace
                .inst(inst)
                .regions()
                .filter_map(|inner| self.inlined(region, inst, inner))
                .collect();
            let case = self.case.clone();
            let done = candidates.iter().any(|tr| self.accept(tr, &case));
            n += usize::from(!done);
        }
    }
    /// The trace with the instructions of a region in the place of the one that owns it.
    fn inlined(&self, region: RegionId, inst: InstId, inner: RegionId) -> Option<Trace> {
        let mut tr = self.trace.clone();
        let Region { params, mut insts } = tr.region(inner).clone();
        let Inst::Yield(values) = tr.inst(insts.pop()?).clone() else { return None };
        insts.retain(|&i| !matches!(tr.inst(i), Inst::BreakIf(..)));
        let mut with: HashMap<Value, Value> = HashMap::new();
        if let Inst::Loop { range, init, .. } = tr.inst(inst) {
            let first = range.map(|r| r.start);
            with.extend(params.into_iter().zip(first.into_iter().chain(init.iter().copied())));
        }
        let inside = |v: Value| with.get(&v).copied().unwrap_or(v);
        let results: Vec<_> = tr.results(inst).iter().copied().zip(values.into_iter().map(inside)).collect();
        with.extend(results);
        let outer = &mut tr.region_mut(region).insts;
        let at = outer.iter().position(|&i| i == inst)?;
        outer.splice(at..=at, insts);
        replace(&mut tr, &with);
        Some(tr)
    }

    /// Fewer values at exits, fewer carried by loops.
    fn snapshots(&mut self) {
        for snap in 0..self.trace.snapshots.len() {
            let mut i = 0;
            while i < self.trace.snapshots[snap].values.len() {
                let mut tr = self.trace.clone();
                tr.snapshots[snap].values.remove(i);
                i += usize::from(!self.accept(&tr, &self.case.clone()));
            }
        }
        let mut n = 0;
        while let Some(&(_, inst)) =
            self.places().iter().filter(|(_, i)| matches!(self.trace.inst(*i), Inst::Loop { .. })).nth(n)
        {
            n += 1;
            let mut k = 0;
            // An accepted candidate has new numbers; the outer loop of `reduce` comes back for the rest.
            while let Some(tr) = self.without_carried(inst, k) {
                if self.accept(&tr, &self.case.clone()) {
                    break;
                }
                k += 1;
            }
        }
    }
    /// A loop without its carried value `k`, which is its initial value throughout.
    fn without_carried(&self, inst: InstId, k: usize) -> Option<Trace> {
        let mut tr = self.trace.clone();
        let Inst::Loop { range, mut init, body } = tr.inst(inst).clone() else { return None };
        if k >= init.len() {
            return None;
        }
        let first = init.remove(k);
        let results: Vec<Value> = tr.results(inst).to_vec();
        let tys: Vec<_> = init.iter().map(|&v| tr.ty(v)).collect();
        let param = tr.region_mut(body).params.remove(k + usize::from(range.is_some()));
        for id in tr.region(body).insts.clone() {
            match tr.inst_mut(id) {
                Inst::Yield(values) | Inst::BreakIf(_, values) => {
                    values.remove(k);
                }
                _ => {}
            }
        }
        let new = tr.add_inst(Inst::Loop { range, init, body }, &tys);
        let mut with: HashMap<Value, Value> = HashMap::from([(param, first), (results[k], first)]);
        let others = results.iter().enumerate().filter(|&(i, _)| i != k).map(|(_, &v)| v);
        with.extend(others.zip(tr.results(new).to_vec()));
        for r in regions(&self.trace) {
            tr.region_mut(r).insts.iter_mut().filter(|i| **i == inst).for_each(|i| *i = new);
        }
        replace(&mut tr, &with);
        Some(tr)
    }

    /// Simpler constants, in the trace and in its arguments and memory.
    fn constants(&mut self) {
        for n in 0..self.places().len() {
            let Some(&(_, inst)) = self.places().get(n) else { break };
            let Inst::Const(c) = *self.trace.inst(inst) else { continue };
            for bits in [0, 1, c.bits / 2] {
                if bits < c.bits {
                    let mut tr = self.trace.clone();
                    *tr.inst_mut(inst) = Inst::Const(Const::canonical(c.scalar, bits));
                    if self.accept(&tr, &self.case.clone()) {
                        break;
                    }
                }
            }
        }
        for k in 0..self.case.buffers.len() {
            let mut case = self.case.clone();
            case.buffers[k].elems.fill(0);
            let tr = self.trace.clone();
            self.accept(&tr, &case);
            // Shorter from the end, by halves.
            loop {
                let mut case = self.case.clone();
                let elems = &mut case.buffers[k].elems;
                let half = elems.len() / 2;
                elems.truncate(half);
                if half == 0 || !self.accept(&tr, &case) {
                    break;
                }
            }
        }
    }

    /// Without parameters nobody uses.
    fn params(&mut self) {
        let mut i = 0;
        while i < self.trace.params().len() {
            let mut tr = self.trace.clone();
            let mut case = self.case.clone();
            tr.region_mut(Trace::ROOT).params.remove(i);
            case.args.remove(i);
            let used =
                |k: usize| case.args.iter().any(|a| matches!(a, Arg::Pointer { buffer, .. } if *buffer == k));
            for k in (0..case.buffers.len()).rev() {
                if !used(k) {
                    case.buffers.remove(k);
                    for arg in &mut case.args {
                        if let Arg::Pointer { buffer, .. } = arg {
                            *buffer -= usize::from(*buffer > k);
                        }
                    }
                    break;
                }
            }
            i += usize::from(!self.accept(&tr, &case));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::{Source, generate};
    use crate::variants;

    /// A trace fails here if it runs and multiplies anything: one multiplication must be left.
    #[test]
    fn only_what_fails_is_left() {
        let mut tried = 0;
        for seed in 0..80 {
            let (trace, case) = generate(&mut Source::seed(seed));
            let mut fails = |tr: &Trace, case: &Case| {
                tr.to_string().contains("= mul ") && variants::expected(&mut tr.clone(), case).is_ok()
            };
            if !fails(&trace, &case) {
                continue;
            }
            tried += 1;
            let (small, case) = reduce(trace, case, &mut fails);
            assert!(fails(&small, &case));
            assert!(small.inst_count() <= 6, "{small}; run: {case}");
        }
        assert!(tried > 5);
    }
}
