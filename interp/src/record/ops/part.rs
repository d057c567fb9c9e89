//! Elements and parts of small arrays.
//!
//! A part is a view: it shares its elements with the array. An index that varies picks one element among all that it may
//! be, by selects.

use std::rc::Rc;

use jit::ir::{Cond, Value};

use super::Result;
use crate::record::abort::Abort;
use crate::record::kind::{Abs, Flavor, Val};
use crate::record::small::{Key, Small};
use crate::record::walk::Walker;

/// An index: known, or a value that is in bounds.
#[derive(Clone, Copy)]
enum Place {
    Known(Key),
    Varies(Value),
}

impl Walker<'_, '_> {
    /// The items along the first axis.
    pub fn items_of(&mut self, s: &Small) -> Vec<Abs> {
        let n = s.dims.first().copied().unwrap_or(0);
        let rest = s.dims.len().saturating_sub(1);
        (0..n)
            .map(|k| {
                let mut keys = vec![Key::At(k)];
                keys.extend(std::iter::repeat_n(Key::All, rest));
                part_or_element(s.part(&keys))
            })
            .collect()
    }

    /// The item at a position that is in bounds.
    pub fn item_at(&mut self, of: &Val, i: Value) -> Result<Abs> {
        let items = match of {
            Val::Tuple(items) | Val::List(_, items) => items.to_vec(),
            Val::Small(s) => self.items_of(s),
            _ => return Err(Abort::Iterator),
        };
        if let Some(c) = self.b.trace().as_const(i) {
            return items.get(c.bits as usize).cloned().ok_or(Abort::Iterator);
        }
        // Of one type, one of them is chosen.
        let mut chosen: Option<(Flavor, Value)> = None;
        for (k, item) in items.iter().enumerate() {
            let (Val::Num(flavor, v), None) = (&item.val, item.tag) else { return Err(Abort::Iterator) };
            chosen = Some(match chosen {
                None => (*flavor, *v),
                Some((other, w)) if other == *flavor => {
                    let k = self.b.i64(k as i64);
                    let here = self.b.compare(Cond::Eq, i, k);
                    (*flavor, self.b.select(here, *v, w))
                }
                Some(_) => return Err(Abort::Iterator),
            });
        }
        let (flavor, v) = chosen.ok_or(Abort::Iterator)?;
        Ok(Abs::num(flavor, v))
    }

    /// `s[key]`.
    pub fn small_item(&mut self, s: &Small, key: &Abs) -> Result<Abs> {
        let places = self.places(s, key)?;
        let (known, varying) = split(&places);
        if varying.is_empty() {
            return Ok(part_or_element(s.part(&known)));
        }
        if places.iter().any(|p| !matches!(p, Place::Varies(_) | Place::Known(Key::At(_)))) {
            return Err(Abort::Operation("a part of a small array at an index that varies".into()));
        }
        let mut result: Option<Value> = None;
        for keys in combinations(&places, &s.dims) {
            let v = s.cells[s.part(&keys).offset];
            result = Some(match result {
                None => v,
                Some(other) => {
                    let here = self.is_at(&places, &keys);
                    self.b.select(here, v, other)
                }
            });
        }
        let v = result.ok_or(Abort::Operation("an element of an empty array".into()))?;
        Ok(Abs::num(Flavor::Np(s.num), v))
    }

    /// `s[key] = value`.
    pub fn set_small_item(&mut self, s: &Small, key: &Abs, value: &Abs) -> Result<()> {
        let places = self.places(s, key)?;
        let (known, varying) = split(&places);
        if varying.is_empty() {
            let part = s.part(&known);
            let elements = self.converted(value, &part.dims, s.num)?;
            self.assign(&Val::Small(Rc::new(part)).into(), elements)?;
            return Ok(());
        }
        let mut cells = s.cells.to_vec();
        let all = combinations(&places, &s.dims);
        let Some(first) = all.first() else { return Err(Abort::Operation("an index out of bounds".into())) };
        let dims = s.part(first).dims;
        let elements = self.converted(value, &dims, s.num)?;
        for keys in all {
            let here = self.is_at(&places, &keys);
            for (place, &v) in s.part(&keys).places().into_iter().zip(&elements) {
                cells[place] = self.b.select(here, v, cells[place]);
            }
        }
        self.write(s, cells)
    }

    /// What an index says about each axis.
    fn places(&mut self, s: &Small, key: &Abs) -> Result<Vec<Place>> {
        let keys: Vec<Abs> = match &key.val {
            Val::Tuple(items) if key.tag.is_none() => items.to_vec(),
            _ => vec![key.clone()],
        };
        let is_ellipsis = |k: &Abs| match k.val {
            // SAFETY: only the address of the object is taken.
            Val::Const(p) => k.tag.is_none() && p == unsafe { pyo3::ffi::Py_Ellipsis() },
            _ => false,
        };
        let news = keys.iter().filter(|k| self.is_none(k)).count();
        let dots = keys.iter().filter(|k| is_ellipsis(k)).count();
        let used = keys.len() - news - dots;
        if used > s.dims.len() || dots > 1 {
            return Err(Abort::Operation("too many indices".into()));
        }
        let rest = s.dims.len() - used;
        let mut places = vec![];
        let mut axis = 0;
        for key in &keys {
            if is_ellipsis(key) {
                if rest == 0 && s.dims.len() == used {
                    return Err(Abort::Operation("an ellipsis for no axis".into()));
                }
                places.extend(std::iter::repeat_n(Place::Known(Key::All), rest));
                axis += rest;
                continue;
            }
            if self.is_none(key) {
                places.push(Place::Known(Key::New));
                continue;
            }
            let n = self.b.i64(s.dims[axis] as i64);
            places.push(self.place(key, n)?);
            axis += 1;
        }
        if dots == 0 {
            places.extend(std::iter::repeat_n(Place::Known(Key::All), rest));
        }
        Ok(places)
    }

    fn place(&mut self, key: &Abs, n: Value) -> Result<Place> {
        if let (Val::Slice(parts), None) = (&key.val, key.tag) {
            let parts = Rc::clone(parts);
            let (start, count, step) = self.slice_of(&parts, n)?;
            let known = |v: Value| self.b.trace().as_const(v).map(|c| c.bits as usize);
            return match (known(start), known(count)) {
                (Some(start), Some(count)) => {
                    Ok(Place::Known(Key::Slice { start, count, step: step as isize }))
                }
                _ => Err(Abort::Operation("a part of a small array that varies".into())),
            };
        }
        let i = self.whole_number(key)?;
        let i = self.bounded(i, n);
        let extent = self.b.trace().as_const(n).map_or(0, |c| c.bits);
        Ok(match self.b.trace().as_const(i) {
            Some(c) if c.bits >= extent => return Err(Abort::Operation("an index out of bounds".into())),
            Some(c) => Place::Known(Key::At(c.bits as usize)),
            None => Place::Varies(i),
        })
    }

    /// Whether the indices that vary are these.
    fn is_at(&mut self, places: &[Place], keys: &[Key]) -> Value {
        let mut all: Option<Value> = None;
        for (place, key) in places.iter().zip(keys) {
            if let (Place::Varies(i), Key::At(k)) = (place, key) {
                let k = self.b.i64(*k as i64);
                let same = self.b.compare(Cond::Eq, *i, k);
                all = Some(match all {
                    None => same,
                    Some(other) => self.b.binary(jit::ir::Binary::And, other, same),
                });
            }
        }
        all.unwrap_or_else(|| self.b.constant(jit::ir::Const::bool(true)))
    }
}

fn part_or_element(part: Small) -> Abs {
    if part.dims.is_empty() {
        return Abs::num(Flavor::Np(part.num), part.cells[part.offset]);
    }
    Val::Small(Rc::new(part)).into()
}

/// The keys, and the axes where they vary.
fn split(places: &[Place]) -> (Vec<Key>, Vec<usize>) {
    let mut varying = vec![];
    let known = places
        .iter()
        .enumerate()
        .map(|(k, p)| match p {
            Place::Known(key) => *key,
            Place::Varies(_) => {
                varying.push(k);
                Key::At(0)
            }
        })
        .collect();
    (known, varying)
}

/// Keys for all that the varying ones may be.
fn combinations(places: &[Place], dims: &[usize]) -> Vec<Vec<Key>> {
    let mut all = vec![vec![]];
    let mut axis = 0;
    for place in places {
        let choices: Vec<Key> = match place {
            Place::Known(key) => vec![*key],
            Place::Varies(_) => (0..dims[axis]).map(Key::At).collect(),
        };
        if !matches!(place, Place::Known(Key::New)) {
            axis += 1;
        }
        all = all
            .into_iter()
            .flat_map(|keys: Vec<Key>| {
                choices.iter().map(move |&c| {
                    let mut keys = keys.clone();
                    keys.push(c);
                    keys
                })
            })
            .collect();
    }
    all
}
