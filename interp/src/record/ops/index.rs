//! Elements and views of arrays.
//!
//! Indices are checked against the bounds they are used with, so a trace reads and writes elements of the array and
//! nothing else. A negative index counts from the end; one that varies is taken for not negative until it was seen to be.

use std::rc::Rc;

use jit::ir::{Access, Addr, Binary, Cond, Const, Range, Scalar, Stride, Ty, Unary, Value};
use micronumpy::TypeNum;

use super::Result;
use crate::record::abort::Abort;
use crate::record::exit::Why;
use crate::record::kind::{Abs, ArrayVal, ComplexType, FLOAT, Flavor, INT, NP, Step, Val, scalar_of};
use crate::record::walk::Walker;

/// What an index says about one axis.
enum Axis {
    At(Value),
    Slice { start: Value, count: Value, step: i64 },
    New,
}

impl Walker<'_, '_> {
    /// `obj[key]`.
    pub fn item(&mut self, abs: &Abs, key: &Abs) -> Result<Abs> {
        match &abs.val {
            Val::Array(a) if abs.tag.is_none() => {
                let view = self.indexed(&Rc::clone(a), key)?;
                if !view.dims.is_empty() {
                    return Ok(Val::Array(view.into()).into());
                }
                self.loaded(&view)
            }
            Val::Small(s) if abs.tag.is_none() => self.small_item(&Rc::clone(s), key),
            Val::Tuple(items) | Val::List(_, items) if abs.tag.is_none() => {
                let known = Rc::clone(items);
                let (flavor, k) = self.number(key)?;
                if !matches!(flavor, Flavor::Int) {
                    return Err(Abort::Operation("such an index of a tuple".into()));
                }
                let n = self.b.i64(known.len() as i64);
                let k = self.bounded(k, n);
                match self.b.trace().as_const(k) {
                    Some(c) => known
                        .get(c.bits as usize)
                        .cloned()
                        .ok_or(Abort::Operation("tuple index out of range".into())),
                    None => self.item_at(&abs.val.clone(), k),
                }
            }
            _ => Err(Abort::Operation("item of an object".into())),
        }
    }

    /// What the first axis holds at a position that is in bounds.
    pub fn element_at(&mut self, a: &ArrayVal, i: Value) -> Result<Abs> {
        let view = self.part_at(a, i);
        if !view.dims.is_empty() {
            return Ok(Val::Array(view.into()).into());
        }
        self.loaded(&view)
    }
    /// The one element of an array without axes.
    fn loaded(&mut self, view: &ArrayVal) -> Result<Abs> {
        if let Some(ty) = ComplexType::of(view.num) {
            return Ok(self.load_complex(ty, view.data, view.class));
        }
        if view.num == TypeNum::HALF {
            return Ok(self.load_half(view));
        }
        let (scalar, access) = self.element(view)?;
        let v = self.b.load(Ty::scalar(scalar), access);
        Ok(Abs::num(Flavor::Np(view.num), v))
    }

    pub fn part_at(&mut self, a: &ArrayVal, i: Value) -> ArrayVal {
        let mut view = ArrayVal { whole: false, id: self.fresh_id(), ..a.clone() };
        view.data = self.moved(a.data, i, a.steps[0]);
        view.dims.remove(0);
        view.steps.remove(0);
        view
    }
    /// The items of an array's first axis, which must be that many.
    pub fn unpacked(&mut self, a: &ArrayVal, count: u16) -> Result<Vec<Abs>> {
        let Some(&n) = a.dims.first() else { return Err(Abort::Operation("unpacking of a number".into())) };
        let expected = self.b.i64(count.into());
        let same = self.b.compare(Cond::Eq, n, expected);
        self.guard(same, true, Why::Bounds);
        (0..count)
            .map(|k| {
                let k = self.b.i64(k.into());
                self.element_at(a, k)
            })
            .collect()
    }

    /// `obj[key] = value`.
    pub fn set_item(&mut self, abs: &Abs, key: &Abs, value: &Abs) -> Result<()> {
        if let (Val::Small(s), None) = (&abs.val, abs.tag) {
            return self.set_small_item(&Rc::clone(s), key, value);
        }
        let Val::Array(a) = &abs.val else { return Err(Abort::Operation("assignment to an item".into())) };
        if abs.tag.is_some() {
            return Err(Abort::Operation("assignment to an item".into()));
        }
        if !a.writeable {
            return Err(Abort::Array("is read-only"));
        }
        if !self.calls.is_empty() {
            return Err(Abort::Operation("assignment in a function that is called".into()));
        }
        let view = self.indexed(&Rc::clone(a), key)?;
        if let Some(ty) = ComplexType::of(view.num) {
            if !view.dims.is_empty() {
                return Err(Abort::Operation("assignment to a part of a complex array".into()));
            }
            let parts = self.as_complex_element(ty, value)?;
            self.check();
            self.before_store(view.class, None)?;
            self.store_complex(view.data, view.class, parts);
            self.stores = true;
            return Ok(());
        }
        if view.num == TypeNum::HALF && view.dims.is_empty() {
            let v = self.number(value)?;
            let half = self.half_of(v)?;
            self.check();
            self.before_store(view.class, None)?;
            self.store_half(&view, half);
            self.stores = true;
            return Ok(());
        }
        let scalar = scalar_of(view.num).ok_or(Abort::Array("has elements the compiler has no type for"))?;
        if view.dims.len() == 1
            && let Some(pending) = self.waiting(value)
        {
            return self.store_long(&view, &pending, false);
        }
        if !matches!(value.val, Val::Num(..)) {
            let dims = self.extents(&view)?;
            let elements = self.converted(value, &dims, view.num)?;
            self.assign(&Val::Array(view.into()).into(), elements)?;
            return Ok(());
        }
        let v = self.as_element(value, view.num, scalar)?;
        // Everything that can leave has been in front of this.
        self.check();
        self.before_store(view.class, None)?;
        self.fill(&view, v)?;
        self.stores = true;
        Ok(())
    }

    /// Stores a number to every element.
    fn fill(&mut self, view: &ArrayVal, v: Value) -> Result<()> {
        if view.dims.is_empty() {
            let (_, access) = self.element(view)?;
            self.b.store(access, v);
            return Ok(());
        }
        let start = self.b.i64(0);
        let (counter, _) = self.b.begin_loop(Some(Range { start, end: view.dims[0], step: 1 }), vec![]);
        let counter = counter.ok_or(Abort::Unsettled)?;
        let part = self.part_at(view, counter);
        self.fill(&part, v)?;
        self.b.end_loop(vec![]);
        Ok(())
    }

    /// The one element of an array without axes.
    fn element(&mut self, view: &ArrayVal) -> Result<(Scalar, Access)> {
        let scalar = scalar_of(view.num).ok_or(Abort::Array("has elements the compiler has no type for"))?;
        Ok((scalar, Access::new(view.data, None, view.class)))
    }

    /// The part of an array that an index names.
    fn indexed(&mut self, a: &ArrayVal, key: &Abs) -> Result<ArrayVal> {
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
        if used > a.dims.len() || dots > 1 {
            return Err(Abort::Operation("too many indices".into()));
        }
        let mut view =
            ArrayVal { whole: false, id: self.fresh_id(), dims: vec![], steps: vec![], ..a.clone() };
        let mut axis = 0;
        let keep = |view: &mut ArrayVal, axis: &mut usize| {
            view.dims.push(a.dims[*axis]);
            view.steps.push(a.steps[*axis]);
            *axis += 1;
        };
        for key in &keys {
            if is_ellipsis(key) {
                for _ in 0..a.dims.len() - used {
                    keep(&mut view, &mut axis);
                }
                continue;
            }
            let n = a.dims.get(axis).copied();
            match self.axis(key, n)? {
                Axis::New => {
                    view.dims.push(self.b.i64(1));
                    view.steps.push(Step::Const(0));
                    continue;
                }
                Axis::At(i) => view.data = self.moved(view.data, i, a.steps[axis]),
                Axis::Slice { start, count, step } => {
                    view.data = self.moved(view.data, start, a.steps[axis]);
                    view.dims.push(count);
                    view.steps.push(match a.steps[axis] {
                        Step::Const(s) => Step::Const(s.wrapping_mul(step)),
                        Step::Value(s) => {
                            let step = self.b.i64(step);
                            Step::Value(self.b.binary(Binary::Mul, s, step))
                        }
                    });
                }
            }
            axis += 1;
        }
        while axis < a.dims.len() {
            keep(&mut view, &mut axis);
        }
        if dots == 1 && view.dims.is_empty() {
            return Err(Abort::Operation("a view without axes".into()));
        }
        Ok(view)
    }

    fn moved(&mut self, data: Value, index: Value, step: Step) -> Value {
        let stride = match step {
            Step::Const(n) => Stride::Const(n),
            Step::Value(v) => Stride::Value(v),
        };
        self.b.lea(Addr { base: data, index: Some((index, stride)), disp: 0 })
    }

    /// One index; `n` is the extent of the axis it is for.
    fn axis(&mut self, key: &Abs, n: Option<Value>) -> Result<Axis> {
        if self.is_none(key) {
            return Ok(Axis::New);
        }
        let n = n.ok_or(Abort::Operation("too many indices".into()))?;
        if let (Val::Slice(parts), None) = (&key.val, key.tag) {
            let (start, count, step) = self.slice_of(&Rc::clone(parts), n)?;
            return Ok(Axis::Slice { start, count, step });
        }
        let i = self.whole_number(key)?;
        Ok(Axis::At(self.bounded(i, n)))
    }

    /// An integer as an index takes it.
    pub fn whole_number(&mut self, key: &Abs) -> Result<Value> {
        // Integers of either kind are alike here.
        if let (Some(tag), Val::Num(_, v)) = (key.tag, &key.val)
            && self.b.ty(*v).scalar == Scalar::I64
            && tag.may & !(1 << INT | 1 << NP) == 0
        {
            return Ok(*v);
        }
        let (flavor, v) = self.number(key)?;
        match flavor {
            Flavor::Int => Ok(v),
            Flavor::Np(num) if num.is_integer() => {
                if self.b.ty(v).scalar == Scalar::U64 {
                    let top = self.b.constant(Const::canonical(Scalar::U64, i64::MAX as u64));
                    let fits = self.b.compare(Cond::Le, v, top);
                    self.guard(fits, true, Why::Bounds);
                }
                Ok(self.as_int(v))
            }
            _ => Err(Abort::Operation("such an index".into())),
        }
    }

    /// A guard that an index lies inside; gives it counted from the start.
    pub fn bounded(&mut self, i: Value, n: Value) -> Value {
        let zero = self.b.i64(0);
        if let Some(c) = self.b.trace().as_const(i) {
            if let Some(n) = self.b.trace().as_const(n) {
                let (k, n) = (c.bits as i64, n.bits as i64);
                if (-n..n).contains(&k) {
                    return if k < 0 { self.b.i64(k + n) } else { i };
                }
            }
            if (c.bits as i64) < 0 {
                let from_end = self.b.binary(Binary::Add, n, i);
                let inside = self.b.compare(Cond::Ge, from_end, zero);
                self.guard(inside, true, Why::Bounds);
                return from_end;
            }
            let inside = self.b.compare(Cond::Lt, i, n);
            self.guard(inside, true, Why::Bounds);
            return i;
        }
        let i = if self.learnt.negatives.contains(&self.pc) {
            let negative = self.b.compare(Cond::Lt, i, zero);
            let from_end = self.b.binary(Binary::Add, i, n);
            self.b.select(negative, from_end, i)
        } else {
            i
        };
        let above = self.b.compare(Cond::Ge, i, zero);
        self.guard(above, true, Why::Bounds);
        let below = self.b.compare(Cond::Lt, i, n);
        self.guard(below, true, Why::Bounds);
        i
    }

    /// Of a slice: where it begins, how many there are, and the step.
    pub fn slice_of(&mut self, parts: &[Abs; 3], n: Value) -> Result<(Value, Value, i64)> {
        let step = if self.is_none(&parts[2]) {
            1
        } else {
            let v = self.whole_number(&parts[2])?;
            self.b.trace().as_const(v).map_or(0, |c| c.bits as i64)
        };
        if step == 0 || step.unsigned_abs() > 1 << 31 {
            return Err(Abort::Operation("a slice with a variable step".into()));
        }
        let (zero, one) = (self.b.i64(0), self.b.i64(1));
        // Positions lie in 0..=n going up, in -1..n going down.
        let (low, high) =
            if step > 0 { (zero, n) } else { (self.b.i64(-1), self.whole(Binary::Sub, n, one)) };
        let place = |w: &mut Self, part: &Abs, absent: Value| -> Result<Value> {
            if w.is_none(part) {
                return Ok(absent);
            }
            let v = w.whole_number(part)?;
            let from_end = w.whole(Binary::Add, v, n);
            let v = match w.b.trace().as_const(v) {
                Some(c) if (c.bits as i64) >= 0 => v,
                Some(_) => from_end,
                None => {
                    let negative = w.b.compare(Cond::Lt, v, zero);
                    w.b.select(negative, from_end, v)
                }
            };
            let v = w.whole(Binary::Max, v, low);
            Ok(w.whole(Binary::Min, v, high))
        };
        let (first, last) = if step > 0 { (low, high) } else { (high, low) };
        let start = place(self, &parts[0], first)?;
        let stop = place(self, &parts[1], last)?;
        let (from, to) = if step > 0 { (start, stop) } else { (stop, start) };
        let distance = self.whole(Binary::Sub, to, from);
        let distance = self.whole(Binary::Max, distance, zero);
        let size = self.b.i64(step.abs());
        let round = self.b.i64(step.abs() - 1);
        let rounded = self.whole(Binary::Add, distance, round);
        let count = self.whole(Binary::Div, rounded, size);
        Ok((start, count, step))
    }

    /// Arithmetic of whole numbers that are often constants.
    fn whole(&mut self, op: Binary, a: Value, b: Value) -> Value {
        let known = |v: Value| self.b.trace().as_const(v).map(|c| c.bits as i64);
        let folded = match (known(a), known(b), op) {
            (Some(x), Some(y), Binary::Add) => x.checked_add(y),
            (Some(x), Some(y), Binary::Sub) => x.checked_sub(y),
            (Some(x), Some(y), Binary::Max) => Some(x.max(y)),
            (Some(x), Some(y), Binary::Min) => Some(x.min(y)),
            (Some(x), Some(y), Binary::Div) => x.checked_div_euclid(y),
            _ => None,
        };
        match folded {
            Some(n) => self.b.i64(n),
            None => self.b.binary(op, a, b),
        }
    }

    /// A value as an element of an array of this type, as an assignment converts it.
    pub fn as_element(&mut self, value: &Abs, num: TypeNum, scalar: Scalar) -> Result<Value> {
        // A number that may be of several types has the same bits under each.
        if let (Some(tag), Val::Num(_, v)) = (value.tag, &value.val) {
            let v = *v;
            let own = self.b.ty(v).scalar;
            if tag.may & !(1 << INT | 1 << FLOAT | 1 << NP) == 0 && (own == scalar || scalar == Scalar::F64) {
                return Ok(if own == scalar { v } else { self.b.convert(v, scalar) });
            }
        }
        let (flavor, v) = self.number(value)?;
        let from = self.b.ty(v).scalar;
        if from == scalar {
            return Ok(v);
        }
        if scalar == Scalar::Bool || from == Scalar::Bool {
            return Ok(self.b.convert(v, scalar));
        }
        if from.is_float() {
            if scalar.is_float() {
                let r = self.b.convert(v, scalar);
                if scalar == Scalar::F32 {
                    let finite = self.is_finite(r);
                    self.guard(finite, true, Why::NotFinite);
                }
                return Ok(r);
            }
            // Truncated; what does not fit is an error or a warning.
            let wide = self.truncated(v);
            if num.is_unsigned() && scalar == Scalar::U64 {
                self.guard_range(wide, Scalar::U64);
            } else {
                self.guard_range(wide, scalar);
            }
            return Ok(if scalar == Scalar::I64 { wide } else { self.b.convert(wide, scalar) });
        }
        if scalar.is_float() {
            // Python goes by way of a double.
            let v = if flavor == Flavor::Int { self.as_float(v) } else { v };
            return Ok(if self.b.ty(v).scalar == scalar { v } else { self.b.convert(v, scalar) });
        }
        let wide = if from == Scalar::U64 {
            let top = self.b.constant(Const::canonical(Scalar::U64, i64::MAX as u64));
            let fits = self.b.compare(Cond::Le, v, top);
            self.guard(fits, true, Why::Overflow);
            self.as_int(v)
        } else {
            self.as_int(v)
        };
        self.guard_range(wide, scalar);
        Ok(if scalar == Scalar::I64 { wide } else { self.b.convert(wide, scalar) })
    }

    /// A float without its fraction as an `i64`, guarded to fit.
    pub fn truncated(&mut self, v: Value) -> Value {
        let v = self.as_float(v);
        let magnitude = self.b.unary(Unary::Abs, v);
        let limit = self.b.f64(9_223_372_036_854_774_784.0);
        let fits = self.b.compare(Cond::Le, magnitude, limit);
        self.guard(fits, true, Why::Domain);
        // Then it is finite, too.
        self.is_checked(v);
        self.b.convert(v, Scalar::I64)
    }
}
