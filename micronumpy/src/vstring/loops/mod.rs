//! Ufunc loops over variable-width strings: which there are, the dtypes they work on, and the way to run one.
//!
//! What an operation does is written once, in `ufuncs::strings`, for strings of any storage; here elements are taken apart
//! for it ([`shared`]), and what has to be faster works on bytes ([`direct`]). What becomes of missing values is a rule per
//! loop ([`missing`]).

mod direct;
mod missing;
mod promotions;
mod shared;

use std::sync::Arc;

use smallvec::SmallVec;
use ufuncs::strings::build::{
    Both, Center, ExpandTabs, LJust, Left, PartitionAt, RJust, Replace, Right, Slice, StripChars, StripSpace,
    ZFill,
};
use ufuncs::strings::compare::{Equal, Greater, GreaterEqual, Less, LessEqual, NotEqual};
use ufuncs::strings::inspect::{
    Count, EndsWith, Find, Index, IsAlnum, IsAlpha, IsDecimal, IsDigit, IsLower, IsNumeric, IsSpace, IsTitle,
    IsUpper, RFind, RIndex, StartsWith,
};

use super::{Locked, Strings, common, effective};
use crate::dtype::{Dtype, TypeNum};
use crate::error::{Error, Result};
use crate::iter::PerOp;
use missing::Rule;
pub use promotions::{PROMOTIONS, Promotion};
use shared::{text, value};

type Run = unsafe fn(&Call, &[*mut u8], usize, &[isize]) -> Result<()>;

/// A loop of a ufunc.
pub struct StringLoop {
    pub ufunc: &'static str,
    pub nin: usize,
    /// Inputs, then outputs.
    pub types: &'static [TypeNum],
    run: Run,
    missing: Rule,
}

/// A loop with the dtypes of one call.
pub struct Call {
    pub(super) def: &'static StringLoop,
    instances: SmallVec<[Option<Arc<Strings>>; 6]>,
}

impl StringLoop {
    /// What the loop works on, given the operands (outputs may be missing).
    ///
    /// # Errors
    /// Strings with different missing values; outputs of loops that make their own.
    pub fn resolve(&self, given: &[Option<Dtype>]) -> Result<PerOp<Dtype>> {
        let (ins, outs) = given.split_at(self.nin.min(given.len()));
        let strings = || ins.iter().flatten().filter_map(Dtype::as_strings).map(|s| &**s);
        let (na, coerce) = common(strings())?;
        if matches!(self.ufunc, "_partition" | "_rpartition" | "_slice") && outs.iter().any(Option::is_some) {
            return Err(Error::type_(format!(
                "The StringDType '{}' ufunc does not currently support the 'out' keyword",
                self.ufunc
            )));
        }
        let fresh = |num: TypeNum| match num {
            TypeNum::VSTRING => Dtype::strings(Strings::new(na.clone(), coerce)),
            num => Dtype::builtin(num),
        };
        Ok(given
            .iter()
            .zip(self.types)
            .map(|(d, &num)| match d {
                Some(d) if d.num == num => d.with_byteorder(b'='),
                _ => fresh(num),
            })
            .collect())
    }
    /// The loop for these dtypes, which [`StringLoop::resolve`] gave.
    pub fn bind(&'static self, dtypes: &[Dtype]) -> Call {
        Call { def: self, instances: dtypes.iter().map(|d| d.as_strings().cloned()).collect() }
    }
}

impl Call {
    /// Run the loop.
    ///
    /// # Errors
    /// Missing values where there may be none, what the operation refuses, memory.
    ///
    /// # Safety
    /// `n` elements per operand at these strides, of the dtypes the call was made for; outputs coincide with inputs element
    /// by element or do not overlap them.
    pub unsafe fn run(&self, data: &[*mut u8], n: usize, strides: &[isize]) -> Result<()> {
        if self.instances.iter().zip(self.def.types).any(|(s, &t)| s.is_none() && t == TypeNum::VSTRING) {
            return Err(Error::type_("a string dtype without an instance"));
        }
        // SAFETY: the caller's promise.
        unsafe { (self.def.run)(self, data, n, strides) }
    }
    fn nin(&self) -> usize {
        self.def.nin
    }
    fn lock(&self) -> Locked<'_> {
        let all: SmallVec<[Option<&Arc<Strings>>; 6]> = self.instances.iter().map(|s| s.as_ref()).collect();
        Locked::new(&all)
    }
    /// The instance whose missing values count.
    fn effective(&self) -> Option<&Strings> {
        effective(self.instances[..self.nin()].iter().flatten().map(|s| &**s))
    }
}

const T: TypeNum = TypeNum::VSTRING;
const L: TypeNum = TypeNum::LONG;
const Q: TypeNum = TypeNum::ULONG;
const B: TypeNum = TypeNum::BOOL;

macro_rules! loops {
    ($($ufunc:literal [$($input:ident)*] [$($output:ident)*] $missing:path, $run:expr;)*) => {
        &[$(StringLoop {
            ufunc: $ufunc,
            nin: [$($input),*].len(),
            types: &[$($input,)* $($output),*],
            run: $run,
            missing: $missing,
        }),*]
    };
}

/// All loops.
pub static LOOPS: &[StringLoop] = loops! {
    "equal" [T T] [B] missing::text, direct::compare::<Equal>;
    "not_equal" [T T] [B] missing::text, direct::compare::<NotEqual>;
    "less" [T T] [B] missing::text, direct::compare::<Less>;
    "less_equal" [T T] [B] missing::text, direct::compare::<LessEqual>;
    "greater" [T T] [B] missing::text, direct::compare::<Greater>;
    "greater_equal" [T T] [B] missing::text, direct::compare::<GreaterEqual>;
    "minimum" [T T] [T] missing::text, direct::extreme::<false>;
    "maximum" [T T] [T] missing::text, direct::extreme::<true>;
    "isnan" [T] [B] missing::text, direct::is_nan;
    "add" [T T] [T] missing::add, direct::add;
    "multiply" [T L] [T] missing::multiply, direct::multiply::<0>;
    "multiply" [L T] [T] missing::multiply, direct::multiply::<1>;
    "multiply" [T Q] [T] missing::multiply, direct::multiply::<0>;
    "multiply" [Q T] [T] missing::multiply, direct::multiply::<1>;
    "str_len" [T] [L] missing::length, direct::length;
    "isalpha" [T] [B] missing::test, value::<IsAlpha>;
    "isdecimal" [T] [B] missing::test, value::<IsDecimal>;
    "isdigit" [T] [B] missing::test, value::<IsDigit>;
    "isnumeric" [T] [B] missing::test, value::<IsNumeric>;
    "isspace" [T] [B] missing::test, value::<IsSpace>;
    "isalnum" [T] [B] missing::test, value::<IsAlnum>;
    "istitle" [T] [B] missing::test, value::<IsTitle>;
    "isupper" [T] [B] missing::test, value::<IsUpper>;
    "islower" [T] [B] missing::test, value::<IsLower>;
    "find" [T T L L] [L] missing::search, value::<Find>;
    "rfind" [T T L L] [L] missing::search, value::<RFind>;
    "index" [T T L L] [L] missing::search, value::<Index>;
    "rindex" [T T L L] [L] missing::search, value::<RIndex>;
    "count" [T T L L] [L] missing::search, value::<Count>;
    "startswith" [T T L L] [B] missing::affix, value::<StartsWith>;
    "endswith" [T T L L] [B] missing::affix, value::<EndsWith>;
    "_lstrip_whitespace" [T] [T] missing::strip, text::<StripSpace<Left>>;
    "_rstrip_whitespace" [T] [T] missing::strip, text::<StripSpace<Right>>;
    "_strip_whitespace" [T] [T] missing::strip, text::<StripSpace<Both>>;
    "_lstrip_chars" [T T] [T] missing::strip, text::<StripChars<Left>>;
    "_rstrip_chars" [T T] [T] missing::strip, text::<StripChars<Right>>;
    "_strip_chars" [T T] [T] missing::strip, text::<StripChars<Both>>;
    "_replace" [T T T L] [T] missing::replace, text::<Replace>;
    "_expandtabs" [T L] [T] missing::expandtabs, text::<ExpandTabs>;
    "_center" [T L T] [T] missing::pad, text::<Center>;
    "_ljust" [T L T] [T] missing::pad, text::<LJust>;
    "_rjust" [T L T] [T] missing::pad, text::<RJust>;
    "_zfill" [T L] [T] missing::zfill, text::<ZFill>;
    "_partition" [T T] [T T T] missing::partition, text::<PartitionAt<false>>;
    "_rpartition" [T T] [T T T] missing::partition, text::<PartitionAt<true>>;
    "_slice" [T L L L] [T] missing::slice, text::<Slice>;
};

#[cfg(test)]
mod tests;
