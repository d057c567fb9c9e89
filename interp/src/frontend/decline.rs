//! Why a loop stays with CPython.

use std::fmt;

macro_rules! declines {
    ($($(#[$doc:meta])* $name:ident $text:literal,)*) => {
        /// The reasons, each a line of text; the log counts them.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Decline { $($(#[$doc])* $name,)* }

        impl Decline {
            pub const fn text(self) -> &'static str {
                match self { $(Decline::$name => $text,)* }
            }
        }
    };
}
declines! {
    MaybeUnbound "a local that may be unbound at the entry is read before it is assigned",
    Short "it goes over a display of a few items",
    ClassBody "it is in the body of a class",
    NoCode "no code object belongs to its function",
    LeavesLoop "a break or continue in it belongs to a loop around it",
    Interactive "an expression statement of interactive input shows its value",
    FrameReader "it may look at the frame it runs in",
    Annotation "an annotation that is stored or evaluated",
    Function "a lambda or comprehension whose code object is not to be told from others, or there is none",
    Yield "yield",
    Await "await, async for or async with",
    TemplateString "a template string",
    TryStar "except*",
    Match "match",
    Import "import",
    Definition "a nested function or class",
    TypeAlias "a type alias",
    TooLarge "it needs more registers, names or constants than an instruction can name",
    /// Of a function's body as a region of its own.
    NotPlain "its function is a generator, a coroutine, or shares its variables",
    Unknown "a kind of syntax tree node that is not known",
}

impl fmt::Display for Decline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}
