//! The shared library `numpy.ctypeslib` opens in place of numpy's compiled modules.
//!
//! Programs pass `numpy._core._multiarray_umath.__file__` to `ctypes`, upstream's tests among them. The modules are in the executable,
//! which the dynamic linker will not open as a library; so `__file__` names a file made from this one. The build script compiles it,
//! the executable carries it, the finder writes it out when numpy is first imported.
#![no_std]

/// What upstream's `_multiarray_tests` exports for the tests of `ctypeslib`.
#[unsafe(no_mangle)]
pub extern "C" fn forward_pointer(pointer: *mut core::ffi::c_void) -> *mut core::ffi::c_void {
    pointer
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
