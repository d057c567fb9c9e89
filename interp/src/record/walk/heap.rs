//! Small arrays that variables hold, as long as nobody made them: identities, and writes.

use std::collections::HashSet;
use std::rc::Rc;

use jit::ir::{Access, Addr, Cond, Const, MemClass, Scalar, Ty, Value};
use micronumpy_python::abi::PyArrayObject;

use super::{Result, Walker};
use crate::record::abort::Abort;
use crate::record::flow::Var;
use crate::record::kind::{Abs, Val};
use crate::record::small::{self, Small};

impl Walker<'_, '_> {
    /// An identity nothing has yet.
    pub fn fresh_id(&mut self) -> u32 {
        self.fresh += 1;
        self.fresh
    }

    /// Gives arrays the names of the variables that hold them, in front of a place where paths meet.
    pub fn relabel(&mut self) {
        let callers = self.held_by_callers();
        small::relabel(&mut self.vars, self.flow.vars, self.calls.len(), &callers);
    }
    fn held_by_callers(&self) -> HashSet<u32> {
        let mut ids = HashSet::new();
        for call in &self.calls {
            for (var, abs) in call.vars.iter().enumerate() {
                // Arguments that nobody reads again die with the call.
                let is_result = var >= call.flow.vars.count();
                if is_result || call.flow.matters(call.pc + 1, var) {
                    small::for_each(&abs.val, &mut |id| {
                        ids.insert(id);
                    });
                }
            }
        }
        ids
    }
    /// The result of a function that was walked into, whose own arrays get identities that no other call gives.
    pub fn returned(&mut self, abs: &Abs) -> Abs {
        let callers = self.held_by_callers();
        let mut names = std::collections::HashMap::new();
        let fresh = &mut self.fresh;
        let new = small::renamed(&abs.val, &mut |id| {
            if callers.contains(&id) {
                return id;
            }
            *names.entry(id).or_insert_with(|| {
                *fresh += 1;
                *fresh
            })
        });
        Abs { val: new.unwrap_or_else(|| abs.val.clone()), tag: abs.tag }
    }

    /// Loops of the code being walked, from the outermost on.
    fn own_loops(&self) -> std::ops::Range<usize> {
        let first = self.around.iter().rposition(|a| a.before.is_empty()).map_or(0, |k| k + 1);
        first..self.around.len()
    }

    /// A variable that the loop does not assign holds something else at the end of a turn, or the same under another name:
    /// the loop must carry it.
    pub(super) fn carry_aliases(&mut self) {
        let Some(around) = self.around.last() else { return };
        let key = (self.context, around.head);
        let changed: Vec<Var> = (0..self.vars.len().min(around.before.len()))
            .filter(|v| !around.written.contains(v) && !self.flow.vars.is_temporary(*v))
            .filter(|&v| {
                let mut is_held = false;
                small::for_each(&around.before[v].val, &mut |_| is_held = true);
                is_held && self.vars[v] != around.before[v]
            })
            .collect();
        if !changed.is_empty() {
            self.hints.written.entry(key).or_default().extend(changed);
            self.hints.learnt = true;
        }
    }

    /// An array with other elements, under all of its names.
    ///
    /// # Errors
    /// When the write would be seen where the trace cannot undo it.
    pub fn write(&mut self, to: &Small, cells: Vec<Value>) -> Result<()> {
        if self.held_by_callers().contains(&to.id) {
            return Err(Abort::Operation("assignment in a function that is called".into()));
        }
        if let Some(object) = to.object {
            self.write_through(to, object, &cells)?;
        }
        // An iterator reads items as they were when its loop began.
        let iterates = |val: &Val| {
            let mut found = false;
            small::for_each_iterated(val, &mut |id| found |= id == to.id);
            found
        };
        if self.vars.iter().any(|abs| iterates(&abs.val)) {
            return Err(Abort::Operation("assignment to an array that is iterated over".into()));
        }
        let cells: Rc<[Value]> = cells.into();
        for k in self.own_loops() {
            let around = &self.around[k];
            let key = (self.context, around.head);
            let missed: Vec<Var> = (0..self.vars.len())
                .filter(|v| !around.written.contains(v) && small::holds(&self.vars[*v].val, to.id))
                .collect();
            if !missed.is_empty() {
                self.hints.written.entry(key).or_default().extend(missed);
                self.hints.learnt = true;
            }
        }
        for abs in &mut self.vars {
            let new = small::mapped(&abs.val, &mut |v| match v {
                Val::Small(s) if s.id == to.id => {
                    Some(Val::Small(Rc::new(Small { cells: cells.clone(), ..Small::clone(s) })))
                }
                _ => None,
            });
            if let Some(val) = new {
                abs.val = val;
            }
        }
        Ok(())
    }

    /// Stores the elements that changed to the object, if there is one.
    fn write_through(
        &mut self,
        to: &Small,
        (object, class): (Value, MemClass),
        cells: &[Value],
    ) -> Result<()> {
        if !self.calls.is_empty() {
            return Err(Abort::Operation("assignment in a function that is called".into()));
        }
        self.check();
        self.before_store(class, Some(to.id))?;
        let none = self.b.constant(Const { scalar: Scalar::Ptr, bits: 0 });
        let exists = self.b.compare(Cond::Ne, object, none);
        self.b.begin_if(exists);
        let at = std::mem::offset_of!(PyArrayObject, data) as i32;
        let head = Access {
            addr: Addr { base: object, index: None, disp: at },
            class: MemClass::ANY,
            lane_stride: None,
        };
        let base = self.b.load(Ty::PTR, head);
        for (k, (&old, &new)) in to.cells.iter().zip(cells).enumerate() {
            if old != new {
                let disp = (k * to.num.size()) as i32;
                let addr = Addr { base, index: None, disp };
                self.b.store(Access { addr, class, lane_stride: None }, new);
            }
        }
        self.b.begin_else(vec![]);
        self.b.end_if(vec![]);
        self.stores = true;
        Ok(())
    }

    /// Memory of a class is going to be written: elements of it that variables hold would be out of date.
    ///
    /// # Errors
    /// If there may be any.
    pub fn before_store(&mut self, class: MemClass, but: Option<u32>) -> Result<()> {
        let mut stale = false;
        for abs in &self.vars {
            small::mapped(&abs.val, &mut |v| {
                if let Val::Small(s) = v
                    && let Some((_, c)) = s.object
                {
                    stale |= c.may_alias(class) && Some(s.id) != but;
                }
                None
            });
        }
        if stale {
            return Err(Abort::Operation("a store to what may be a small array".into()));
        }
        // What waits reads memory as it was, and leaving goes back to where it began.
        self.nothing_waits(self.pc + 1)?;
        self.check();
        Ok(())
    }
}
