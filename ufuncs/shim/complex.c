/* C99 complex functions of the platform's libm, for three precisions, through pointers. */
#include <complex.h>

typedef float complex c32;
typedef double complex c64;
typedef long double complex cld;

#define UNARY(name)                                              \
    void mnp_c32_##name(c32 *r, const c32 *a) { *r = name##f(*a); } \
    void mnp_c64_##name(c64 *r, const c64 *a) { *r = name(*a); }    \
    void mnp_cld_##name(cld *r, const cld *a) { *r = name##l(*a); }

UNARY(cexp) UNARY(clog) UNARY(csqrt) UNARY(csin) UNARY(ccos) UNARY(ctan) UNARY(casin) UNARY(cacos) UNARY(catan)
UNARY(csinh) UNARY(ccosh) UNARY(ctanh) UNARY(casinh) UNARY(cacosh) UNARY(catanh)

void mnp_c32_cpow(c32 *r, const c32 *a, const c32 *b) { *r = cpowf(*a, *b); }
void mnp_c64_cpow(c64 *r, const c64 *a, const c64 *b) { *r = cpow(*a, *b); }
void mnp_cld_cpow(cld *r, const cld *a, const cld *b) { *r = cpowl(*a, *b); }
