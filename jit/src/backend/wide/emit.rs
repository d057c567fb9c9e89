//! From placed instructions to a function: frame, addresses, loops, exit.
//!
//! ```text
//! prologue      addresses, constants and parameters into registers or stack homes; setup code
//! main loop     several groups an iteration, as long as that many are left
//! group loop    one group an iteration
//! tail          the rest, if any
//! epilogue      carried values to scalars, values of the exit to slots
//! ```
//!
//! Registers: `rdi` slots, `rsi` constant pool, `rax` counter, `rdx` iterations left, `r10` and `r11` scratch, `rcx` the
//! counter of copying loops; the others hold pointers, in the order the body uses them, and the stack the pointers that
//! find no register.

use iced_x86::{Code, MemoryOperand, Register};

use super::super::Unsupported;
use super::Level;
use super::asm::{Arg, Assembler, Label, mem, mem_index};
use super::isa::{self, Length, Row};
use super::plan::Plan;
use super::program::*;
use super::regalloc::{Allocation, Operand, Placed, Reg, Step, Under2};
use super::shape::{Kernel, Walk};
use crate::ir::{Addr, Binary, Inst, Scalar, Stride, Value};

const SLOTS: Register = Register::RDI;
const POOL: Register = Register::RSI;
const COUNTER: Register = Register::RAX;
const LEFT: Register = Register::RDX;
const SCRATCH: Register = Register::R10;
const SECOND: Register = Register::R11;
const COPIED: Register = Register::RCX;
const POINTERS: [Register; 7] =
    [Register::R8, Register::R9, Register::RBX, Register::R12, Register::R13, Register::R14, Register::R15];
/// How many of those a function may use without saving them.
const FREE_POINTERS: usize = 2;
/// The mask of the tail.
const TAIL_MASK: u8 = 7;
/// A larger frame could step over the guard page below the stack.
const MAX_FRAME: usize = 4032;

/// Where things are in the frame, as distances from its lower end, and in the pool.
struct Frame {
    homes: Vec<Home>,
    pool: Vec<[u8; 64]>,
    spills: usize,
    carried: usize,
    pointers: usize,
    general: usize,
    exit: usize,
    size: usize,
}

#[derive(Clone, Copy)]
enum Home {
    Pool(usize),
    Stack(usize),
}

impl Frame {
    fn new(kernel: &Kernel<'_>, plan: &Plan) -> Frame {
        // The buffer is at the lower end.
        let mut at = 64;
        let mut room = |bytes: usize| {
            at += bytes;
            at - bytes
        };
        let mut pool = vec![];
        let homes = plan
            .invariants
            .list
            .iter()
            .map(|inv| match inv {
                Invariant::Pattern(bytes) => {
                    pool.push(*bytes);
                    Home::Pool(64 * (pool.len() - 1))
                }
                _ => Home::Stack(room(64)),
            })
            .collect();
        let most = [&plan.setup, &plan.full, &plan.tail, &plan.finish].map(|a| a.spills).into_iter().max();
        let spills = room(64 * most.unwrap_or(0));
        // Upper halves are read from the middle on.
        let carried = room(64 * kernel.carried.len() * plan.copies + 64);
        let pointers = room(8 * kernel.pointers.len());
        let general = room(8 * kernel.general.len());
        let exit = room(8 * kernel.tr.snapshot(kernel.exit).values.len());
        Frame { homes, pool, spills, carried, pointers, general, exit, size: at.next_multiple_of(64) }
    }
}

pub struct Emitter<'a> {
    kernel: &'a Kernel<'a>,
    level: Level,
    plan: &'a Plan,
    frame: Frame,
    a: Assembler,
    /// The register of each pointer that has one.
    registers: Vec<Option<Register>>,
    saved: Vec<Register>,
    error: Option<Unsupported>,
}

/// The machine code of a kernel.
///
/// # Errors
/// When distances or the frame are too large.
pub fn emit(kernel: &Kernel<'_>, level: Level, plan: &Plan) -> Result<Vec<u8>, Unsupported> {
    let frame = Frame::new(kernel, plan);
    if frame.size > MAX_FRAME {
        return Err(Unsupported::new("needs too much of the stack"));
    }
    let mut order: Vec<usize> = vec![];
    for id in &kernel.body {
        if let Some(&site) = kernel.site_of.get(id) {
            let pointer = kernel.sites[site].pointer;
            if !order.contains(&pointer) {
                order.push(pointer);
            }
        }
    }
    let mut registers = vec![None; kernel.pointers.len()];
    for (&pointer, &r) in order.iter().zip(&POINTERS) {
        registers[pointer] = Some(r);
    }
    let saved = POINTERS[..order.len().min(POINTERS.len())].iter().copied().skip(FREE_POINTERS).collect();
    let mut e = Emitter { kernel, level, plan, frame, a: Assembler::new(), registers, saved, error: None };
    e.function();
    if let Some(e) = e.error {
        return Err(e);
    }
    e.a.finish().map_err(|e| Unsupported::new(format!("an instruction does not encode: {e}")))
}

impl Emitter<'_> {
    fn function(&mut self) {
        let pool = self.a.label();
        self.enter();
        if !self.frame.pool.is_empty() {
            self.a.address(POOL, pool);
        }
        self.general_values();
        self.load_value(COUNTER, self.kernel.range.start);
        self.load_value(LEFT, self.kernel.range.end);
        for pointer in 0..self.kernel.pointers.len() {
            self.pointer(pointer);
        }
        self.parameters();
        let plan = self.plan;
        self.code(&plan.setup, 1);
        self.spread_setup();
        self.fetch_pinned();
        self.start_carried();
        self.loops();
        self.exit_values();
        self.leave();
        if !self.frame.pool.is_empty() {
            self.a.align(64);
            self.a.bind(pool);
            let bytes = self.frame.pool.concat();
            self.a.bytes(&bytes);
        }
    }

    fn enter(&mut self) {
        self.a.reg(Code::Push_r64, Register::RBP);
        self.a.reg_reg(Code::Mov_r64_rm64, Register::RBP, Register::RSP);
        for &r in &self.saved {
            self.a.reg(Code::Push_r64, r);
        }
        self.a.reg_imm(Code::Sub_rm64_imm32, Register::RSP, self.frame.size as i64);
        self.a.reg_imm(Code::And_rm64_imm8, Register::RSP, -64);
    }
    fn leave(&mut self) {
        self.a.reg_imm(Code::Mov_r32_imm32, Register::EAX, self.kernel.exit.index() as i64);
        self.a.bare(Code::VEX_Vzeroupper);
        let below = mem(Register::RBP, -8 * self.saved.len() as i32);
        self.a.reg_mem(Code::Lea_r64_m, Register::RSP, below);
        for &r in self.saved.iter().rev() {
            self.a.reg(Code::Pop_r64, r);
        }
        self.a.reg(Code::Pop_r64, Register::RBP);
        self.a.bare(Code::Retnq);
    }

    // General values.

    fn stack(&self, at: usize) -> MemoryOperand {
        mem(Register::RSP, at as i32)
    }
    /// Where a general value that is not a constant is in memory.
    fn general_home(&self, v: Value) -> MemoryOperand {
        let tr = self.kernel.tr;
        if let Some(slot) = tr.params().iter().position(|&p| p == v) {
            return mem(SLOTS, 8 * slot as i32);
        }
        let number = self.kernel.general.iter().position(|&g| g == v).expect("chosen as a general value");
        self.stack(self.frame.general + 8 * number)
    }
    fn load_value(&mut self, to: Register, v: Value) {
        match self.kernel.tr.as_const(v) {
            Some(c) => self.a.constant(to, c.bits),
            None => {
                let home = self.general_home(v);
                self.a.reg_mem(Code::Mov_r64_rm64, to, home);
            }
        }
    }
    fn general_values(&mut self) {
        let kernel = self.kernel;
        for &v in &kernel.general {
            match kernel.tr.def_inst(v) {
                None | Some(Inst::Const(_)) => continue,
                Some(Inst::Lea(Addr { base, index, disp })) => self.affine(*base, *index, *disp),
                Some(&Inst::Binary(op, x, y)) => {
                    self.load_value(SCRATCH, x);
                    self.load_value(SECOND, y);
                    let code = match op {
                        Binary::Add => Code::Add_r64_rm64,
                        Binary::Sub => Code::Sub_r64_rm64,
                        _ => Code::Imul_r64_rm64,
                    };
                    self.a.reg_reg(code, SCRATCH, SECOND);
                }
                Some(_) => unreachable!("not chosen as a general value"),
            }
            let home = self.general_home(v);
            self.a.mem_reg(Code::Mov_rm64_r64, home, SCRATCH);
        }
    }
    /// An address in the scratch register.
    fn affine(&mut self, base: Value, index: Option<(Value, Stride)>, disp: i32) {
        match index {
            None => self.load_value(SCRATCH, base),
            Some((i, stride)) => {
                self.load_value(SCRATCH, i);
                self.times(stride);
                self.load_value(SECOND, base);
                self.a.reg_reg(Code::Add_r64_rm64, SCRATCH, SECOND);
            }
        }
        if disp != 0 {
            self.a.add_imm(SCRATCH, disp);
        }
    }
    /// Multiply the scratch register by a stride.
    fn times(&mut self, stride: Stride) {
        match stride {
            Stride::Const(s) => self.a.constant(SECOND, s as u64),
            Stride::Value(v) => self.load_value(SECOND, v),
        }
        self.a.reg_reg(Code::Imul_r64_rm64, SCRATCH, SECOND);
    }
    fn pointer_home(&self, pointer: usize) -> MemoryOperand {
        self.stack(self.frame.pointers + 8 * pointer)
    }
    /// A pointer's value at the start of the loop.
    fn pointer(&mut self, number: usize) {
        let pointer = self.kernel.pointers[number];
        match pointer.walk {
            Walk::Index => self.load_value(SCRATCH, pointer.base),
            Walk::Fixed(index) => self.affine(pointer.base, index, 0),
            Walk::Step(stride) => self.affine(pointer.base, Some((self.kernel.range.start, stride)), 0),
        }
        match self.registers[number] {
            Some(r) => self.a.reg_reg(Code::Mov_r64_rm64, r, SCRATCH),
            None => {
                let home = self.pointer_home(number);
                self.a.mem_reg(Code::Mov_rm64_r64, home, SCRATCH);
            }
        }
    }
    /// A register that holds a pointer; the second scratch register if it has none.
    fn pointer_register(&mut self, number: usize) -> Register {
        if let Some(r) = self.registers[number] {
            return r;
        }
        let home = self.pointer_home(number);
        self.a.reg_mem(Code::Mov_r64_rm64, SECOND, home);
        SECOND
    }
    /// Let the pointers that do not follow the counter go on by so many iterations.
    fn advance_pointers(&mut self, iterations: usize) {
        for number in 0..self.kernel.pointers.len() {
            let Walk::Step(stride) = self.kernel.pointers[number].walk else { continue };
            self.a.constant(SCRATCH, iterations as u64);
            self.times(stride);
            match self.registers[number] {
                Some(r) => self.a.reg_reg(Code::Add_r64_rm64, r, SCRATCH),
                None => {
                    let home = self.pointer_home(number);
                    self.a.mem_reg(Code::Add_rm64_r64, home, SCRATCH);
                }
            }
        }
    }
    /// One stride further in the scratch register.
    fn step(&mut self, stride: Stride) {
        match stride {
            Stride::Const(s) => {
                let s = self.distance(s);
                self.a.add_imm(SCRATCH, s);
            }
            Stride::Value(v) => match self.kernel.tr.as_const(v) {
                Some(c) => {
                    let s = self.distance(c.bits as i64);
                    self.a.add_imm(SCRATCH, s);
                }
                None => {
                    let home = self.general_home(v);
                    self.a.reg_mem(Code::Add_r64_rm64, SCRATCH, home);
                }
            },
        }
    }
    fn distance(&mut self, n: i64) -> i32 {
        i32::try_from(n).unwrap_or_else(|_| {
            self.error.get_or_insert_with(|| Unsupported::new("elements are too far apart"));
            0
        })
    }

    // Vectors.

    fn full(&self) -> Length {
        if self.level == Level::Avx2 { Length::Ymm } else { Length::Zmm }
    }
    fn whole(&mut self, row: Row, args: &[Arg]) {
        let code = row.code(self.level, self.full()).expect("both levels move whole registers");
        self.a.vector(code, args, 0, false);
    }
    fn home(&self, inv: InvId) -> MemoryOperand {
        match self.frame.homes[inv.0 as usize] {
            Home::Pool(at) => mem(POOL, at as i32),
            Home::Stack(at) => self.stack(at),
        }
    }
    /// Parameters into their registers or homes.
    fn parameters(&mut self) {
        for (number, inv) in self.plan.invariants.list.iter().enumerate() {
            let Invariant::Param { slot, scalar, class } = *inv else { continue };
            let id = InvId(number as u32);
            let slot = mem(SLOTS, 8 * slot as i32);
            let home = self.home(id);
            let pinned = self.plan.pinned(id);
            if scalar == Scalar::Bool {
                // All bits of a word, for masks of both kinds.
                self.a.reg_mem(Code::Movzx_r32_rm8, Register::R10D, slot);
                self.a.reg(Code::Neg_rm64, SCRATCH);
                self.a.mem_reg(Code::Mov_rm64_r64, home, SCRATCH);
                if class == Class::Mask {
                    continue;
                }
            }
            let (row, from) = match scalar {
                Scalar::Bool => (isa::BROADCAST_Q, home),
                s => (broadcast(s.size()), slot),
            };
            self.whole(row, &[Arg::Reg(pinned.unwrap_or(0)), Arg::Mem(from)]);
            if pinned.is_none() {
                self.whole(isa::STORE, &[Arg::Mem(home), Arg::Reg(0)]);
            }
        }
    }
    /// What setup code has computed, from lane 0 of its home to all of it.
    fn spread_setup(&mut self) {
        for (number, inv) in self.plan.invariants.list.iter().enumerate() {
            let Invariant::Setup { value, class } = *inv else { continue };
            let home = self.home(InvId(number as u32));
            if class == Class::Mask {
                self.a.reg_mem(Code::Mov_r64_rm64, SCRATCH, home);
                self.a.reg_imm(Code::And_rm64_imm8, SCRATCH, 1);
                self.a.reg(Code::Neg_rm64, SCRATCH);
                self.a.mem_reg(Code::Mov_rm64_r64, home, SCRATCH);
                continue;
            }
            let size = self.kernel.tr.ty(value).scalar.size();
            self.whole(broadcast(size), &[Arg::Reg(0), Arg::Mem(home)]);
            self.whole(isa::STORE, &[Arg::Mem(home), Arg::Reg(0)]);
        }
    }
    fn fetch_pinned(&mut self) {
        for (number, inv) in self.plan.invariants.list.iter().enumerate() {
            let id = InvId(number as u32);
            let Some(r) = self.plan.pinned(id) else { continue };
            if !matches!(inv, Invariant::Param { .. }) {
                let home = self.home(id);
                self.whole(isa::LOAD, &[Arg::Reg(r), Arg::Mem(home)]);
            }
        }
    }

    fn code(&mut self, code: &Allocation, copies: usize) {
        let mut start = 0;
        for &end in &code.ends {
            for copy in 0..copies {
                for step in &code.steps[start..end] {
                    match step {
                        Step::Op(op) => self.op(op, copy),
                        Step::Pseudo(p) => self.pseudo(*p, copy),
                    }
                }
            }
            start = end;
        }
    }
    fn op(&mut self, op: &Placed, copy: usize) {
        let mut args = [Arg::Imm(0); 5];
        let mut n = 0;
        for operand in op.operands.into_iter().flatten() {
            args[n] = match operand {
                Operand::Reg(r) => {
                    let is_mask = is_mask(op.code, n);
                    Arg::Reg(self.register(r, is_mask, copy))
                }
                Operand::Mem(m) => Arg::Mem(self.memory(m, copy)),
                Operand::Scratch => Arg::General(SCRATCH),
            };
            n += 1;
        }
        if let Some(imm) = op.imm {
            args[n] = Arg::Imm(imm);
            n += 1;
        }
        let mask = match op.under {
            Under2::All => 0,
            Under2::Tail => TAIL_MASK,
            Under2::Reg(r) => self.register(r, true, copy),
        };
        self.a.vector(op.code, &args[..n], mask, op.zeroing);
    }
    fn register(&self, r: Reg, is_mask: bool, copy: usize) -> u8 {
        match r {
            Reg::Pinned(n) => n,
            // Mask 0 means none.
            Reg::Block(n) if is_mask => 1 + n + (copy * self.plan.full.masks) as u8,
            Reg::Block(n) => n + (copy * self.plan.full.vectors) as u8,
        }
    }
    fn memory(&mut self, m: Mem, copy: usize) -> MemoryOperand {
        match m {
            Mem::Site(site, lane) => self.site(site as usize, copy, lane as usize),
            Mem::Scratch => mem(SCRATCH, 0),
            Mem::Buffer => self.stack(0),
            Mem::Home(inv) => self.home(inv),
            Mem::Spill(n) => self.stack(self.frame.spills + 64 * n as usize),
            Mem::Carried { number, copy, byte } => {
                let at = number as usize * self.plan.copies + copy as usize;
                self.stack(self.frame.carried + 64 * at + byte as usize)
            }
        }
    }
    fn site(&mut self, number: usize, copy: usize, lane: usize) -> MemoryOperand {
        let site = self.kernel.sites[number];
        let base = self.pointer_register(site.pointer);
        let iteration = (copy * self.kernel.lanes + lane) as i64;
        let ahead = |step: i64| iteration.checked_mul(step).and_then(|n| n.checked_add(i64::from(site.disp)));
        match self.kernel.pointers[site.pointer].walk {
            Walk::Index => {
                let size = site.scalar.size();
                let disp = self.distance(ahead(size as i64).unwrap_or(i64::MAX));
                mem_index(base, COUNTER, size, disp)
            }
            Walk::Step(Stride::Const(step)) => {
                let disp = self.distance(ahead(step).unwrap_or(i64::MAX));
                mem(base, disp)
            }
            Walk::Fixed(_) | Walk::Step(Stride::Value(_)) => mem(base, site.disp),
        }
    }

    fn pseudo(&mut self, p: Pseudo, copy: usize) {
        match p {
            Pseudo::Counter => {
                let ahead = mem(COUNTER, (copy * self.kernel.lanes) as i32);
                self.a.reg_mem(Code::Lea_r64_m, SCRATCH, ahead);
            }
            Pseudo::Remaining => self.a.reg_reg(Code::Mov_r64_rm64, SCRATCH, LEFT),
            Pseudo::Start(site) => {
                if copy > 0 {
                    self.a.constant(SCRATCH, (copy * self.kernel.lanes) as u64);
                    let stride = self.stride(site as usize);
                    self.times(stride);
                }
                let mut first = self.site(site as usize, 0, 0);
                if copy > 0 {
                    first.index = SCRATCH;
                }
                self.a.reg_mem(Code::Lea_r64_m, SCRATCH, first);
            }
            Pseudo::Advance(site) => {
                let stride = self.stride(site as usize);
                self.step(stride);
            }
            Pseudo::CopyIn(site) => self.copy_elements(site as usize, true),
            Pseudo::CopyOut(site) => self.copy_elements(site as usize, false),
        }
    }
    fn stride(&self, site: usize) -> Stride {
        let site = self.kernel.sites[site];
        match self.kernel.pointers[site.pointer].walk {
            Walk::Step(stride) => stride,
            Walk::Index => Stride::Const(site.scalar.size() as i64),
            Walk::Fixed(_) => Stride::Const(0),
        }
    }
    /// The elements that are left, one by one, between a site and the buffer.
    fn copy_elements(&mut self, number: usize, inwards: bool) {
        let size = self.kernel.sites[number].scalar.size();
        let first = self.site(number, 0, 0);
        self.a.reg_mem(Code::Lea_r64_m, SCRATCH, first);
        self.a.reg_reg(Code::Xor_r32_rm32, Register::ECX, Register::ECX);
        let again = self.a.label();
        self.a.bind(again);
        let buffer = mem_index(Register::RSP, COPIED, size, 0);
        let element = mem(SCRATCH, 0);
        let (from, to) = if inwards { (element, buffer) } else { (buffer, element) };
        let (load, store, via_load, via_store) = match size {
            1 => (Code::Movzx_r32_rm8, Code::Mov_rm8_r8, Register::R11D, Register::R11L),
            2 => (Code::Movzx_r32_rm16, Code::Mov_rm16_r16, Register::R11D, Register::R11W),
            4 => (Code::Mov_r32_rm32, Code::Mov_rm32_r32, Register::R11D, Register::R11D),
            _ => (Code::Mov_r64_rm64, Code::Mov_rm64_r64, SECOND, SECOND),
        };
        self.a.reg_mem(load, via_load, from);
        self.a.mem_reg(store, to, via_store);
        let stride = self.stride(number);
        self.step(stride);
        self.a.add_imm(COPIED, 1);
        self.a.reg_reg(Code::Cmp_r64_rm64, COPIED, LEFT);
        self.a.jump(Code::Jb_rel32_64, again);
    }

    // Loops.

    fn loops(&mut self) {
        let plan = self.plan;
        let done = self.a.label();
        // An end below the start is the start. The number of iterations fits a word without a sign.
        self.a.reg_reg(Code::Cmp_r64_rm64, LEFT, COUNTER);
        self.a.reg_reg(Code::Cmovl_r64_rm64, LEFT, COUNTER);
        self.a.reg_reg(Code::Sub_r64_rm64, LEFT, COUNTER);
        if plan.copies > 1 {
            self.groups(plan.copies);
        }
        self.groups(1);
        // The tail may use the registers of all copies but the first.
        self.store_carried(1..plan.copies);
        self.a.reg_reg(Code::Test_rm64_r64, LEFT, LEFT);
        self.a.jump(Code::Je_rel32_64, done);
        if self.level == Level::Avx512 {
            self.a.constant(SCRATCH, u64::MAX);
            self.a.reg_reg_reg(Code::VEX_Bzhi_r64_rm64_r64, SCRATCH, SCRATCH, LEFT);
            self.a.reg_reg(Code::VEX_Kmovq_kr_r64, Register::K7, SCRATCH);
        }
        self.code(&plan.tail, 1);
        self.a.bind(done);
        self.store_carried(0..1);
        self.code(&plan.finish, 1);
    }
    /// A loop over so many groups at a time.
    fn groups(&mut self, copies: usize) {
        let iterations = copies * self.kernel.lanes;
        let (head, end): (Label, Label) = (self.a.label(), self.a.label());
        // Compared before anything is taken off: a range may be longer than a word with a sign can count.
        self.a.reg_imm(Code::Cmp_rm64_imm32, LEFT, iterations as i64);
        self.a.jump(Code::Jb_rel32_64, end);
        self.a.align(64);
        self.a.bind(head);
        let plan = self.plan;
        self.code(&plan.full, copies);
        self.advance_pointers(iterations);
        self.a.add_imm(COUNTER, iterations as i32);
        self.a.reg_imm(Code::Sub_rm64_imm32, LEFT, iterations as i64);
        self.a.reg_imm(Code::Cmp_rm64_imm32, LEFT, iterations as i64);
        self.a.jump(Code::Jae_rel32_64, head);
        self.a.bind(end);
    }

    // Carried values and the exit.

    fn carried_area(&self, number: usize, copy: usize) -> MemoryOperand {
        self.stack(self.frame.carried + 64 * (number * self.plan.copies + copy))
    }
    fn start_carried(&mut self) {
        for copy in 0..self.plan.copies {
            for (number, &identity) in self.plan.identities.iter().enumerate() {
                let home = self.home(identity);
                let r = self.register(Reg::Block(number as u8), false, copy);
                self.whole(isa::LOAD, &[Arg::Reg(r), Arg::Mem(home)]);
            }
        }
    }
    fn store_carried(&mut self, copies: std::ops::Range<usize>) {
        for copy in copies {
            for number in 0..self.kernel.carried.len() {
                let to = self.carried_area(number, copy);
                let r = self.register(Reg::Block(number as u8), false, copy);
                self.whole(isa::STORE, &[Arg::Mem(to), Arg::Reg(r)]);
            }
        }
    }
    fn exit_values(&mut self) {
        let kernel = self.kernel;
        let values = &kernel.tr.snapshot(kernel.exit).values;
        // All are read before the first is written: a slot may hold a parameter that is still wanted.
        for (number, &v) in values.iter().enumerate() {
            self.exit_value(v);
            let to = self.stack(self.frame.exit + 8 * number);
            self.a.mem_reg(Code::Mov_rm64_r64, to, SCRATCH);
        }
        for number in 0..values.len() {
            let from = self.stack(self.frame.exit + 8 * number);
            self.a.reg_mem(Code::Mov_r64_rm64, SCRATCH, from);
            self.a.mem_reg(Code::Mov_rm64_r64, mem(SLOTS, 8 * number as i32), SCRATCH);
        }
    }
    fn exit_value(&mut self, v: Value) {
        let kernel = self.kernel;
        let scalar = kernel.tr.ty(v).scalar;
        let from = if let Some(c) = kernel.tr.as_const(v) {
            return self.a.constant(SCRATCH, c.bits);
        } else if kernel.general.contains(&v) || kernel.tr.params().contains(&v) {
            let home = self.general_home(v);
            return self.a.reg_mem(Code::Mov_r64_rm64, SCRATCH, home);
        } else if let Some(number) = kernel.carried.iter().position(|c| c.result == v) {
            self.carried_area(number, 0)
        } else {
            let inv = self
                .plan
                .invariants
                .list
                .iter()
                .position(|inv| matches!(inv, Invariant::Setup { value, .. } if *value == v));
            self.home(InvId(inv.expect("computed by the setup") as u32))
        };
        let (code, to) = match scalar {
            Scalar::I8 => (Code::Movsx_r64_rm8, SCRATCH),
            Scalar::I16 => (Code::Movsx_r64_rm16, SCRATCH),
            Scalar::I32 => (Code::Movsxd_r64_rm32, SCRATCH),
            Scalar::Bool | Scalar::U8 => (Code::Movzx_r32_rm8, Register::R10D),
            Scalar::U16 | Scalar::F16 => (Code::Movzx_r32_rm16, Register::R10D),
            Scalar::U32 | Scalar::F32 => (Code::Mov_r32_rm32, Register::R10D),
            Scalar::I64 | Scalar::U64 | Scalar::F64 | Scalar::Ptr => (Code::Mov_r64_rm64, SCRATCH),
        };
        self.a.reg_mem(code, to, from);
        if scalar == Scalar::Bool {
            // Lanes of masks are all-ones.
            self.a.reg_imm(Code::And_rm32_imm8, Register::R10D, 1);
        }
    }
}

/// The broadcast of lanes of that size.
fn broadcast(size: usize) -> Row {
    match size {
        1 => isa::BROADCAST_B,
        2 => isa::BROADCAST_W,
        4 => isa::BROADCAST_D,
        _ => isa::BROADCAST_Q,
    }
}

fn is_mask(code: Code, operand: usize) -> bool {
    use iced_x86::OpCodeOperandKind as K;
    matches!(code.op_code().op_kind(operand as u32), K::k_reg | K::k_rm | K::k_vvvv | K::k_or_mem)
}
