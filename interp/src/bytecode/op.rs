//! The instructions.

/// A register of a frame. Locals of the region come first, temporaries follow.
pub type Reg = u16;

/// A position in the code.
pub type Target = u32;

/// Operators with two operands, in the order of `ast`'s classes in CPython's grammar.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    MatrixMultiply,
    TrueDivide,
    Remainder,
    Power,
    LeftShift,
    RightShift,
    Or,
    Xor,
    And,
    FloorDivide,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum UnaryOp {
    Invert,
    Not,
    Positive,
    Negative,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CompareOp {
    Eq,
    NotEq,
    Lt,
    LtE,
    Gt,
    GtE,
    Is,
    IsNot,
    In,
    NotIn,
}

/// One instruction. `name` indexes [`super::Code::names`], `cell` the cells of the boundary, `index` of constants
/// [`super::Code::consts`], of loops [`super::Code::loops`]. `first` and `count` are consecutive registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    Const {
        dst: Reg,
        index: u16,
    },
    /// Both registers hold the object afterwards.
    Move {
        dst: Reg,
        src: Reg,
    },
    /// Ends the life of temporaries, and of deleted locals.
    Kill {
        first: Reg,
        count: u16,
    },
    /// Raises UnboundLocalError unless the local is bound.
    CheckBound {
        reg: Reg,
        name: u16,
    },

    /// A name of the module, then of builtins.
    LoadGlobal {
        dst: Reg,
        name: u16,
    },
    StoreGlobal {
        name: u16,
        src: Reg,
    },
    DeleteGlobal {
        name: u16,
    },
    LoadCell {
        dst: Reg,
        cell: u16,
    },
    StoreCell {
        cell: u16,
        src: Reg,
    },
    DeleteCell {
        cell: u16,
    },

    Unary {
        op: UnaryOp,
        dst: Reg,
        a: Reg,
    },
    Binary {
        op: BinaryOp,
        dst: Reg,
        a: Reg,
        b: Reg,
    },
    /// `a op= b`; the result is assigned by the instruction that follows.
    InPlace {
        op: BinaryOp,
        dst: Reg,
        a: Reg,
        b: Reg,
    },
    Compare {
        op: CompareOp,
        dst: Reg,
        a: Reg,
        b: Reg,
    },

    Jump {
        to: Target,
    },
    /// By the truth of a register.
    JumpIf {
        cond: Reg,
        expected: bool,
        to: Target,
    },
    /// The head of a loop: the place of counters, of safepoints, and where compiled code is entered.
    Loop {
        index: u16,
    },
    /// Back to the head.
    Back {
        index: u16,
    },
    GetIter {
        dst: Reg,
        src: Reg,
    },
    /// The iterator as an object, for a call.
    Iter {
        dst: Reg,
        src: Reg,
    },
    /// The next item, or on to `done` with the iterator dropped.
    Next {
        dst: Reg,
        iter: Reg,
        done: Target,
    },

    LoadAttr {
        dst: Reg,
        obj: Reg,
        name: u16,
    },
    StoreAttr {
        obj: Reg,
        name: u16,
        src: Reg,
    },
    DeleteAttr {
        obj: Reg,
        name: u16,
    },
    LoadItem {
        dst: Reg,
        obj: Reg,
        key: Reg,
    },
    StoreItem {
        obj: Reg,
        key: Reg,
        src: Reg,
    },
    DeleteItem {
        obj: Reg,
        key: Reg,
    },

    Tuple {
        dst: Reg,
        first: Reg,
        count: u16,
    },
    List {
        dst: Reg,
        first: Reg,
        count: u16,
    },
    Set {
        dst: Reg,
        first: Reg,
        count: u16,
    },
    /// `count` pairs of key and value.
    Dict {
        dst: Reg,
        first: Reg,
        count: u16,
    },
    /// Start, stop and step, which are `None` where absent.
    Slice {
        dst: Reg,
        first: Reg,
    },
    /// `str` of each register, joined: an f-string whose parts are strings already.
    Join {
        dst: Reg,
        first: Reg,
        count: u16,
    },
    /// `format(conversion(src), spec)`; conversion is 0, or `s`, `r`, `a` as in the source. `spec` may be the register
    /// of an empty string.
    Format {
        dst: Reg,
        src: Reg,
        spec: Reg,
        conversion: u8,
    },
    /// Adds an item to a list or set that is being displayed.
    Append {
        list: Reg,
        src: Reg,
    },
    /// Adds the items of an iterable to a list or set that is being displayed.
    Extend {
        to: Reg,
        src: Reg,
    },
    /// A tuple of a list's items.
    ToTuple {
        dst: Reg,
        src: Reg,
    },
    /// Adds the items of a mapping to a dict: of a display, or, with the register of the function that is to be called, of
    /// arguments, which must not be given twice.
    Merge {
        dict: Reg,
        src: Reg,
        func: Reg,
    },
    /// `count` registers from an iterable of exactly as many items.
    Unpack {
        src: Reg,
        first: Reg,
        count: u16,
    },

    /// The first `before` items of an iterable, a list of the rest, and the last `after` items.
    UnpackRest {
        src: Reg,
        first: Reg,
        before: u16,
        after: u16,
    },

    /// A function of [`super::Code::functions`]. The tuple of defaults and the dict of those of keywords are [`Op::NONE`]
    /// where absent.
    Function {
        dst: Reg,
        index: u16,
        defaults: Reg,
        keywords: Reg,
    },
    /// Calls register `first` with the items of the iterable in the next one, and the dict in the one after that.
    CallUnpacked {
        dst: Reg,
        first: Reg,
        keywords: bool,
    },
    /// Calls register `first` with the `positional` registers after it, then as many as the tuple of names in constant
    /// `keywords` has. `keywords` is [`Op::NO_KEYWORDS`] without any.
    Call {
        dst: Reg,
        first: Reg,
        positional: u16,
        keywords: u16,
    },

    /// Computes what waits: whatever that raises belongs to this block.
    Settle,
    /// Enters a context manager: its `__exit__`, and in the next register what `__enter__` returns.
    Enter {
        dst: Reg,
        src: Reg,
    },
    /// The result of calling `exit` for an exception. Both registers keep what they hold.
    ExitWith {
        dst: Reg,
        exit: Reg,
        exc: Reg,
    },
    /// Whether `except kind` catches an exception, which stays in its register.
    Matches {
        dst: Reg,
        exc: Reg,
        kind: Reg,
    },
    /// The exception is dealt with: what was being handled before it, from a register, is so again.
    Handled {
        saved: Reg,
    },
    /// Raises an exception again, as it is.
    Reraise {
        exc: Reg,
    },
    /// `raise exc from cause`; [`Op::NONE`] where absent. A bare `raise` has neither.
    Raise {
        exc: Reg,
        cause: Reg,
    },
    /// AssertionError, with the message unless it is [`Op::NONE`].
    AssertionFailed {
        message: Reg,
    },
    /// Leaves the region by returning from the function.
    Return {
        src: Reg,
    },
    /// Leaves the region at its end.
    End,
}

impl Op {
    pub const NO_KEYWORDS: u16 = u16::MAX;
    /// No register.
    pub const NONE: Reg = u16::MAX;
}
