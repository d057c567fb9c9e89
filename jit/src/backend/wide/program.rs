//! Vector code before registers are assigned: single machine instructions on virtual registers.
//!
//! A loop's body is selected once, for one group of lanes. It is emitted several times, with other registers and other
//! offsets, so nothing in here depends on which copy it is.

use iced_x86::Code;

use crate::ir::{Scalar, Value};

/// A virtual register. Each is written by one instruction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct VReg(pub u32);

/// A value that is the same in all lanes and iterations: where it is kept, see [`Invariant`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct InvId(pub u32);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    Vector,
    /// A mask register, on AVX-512 machines.
    Mask,
}

/// A memory operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mem {
    /// What a site reads or writes, for the first lane of the group, and the lane it starts at.
    Site(u32, u32),
    /// The address in the scratch register.
    Scratch,
    /// Room for one vector on the stack.
    Buffer,
    /// The stack home of an invariant.
    Home(InvId),
    /// Where register allocation puts a vector away.
    Spill(u32),
    /// The lanes of a carried value, from one of its bytes on: which value, which copy of the body.
    Carried { number: u32, copy: u32, byte: u32 },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Src {
    None,
    Reg(VReg),
    Inv(InvId),
    Mem(Mem),
    /// The scratch general register.
    Scratch,
}

/// The mask an instruction is executed under.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Under {
    All,
    Mask(Src),
    /// The lanes that are left in the last, incomplete group.
    Tail,
}

/// What is not an instruction on vectors. All work on the scratch register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pseudo {
    /// The counter of the group's first lane.
    Counter,
    /// How many iterations are left.
    Remaining,
    /// The address of a site's first lane.
    Start(u32),
    /// One stride further.
    Advance(u32),
    /// The remaining elements of a site into the buffer.
    CopyIn(u32),
    /// The remaining elements from the buffer to a site.
    CopyOut(u32),
}

/// One machine instruction: operands in the order of its encoding.
#[derive(Clone, Copy, Debug)]
pub struct Op {
    pub code: Code,
    pub dst: Option<VReg>,
    pub src: [Src; 3],
    pub imm: Option<u8>,
    pub under: Under,
    /// Lanes outside the mask become 0 instead of staying.
    pub zeroing: bool,
    /// The destination is also the first source, which is not encoded.
    pub tied: bool,
}

#[derive(Clone, Copy, Debug)]
pub enum Ins {
    Op(Op),
    Pseudo(Pseudo),
}

/// What an invariant is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Invariant {
    /// 64 bytes in the constant pool.
    Pattern([u8; 64]),
    /// A parameter.
    Param { slot: u32, scalar: Scalar, class: Class },
    /// Computed before the loop.
    Setup { value: Value, class: Class },
}

impl Invariant {
    pub fn class(&self) -> Class {
        match *self {
            Invariant::Pattern(_) => Class::Vector,
            Invariant::Param { class, .. } | Invariant::Setup { class, .. } => class,
        }
    }
}

/// All invariants of a kernel.
#[derive(Default, Debug)]
pub struct Invariants {
    pub list: Vec<Invariant>,
}

impl Invariants {
    pub fn intern(&mut self, inv: Invariant) -> InvId {
        let at = self.list.iter().position(|i| *i == inv).unwrap_or_else(|| {
            self.list.push(inv);
            self.list.len() - 1
        });
        InvId(at as u32)
    }
    pub fn get(&self, id: InvId) -> &Invariant {
        &self.list[id.0 as usize]
    }
}

/// Straight-line code for one group of lanes.
#[derive(Default, Debug)]
pub struct Program {
    pub ins: Vec<Ins>,
    /// Where each source instruction's code ends. Copies of the body are interleaved at these places.
    pub ends: Vec<usize>,
    pub classes: Vec<Class>,
    /// Registers that live through the whole loop, read at its start; and those with their next values, at its end.
    pub carried: Vec<(VReg, VReg)>,
}
