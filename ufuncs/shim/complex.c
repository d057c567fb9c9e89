/* C99 complex functions of `long double`, through pointers; the other precisions need no shim. */
#include <complex.h>

typedef long double complex cld;

#define UNARY(name) \
    void mnp_cld_##name(cld *r, const cld *a) { *r = name##l(*a); }

UNARY(cexp) UNARY(clog) UNARY(csqrt) UNARY(csin) UNARY(ccos) UNARY(ctan) UNARY(casin) UNARY(cacos) UNARY(catan)
UNARY(csinh) UNARY(ccosh) UNARY(ctanh) UNARY(casinh) UNARY(cacosh) UNARY(catanh)

void mnp_cld_cpow(cld *r, const cld *a, const cld *b) { *r = cpowl(*a, *b); }
