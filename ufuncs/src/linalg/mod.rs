//! Linear algebra as generalized ufuncs, with LAPACK's results and numpy's habits.
//!
//! `lu`, `cholesky` and `qr` are written here around matrix products and triangular solves of `faer`, because their
//! conventions (exact zero pivots, what counts as positive definite, LAPACK's packed reflectors) are part of the
//! contract. Hermitian and bidiagonal matrices are divided and conquered (`divide`, `secular`) after a reduction by faer's
//! reflectors (`reduce`), or iterated on if small or if only values are wanted. Eigenvalues of large general matrices are faer's.
//! Around all of these is what LAPACK drivers do around theirs: scaling of extreme matrices, balancing, normal forms of
//! eigenvectors. `call` is the loop and the failure protocol,
//! `table` the list.
//!
//! Stacks of matrices of up to four rows are decomposed side by side, one in each vector lane (`lanes`), or at least without
//! memory from the heap (`space`). Updates and solves of large matrices are shared among threads (`parts`).
//!
//! Values agree with LAPACK to rounding. Signs of singular vectors and of eigenvectors of Hermitian matrices are LAPACK's
//! for matrices small enough that LAPACK iterates (`bidiagonal`, `tridiagonal`), and free for larger ones; so are order and signs of
//! what `eig` gives (`schur`).

mod bidiagonal;
mod call;
mod cholesky;
mod columns;
mod divide;
mod eig;
mod eigh;
mod eigh_three;
mod lanes;
pub mod lapack;
mod lu;
mod lu_small;
mod parts;
mod qr;
mod reduce;
mod rotation;
mod scalar;
mod schur;
mod schur_francis;
mod schur_single;
mod secular;
mod space;
mod svd;
mod table;
#[cfg(test)]
mod tests;
mod tridiagonal;
mod unblocked;

pub use table::UFUNCS;
