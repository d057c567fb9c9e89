//! Dates and durations: counts of some unit the dtype knows. The smallest value is "not a time".

/// The bit pattern of not-a-time, for both types.
pub const NAT: i64 = i64::MIN;

macro_rules! ticks {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        #[repr(transparent)]
        pub struct $name(pub i64);

        impl $name {
            pub const NAT: $name = $name(NAT);

            #[inline(always)]
            pub const fn is_nat(self) -> bool {
                self.0 == NAT
            }
        }
    };
}

ticks! {
    /// A `datetime64`: units since 1970. `==` is equality of bits; [`crate::ops`] has comparison with NaT rules.
    Datetime
}
ticks! {
    /// A `timedelta64`: a number of units.
    Timedelta
}
