//! Which values stand for which other ones.
//!
//! Passes walk a trace in the order it runs and note replacements instead of searching for uses: every use comes after
//! its definition, so that each instruction sees all replacements made before it. Snapshots are rewritten at the end,
//! since a replacement is good wherever the replaced value was.

use crate::ir::{Inst, Trace, Value};

#[derive(Default)]
pub struct Subst {
    /// By value; itself where nothing replaces it, and so are the values it is too short for.
    map: Vec<Value>,
    used: bool,
}

impl Subst {
    pub fn get(&self, mut v: Value) -> Value {
        while let Some(&next) = self.map.get(v.index()).filter(|&&next| next != v) {
            v = next;
        }
        v
    }
    /// From now on `by` stands for `v`.
    pub fn replace(&mut self, v: Value, by: Value) {
        let by = self.get(by);
        let known = self.map.len();
        self.map.extend((known..=v.index()).map(Value::new));
        self.map[v.index()] = by;
        self.used = true;
    }
    pub fn replace_all(&mut self, values: &[Value], by: &[Value]) {
        for (&v, &by) in values.iter().zip(by) {
            self.replace(v, by);
        }
    }
    pub fn apply(&self, inst: &mut Inst) {
        if self.used {
            inst.map_uses(|v| self.get(v));
        }
    }
    /// Rewrites the snapshots; says whether there was any replacement.
    pub fn finish(&self, tr: &mut Trace) -> bool {
        if self.used {
            for v in tr.snapshots.iter_mut().flat_map(|s| &mut s.values) {
                *v = self.get(*v);
            }
        }
        self.used
    }
}
