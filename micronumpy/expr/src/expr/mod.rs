//! Expressions: what is to be computed, typed and shaped, but not computed yet.
//!
//! Making a node asks the object space for the loop, the dtypes and the shape, so that mistakes show where they are made
//! and evaluation has nothing left to decide but how. A node is immutable and shared; a node used twice is computed once
//! wherever both uses end in one loop nest.

mod functions;
mod operators;

use std::sync::Arc;

use micronumpy::array::{broadcast_shapes, normalize_axes};
use micronumpy::dtype::{TypeOrWeak, result_type};
use micronumpy::ufunc::{Ufunc, Weak};
use micronumpy::{ArrayRef, Casting, Dims, Dtype, Error, NdArray, Result, TypeNum, cast};
use smallvec::SmallVec;

use crate::number::{Element, Number};
use crate::typing::{Found, Operand, find_call, find_fold, is_plain, out_of_range, static_name, ufunc};

/// A lazy array expression. Clones are cheap and share their nodes.
///
/// Operators and methods build larger expressions; [`Expr::eval`](crate::Expr::eval) computes. Operators cannot return
/// errors, so a mistake becomes part of the expression and is reported by whoever evaluates it.
///
/// ```
/// use micronumpy_expr::Expr;
/// use ndarray::array;
///
/// let (a, b) = (array![1.0, 4.0, 9.0], array![2.0, 0.0, -1.0]);
/// let r = (Expr::from(&a).sqrt() * 2.0 + Expr::from(&b)).eval_as::<f64>()?;
/// assert_eq!(r, array![4.0, 4.0, 5.0].into_dyn());
/// # Ok::<(), micronumpy::Error>(())
/// ```
#[derive(Clone)]
pub struct Expr<'a>(pub(crate) Arc<Node<'a>>);

pub(crate) struct Node<'a> {
    pub kind: Kind<'a>,
    pub dtype: Dtype,
    pub shape: Dims,
}

pub(crate) enum Kind<'a> {
    Array(Source<'a>),
    Number(Number),
    /// A single element with a dtype of its own.
    Element(Element),
    /// An input whose value comes with each call of a function.
    Argument {
        index: usize,
        weak: Option<Weak>,
    },
    Apply {
        call: Arc<Call<'a>>,
        out: usize,
    },
    Fold(Box<Fold<'a>>),
    /// How many elements of an expression fall on one of its fold.
    Count {
        of: Expr<'a>,
        axes: Axes,
    },
    Failed(Error),
}

/// An array somebody keeps alive.
pub(crate) enum Source<'a> {
    Owned(NdArray),
    Borrowed(Box<Borrowed<'a>>),
}

pub(crate) struct Borrowed<'a> {
    data: *mut u8,
    shape: Dims,
    strides: Dims,
    dtype: Dtype,
    keep: std::marker::PhantomData<&'a ()>,
}

// SAFETY: expressions only read elements, and whoever made them promised that nobody writes meanwhile.
unsafe impl Send for Source<'_> {}
// SAFETY: as above.
unsafe impl Sync for Source<'_> {}

impl Source<'_> {
    pub fn view(&self) -> ArrayRef<'_> {
        match self {
            Source::Owned(arr) => arr.view(),
            // SAFETY: whoever made the expression promised that for its lifetime, see `Expr::from_ref`.
            Source::Borrowed(b) => unsafe { ArrayRef::new(b.data, &b.shape, &b.strides, &b.dtype) },
        }
    }
}

/// An elementwise call; its results are the nodes that name it.
pub(crate) struct Call<'a> {
    pub op: CallOp,
    pub args: SmallVec<[Expr<'a>; 3]>,
    pub found: Found,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CallOp {
    Ufunc(&'static str),
    Cast,
    /// A cast that is part of the call before it, as those to an output are: what it raises is that call's status.
    Written,
    /// A cast of an operand on its way into a call, which no array ever holds.
    Operand,
    Where,
}

/// Which axes are folded.
pub(crate) type Axes = SmallVec<[bool; 8]>;

pub(crate) struct Fold<'a> {
    pub name: &'static str,
    pub arg: Expr<'a>,
    pub found: Found,
    pub axes: Axes,
    pub keepdims: bool,
}

/// Long chains are taken apart link by link: the stack is too short to do it by recursion.
impl Drop for Node<'_> {
    fn drop(&mut self) {
        fn operands<'a>(kind: &mut Kind<'a>, todo: &mut Vec<Expr<'a>>) {
            match std::mem::replace(kind, Kind::Number(Number::Int(0))) {
                Kind::Apply { call, .. } => {
                    todo.extend(Arc::into_inner(call).into_iter().flat_map(|c| c.args))
                }
                Kind::Fold(fold) => todo.push(fold.arg),
                Kind::Count { of, .. } => todo.push(of),
                _ => {}
            }
        }
        let mut todo = vec![];
        operands(&mut self.kind, &mut todo);
        while let Some(e) = todo.pop() {
            if let Some(mut node) = Arc::into_inner(e.0) {
                operands(&mut node.kind, &mut todo);
            }
        }
    }
}

impl<'a> Expr<'a> {
    pub(crate) fn new(kind: Kind<'a>, dtype: Dtype, shape: Dims) -> Expr<'a> {
        Expr(Arc::new(Node { kind, dtype, shape }))
    }
    /// An expression that is nothing but a mistake.
    pub fn failed(e: Error) -> Expr<'a> {
        Expr::new(Kind::Failed(e), Dtype::bool(), Dims::new())
    }
    pub fn dtype(&self) -> &Dtype {
        &self.0.dtype
    }
    pub fn shape(&self) -> &[isize] {
        &self.0.shape
    }
    pub fn ndim(&self) -> usize {
        self.0.shape.len()
    }
    /// The mistake made while building this, if there is one.
    ///
    /// # Errors
    /// That mistake.
    pub fn check(&self) -> Result<()> {
        match &self.0.kind {
            Kind::Failed(e) => Err(e.clone()),
            _ => Ok(()),
        }
    }

    /// An array as an expression.
    ///
    /// # Errors
    /// Dtypes expressions do not work on: everything but numbers, booleans and dates.
    pub fn array(arr: NdArray) -> Result<Expr<'a>> {
        check_plain(&arr.dtype)?;
        let (dtype, shape) = (arr.dtype.clone(), Dims::from_slice(&arr.shape));
        Ok(Expr::new(Kind::Array(Source::Owned(arr)), dtype, shape))
    }
    /// An array somebody else owns.
    ///
    /// # Errors
    /// As [`Expr::array`].
    ///
    /// # Safety
    /// The elements stay valid for reading, and are written by nobody else while an evaluation runs, during `'a`.
    pub unsafe fn from_ref(arr: &ArrayRef<'_>) -> Result<Expr<'a>> {
        check_plain(arr.dtype)?;
        let source = Borrowed {
            data: arr.data,
            shape: Dims::from_slice(arr.shape),
            strides: Dims::from_slice(arr.strides),
            dtype: arr.dtype.clone(),
            keep: std::marker::PhantomData,
        };
        Ok(Expr::new(
            Kind::Array(Source::Borrowed(Box::new(source))),
            arr.dtype.clone(),
            Dims::from_slice(arr.shape),
        ))
    }
    /// A number that adapts to the other operand, as Python's own numbers do.
    pub fn number(n: Number) -> Expr<'a> {
        Expr::new(Kind::Number(n), Dtype::builtin(n.kind().default_type()), Dims::new())
    }
    /// A number with a dtype of its own, as numpy's scalars have.
    ///
    /// # Errors
    /// A number the dtype cannot hold.
    pub fn scalar(n: Number, dtype: &Dtype) -> Result<Expr<'a>> {
        check_plain(dtype)?;
        Ok(Expr::new(Kind::Element(n.to_element(dtype)?), dtype.clone(), Dims::new()))
    }
    /// The element of a native dtype at an address, as a number with that dtype.
    ///
    /// # Errors
    /// As [`Expr::array`].
    ///
    /// # Safety
    /// An element is readable there.
    pub unsafe fn element(p: *const u8, dtype: &Dtype) -> Result<Expr<'a>> {
        check_plain(dtype)?;
        // SAFETY: the caller's promise.
        let value = unsafe { Element::read(p, dtype.itemsize) };
        Ok(Expr::new(Kind::Element(value), dtype.clone(), Dims::new()))
    }
    /// Input number `index` of a [`Function`](crate::Function): an array of this dtype. The shape is an example; only
    /// its length counts later.
    ///
    /// # Errors
    /// As [`Expr::array`].
    pub fn argument(index: usize, dtype: &Dtype, shape: &[isize]) -> Result<Expr<'a>> {
        check_plain(dtype)?;
        Ok(Expr::new(Kind::Argument { index, weak: None }, dtype.clone(), Dims::from_slice(shape)))
    }
    /// Input number `index` of a [`Function`](crate::Function): a number without a dtype.
    pub fn number_argument(index: usize, kind: Weak) -> Expr<'a> {
        let dtype = Dtype::builtin(kind.default_type());
        Expr::new(Kind::Argument { index, weak: Some(kind) }, dtype, Dims::new())
    }

    fn operand(&self) -> Operand<'_> {
        match &self.0.kind {
            Kind::Number(n) => Operand::Number(*n),
            Kind::Argument { weak: Some(w), .. } => Operand::Weak(*w),
            _ => Operand::Is(&self.0.dtype),
        }
    }
    /// Whether this is a number without a dtype.
    pub fn is_weak(&self) -> bool {
        self.operand().weak().is_some()
    }

    /// A call of an elementwise ufunc with one result.
    ///
    /// # Errors
    /// An unknown ufunc, operands it has no loop for, shapes that do not broadcast.
    pub fn ufunc(name: &str, args: &[Expr<'a>]) -> Result<Expr<'a>> {
        let uf = ufunc(name)?;
        if uf.nout != 1 {
            return Err(Error::type_(format!("'{name}' has {} results", uf.nout)));
        }
        let call = Arc::new(typed_call(uf, args)?);
        result(&call, 0)
    }
    /// A call of an elementwise ufunc with any number of results.
    ///
    /// # Errors
    /// As [`Expr::ufunc`].
    pub fn ufunc_results(name: &str, args: &[Expr<'a>]) -> Result<Vec<Expr<'a>>> {
        let uf = ufunc(name)?;
        let call = Arc::new(typed_call(uf, args)?);
        (0..uf.nout).map(|i| result(&call, i)).collect()
    }
    /// `x` where the condition is true, `y` elsewhere.
    ///
    /// # Errors
    /// Dtypes or shapes that do not go together.
    pub fn where_(condition: &Expr<'a>, x: &Expr<'a>, y: &Expr<'a>) -> Result<Expr<'a>> {
        let args = [condition.clone(), x.clone(), y.clone()];
        args.iter().try_for_each(Expr::check)?;
        let kind = |e: &'_ Expr<'a>| e.operand().weak();
        let (xd, yd) = (&x.0.dtype, &y.0.dtype);
        let of = |w: Option<Weak>, dt| match w {
            None => TypeOrWeak::Dtype(dt),
            Some(Weak::Int) => TypeOrWeak::Int,
            Some(Weak::Float) => TypeOrWeak::Float,
            Some(Weak::Complex) => TypeOrWeak::Complex,
        };
        let dtype = result_type(&[of(kind(x), xd), of(kind(y), yd)])?;
        check_plain(&dtype)?;
        let dtypes = [Dtype::bool(), dtype.clone(), dtype.clone(), dtype].into_iter().collect();
        let def = crate::exec::select::select_loop(&dtypes)?;
        let call = Arc::new(Call {
            op: CallOp::Where,
            args: args.into_iter().collect(),
            found: Found { def, dtypes },
        });
        result(&call, 0)
    }
    /// The elements cast to another dtype, whatever is lost.
    ///
    /// # Errors
    /// There is no such cast.
    pub fn astype(&self, dtype: &Dtype) -> Result<Expr<'a>> {
        self.check()?;
        check_plain(dtype)?;
        if !cast::can_cast(&self.0.dtype, dtype, Casting::Unsafe) {
            return Err(Error::type_(format!("Cannot cast from {:?} to {:?}", self.0.dtype.num, dtype.num)));
        }
        self.cast_as(CallOp::Cast, dtype)
    }
    pub(crate) fn cast_as(&self, op: CallOp, dtype: &Dtype) -> Result<Expr<'a>> {
        let native = micronumpy::ufunc::resolve::native(dtype);
        let from = micronumpy::ufunc::resolve::native(&self.0.dtype);
        let found =
            Found { def: crate::exec::select::no_loop(), dtypes: [from, native].into_iter().collect() };
        let call = Arc::new(Call { op, args: [self.clone()].into_iter().collect(), found });
        result(&call, 0)
    }
    /// The fold of a binary ufunc along axes (all of them, if `None`), as the ufunc's `reduce` method.
    ///
    /// # Errors
    /// Ufuncs or dtypes without a fold, wrong axes, empty axes folded without an identity (at evaluation).
    pub fn reduce(&self, name: &str, axes: Option<&[isize]>, keepdims: bool) -> Result<Expr<'a>> {
        self.reduce_in(name, axes, keepdims, None)
    }
    /// The same in a type of the caller's choice.
    ///
    /// # Errors
    /// As [`Expr::reduce`].
    pub fn reduce_in(
        &self,
        name: &str,
        axes: Option<&[isize]>,
        keepdims: bool,
        dtype: Option<TypeNum>,
    ) -> Result<Expr<'a>> {
        self.check()?;
        let uf = ufunc(name)?;
        if uf.nin != 2 || uf.nout != 1 {
            return Err(Error::value("reduce only supported for binary functions"));
        }
        let found = find_fold(uf, &self.0.dtype, dtype)?;
        let axes = self.axes(axes)?;
        if uf.identity == ufuncs::Identity::None && axes.iter().filter(|&&f| f).count() > 1 {
            return Err(Error::value(format!(
                "reduction operation '{name}' is not reorderable, so at most one axis may be specified"
            )));
        }
        let shape = folded_shape(&self.0.shape, &axes, keepdims);
        let dtype = found.dtypes[2].clone();
        let fold = Fold { name: static_name(uf), arg: self.clone(), found, axes, keepdims };
        Ok(Expr::new(Kind::Fold(Box::new(fold)), dtype, shape))
    }
    fn axes(&self, axes: Option<&[isize]>) -> Result<Axes> {
        let ndim = self.ndim();
        Ok(match axes {
            None => Axes::from_elem(true, ndim),
            Some(axes) => Axes::from_slice(&normalize_axes(axes, ndim)?[..ndim]),
        })
    }
    /// The number of elements folded into one, as an integer with numpy's dtype for counts.
    pub(crate) fn count(&self, axes: Option<&[isize]>) -> Result<Expr<'a>> {
        let axes = self.axes(axes)?;
        Ok(Expr::new(Kind::Count { of: self.clone(), axes }, Dtype::intp(), Dims::new()))
    }
}

/// The shape of a fold's result.
pub(crate) fn folded_shape(shape: &[isize], axes: &[bool], keepdims: bool) -> Dims {
    let kept = shape.iter().zip(axes).filter(|(_, f)| keepdims || !**f);
    kept.map(|(&n, &f)| if f { 1 } else { n }).collect()
}

fn check_plain(dt: &Dtype) -> Result<()> {
    if is_plain(dt) {
        Ok(())
    } else {
        Err(Error::missing(format!("an expression over elements of type {:?}", dt.num)))
    }
}

fn typed_call<'a>(uf: &'static Ufunc, args: &[Expr<'a>]) -> Result<Call<'a>> {
    args.iter().try_for_each(Expr::check)?;
    let mut args: SmallVec<[Expr<'a>; 3]> = args.iter().cloned().collect();
    for i in 0..args.len() {
        let infinity = {
            let ops: SmallVec<[Operand<'_>; 3]> = args.iter().map(Expr::operand).collect();
            out_of_range(uf, &ops, i)
        };
        if let Some(e) = infinity {
            args[i] = Expr::new(Kind::Element(e), Dtype::float64(), Dims::new());
        }
    }
    let found = {
        let ops: SmallVec<[Operand<'_>; 3]> = args.iter().map(Expr::operand).collect();
        find_call(uf, &ops)?
    };
    // A number that does not fit the type it gets is a mistake now, not later.
    for (arg, dt) in args.iter().zip(&found.dtypes) {
        if let Kind::Number(n) = &arg.0.kind {
            n.to_element(dt)?;
        }
    }
    Ok(Call { op: CallOp::Ufunc(static_name(uf)), args, found })
}

fn result<'a>(call: &Arc<Call<'a>>, out: usize) -> Result<Expr<'a>> {
    let shapes: SmallVec<[&[isize]; 3]> = call.args.iter().map(|e| e.shape()).collect();
    let shape = broadcast_shapes(&shapes)?;
    let dtype = call.found.dtypes[call.args.len() + out].clone();
    Ok(Expr::new(Kind::Apply { call: call.clone(), out }, dtype, shape))
}

impl std::fmt::Debug for Expr<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0.kind {
            Kind::Array(_) => write!(f, "array{:?}", &self.0.shape[..]),
            Kind::Number(n) => write!(f, "{n:?}"),
            Kind::Element(_) => write!(f, "scalar({:?})", self.0.dtype.num),
            Kind::Argument { index, .. } => write!(f, "argument{index}"),
            Kind::Apply { call, .. } => {
                match call.op {
                    CallOp::Ufunc(name) => f.write_str(name)?,
                    CallOp::Cast | CallOp::Written | CallOp::Operand => {
                        write!(f, "astype<{:?}>", self.0.dtype.num)?
                    }
                    CallOp::Where => f.write_str("where")?,
                }
                f.debug_list().entries(&call.args).finish()
            }
            Kind::Fold(fold) => write!(f, "{}.reduce[{:?}]", fold.name, fold.arg),
            Kind::Count { .. } => f.write_str("count"),
            Kind::Failed(e) => write!(f, "error({e})"),
        }
    }
}
