//! Arrays of a few elements that nobody made: each element is a value of the trace.
//!
//! Such an array comes from an operation on small arrays, lives in variables, and becomes an object only where the trace is
//! left while a variable still holds it. What makes it an array and not a tuple is that it can be written through any of
//! its names and views: all values with one [`Small::id`] are one array. A write puts the new elements into every
//! variable that holds the array, so that snapshots, branches and loops, which copy variables, need not know of writes.
//!
//! Where paths meet, identities must be the same on all of them. They are numbered anew before ([`relabel`]): an array is
//! called after the first variable that holds it.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use jit::ir::{MemClass, Value};
use micronumpy::TypeNum;

use super::flow::Vars;
use super::kind::{Abs, ArrayVal, Val};

/// The most elements one may have.
pub const MOST: usize = 64;
/// Identities at and above are of this walk; below are those of variables.
pub const FRESH: u32 = 1 << 31;
/// The identity of views that may be one object or not.
pub const UNKNOWN: u32 = u32::MAX;

/// An array, or a view of one.
#[derive(Clone, PartialEq, Debug)]
pub struct Small {
    pub num: TypeNum,
    pub id: u32,
    /// The extents of the array itself, which is in C order.
    pub base: Rc<[usize]>,
    /// All elements of the array itself.
    pub cells: Rc<[Value]>,
    /// Where there may be an object of the same contents: its address, or 0.
    pub object: Option<(Value, MemClass)>,
    /// Whether it is the array itself.
    pub whole: bool,
    pub dims: Vec<usize>,
    /// In elements.
    pub steps: Vec<isize>,
    pub offset: usize,
}

/// An index along one axis.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key {
    At(usize),
    Slice {
        start: usize,
        count: usize,
        step: isize,
    },
    New,
    /// The axis as it is.
    All,
}

/// Steps in elements of an array in C order.
pub fn steps_of(dims: &[usize]) -> Vec<isize> {
    let mut steps = vec![0; dims.len()];
    let mut step = 1;
    for (s, &n) in steps.iter_mut().zip(dims).rev() {
        *s = step;
        step *= n.max(1) as isize;
    }
    steps
}

impl Small {
    pub fn new(id: u32, num: TypeNum, dims: &[usize], cells: Vec<Value>) -> Small {
        Small {
            num,
            id,
            base: dims.into(),
            cells: cells.into(),
            object: None,
            whole: true,
            dims: dims.to_vec(),
            steps: steps_of(dims),
            offset: 0,
        }
    }
    pub fn size(&self) -> usize {
        self.dims.iter().product()
    }
    /// Of each element in C order, which cell it is.
    pub fn places(&self) -> Vec<usize> {
        let mut places = vec![self.offset as isize];
        for (&n, &step) in self.dims.iter().zip(&self.steps) {
            places = places.iter().flat_map(|&p| (0..n as isize).map(move |k| p + k * step)).collect();
        }
        places.into_iter().map(|p| p as usize).collect()
    }
    pub fn elements(&self) -> Vec<Value> {
        self.places().into_iter().map(|p| self.cells[p]).collect()
    }
    /// The part that the keys name, one for each axis and new axes in between.
    pub fn part(&self, keys: &[Key]) -> Small {
        let mut part = Small { whole: false, dims: vec![], steps: vec![], ..self.clone() };
        let mut axis = 0;
        for key in keys {
            let step = self.steps.get(axis).copied().unwrap_or(0);
            match *key {
                Key::New => {
                    part.dims.push(1);
                    part.steps.push(0);
                    continue;
                }
                Key::At(i) => part.offset = (part.offset as isize + i as isize * step) as usize,
                Key::Slice { start, count, step: s } => {
                    if count > 0 {
                        part.offset = (part.offset as isize + start as isize * step) as usize;
                    }
                    part.dims.push(count);
                    part.steps.push(step * s);
                }
                Key::All => {
                    part.dims.push(self.dims[axis]);
                    part.steps.push(step);
                }
            }
            axis += 1;
        }
        part
    }
    pub fn transposed(&self) -> Small {
        let mut t = Small { whole: false, ..self.clone() };
        t.dims.reverse();
        t.steps.reverse();
        t
    }
    /// Whether its elements lie as in a fresh array.
    pub fn is_contiguous(&self) -> bool {
        let plain = steps_of(&self.dims);
        self.dims.iter().zip(self.steps.iter().zip(&plain)).all(|(&n, (a, b))| n < 2 || a == b)
    }
    /// Whether an operation on it gives a fresh array in C order.
    pub fn is_c_like(&self) -> bool {
        let axes: Vec<isize> =
            self.dims.iter().zip(&self.steps).filter(|(n, s)| **n > 1 && **s != 0).map(|(_, &s)| s).collect();
        axes.windows(2).all(|w| w[0].abs() >= w[1].abs())
    }
}

/// The extents an operation of arrays has, if they go together.
pub fn broadcast(of: &[&[usize]]) -> Option<Vec<usize>> {
    let rank = of.iter().map(|d| d.len()).max()?;
    let mut dims = vec![1; rank];
    for d in of {
        for (slot, &n) in dims[rank - d.len()..].iter_mut().zip(d.iter()) {
            match (*slot, n) {
                (a, b) if a == b => {}
                (1, b) => *slot = b,
                (_, 1) => {}
                _ => return None,
            }
        }
    }
    Some(dims)
}

/// Of each element of the result, in C order, which element of an operand goes into it.
pub fn spread(dims: &[usize], to: &[usize]) -> Vec<usize> {
    let own = steps_of(dims);
    let skipped = to.len() - dims.len();
    let mut places = vec![0usize];
    for (axis, &n) in to.iter().enumerate() {
        let step = match axis.checked_sub(skipped) {
            Some(k) if dims[k] != 1 => own[k] as usize,
            _ => 0,
        };
        places = places.iter().flat_map(|&p| (0..n).map(move |k| p + k * step)).collect();
    }
    places
}

/// Applies a function to the identities of all that has one.
pub fn for_each(val: &Val, f: &mut impl FnMut(u32)) {
    match val {
        Val::Small(s) => f(s.id),
        Val::Array(a) if !a.whole && a.id != UNKNOWN => f(a.id),
        Val::List(id, items) => {
            f(*id);
            items.iter().for_each(|i| for_each(&i.val, f));
        }
        Val::Tuple(items) => items.iter().for_each(|i| for_each(&i.val, f)),
        Val::Slice(items) => items.iter().for_each(|i| for_each(&i.val, f)),
        Val::Method(of, _) => for_each(&of.val, f),
        Val::Zip(items) => items.iter().for_each(|i| for_each(i, f)),
        Val::Enumerate { inner, .. } => for_each(inner, f),
        Val::Items { of, .. } => for_each(of, f),
        _ => {}
    }
}

/// Applies a function to the identities of what iterators go over.
pub fn for_each_iterated(val: &Val, f: &mut impl FnMut(u32)) {
    match val {
        Val::Items { of, .. } => for_each(of, f),
        Val::Zip(items) => items.iter().for_each(|i| for_each_iterated(i, f)),
        Val::Enumerate { inner, .. } => for_each_iterated(inner, f),
        _ => {}
    }
}

/// Whether a value is, or holds, this array.
pub fn holds(val: &Val, id: u32) -> bool {
    let mut found = false;
    for_each(val, &mut |i| found |= i == id);
    found
}

/// The same with other identities or elements; `None` where nothing changes.
pub fn mapped(val: &Val, f: &mut impl FnMut(&Val) -> Option<Val>) -> Option<Val> {
    let items_of = |items: &[Abs], f: &mut dyn FnMut(&Val) -> Option<Val>| -> Option<Vec<Abs>> {
        let mut changed = false;
        let new: Vec<Abs> = items
            .iter()
            .map(|i| match f(&i.val) {
                Some(val) => {
                    changed = true;
                    Abs { val, tag: i.tag }
                }
                None => i.clone(),
            })
            .collect();
        changed.then_some(new)
    };
    match val {
        Val::Small(_) | Val::Array(_) => f(val),
        Val::List(..) => {
            let own = f(val);
            let Val::List(id, items) = own.as_ref().unwrap_or(val) else { return own };
            let inner = items_of(items, &mut |v| mapped(v, f));
            match inner {
                Some(items) => Some(Val::List(*id, items.into())),
                None => own,
            }
        }
        Val::Tuple(items) => Some(Val::Tuple(items_of(items, &mut |v| mapped(v, f))?.into())),
        Val::Items { of, next } => Some(Val::Items { of: Rc::new(mapped(of, f)?), next: *next }),
        Val::Enumerate { count, inner } => {
            Some(Val::Enumerate { count: *count, inner: Rc::new(mapped(inner, f)?) })
        }
        Val::Zip(items) => {
            let new: Vec<Option<Val>> = items.iter().map(|i| mapped(i, f)).collect();
            new.iter().any(Option::is_some).then(|| {
                Val::Zip(
                    new.into_iter().zip(items.iter()).map(|(n, i)| n.unwrap_or_else(|| i.clone())).collect(),
                )
            })
        }
        Val::Method(of, name) => {
            let val = mapped(&of.val, f)?;
            Some(Val::Method(Rc::new(Abs { val, tag: of.tag }), name))
        }
        _ => None,
    }
}

/// Puts the identity a function says in place of each.
pub fn renamed(val: &Val, name: &mut impl FnMut(u32) -> u32) -> Option<Val> {
    mapped(val, &mut |v| match v {
        Val::Small(s) => {
            let id = name(s.id);
            (id != s.id).then(|| Val::Small(Rc::new(Small { id, ..Small::clone(s) })))
        }
        Val::Array(a) if !a.whole && a.id != UNKNOWN => {
            let id = name(a.id);
            (id != a.id).then(|| Val::Array(Rc::new(ArrayVal { id, ..ArrayVal::clone(a) })))
        }
        Val::List(old, items) => {
            let id = name(*old);
            (id != *old).then(|| Val::List(id, items.clone()))
        }
        _ => None,
    })
}

/// Calls arrays after the first variable that holds them, temporaries last. Those of callers keep their names.
pub fn relabel(vars: &mut [Abs], of: Vars, level: usize, callers: &HashSet<u32>) {
    let mut names: HashMap<u32, u32> = HashMap::new();
    let order = (0..vars.len())
        .filter(|&v| !of.is_temporary(v))
        .chain((0..vars.len()).filter(|&v| of.is_temporary(v)));
    for var in order {
        // Several in one variable: by their order.
        let mut next = 0;
        for_each(&vars[var].val, &mut |id| {
            names.entry(id).or_insert(((level as u32) << 26) | ((var as u32) << 10) | next);
            next += 1;
        });
    }
    for abs in vars {
        let new = renamed(&abs.val, &mut |id| if callers.contains(&id) { id } else { names[&id] });
        if let Some(val) = new {
            abs.val = val;
        }
    }
}
