//! From operand types to a loop: numpy's promotion rules for universal functions.
//!
//! 1. A loop whose input types are exactly the operands' (or the signature's) wins.
//! 2. Otherwise the ufunc's [`Rule`] names the types; most rules promote all inputs to their common type, the rest walk
//!    the loops in order and take the first one every input can be *safely* cast to.
//! 3. The loop's types become dtypes: datetime units are promoted, strings keep their lengths.
//! 4. Every operand must be castable to its dtype at the caller's casting level.
//!
//! Python's own `int`, `float` and `complex` are *weak*: they bring a kind, not a size. A weak operand of a kind the
//! others already have adapts to whatever loop they choose; one of a higher kind lifts them to a default type.

use ufuncs::TypeNum;

use super::{Rule, Ufunc};
use crate::cast::{Casting, can_cast};
use crate::dtype::{Body, Dtype, TypeOrWeak, result_type};
use crate::error::{Error, Result};
use crate::iter::PerOp;

/// The kind a Python scalar brings.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Weak {
    Int,
    Float,
    Complex,
}

impl Weak {
    /// The type a weak scalar has when nobody else decides.
    pub const fn default_type(self) -> TypeNum {
        match self {
            Weak::Int => TypeNum::LONG,
            Weak::Float => TypeNum::DOUBLE,
            Weak::Complex => TypeNum::CDOUBLE,
        }
    }
}

/// What resolution knows of one operand.
#[derive(Clone, Copy, Debug)]
pub enum OpType<'a> {
    Is(&'a Dtype),
    Weak(Weak),
    /// An output that will be allocated; in reductions also the first input.
    Absent,
}

/// A loop and the dtypes it runs on.
#[derive(Clone, Debug)]
pub struct Resolution {
    /// Index into [`Ufunc::loops`].
    pub index: usize,
    /// Inputs, then outputs, in native byte order.
    pub dtypes: PerOp<Dtype>,
    /// Inputs are cast whatever the casting level says.
    pub force_cast: bool,
}

/// Why there is no loop. Hosts word these themselves, with their own descriptor objects.
#[derive(Debug)]
pub enum ResolveError {
    /// No loop for these operand types, told with the operands' classes.
    NoLoop,
    /// No loop for these operand types, told with the operands' descriptors and the results' type, if that is known.
    NoLoopDtypes(Option<TypeNum>),
    /// No loop whose operands all have this dtype.
    NoUniformLoop(Dtype),
    /// No loop the inputs can be safely cast to.
    NotSupported,
    /// No loop for the types the signature asks for.
    NoSignatureLoop,
    /// Two operand types that do not go together.
    Binary,
    /// A loop was found, but not what its dtypes are. Python's numbers among the operands have become what the loop takes by then.
    Late {
        index: usize,
        error: Box<ResolveError>,
    },
    /// Input `index` cannot be cast.
    Input {
        index: usize,
        to: Dtype,
    },
    /// Output `index` cannot be cast.
    Output {
        index: usize,
        from: Dtype,
    },
    Other(Error),
}

impl From<Error> for ResolveError {
    fn from(e: Error) -> ResolveError {
        ResolveError::Other(e)
    }
}

impl ResolveError {
    /// The error of what is done after a loop was found.
    fn late(self, index: usize) -> ResolveError {
        ResolveError::Late { index, error: Box::new(self) }
    }
    /// What is wrong, whenever it was found.
    pub fn cause(self) -> ResolveError {
        match self {
            ResolveError::Late { error, .. } => error.cause(),
            e => e,
        }
    }
}

type Resolve<T> = std::result::Result<T, ResolveError>;

/// Find the loop for these operands.
///
/// `ops` has an entry per argument; `signature` is empty or has an entry per argument with the types the caller insists
/// on. Casts are not checked here, see [`check_casts`].
pub fn resolve<'a>(uf: &Ufunc, ops: &[OpType<'a>], signature: &[Option<TypeNum>]) -> Resolve<Resolution> {
    let q = Query { uf, ops, signature };
    let mut found = q.search()?;
    if q.has_signature() && uf.loops[found.0].has_dates() && !uf.loops[found.0].has_strings() {
        // That there are dates and times decides whose rules are asked, and those look at nothing but the operands.
        q.check_objects(found.0)?;
        // Python's numbers have become what the loop takes by now, if they can.
        let taken: PerOp<Dtype> = uf.loops[found.0].def.types.iter().map(|&t| Dtype::builtin(t)).collect();
        let becomes = |i: usize, weak: Weak| {
            q.sig(i).is_some() || weak == Weak::Int && taken[i].num != TypeNum::DATETIME
        };
        let operand = |(i, op): (usize, &OpType<'a>)| match op {
            OpType::Weak(weak) if becomes(i, *weak) => OpType::Is(&taken[i]),
            op => *op,
        };
        let operands: PerOp<OpType<'_>> = ops.iter().enumerate().map(operand).collect();
        let q = Query { uf, ops: &operands, signature: &[] };
        let first = found.0;
        found = q.search().map_err(|e| match e {
            ResolveError::NoLoop if uf.nin == 1 => ResolveError::NoUniformLoop(q.input_dtype(0)),
            ResolveError::NoLoop if matches!(uf.rule, Rule::Uniform | Rule::Comparison) => {
                let flexible = uf.rule == Rule::Comparison && q.any_input(TypeNum::is_flexible);
                let inputs: PerOp<Dtype> = (0..uf.nin).map(|i| q.input_dtype(i)).collect();
                let inputs: PerOp<TypeOrWeak<'_>> = inputs.iter().map(TypeOrWeak::Dtype).collect();
                let error = match result_type(&inputs) {
                    Err(e) if !flexible => ResolveError::Other(e),
                    _ => ResolveError::NoLoopDtypes(flexible.then_some(TypeNum::BOOL)),
                };
                error.late(first)
            }
            e => e.late(first),
        })?;
        let dtypes = q.dtypes(found.0).map_err(|e| e.late(first))?;
        return Ok(Resolution { index: found.0, dtypes, force_cast: found.1 });
    }
    let (index, force_cast) = found;
    Ok(Resolution { index, dtypes: q.dtypes(index)?, force_cast })
}

/// Check that operands can be cast to and from what the loop works on.
///
/// # Errors
/// The first operand that cannot, inputs first.
pub fn check_casts(
    uf: &Ufunc,
    ops: &[OpType<'_>],
    signature: &[Option<TypeNum>],
    res: &Resolution,
    casting: Casting,
) -> Resolve<()> {
    if matches!(uf.rule, Rule::IsFinite | Rule::IsNat) && uf.loops[res.index].has_dates() {
        // These rules ask nobody whether a bool can be cast to the output.
        return Ok(());
    }
    for (i, (op, to)) in ops.iter().zip(&res.dtypes).enumerate() {
        let ok = match op {
            OpType::Absent => true,
            OpType::Is(from) if i < uf.nin => res.force_cast || can_cast(from, to, casting),
            OpType::Is(out) => can_cast(to, out, casting),
            // A scalar is converted straight to a type its caller asked for.
            OpType::Weak(_) if signature.get(i).is_some_and(|s| s.is_some()) => true,
            OpType::Weak(w) => res.force_cast || weak_can_cast(*w, to, casting),
        };
        if !ok {
            return Err(if i < uf.nin {
                ResolveError::Input { index: i, to: to.clone() }
            } else {
                ResolveError::Output { index: i - uf.nin, from: to.clone() }
            });
        }
    }
    Ok(())
}

/// Whether a Python scalar of this kind may become a `to`; its value is looked at later.
pub fn weak_can_cast(weak: Weak, to: &Dtype, casting: Casting) -> bool {
    if to.num.is_complex() || to.num.is_object() {
        true
    } else if to.num.is_float() {
        weak < Weak::Complex || casting == Casting::Unsafe
    } else if to.num.is_integer() {
        weak == Weak::Int || casting == Casting::Unsafe
    } else {
        can_cast(&Dtype::builtin(weak.default_type()), to, casting)
    }
}

/// Common dtype of a dtype and a weak scalar.
///
/// # Errors
/// Types without a common dtype.
pub fn promote_weak(strong: &Dtype, weak: Weak) -> Result<Dtype> {
    let num = strong.num;
    let default = Dtype::builtin(weak.default_type());
    if num.is_bool() {
        return Ok(default);
    }
    if num.is_integer() {
        return Ok(if weak == Weak::Int { native(strong) } else { default });
    }
    if num.is_float() {
        return Ok(match (weak, num) {
            (Weak::Complex, TypeNum::HALF | TypeNum::FLOAT) => Dtype::builtin(TypeNum::CFLOAT),
            (Weak::Complex, TypeNum::LONGDOUBLE) => Dtype::builtin(TypeNum::CLONGDOUBLE),
            (Weak::Complex, _) => default,
            _ => native(strong),
        });
    }
    if num.is_complex() {
        return Ok(native(strong));
    }
    promote(strong, &default)
}

fn promote(a: &Dtype, b: &Dtype) -> Result<Dtype> {
    crate::dtype::promote(a, b)
}

/// The dtype in native byte order, as loops want it.
pub fn native(dt: &Dtype) -> Dtype {
    if dt.is_native() { dt.clone() } else { dt.canonical() }
}

/// Order of numeric kinds: bool, integer, float, complex; `None` for everything else.
fn kind_rank(num: TypeNum) -> Option<u8> {
    match num.kind() {
        b'b' => Some(0),
        b'i' | b'u' => Some(1),
        b'f' => Some(2),
        b'c' => Some(3),
        _ => None,
    }
}

struct Query<'a> {
    uf: &'a Ufunc,
    ops: &'a [OpType<'a>],
    signature: &'a [Option<TypeNum>],
}

impl Query<'_> {
    fn sig(&self, i: usize) -> Option<TypeNum> {
        self.signature.get(i).copied().flatten()
    }
    fn has_signature(&self) -> bool {
        self.signature.iter().any(|s| s.is_some())
    }
    fn nin(&self) -> usize {
        self.uf.nin
    }
    /// Input `i`; in a reduction the absent first input stands for the second.
    fn input(&self, i: usize) -> OpType<'_> {
        match self.ops[i] {
            OpType::Absent if self.nin() == 2 => self.ops[1 - i],
            op => op,
        }
    }
    /// The dtype of input `i`, a weak scalar counting as its default.
    fn input_dtype(&self, i: usize) -> Dtype {
        match self.input(i) {
            OpType::Is(dt) => dt.clone(),
            OpType::Weak(w) => Dtype::builtin(w.default_type()),
            OpType::Absent => Dtype::intp(),
        }
    }
    fn input_num(&self, i: usize) -> TypeNum {
        self.input_dtype(i).num
    }
    fn any_input(&self, test: impl Fn(TypeNum) -> bool) -> bool {
        (0..self.nin()).any(|i| test(self.input_num(i)))
    }
    fn all_weak(&self) -> bool {
        self.ops[..self.nin()].iter().all(|op| matches!(op, OpType::Weak(_)))
    }

    /// The loop, and whether inputs are cast whatever the casting level says.
    fn search(&self) -> Resolve<(usize, bool)> {
        self.exact().map_or_else(|| self.by_rule(), |index| Ok((index, self.casts_to_truth(index))))
    }

    /// Objects have no dtype among dates and times until their values are known.
    fn check_objects(&self, index: usize) -> Resolve<()> {
        for (op, t) in self.ops.iter().zip(self.uf.loops[index].def.types.iter()) {
            if t.is_datetime()
                && let OpType::Is(dt) = op
                && dt.num.is_object()
            {
                let class = if *t == TypeNum::DATETIME { "DateTime64DType" } else { "TimeDelta64DType" };
                let text = format!("cannot cast dtype object to <class 'numpy.dtypes.{class}'>.");
                return Err(ResolveError::Other(Error::type_(text)));
            }
        }
        Ok(())
    }

    /// A loop for exactly the operands' types, outputs only as far as the signature names them.
    fn exact(&self) -> Option<usize> {
        let nin = self.nin();
        let matches_at = |types: &[TypeNum], dtypes: Option<&[Dtype]>| {
            for (i, &t) in types.iter().enumerate() {
                if let Some(s) = self.sig(i) {
                    if s != t {
                        return false;
                    }
                } else if i < nin {
                    match self.input(i) {
                        OpType::Is(dt) if dt.num == t => {}
                        _ => return false,
                    }
                }
                if let (Some(want), OpType::Is(dt)) = (dtypes.map(|d| &d[i]), self.ops[i])
                    && i < nin
                    && want.num == TypeNum::VOID
                    && !crate::dtype::equivalent(dt, want)
                {
                    return false;
                }
            }
            true
        };
        self.uf.loops.iter().position(|l| matches_at(&l.def.types, l.dtypes.as_deref()))
    }

    fn by_rule(&self) -> Resolve<(usize, bool)> {
        let uf = self.uf;
        if matches!(uf.rule, Rule::Logical) {
            return self.logical();
        }
        if uf.rule == Rule::Strings {
            return Ok((super::strings::find_loop(uf, self.ops, self.signature)?, false));
        }
        if uf.rule == Rule::Multiply
            && let Some(index) = super::strings::repetition(uf, self.ops, self.signature)
        {
            return Ok((index, false));
        }
        if uf.rule == Rule::Exact || self.any_input(|t| t == TypeNum::VSTRING) {
            return Err(ResolveError::NoLoop);
        }
        let (first, last) = (self.input_num(0), self.input_num(self.nin() - 1));
        if uf.rule == Rule::Multiply
            && (first.is_string() && last.is_integer() || first.is_integer() && last.is_string())
            && let Some(index) = super::strings::repetition(uf, self.ops, &[])
        {
            // Strings are repeated, whatever types were named.
            return Ok((index, false));
        }
        if uf.rule == Rule::Add
            && let Some(t) = self.strings_only()
        {
            // Strings are added to a string, whatever types were named.
            return Ok((uf.find_loop(&[t; 3]).ok_or(ResolveError::NoLoop)?, false));
        }
        if uf.rule == Rule::Add
            && let Some(t) = self.sig(2).filter(|t| t.is_string())
        {
            let index = super::strings::addition(uf, self.input_num(0), self.input_num(1), t)?;
            return Ok((index, false));
        }
        let asked = |test: fn(TypeNum) -> bool| (0..uf.nargs()).any(|i| self.sig(i).is_some_and(test));
        if asked(|t| t == TypeNum::VSTRING) {
            return Err(ResolveError::NoLoop);
        }
        if asked(TypeNum::is_flexible) && !self.ignores_signature() {
            return Err(self.no_flexible_loop());
        }
        let index = match uf.rule {
            Rule::Linear | Rule::LogicalNot | Rule::Exact | Rule::Strings | Rule::Logical => self.linear()?,
            Rule::IsFinite if self.input_num(0).is_datetime() => {
                uf.find_loop(&[self.input_num(0), TypeNum::BOOL]).ok_or(ResolveError::NoLoop)?
            }
            Rule::IsFinite => self.linear()?,
            Rule::Uniform => self.uniform()?,
            Rule::OnesLike => self.uniform()?,
            Rule::Comparison => self.comparison()?,
            Rule::Absolute => {
                let num = self.input_num(0);
                if num.is_complex() || num.is_user() { self.linear()? } else { self.uniform()? }
            }
            Rule::Negative if self.any_input(|t| t.is_object() || t.is_user()) => self.linear()?,
            Rule::Negative => match self.uniform_type()? {
                Some(t) if t.is_bool() => {
                    return Err(ResolveError::Other(Error::type_(
                        "The numpy boolean negative, the `-` operator, is not supported, use the `~` operator or \
                         the logical_not function instead.",
                    )));
                }
                Some(t) => self.uniform_loop(t)?,
                None => self.linear()?,
            },
            Rule::IsNat if self.input_num(0).is_datetime() => {
                uf.find_loop(&[self.input_num(0), TypeNum::BOOL]).ok_or(ResolveError::NoLoop)?
            }
            Rule::IsNat => {
                return Err(ResolveError::Other(Error::type_(
                    "ufunc 'isnat' is only defined for np.datetime64 and np.timedelta64.",
                )));
            }
            Rule::Add
            | Rule::Subtract
            | Rule::Multiply
            | Rule::TrueDivide
            | Rule::FloorDivide
            | Rule::Remainder
            | Rule::Divmod => self.arithmetic()?,
        };
        Ok((index, false))
    }

    /// Whether the rule looks at nothing but the operands: that of `isnat`, and those that know dates and times, among them.
    fn ignores_signature(&self) -> bool {
        match self.uf.rule {
            Rule::IsNat => true,
            Rule::IsFinite => self.input_num(0).is_datetime(),
            Rule::Add
            | Rule::Subtract
            | Rule::Multiply
            | Rule::TrueDivide
            | Rule::FloorDivide
            | Rule::Remainder
            | Rule::Divmod => self.any_input(TypeNum::is_datetime) || self.strings_differ(),
            _ => false,
        }
    }

    /// Whether strings of two types were to be added, which is told whatever types were named.
    fn strings_differ(&self) -> bool {
        let (a, b) = (self.input_num(0), self.input_num(1));
        self.uf.rule == Rule::Add && a.is_string() && b.is_string() && a != b
    }

    /// What is wrong with a signature that names strings or voids: rules with one type for all look for a loop of that type,
    /// others among the loops they know.
    fn no_flexible_loop(&self) -> ResolveError {
        let nin = self.nin();
        let uniform = match self.uf.rule {
            Rule::Uniform | Rule::OnesLike | Rule::Negative | Rule::Add | Rule::Subtract | Rule::Multiply => {
                true
            }
            Rule::Absolute => !self.input_num(0).is_complex(),
            _ => false,
        };
        let mut named =
            (0..self.uf.nargs()).filter(|&i| i >= nin || self.sig(i).is_some()).map(|i| self.sig(i));
        let first = named.next().flatten();
        match uniform && named.all(|t| t == first) && !self.any_input(|t| t.is_object() || t.is_user()) {
            true => ResolveError::NoLoop,
            false => ResolveError::NoSignatureLoop,
        }
    }

    /// The type of strings that both inputs are (in reductions the second).
    fn strings_only(&self) -> Option<TypeNum> {
        let OpType::Is(dt) = self.ops[1] else { return None };
        let alike = match self.ops[0] {
            OpType::Is(other) => other.num == dt.num,
            OpType::Absent => true,
            OpType::Weak(_) => false,
        };
        (dt.num.is_string() && alike).then_some(dt.num)
    }

    /// The loop with all operands of one type.
    fn uniform_loop(&self, num: TypeNum) -> Resolve<usize> {
        let nargs = self.uf.nargs();
        self.uf
            .loops
            .iter()
            .position(|l| {
                l.dtypes.is_none() && l.def.types.len() == nargs && l.def.types.iter().all(|&t| t == num)
            })
            .ok_or(ResolveError::NoLoop)
    }

    fn uniform(&self) -> Resolve<usize> {
        match self.uniform_type()? {
            Some(t) => self.uniform_loop(t),
            None => self.linear(),
        }
    }

    /// The one type of all operands; `None` where the loops have to be searched.
    fn uniform_type(&self) -> Resolve<Option<TypeNum>> {
        if self.any_input(|t| t.is_object() || t.is_user()) {
            return Ok(None);
        }
        if self.has_signature() {
            // One type named for all outputs (and perhaps inputs) fixes everything.
            let mut one = None;
            for i in 0..self.uf.nargs() {
                match (self.sig(i), one) {
                    (None, _) if i < self.nin() => {}
                    (Some(t), None) => one = Some(t),
                    (Some(t), Some(u)) if t == u => {}
                    _ => return Ok(None),
                }
            }
            return Ok(one);
        }
        if self.nin() == 1 {
            return Ok(Some(self.input_num(0)));
        }
        if self.any_input(TypeNum::is_flexible) {
            return Err(ResolveError::NoLoopDtypes(None));
        }
        match self.common() {
            Ok(dt) => Ok(Some(dt.num)),
            Err(e) => Err(self.promotion_failed(e)),
        }
    }

    /// Units that do not go together are their own error, everything else is a missing loop.
    fn promotion_failed(&self, err: Error) -> ResolveError {
        match err {
            Error::Promotion(_) => ResolveError::NoLoop,
            e => ResolveError::Other(e),
        }
    }

    /// Common dtype of all inputs.
    fn common(&self) -> Result<Dtype> {
        let mut strong: Option<Dtype> = None;
        let mut weak: Option<Weak> = None;
        for i in 0..self.nin() {
            match self.input(i) {
                OpType::Is(dt) => {
                    strong = Some(match strong {
                        None => native(dt),
                        Some(s) => promote(&s, dt)?,
                    })
                }
                OpType::Weak(w) => weak = weak.max(Some(w)),
                OpType::Absent => {}
            }
        }
        match (strong, weak) {
            (Some(s), None) => Ok(s),
            (Some(s), Some(w)) => promote_weak(&s, w),
            (None, w) => Ok(Dtype::builtin(w.unwrap_or(Weak::Int).default_type())),
        }
    }

    fn comparison(&self) -> Resolve<usize> {
        if self.any_input(|t| t.is_object() || t.is_user()) {
            return self.linear();
        }
        if self.has_signature() {
            return self.linear();
        }
        let (a, b) = (self.input_num(0), self.input_num(1));
        if a.is_datetime() && b.is_datetime() && a != b {
            return Err(ResolveError::Binary);
        }
        if a.is_flexible() || b.is_flexible() {
            return Err(ResolveError::NoLoop);
        }
        let common = self.common().map_err(|e| self.promotion_failed(e))?.num;
        let types = if a.is_integer() && b.is_integer() && !common.is_integer() {
            if a.is_signed() {
                [TypeNum::LONGLONG, TypeNum::ULONGLONG, TypeNum::BOOL]
            } else {
                [TypeNum::ULONGLONG, TypeNum::LONGLONG, TypeNum::BOOL]
            }
        } else {
            [common, common, TypeNum::BOOL]
        };
        self.uf.find_loop(&types).ok_or(ResolveError::NoLoop)
    }

    /// Whatever has a truth value is cast to it. Objects on one side are objects everywhere, unless the result is asked for as
    /// something else.
    fn logical(&self) -> Resolve<(usize, bool)> {
        let asked = |i: usize| self.sig(i).is_some_and(TypeNum::is_object);
        let object = (0..self.uf.nargs())
            .any(|i| asked(i) || i < self.nin() && self.sig(i).is_none() && self.input_num(i).is_object());
        let open = match self.sig(2) {
            Some(t) if !t.is_object() => TypeNum::BOOL,
            _ if object => TypeNum::OBJECT,
            _ => TypeNum::BOOL,
        };
        let types: PerOp<TypeNum> = (0..self.uf.nargs()).map(|i| self.sig(i).unwrap_or(open)).collect();
        match self.uf.find_loop(&types) {
            Some(index) => Ok((index, self.casts_to_truth(index))),
            None => Ok((self.linear_signature()?, false)),
        }
    }

    /// Whether a loop is that of truth values, to which anything may be cast, and something has to be.
    fn casts_to_truth(&self, index: usize) -> bool {
        self.uf.rule == Rule::Logical
            && self.uf.loops[index].def.types.iter().all(|t| t.is_bool())
            && self.any_input(|t| !t.is_bool())
    }

    fn arithmetic(&self) -> Resolve<usize> {
        use TypeNum as T;
        let rule = self.uf.rule;
        let (a, b) = (self.input_num(0), self.input_num(1));
        let whole = |t: T| t.is_integer() || t.is_bool();
        if !a.is_datetime() && !b.is_datetime() {
            return match rule {
                Rule::Add if a.is_flexible() && b.is_flexible() && a != b && a != T::VOID && b != T::VOID => {
                    Err(ResolveError::Binary)
                }
                Rule::Add | Rule::Multiply => self.uniform(),
                Rule::Subtract => {
                    let one = self.uniform_type()?;
                    if one.is_some_and(TypeNum::is_bool) {
                        return Err(ResolveError::Other(Error::type_(
                            "numpy boolean subtract, the `-` operator, is not supported, use the bitwise_xor, the \
                             `^` operator, or the logical_xor function instead.",
                        )));
                    }
                    one.map_or_else(|| self.linear(), |t| self.uniform_loop(t))
                }
                Rule::TrueDivide if !self.has_signature() && whole(a) && whole(b) => {
                    self.uniform_loop(T::DOUBLE)
                }
                _ => self.linear(),
            };
        }
        if matches!(rule, Rule::TrueDivide | Rule::FloorDivide) && (a.is_object() || b.is_object()) {
            return self.linear();
        }
        let (m, mm) = (T::TIMEDELTA, T::DATETIME);
        let real = |t: T| t.is_float();
        let types: &[T] = match rule {
            Rule::Add => match (a, b) {
                (T::TIMEDELTA, T::DATETIME) => &[m, mm, mm],
                (T::DATETIME, T::TIMEDELTA) => &[mm, m, mm],
                (T::TIMEDELTA, x) | (x, T::TIMEDELTA) if x == m || whole(x) => &[m, m, m],
                (T::DATETIME, x) if whole(x) => &[mm, m, mm],
                (x, T::DATETIME) if whole(x) => &[m, mm, mm],
                _ => &[],
            },
            Rule::Subtract => match (a, b) {
                (T::DATETIME, T::DATETIME) => &[mm, mm, m],
                (T::DATETIME, x) if x == m || whole(x) => &[mm, m, mm],
                (T::TIMEDELTA, x) | (x, T::TIMEDELTA) if x == m || whole(x) => &[m, m, m],
                _ => &[],
            },
            Rule::Multiply => match (a, b) {
                (T::TIMEDELTA, x) if whole(x) => &[m, T::LONGLONG, m],
                (T::TIMEDELTA, x) if real(x) => &[m, T::DOUBLE, m],
                (x, T::TIMEDELTA) if whole(x) => &[T::LONGLONG, m, m],
                (x, T::TIMEDELTA) if real(x) => &[T::DOUBLE, m, m],
                _ => &[],
            },
            Rule::TrueDivide | Rule::FloorDivide => match (a, b) {
                (T::TIMEDELTA, T::TIMEDELTA) if rule == Rule::TrueDivide => &[m, m, T::DOUBLE],
                (T::TIMEDELTA, T::TIMEDELTA) => &[m, m, T::LONGLONG],
                (T::TIMEDELTA, x) if x.is_integer() => &[m, T::LONGLONG, m],
                (T::TIMEDELTA, x) if real(x) => &[m, T::DOUBLE, m],
                _ => &[],
            },
            Rule::Remainder if a == m && b == m => &[m, m, m],
            Rule::Divmod if a == m && b == m => &[m, m, T::LONGLONG, m],
            _ => &[],
        };
        if types.is_empty() {
            return Err(ResolveError::Binary);
        }
        self.uf.find_loop(types).ok_or(ResolveError::NoLoop)
    }

    /// The first loop all inputs can be safely cast to.
    fn linear(&self) -> Resolve<usize> {
        // Loops that are not listed are only for exactly their types.
        if !self.uf.loops.is_empty() && self.uf.loops.iter().all(|l| !l.listed) {
            return Err(ResolveError::NoLoop);
        }
        if self.has_signature() {
            return self.linear_signature();
        }
        self.scan(&[]).ok_or(ResolveError::NotSupported)
    }

    fn linear_signature(&self) -> Resolve<usize> {
        let (nin, nargs) = (self.nin(), self.uf.nargs());
        let outs = &self.signature[nin..];
        if let Some(i) = self.scan(self.signature) {
            return Ok(i);
        }
        if let Some(Some(t)) = outs.first()
            && outs.iter().all(|s| *s == Some(*t))
        {
            // One type asked for all results is meant for the operands that are left open, too.
            let all: PerOp<Option<TypeNum>> = (0..nargs).map(|i| self.sig(i).or(Some(*t))).collect();
            if let Some(i) = self.scan(&all) {
                return Ok(i);
            }
        }
        Err(ResolveError::NoSignatureLoop)
    }

    /// First loop that has the wanted types and whose other inputs take the operands safely.
    fn scan(&self, wanted: &[Option<TypeNum>]) -> Option<usize> {
        let nin = self.nin();
        let want = |i: usize| wanted.get(i).copied().flatten();
        // Outputs count: what goes to an object may be computed as one.
        let any_object = self.ops.iter().any(|op| matches!(op, OpType::Is(dt) if dt.num.is_object()));
        let inputs: PerOp<OpType<'_>> = (0..nin).map(|i| self.input(i)).collect();
        let lifted = self.lift_weak(&inputs);
        let fits = |types: &[TypeNum], dtypes: Option<&[Dtype]>| {
            // Wanted types first: most loops fail there, and to compare them costs nothing.
            if types.iter().enumerate().any(|(i, t)| want(i).is_some_and(|w| w != *t)) {
                return false;
            }
            for (i, &t) in types.iter().enumerate().take(nin) {
                if want(i).is_some() {
                    continue;
                }
                if t.is_object() && !any_object && self.uf.loops.len() > 1 {
                    return false;
                }
                let exact_dtype = dtypes.map(|d| &d[i]);
                let builtin;
                let to = match exact_dtype {
                    Some(d) => d,
                    None => {
                        builtin = self.typical(t, i);
                        &builtin
                    }
                };
                let ok = match (&lifted[i], inputs[i]) {
                    (Some(dt), _) => can_cast(dt, to, Casting::Safe),
                    (None, OpType::Is(dt)) => can_cast(dt, to, Casting::Safe),
                    (None, OpType::Weak(w)) => weak_can_cast(w, to, Casting::Safe),
                    (None, OpType::Absent) => true,
                };
                if !ok {
                    return false;
                }
            }
            true
        };
        let user = self.any_input(TypeNum::is_user);
        let order = |l: &&super::Loop| l.dtypes.is_some() || l.def.types.iter().any(|t| t.is_user());
        if user {
            // Loops for user types come first, whenever they were registered.
            let hit = self
                .uf
                .loops
                .iter()
                .enumerate()
                .find(|(_, l)| order(l) && fits(&l.def.types, l.dtypes.as_deref()));
            if let Some((i, _)) = hit {
                return Some(i);
            }
        }
        // Those of strings are only for exactly their types.
        self.uf.loops.iter().position(|l| !l.has_strings() && fits(&l.def.types, l.dtypes.as_deref()))
    }

    /// What a loop type means for input `i` when only castability is asked: of dates and times one without a unit, which those
    /// with a unit are not cast to.
    fn typical(&self, t: TypeNum, i: usize) -> Dtype {
        match self.input(i) {
            OpType::Is(dt) if dt.num == t && !t.is_datetime() => native(dt),
            _ => Dtype::builtin(t),
        }
    }

    /// Weak operands of a higher kind than all others, with the dtype they get.
    fn lift_weak(&self, inputs: &[OpType<'_>]) -> PerOp<Option<Dtype>> {
        if self.all_weak() {
            return inputs
                .iter()
                .map(|op| match op {
                    OpType::Weak(w) => Some(Dtype::builtin(w.default_type())),
                    _ => None,
                })
                .collect();
        }
        let mut strong: Option<Dtype> = None;
        for op in inputs {
            if let OpType::Is(dt) = op {
                strong = match strong {
                    None => Some(native(dt)),
                    Some(s) => promote(&s, dt).ok(),
                };
            }
        }
        inputs
            .iter()
            .map(|op| {
                let OpType::Weak(w) = *op else { return None };
                let s = strong.as_ref()?;
                let rank = kind_rank(s.num)?;
                if (w as u8) < rank { None } else { promote_weak(s, w).ok() }
            })
            .collect()
    }

    /// The dtypes of a loop for these operands.
    fn dtypes(&self, index: usize) -> Resolve<PerOp<Dtype>> {
        let l = &self.uf.loops[index];
        if let Some(exact) = &l.dtypes {
            return Ok(exact.iter().cloned().collect());
        }
        if l.def.types.iter().any(|t| t.is_string()) {
            return super::strings::dtypes(self.uf, l, self.ops).map_err(|e| e.late(index));
        }
        let mut unit: Option<Dtype> = None;
        if l.def.types.iter().any(|t| t.is_datetime()) {
            for i in 0..self.nin() {
                if let OpType::Is(dt) = self.input(i)
                    && matches!(dt.body, Body::Datetime(_))
                {
                    unit = Some(match unit {
                        None => native(dt),
                        Some(u) => promote(&u, dt)?,
                    });
                }
            }
        }
        let first_of = |num: TypeNum| {
            (0..self.uf.nargs()).find_map(|i| match self.ops[i] {
                OpType::Is(dt) if dt.num == num => Some(native(dt)),
                _ => None,
            })
        };
        Ok(l.def
            .types
            .iter()
            .enumerate()
            .map(|(i, &t)| {
                if t.is_datetime() {
                    let meta = unit.as_ref().and_then(Dtype::datetime_meta);
                    return meta.map_or_else(|| Dtype::builtin(t), |m| Dtype::datetime(t, m));
                }
                if t.is_flexible() || t.is_user() || t == TypeNum::VSTRING {
                    return match self.ops[i] {
                        OpType::Is(dt) if dt.num == t => native(dt),
                        _ => first_of(t).unwrap_or_else(|| Dtype::builtin(t)),
                    };
                }
                Dtype::builtin(t)
            })
            .collect())
    }
}

#[cfg(test)]
mod tests;
