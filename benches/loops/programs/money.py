"""Decimal and fraction arithmetic: a loan table, and a series summed exactly."""

from decimal import ROUND_HALF_EVEN, Decimal, getcontext
from fractions import Fraction

getcontext().prec = 40
cent = Decimal("0.01")


def loan(amount, rate, months):
    monthly = rate / 12
    payment = (amount * monthly / (1 - (1 + monthly) ** -months)).quantize(cent, ROUND_HALF_EVEN)
    paid = Decimal(0)
    while amount > 0:
        interest = (amount * monthly).quantize(cent, ROUND_HALF_EVEN)
        back = min(payment - interest, amount)
        amount -= back
        paid += interest + back
    return payment, paid


for i in range(2000):
    result = loan(Decimal(10_000 + 100 * i), Decimal("0.031") + Decimal(i) / 10_000, 120)
print(*result)
harmonic = sum((Fraction(1, n) for n in range(1, 1500)), Fraction(0))
print(harmonic.numerator % 10**12, harmonic.limit_denominator(1000))
e, term = Decimal(1), Decimal(1)
for n in range(1, 60):
    term /= n
    e += term
print(e, Decimal(2).sqrt(), Decimal("1.1") ** 50)
