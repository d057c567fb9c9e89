/* `long double` for Rust, which has no such type. Every function takes and returns values through pointers, so that no
 * calling convention has to be declared on the Rust side. A store of an x87 value writes 10 of the 16 bytes; callers
 * hand in zeroed results, which keeps the padding deterministic. */
#define _GNU_SOURCE
#include <fenv.h>
#include <locale.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef long double ld;

_Static_assert(sizeof(ld) == 16 && _Alignof(ld) == 16,
               "this crate expects the platform's long double to occupy 16 bytes (x86-64 and aarch64 Linux)");

/* conversions */
void mnp_ld_from_f64(ld *r, double x) { *r = x; }
void mnp_ld_from_i64(ld *r, int64_t x) { *r = (ld)x; }
void mnp_ld_from_u64(ld *r, uint64_t x) { *r = (ld)x; }
float mnp_ld_to_f32(const ld *x) { return (float)*x; }
double mnp_ld_to_f64(const ld *x) { return (double)*x; }
int8_t mnp_ld_to_i8(const ld *x) { return (int8_t)*x; }
uint8_t mnp_ld_to_u8(const ld *x) { return (uint8_t)*x; }
int16_t mnp_ld_to_i16(const ld *x) { return (int16_t)*x; }
uint16_t mnp_ld_to_u16(const ld *x) { return (uint16_t)*x; }
int32_t mnp_ld_to_i32(const ld *x) { return (int32_t)*x; }
uint32_t mnp_ld_to_u32(const ld *x) { return (uint32_t)*x; }
int64_t mnp_ld_to_i64(const ld *x) { return (int64_t)*x; }
uint64_t mnp_ld_to_u64(const ld *x) { return (uint64_t)*x; }

/* Text goes through the "C" locale whatever the process has chosen. */
static locale_t c_locale(void)
{
    static locale_t loc = (locale_t)0;
    locale_t have = __atomic_load_n(&loc, __ATOMIC_ACQUIRE);
    if (have == (locale_t)0) {
        locale_t fresh = newlocale(LC_ALL_MASK, "C", (locale_t)0), none = (locale_t)0;
        if (__atomic_compare_exchange_n(&loc, &none, fresh, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            return fresh;
        freelocale(fresh);
        have = none;
    }
    return have;
}

/* Returns how many bytes of the NUL-terminated text were used. */
size_t mnp_ld_parse(ld *r, const char *text)
{
    char *end;
    *r = strtold_l(text, &end, c_locale());
    return (size_t)(end - text);
}

/* snprintf with one of the conversions e, f, g, a; returns the length it wants. */
int mnp_ld_format(char *buf, size_t size, char conv, int precision, const ld *x)
{
    locale_t old = uselocale(c_locale());
    int n;
    switch (conv) {
    case 'e': n = snprintf(buf, size, "%.*Le", precision, *x); break;
    case 'f': n = snprintf(buf, size, "%.*Lf", precision, *x); break;
    case 'a': n = snprintf(buf, size, "%La", *x); break;
    default: n = snprintf(buf, size, "%.*Lg", precision, *x); break;
    }
    uselocale(old);
    return n;
}

/* arithmetic and comparison */
void mnp_ld_add(ld *r, const ld *a, const ld *b) { *r = *a + *b; }
void mnp_ld_sub(ld *r, const ld *a, const ld *b) { *r = *a - *b; }
void mnp_ld_mul(ld *r, const ld *a, const ld *b) { *r = *a * *b; }
void mnp_ld_div(ld *r, const ld *a, const ld *b) { *r = *a / *b; }
void mnp_ld_neg(ld *r, const ld *a) { *r = -*a; }
int mnp_ld_eq(const ld *a, const ld *b) { return *a == *b; }
int mnp_ld_lt(const ld *a, const ld *b) { return *a < *b; }
int mnp_ld_le(const ld *a, const ld *b) { return *a <= *b; }
/* -1, 0, 1, or 2 when unordered; quiet, so that a NaN raises nothing. */
int mnp_ld_cmp(const ld *a, const ld *b)
{
    return isless(*a, *b) ? -1 : isgreater(*a, *b) ? 1 : isunordered(*a, *b) ? 2 : 0;
}
int mnp_ld_isnan(const ld *a) { return isnan(*a) != 0; }
int mnp_ld_isinf(const ld *a) { return isinf(*a) != 0; }
int mnp_ld_isfinite(const ld *a) { return isfinite(*a) != 0; }
int mnp_ld_signbit(const ld *a) { return signbit(*a) != 0; }

/* An array summed into eight running totals and combined as a tree would need a call per addition otherwise: the
 * leaves of a pairwise sum are done here. 8 <= n <= 128. */
static ld at(const char *p, ptrdiff_t stride, size_t i) { return *(const ld *)(p + stride * (ptrdiff_t)i); }
void mnp_ld_sum_block(ld *r, const char *p, size_t n, ptrdiff_t stride)
{
    ld t[8];
    size_t i, k;
    for (k = 0; k < 8; k++)
        t[k] = at(p, stride, k);
    for (i = 8; i < n - n % 8; i += 8)
        for (k = 0; k < 8; k++)
            t[k] += at(p, stride, i + k);
    ld sum = ((t[0] + t[1]) + (t[2] + t[3])) + ((t[4] + t[5]) + (t[6] + t[7]));
    for (; i < n; i++)
        sum += at(p, stride, i);
    *r = sum;
}

/* math */
#define UNARY(name) \
    void mnp_ld_##name(ld *r, const ld *a) { *r = name##l(*a); }
#define BINARY(name) \
    void mnp_ld_##name(ld *r, const ld *a, const ld *b) { *r = name##l(*a, *b); }

UNARY(sqrt) UNARY(cbrt) UNARY(exp) UNARY(exp2) UNARY(expm1) UNARY(log) UNARY(log2) UNARY(log10) UNARY(log1p)
UNARY(sin) UNARY(cos) UNARY(tan) UNARY(asin) UNARY(acos) UNARY(atan) UNARY(sinh) UNARY(cosh) UNARY(tanh)
UNARY(asinh) UNARY(acosh) UNARY(atanh) UNARY(floor) UNARY(ceil) UNARY(trunc) UNARY(rint) UNARY(fabs)
BINARY(fmax) BINARY(fmin) BINARY(pow) BINARY(atan2) BINARY(hypot) BINARY(fmod) BINARY(copysign) BINARY(nextafter)

void mnp_ld_frexp(ld *r, int *e, const ld *a) { *r = frexpl(*a, e); }
void mnp_ld_ldexp(ld *r, const ld *a, int e) { *r = ldexpl(*a, e); }
void mnp_ld_modf(ld *frac, ld *whole, const ld *a) { *frac = modfl(*a, whole); }

/* constants: 0 pi, 1 e's log2, 2 e's log10, 3 ln 2, 4 180/pi, 5 pi/180 */
void mnp_ld_const(ld *r, int which)
{
    const ld pi = 3.141592653589793238462643383279502884L;
    switch (which) {
    case 0: *r = pi; break;
    case 1: *r = 1.442695040888963407359924681001892137L; break;
    case 2: *r = 0.434294481903251827651128918916605082L; break;
    case 3: *r = 0.693147180559945309417232121458176568L; break;
    case 4: *r = 180.0L / pi; break;
    default: *r = pi / 180.0L; break;
    }
}

/* Floating-point status for processors without a register access of their own in fpstatus.rs.
 * Bits: 1 divide by zero, 2 overflow, 4 underflow, 8 invalid. */
int mnp_fe_get(void)
{
    int e = fetestexcept(FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW | FE_INVALID);
    return (e & FE_DIVBYZERO ? 1 : 0) | (e & FE_OVERFLOW ? 2 : 0) | (e & FE_UNDERFLOW ? 4 : 0) |
           (e & FE_INVALID ? 8 : 0);
}
void mnp_fe_clear(void) { feclearexcept(FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW | FE_INVALID); }
void mnp_fe_raise(int f)
{
    feraiseexcept((f & 1 ? FE_DIVBYZERO : 0) | (f & 2 ? FE_OVERFLOW : 0) | (f & 4 ? FE_UNDERFLOW : 0) |
                  (f & 8 ? FE_INVALID : 0));
}
