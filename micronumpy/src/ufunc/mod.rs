//! Universal functions: which loop a call runs, and running it over arrays.
//!
//! ```text
//! operand types, signature --resolve--> loop + its dtypes --exec / reduce / gufunc--> kernel calls
//! ```
//!
//! `resolve` knows numpy's promotion rules, `exec` elementwise calls, `reduce` the methods that fold along axes, `gufunc`
//! loops with core dimensions. Nothing here knows who made a loop: a kernel of the crate `ufuncs`, a loop over host
//! objects and a loop somebody registered at run time are all a [`Loop`].

pub mod core_dims;
pub mod exec;
mod grouped;
pub mod gufunc;
pub mod reduce;
pub mod resolve;
mod rules;
mod strings;

use std::borrow::Cow;
use std::ffi::c_void;
use std::sync::Arc;

use ufuncs::strings::SHARED_LOOPS;
use ufuncs::{
    CoreDimsFn, FoldFn, Identity, LoopContext, LoopDef, LoopFlags, LoopFn, LoopInfo, TypeNum, UfuncDef,
};

pub use core_dims::CoreSignature;
pub use resolve::{OpType, Resolution, ResolveError, Weak, resolve};
pub use rules::Rule;

use crate::dtype::Dtype;
use crate::error::{Error, Result};
use crate::iter::PerOp;

/// A loop a ufunc can run.
#[derive(Clone)]
pub struct Loop {
    pub def: LoopDef,
    /// Loops over types whose structure matters (a structured dtype, say) name them exactly.
    pub dtypes: Option<Arc<[Dtype]>>,
    /// Whether the ufunc's list of types shows it.
    pub listed: bool,
}

impl Loop {
    pub fn has_dates(&self) -> bool {
        self.def.types.iter().any(|t| t.is_datetime())
    }
    pub fn has_strings(&self) -> bool {
        self.def.types.iter().any(|t| t.is_string() || *t == TypeNum::VSTRING)
    }
}

impl From<LoopDef> for Loop {
    fn from(def: LoopDef) -> Loop {
        Loop { def, dtypes: None, listed: true }
    }
}

/// A universal function.
pub struct Ufunc {
    pub name: Cow<'static, str>,
    pub nin: usize,
    pub nout: usize,
    pub identity: Identity,
    pub core: Option<CoreSignature>,
    /// Fills in core dimensions that follow from others.
    pub core_dims: Option<CoreDimsFn>,
    pub rule: Rule,
    /// In resolution order: the table's rows, then what the host adds.
    pub loops: Vec<Loop>,
}

impl Ufunc {
    /// The ufunc a table row describes.
    ///
    /// # Errors
    /// A malformed core signature.
    pub fn from_def(def: &'static UfuncDef) -> Result<Ufunc> {
        let core = match def.signature {
            Some(s) => Some(CoreSignature::parse(s, def.nin, def.nout)?),
            None => None,
        };
        let mut loops: Vec<Loop> = def.loops.iter().cloned().map(Loop::from).collect();
        for (_, rows) in SHARED_LOOPS.iter().filter(|(name, _)| *name == def.name) {
            loops.extend(rows.iter().map(|row| Loop { listed: false, ..Loop::from(row.clone()) }));
        }
        Ok(Ufunc {
            name: Cow::Borrowed(def.name),
            nin: def.nin,
            nout: def.nout,
            identity: def.identity,
            core,
            core_dims: def.core_dims,
            rule: Rule::of(def.name),
            loops,
        })
    }
    /// A ufunc of strings. Its list of types stays empty: numpy's has none of the string loops.
    ///
    /// # Errors
    /// A malformed core signature.
    pub fn from_string_def(def: &'static UfuncDef) -> Result<Ufunc> {
        let mut uf = Ufunc::from_def(def)?;
        uf.rule = Rule::Strings;
        uf.loops.iter_mut().for_each(|l| l.listed = false);
        Ok(uf)
    }
    /// A ufunc without loops, to be filled by the host.
    ///
    /// # Errors
    /// A malformed core signature.
    pub fn new(
        name: String,
        nin: usize,
        nout: usize,
        identity: Identity,
        signature: Option<&str>,
    ) -> Result<Ufunc> {
        let core = match signature {
            Some(s) => Some(CoreSignature::parse(s, nin, nout)?),
            None => None,
        };
        Ok(Ufunc {
            name: Cow::Owned(name),
            nin,
            nout,
            identity,
            core,
            core_dims: None,
            rule: Rule::Linear,
            loops: vec![],
        })
    }
    pub fn nargs(&self) -> usize {
        self.nin + self.nout
    }
    /// The loop for exactly these types.
    pub fn find_loop(&self, types: &[TypeNum]) -> Option<usize> {
        self.loops.iter().position(|l| l.dtypes.is_none() && *l.def.types == *types)
    }
}

/// A loop bound to the dtypes of one call, ready to run.
pub struct BoundLoop<'a> {
    pub func: LoopFn,
    pub aux: *mut c_void,
    pub flags: LoopFlags,
    /// Many reductions at once.
    pub fold: Option<FoldFn>,
    /// Number of inputs.
    pub nin: usize,
    /// What the loop works on, inputs then outputs; always native byte order.
    pub dtypes: &'a [Dtype],
    itemsizes: PerOp<usize>,
    /// Handed to loops that call back into the host: the ufunc object, the method, its descriptors.
    pub host: HostContext,
}

/// Opaque pointers a host wants its own loops to see.
#[derive(Clone, Copy)]
pub struct HostContext {
    pub caller: *mut c_void,
    pub method: *mut c_void,
    pub descriptors: *const *const c_void,
    pub flags: u64,
    pub parameters: *mut c_void,
}

impl HostContext {
    pub const NONE: HostContext = HostContext {
        caller: std::ptr::null_mut(),
        method: std::ptr::null_mut(),
        descriptors: std::ptr::null(),
        flags: 0,
        parameters: std::ptr::null_mut(),
    };
}

impl<'a> BoundLoop<'a> {
    pub fn new(def: &LoopDef, nin: usize, dtypes: &'a [Dtype], host: HostContext) -> BoundLoop<'a> {
        BoundLoop {
            func: def.func,
            aux: def.aux,
            flags: def.flags,
            fold: def.fold,
            nin,
            dtypes,
            itemsizes: dtypes.iter().map(|d| d.itemsize).collect(),
            host,
        }
    }
    /// Whether the floating-point status the kernel leaves means nothing.
    pub fn is_quiet(&self) -> bool {
        self.flags.contains(ufuncs::LoopFlags::NO_FP_ERRORS)
    }
    /// The floating-point status after a call between casts, given what casts have raised `before` it.
    pub fn settle_status(&self, before: u32) {
        let cleared = self.flags.contains(ufuncs::LoopFlags::CLEARS_FP);
        if cleared || self.is_quiet() {
            ufuncs::fpstatus::clear();
        }
        if !cleared && self.is_quiet() {
            // Only the status of the casts means something.
            ufuncs::fpstatus::raise(before);
        }
    }
    /// Run the kernel once.
    ///
    /// # Safety
    /// `data`, `dims` and `strides` describe valid operands as the loop contract of `ufuncs::abi` demands.
    ///
    /// # Errors
    /// What the loop reported.
    #[inline]
    pub unsafe fn call(&self, data: &[*mut u8], dims: &[isize], strides: &[isize]) -> Result<()> {
        let info = LoopInfo { itemsizes: self.itemsizes.as_ptr() };
        let ctx = LoopContext {
            caller: self.host.caller,
            method: self.host.method,
            descriptors: self.host.descriptors,
            info: &info,
            flags: self.host.flags,
            parameters: self.host.parameters,
        };
        // SAFETY: the caller's promise.
        let code = unsafe { (self.func)(&ctx, data.as_ptr(), dims.as_ptr(), strides.as_ptr(), self.aux) };
        loop_status(code)
    }
    /// Whether this loop may run on elements at any address.
    pub fn takes_unaligned(&self) -> bool {
        self.flags.contains(LoopFlags::UNALIGNED)
    }
}

/// What a loop's return value means.
///
/// # Errors
/// Anything but 0 is one.
#[inline]
pub fn loop_status(code: i32) -> Result<()> {
    use ufuncs::abi;
    Err(match code {
        0 => return Ok(()),
        abi::NEGATIVE_POWER => Error::value("Integers to negative integer powers are not allowed."),
        abi::SUBSTRING_NOT_FOUND => Error::value("substring not found"),
        abi::EMPTY_SEPARATOR => Error::value("empty separator"),
        abi::REPEAT_OVERFLOW => Error::Overflow("Overflow detected in string multiply".into()),
        abi::STRING_TOO_LONG => Error::Overflow("new string is too long".into()),
        abi::ZERO_STEP => Error::value("slice step cannot be zero"),
        abi::NO_MEMORY => Error::Memory { shape: vec![], dtype: Dtype::builtin(TypeNum::BYTE) },
        _ => Error::Host,
    })
}
