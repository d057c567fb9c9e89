//! Arrays of the crate `ndarray`, in and out.

use micronumpy::{ArrayRef, Dims, Dtype, Error, Result, TypeNum};
use ndarray::{ArrayBase, ArrayD, Data, Dimension, IxDyn};
use num_complex::Complex;

use crate::expr::Expr;
use crate::options::Options;

mod sealed {
    pub trait Sealed {}
}

/// Rust types that are elements of arrays.
pub trait Scalar: sealed::Sealed + Copy + 'static {
    const NUM: TypeNum;
}

macro_rules! scalars {
    ($($t:ty = $num:ident),*) => {$(
        impl sealed::Sealed for $t {}
        impl Scalar for $t {
            const NUM: TypeNum = TypeNum::$num;
        }
    )*};
}
scalars! {
    bool = BOOL, i8 = BYTE, u8 = UBYTE, i16 = SHORT, u16 = USHORT, i32 = INT, u32 = UINT, i64 = LONG, u64 = ULONG,
    f32 = FLOAT, f64 = DOUBLE, Complex<f32> = CFLOAT, Complex<f64> = CDOUBLE
}

/// Borrows the array.
impl<'a, T: Scalar, S: Data<Elem = T>, D: Dimension> From<&'a ArrayBase<S, D>> for Expr<'a> {
    fn from(arr: &'a ArrayBase<S, D>) -> Expr<'a> {
        let dtype = Dtype::builtin(T::NUM);
        let shape: Dims = arr.shape().iter().map(|&n| n as isize).collect();
        let strides: Dims = arr.strides().iter().map(|&s| s * size_of::<T>() as isize).collect();
        // SAFETY: the array is borrowed for as long as the expression lives, its elements are what shape and strides say,
        // and expressions only read them.
        let e = unsafe {
            Expr::from_ref(&ArrayRef::new(arr.as_ptr().cast::<u8>().cast_mut(), &shape, &strides, &dtype))
        };
        e.unwrap_or_else(Expr::failed)
    }
}

impl Expr<'_> {
    /// Compute it as an array of `ndarray`, in C order.
    ///
    /// # Errors
    /// As [`Expr::eval`]; elements of another type.
    pub fn eval_as<T: Scalar>(&self) -> Result<ArrayD<T>> {
        self.check()?;
        if self.dtype().num != T::NUM {
            return Err(Error::type_(format!(
                "the expression has elements of type {:?}, not {:?}",
                self.dtype().num,
                T::NUM
            )));
        }
        let shape: Vec<usize> = self.shape().iter().map(|&n| n as usize).collect();
        let mut out = ArrayD::<T>::uninit(IxDyn(&shape));
        let strides: Dims = out.strides().iter().map(|&s| s * size_of::<T>() as isize).collect();
        let dtype = Dtype::builtin(T::NUM);
        // SAFETY: the memory of a fresh array, all of which is written (unless there was an error, when it is dropped
        // without being looked at: elements have no destructors).
        unsafe {
            let view = ArrayRef::new(out.as_mut_ptr().cast(), self.shape(), &strides, &dtype);
            self.eval_into(&view, &Options::default())?;
            Ok(out.assume_init())
        }
    }
}
