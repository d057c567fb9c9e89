//! Builds the C shim: Rust has no `long double` and no C99 complex functions.

fn main() {
    println!("cargo:rerun-if-changed=shim");
    cc::Build::new()
        .file("shim/longdouble.c")
        .file("shim/complex.c")
        // The host may be a debug build; these one-liners are only worth calling when optimised. Contraction would
        // change results, and math functions must report their floating-point exceptions.
        .opt_level(2)
        .std("c11")
        .flag_if_supported("-ffp-contract=off")
        .flag_if_supported("-fno-math-errno")
        .warnings(true)
        .compile("ufuncs_shim");
    println!("cargo:rustc-link-lib=m");
}
