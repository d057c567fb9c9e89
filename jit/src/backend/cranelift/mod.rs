//! The back end for everything: Cranelift, 128-bit vectors, x86-64 and aarch64.
//!
//! A trace is structured SSA and so is Cranelift's input, so lowering is one walk (`lower`). What takes thought is that
//! Cranelift has one width of vectors and gaps in what it does with them. Wide vectors become several registers and
//! narrow ones are repeated to fill one (`vector`); an operation a processor lacks becomes others, or one per lane
//! (`arith`, `convert`, by the answers of `isa`). Cranelift never gets to see what it would refuse.
//!
//! Code depends on nothing but the addresses of the functions a trace calls, so it can run anywhere in memory.

mod arith;
mod calls;
mod convert;
pub mod isa;
mod lower;
mod memory;
#[cfg(test)]
mod tests;
mod vector;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_frontend::FunctionBuilderContext;

use super::{Backend, Code, Unsupported, disassemble};
use crate::ir::Trace;
use crate::{log, vec};
use isa::{Arch, Isa};

/// Makes code with Cranelift.
pub struct Cranelift {
    isa: Arc<Isa>,
}

struct Scratch {
    context: Context,
    builder: FunctionBuilderContext,
}

impl Scratch {
    fn new() -> Scratch {
        Scratch { context: Context::new(), builder: FunctionBuilderContext::new() }
    }
}

thread_local! {
    /// Cranelift's tables, kept from one compilation to the next.
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::new());
}

impl Cranelift {
    /// For this machine; `None` if there is no code for its architecture.
    pub fn host() -> Option<Cranelift> {
        Isa::host().map(|isa| Cranelift { isa })
    }
    /// For some machine.
    pub fn new(isa: Isa) -> Cranelift {
        Cranelift { isa: Arc::new(isa) }
    }
    pub fn isa(&self) -> &Isa {
        &self.isa
    }
    /// The machine code: a function as described at [`Trace`], without relocations. It wants to stand at a multiple of 16.
    ///
    /// # Errors
    /// Why there is none.
    pub fn emit(&self, tr: &Trace) -> Result<Vec<u8>, Unsupported> {
        self.generate(tr, false).map(|(bytes, _)| bytes)
    }
    fn generate(&self, tr: &Trace, text: bool) -> Result<(Vec<u8>, String), Unsupported> {
        // A panic is a mistake in here or in Cranelift, and no reason to take the host down with us.
        let result = catch_unwind(AssertUnwindSafe(|| {
            SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
                Ok(mut scratch) => self.generate_in(&mut scratch, tr, text),
                Err(_) => Err(Unsupported::new("the compiler was called from itself")),
            })
        }))
        .unwrap_or_else(|payload| {
            SCRATCH.set(Scratch::new());
            let what = payload.downcast_ref::<String>().map(String::as_str);
            let what = what.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message");
            Err(Unsupported::new(format!("the compiler panicked: {what}")))
        });
        if let Err(e) = &result {
            log::write(log::Section::Abort, &tr.name, &format_args!("cranelift, {}: {e}", self.isa.name()));
        }
        result
    }

    fn generate_in(
        &self,
        scratch: &mut Scratch,
        tr: &Trace,
        text: bool,
    ) -> Result<(Vec<u8>, String), Unsupported> {
        let Scratch { context, builder } = scratch;
        context.clear();
        if let Err(e) = lower::lower(tr, &self.isa, &mut context.func, builder) {
            // What is half done is in it.
            *builder = FunctionBuilderContext::new();
            return Err(e);
        }
        context.set_disasm(text);
        let code = context
            .compile(&*self.isa.target, &mut ControlPlane::default())
            .map_err(|e| Unsupported::new(format!("Cranelift: {}", e.inner)))?;
        if let Some(reloc) = code.buffer.relocs().first() {
            return Err(Unsupported::new(format!("the code refers to {:?}", reloc.target)));
        }
        Ok((code.code_buffer().to_vec(), code.vcode.clone().unwrap_or_default()))
    }
}

impl Backend for Cranelift {
    fn name(&self) -> &'static str {
        "cranelift"
    }
    fn prepare(&self, tr: &mut Trace) {
        vec::vectorise(tr, vec::Target::CRANELIFT);
    }
    fn compile(&self, tr: &Trace) -> Result<Code, Unsupported> {
        if !self.isa.runs_here() {
            return Err(Unsupported::new(format!("this machine does not run {}", self.isa.name())));
        }
        let bytes = self.emit(tr)?;
        // SAFETY: `lower` makes functions of this type, for an instruction set this machine has.
        unsafe { Code::machine(&bytes) }.map_err(|e| Unsupported::new(format!("no executable memory: {e}")))
    }
    fn listing(&self, tr: &Trace) -> Result<String, Unsupported> {
        match self.isa.arch() {
            Arch::X86 => Ok(disassemble::x86(&self.emit(tr)?)),
            Arch::Arm => self.generate(tr, true).map(|(_, text)| text),
        }
    }
}
