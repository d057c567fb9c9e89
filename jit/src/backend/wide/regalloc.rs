//! Register allocation for straight-line code.
//!
//! One pass from top to bottom. When registers run out, the value whose next use is farthest away is put on the stack
//! (Belady's rule, optimal for loads when code has no branches). Invariants have a home in memory from the start: they
//! are used from there where an instruction takes a memory operand, and fetched for one instruction where it does not,
//! unless the caller has set registers aside for them.
//!
//! Registers are numbered from 0, lowest first, so that the highest number used tells how many copies of the body fit
//! beside each other. Carried values have the first ones.

use iced_x86::{Code, OpCodeOperandKind};

use super::Level;
use super::isa::{self, Length};
use super::program::*;

/// A register: of the block that belongs to each copy of the body, or one set aside for an invariant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reg {
    Block(u8),
    Pinned(u8),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operand {
    Reg(Reg),
    Mem(Mem),
    Scratch,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Under2 {
    All,
    Reg(Reg),
    Tail,
}

/// An instruction with registers.
#[derive(Clone, Copy, Debug)]
pub struct Placed {
    pub code: Code,
    pub operands: [Option<Operand>; 4],
    pub imm: Option<u8>,
    pub under: Under2,
    pub zeroing: bool,
}

#[derive(Clone, Copy, Debug)]
pub enum Step {
    Op(Placed),
    Pseudo(Pseudo),
}

/// The result: code, and what it takes.
#[derive(Debug)]
pub struct Allocation {
    pub steps: Vec<Step>,
    pub ends: Vec<usize>,
    /// Registers of a block, by class.
    pub vectors: usize,
    pub masks: usize,
    pub spills: usize,
}

/// How many registers there are, and which invariants have one.
pub struct Budget<'a> {
    pub level: Level,
    pub vectors: usize,
    pub masks: usize,
    pub pinned: &'a dyn Fn(InvId) -> Option<u8>,
}

const NEVER: usize = usize::MAX;

struct Allocator<'a> {
    program: &'a Program,
    invariants: &'a Invariants,
    budget: &'a Budget<'a>,
    /// Where each virtual register is used, last use first.
    uses: Vec<Vec<usize>>,
    reg: Vec<Option<u8>>,
    slot: Vec<Option<u32>>,
    /// Who has each register, by class.
    owner: [Vec<Option<VReg>>; 2],
    /// Taken by an invariant or a value of the current instruction.
    busy: [Vec<bool>; 2],
    peak: [usize; 2],
    spills: u32,
    steps: Vec<Step>,
}

fn class_index(class: Class) -> usize {
    match class {
        Class::Vector => 0,
        Class::Mask => 1,
    }
}

/// Assign registers; `None` if one instruction needs more than there are.
pub fn allocate(program: &Program, invariants: &Invariants, budget: &Budget<'_>) -> Option<Allocation> {
    let mut uses = vec![vec![]; program.classes.len()];
    for (_, next) in &program.carried {
        uses[next.0 as usize].push(NEVER - 1);
    }
    for (i, ins) in program.ins.iter().enumerate().rev() {
        if let Ins::Op(op) = ins {
            for_each_source(op, |src| {
                if let Src::Reg(v) = src {
                    uses[v.0 as usize].push(i);
                }
            });
        }
    }
    let sizes = [budget.vectors, budget.masks];
    let mut a = Allocator {
        program,
        invariants,
        budget,
        uses,
        reg: vec![None; program.classes.len()],
        slot: vec![None; program.classes.len()],
        owner: sizes.map(|n| vec![None; n]),
        busy: sizes.map(|n| vec![false; n]),
        peak: [0; 2],
        spills: 0,
        steps: vec![],
    };
    // A carried value keeps its register: the loop ends by moving the next value there.
    let mut homes = vec![];
    for &(param, _) in &program.carried {
        let r = a.take(class_index(program.classes[param.0 as usize]))?;
        a.give(param, r);
        a.busy[class_index(program.classes[param.0 as usize])][usize::from(r)] = true;
        homes.push(r);
    }
    let fixed = a.busy.clone();
    let mut ends = vec![];
    let mut groups = program.ends.iter().copied().peekable();
    for (i, ins) in program.ins.iter().enumerate() {
        match ins {
            Ins::Pseudo(p) => a.steps.push(Step::Pseudo(*p)),
            Ins::Op(op) => {
                a.busy.clone_from(&fixed);
                a.op(i, op)?;
            }
        }
        while groups.next_if(|&end| end == i + 1).is_some() {
            ends.push(a.steps.len());
        }
    }
    for (&(_, next), &home) in program.carried.iter().zip(&homes) {
        a.busy.clone_from(&fixed);
        let class = program.classes[next.0 as usize];
        let r = a.source(next)?;
        a.steps.push(Step::Op(a.copy(class, Operand::Reg(Reg::Block(home)), Operand::Reg(Reg::Block(r)))));
    }
    if ends.last() != Some(&a.steps.len()) {
        ends.push(a.steps.len());
    }
    Some(Allocation { steps: a.steps, ends, vectors: a.peak[0], masks: a.peak[1], spills: a.spills as usize })
}

fn for_each_source(op: &Op, mut f: impl FnMut(Src)) {
    op.src.into_iter().for_each(&mut f);
    if let Under::Mask(src) = op.under {
        f(src);
    }
}

/// Whether an operand of an instruction may be a vector in memory.
fn takes_memory(code: Code, operand: usize) -> bool {
    matches!(
        code.op_code().op_kind(operand as u32),
        OpCodeOperandKind::xmm_or_mem | OpCodeOperandKind::ymm_or_mem | OpCodeOperandKind::zmm_or_mem
    )
}

impl Allocator<'_> {
    fn next_use(&self, v: VReg) -> usize {
        self.uses[v.0 as usize].last().copied().unwrap_or(NEVER)
    }
    fn class(&self, v: VReg) -> Class {
        self.program.classes[v.0 as usize]
    }
    fn give(&mut self, v: VReg, r: u8) {
        self.owner[class_index(self.class(v))][usize::from(r)] = Some(v);
        self.reg[v.0 as usize] = Some(r);
    }
    fn release(&mut self, v: VReg) {
        if let Some(r) = self.reg[v.0 as usize].take() {
            self.owner[class_index(self.class(v))][usize::from(r)] = None;
        }
    }

    /// A register nobody needs now; it is busy from here on until the next instruction.
    fn take(&mut self, class: usize) -> Option<u8> {
        let free =
            (0..self.owner[class].len()).find(|&r| self.owner[class][r].is_none() && !self.busy[class][r]);
        let r = match free {
            Some(r) => r,
            None => {
                let (r, v) = (0..self.owner[class].len())
                    .filter(|&r| !self.busy[class][r])
                    .filter_map(|r| Some((r, self.owner[class][r]?)))
                    .max_by_key(|&(_, v)| self.next_use(v))?;
                self.put_away(v, r as u8);
                r
            }
        };
        self.busy[class][r] = true;
        self.peak[class] = self.peak[class].max(r + 1);
        Some(r as u8)
    }
    fn put_away(&mut self, v: VReg, r: u8) {
        if self.slot[v.0 as usize].is_none() {
            self.slot[v.0 as usize] = Some(self.spills);
            let mem = Operand::Mem(Mem::Spill(self.spills));
            self.spills += 1;
            self.steps.push(Step::Op(self.copy(self.class(v), mem, Operand::Reg(Reg::Block(r)))));
        }
        self.release(v);
    }
    /// A whole register to another or to memory or back.
    fn copy(&self, class: Class, to: Operand, from: Operand) -> Placed {
        let full = match self.budget.level {
            Level::Avx2 => Length::Ymm,
            Level::Avx512 => Length::Zmm,
        };
        let row = if matches!(to, Operand::Mem(_)) { isa::STORE } else { isa::LOAD };
        let code = match (class, to, from) {
            (Class::Vector, ..) => {
                row.code(self.budget.level, full).expect("both levels move whole registers")
            }
            (Class::Mask, Operand::Mem(_), _) => Code::VEX_Kmovq_m64_kr,
            (Class::Mask, ..) => Code::VEX_Kmovq_kr_km64,
        };
        Placed {
            code,
            operands: [Some(to), Some(from), None, None],
            imm: None,
            under: Under2::All,
            zeroing: false,
        }
    }
    /// The register of a value, fetched back if it was put away. It stays for this instruction.
    fn source(&mut self, v: VReg) -> Option<u8> {
        let class = class_index(self.class(v));
        let r = match self.reg[v.0 as usize] {
            Some(r) => r,
            None => {
                let slot = self.slot[v.0 as usize].expect("a value is in a register or was put away");
                let r = self.take(class)?;
                self.give(v, r);
                let load =
                    self.copy(self.class(v), Operand::Reg(Reg::Block(r)), Operand::Mem(Mem::Spill(slot)));
                self.steps.push(Step::Op(load));
                r
            }
        };
        self.busy[class][usize::from(r)] = true;
        Some(r)
    }
    /// An invariant in a register of its own or one that is free after this instruction.
    fn fetch(&mut self, inv: InvId) -> Option<Reg> {
        if let Some(r) = (self.budget.pinned)(inv) {
            return Some(Reg::Pinned(r));
        }
        let class = self.invariants.get(inv).class();
        let r = self.take(class_index(class))?;
        let load = self.copy(class, Operand::Reg(Reg::Block(r)), Operand::Mem(Mem::Home(inv)));
        self.steps.push(Step::Op(load));
        Some(Reg::Block(r))
    }

    fn op(&mut self, at: usize, op: &Op) -> Option<()> {
        let encoded = if op.tied { 1 } else { 0 };
        let before = usize::from(op.dst.is_some() && !op.tied);
        // Sources that are encoded, in registers or memory.
        let mut operands = vec![];
        for (i, src) in op.src.iter().enumerate().skip(encoded) {
            operands.push(match *src {
                Src::None => continue,
                Src::Reg(v) => Operand::Reg(Reg::Block(self.source(v)?)),
                Src::Mem(mem) => Operand::Mem(mem),
                Src::Scratch => Operand::Scratch,
                Src::Inv(inv) => match (self.budget.pinned)(inv) {
                    Some(r) => Operand::Reg(Reg::Pinned(r)),
                    None if takes_memory(op.code, before + i) => Operand::Mem(Mem::Home(inv)),
                    None => Operand::Reg(self.fetch(inv)?),
                },
            });
        }
        let under = match op.under {
            Under::All => Under2::All,
            Under::Tail => Under2::Tail,
            Under::Mask(Src::Inv(inv)) => Under2::Reg(self.fetch(inv)?),
            Under::Mask(Src::Reg(v)) => Under2::Reg(Reg::Block(self.source(v)?)),
            Under::Mask(other) => unreachable!("{other:?} is no mask"),
        };
        let first = if op.tied { op.src[0] } else { Src::None };
        if let Src::Reg(v) = first {
            self.source(v)?;
        }
        for_each_source(op, |src| {
            if let Src::Reg(v) = src {
                let uses = &mut self.uses[v.0 as usize];
                uses.pop_if(|&mut i| i == at);
            }
        });
        let dies = |a: &Self, v: VReg| {
            a.next_use(v) == NEVER && !a.program.carried.iter().any(|&(param, _)| param == v)
        };
        let mut dead = vec![];
        for_each_source(op, |src| {
            if let Src::Reg(v) = src {
                if dies(self, v) && !dead.contains(&v) {
                    dead.push(v);
                }
            }
        });
        let mut dst = None;
        if let Some(v) = op.dst {
            let class = self.class(v);
            let r = match first {
                Src::None => {
                    // Sources are read before the destination is written, so it may take the place of a dead one.
                    for &d in &dead {
                        if let Some(r) = self.reg[d.0 as usize] {
                            self.busy[class_index(self.class(d))][usize::from(r)] = false;
                        }
                        self.release(d);
                    }
                    self.take(class_index(class))?
                }
                // The first source's register, if the value ends here and is not read as another source as well.
                Src::Reg(s) if dead.contains(&s) && !op.src[1..].contains(&Src::Reg(s)) => {
                    let r = self.reg[s.0 as usize].expect("a source has a register");
                    self.release(s);
                    r
                }
                Src::Reg(s) => {
                    let from = self.reg[s.0 as usize].expect("a source has a register");
                    let r = self.take(class_index(class))?;
                    let copy = self.copy(class, Operand::Reg(Reg::Block(r)), Operand::Reg(Reg::Block(from)));
                    self.steps.push(Step::Op(copy));
                    r
                }
                Src::Inv(inv) => {
                    let r = self.take(class_index(class))?;
                    let from = match (self.budget.pinned)(inv) {
                        Some(r) => Operand::Reg(Reg::Pinned(r)),
                        None => Operand::Mem(Mem::Home(inv)),
                    };
                    self.steps.push(Step::Op(self.copy(class, Operand::Reg(Reg::Block(r)), from)));
                    r
                }
                other => unreachable!("{other:?} cannot be overwritten"),
            };
            dead.iter().for_each(|&d| self.release(d));
            self.give(v, r);
            dst = Some(Operand::Reg(Reg::Block(r)));
            if self.next_use(v) == NEVER {
                self.release(v);
            }
        } else {
            dead.iter().for_each(|&d| self.release(d));
        }
        let mut all = dst.into_iter().chain(operands);
        let operands = std::array::from_fn(|_| all.next());
        self.steps.push(Step::Op(Placed {
            code: op.code,
            operands,
            imm: op.imm,
            under,
            zeroing: op.zeroing,
        }));
        Some(())
    }
}
