"""The expressions that are compared: 3 to 10 operations each, of every kind users write.

A case is a function of arrays in plain numpy, with the same thing as a numexpr string where numexpr can say it. `np` is
whatever array module the system under test uses.
"""

from dataclasses import dataclass
from typing import Callable, Optional


@dataclass(frozen=True)
class Case:
    name: str
    kind: str
    function: Callable
    #: For numexpr; None where it has no such operation.
    text: Optional[str]
    #: Arrays taken: names of generators in `inputs`.
    args: str = "xyz"
    #: Whether the arrays have two axes.
    two_d: bool = False


def cases(np):
    def axpby(x, y):
        return 2.5 * x + 0.75 * y - 1.5

    def horner(x):
        return ((((0.3 * x - 1.2) * x + 0.7) * x + 2.1) * x - 0.4) * x + 1.0

    def norm(x, y, z):
        return np.sqrt(x * x + y * y + z * z)

    def lerp(x, y, z):
        return x + (y - x) * z

    def rational(x, y):
        return (x * y + 1.0) / (x * x + y * y + 2.0)

    def damped(x, y, z):
        return (x - y) * 0.5 + np.abs(z - x) * 0.25 - y / 3.0

    def inside(x, y):
        return (x > 0.2) & (y < 0.8) & (x + y > 0.5)

    def disc(x, y, z):
        return x * x + y * y + z * z <= 1.0

    def leaky(x, y):
        return np.where(x > 0.0, x * 2.0 - 1.0, y * 0.5 + 1.0)

    def ordered(x, y, z):
        return np.where(x < y, y - x, np.where(z > 0.0, x - y, 0.0))

    def ramp(x):
        return np.minimum(np.maximum(x * 3.0 - 1.0, 0.0), 1.0)

    def squared_distance(x, y):
        return ((x - y) ** 2).sum()

    def weighted_mean(x, y, z):
        return (x * y + z * 0.5).mean()

    def largest_gap(x, y):
        return np.abs(x * 0.5 - y).max()

    def row_sums(x, y, z):
        return (x * y + z).sum(axis=1)

    def column_sums(x, y, z):
        return (x * y - z).sum(axis=0)

    def gauss(x):
        return np.exp(-0.5 * ((x - 0.3) / 0.2) ** 2)

    def softplus(x):
        return np.log(1.0 + np.exp(x * 1.5))

    def wave(x, y):
        return np.sin(x * 3.0) * np.cos(y * 2.0) + 0.5

    def gelu(x):
        return 0.5 * x * (1.0 + np.tanh(0.7978845608 * (x + 0.044715 * x * x * x)))

    def discount(x, y):
        return (x * x + 1.0) * np.exp(-0.05 * y) - np.log(y * y + 1.5)

    return [
        Case("axpby", "elementwise", axpby, "2.5*x + 0.75*y - 1.5", "xy"),
        Case("horner", "elementwise", horner, "((((0.3*x - 1.2)*x + 0.7)*x + 2.1)*x - 0.4)*x + 1.0", "x"),
        Case("norm", "elementwise", norm, "sqrt(x*x + y*y + z*z)", "xyz"),
        Case("lerp", "elementwise", lerp, "x + (y - x)*z", "xyz"),
        Case("rational", "elementwise", rational, "(x*y + 1.0)/(x*x + y*y + 2.0)", "xy"),
        Case("damped", "elementwise", damped, "(x - y)*0.5 + abs(z - x)*0.25 - y/3.0", "xyz"),
        Case("inside", "comparison", inside, "(x > 0.2) & (y < 0.8) & (x + y > 0.5)", "xy"),
        Case("disc", "comparison", disc, "x*x + y*y + z*z <= 1.0", "xyz"),
        Case("leaky", "where", leaky, "where(x > 0.0, x*2.0 - 1.0, y*0.5 + 1.0)", "xy"),
        Case("ordered", "where", ordered, "where(x < y, y - x, where(z > 0.0, x - y, 0.0))", "xyz"),
        Case("ramp", "where", ramp, "where(x*3.0 - 1.0 > 0.0, where(x*3.0 - 1.0 < 1.0, x*3.0 - 1.0, 1.0), 0.0)", "x"),
        Case("squared_distance", "reduction", squared_distance, "sum((x - y)**2)", "xy"),
        Case("weighted_mean", "reduction", weighted_mean, None, "xyz"),
        Case("largest_gap", "reduction", largest_gap, "max(abs(x*0.5 - y))", "xy"),
        Case("row_sums", "reduction", row_sums, "sum(x*y + z, axis=1)", "xyz", two_d=True),
        Case("column_sums", "reduction", column_sums, "sum(x*y - z, axis=0)", "xyz", two_d=True),
        Case("gauss", "transcendental", gauss, "exp(-0.5*((x - 0.3)/0.2)**2)", "x"),
        Case("softplus", "transcendental", softplus, "log(1.0 + exp(x*1.5))", "x"),
        Case("wave", "transcendental", wave, "sin(x*3.0)*cos(y*2.0) + 0.5", "xy"),
        Case("gelu", "transcendental", gelu, "0.5*x*(1.0 + tanh(0.7978845608*(x + 0.044715*x*x*x)))", "x"),
        Case("discount", "transcendental", discount, "(x*x + 1.0)*exp(-0.05*y) - log(y*y + 1.5)", "xy"),
    ]


def inputs(np, size, dtype, two_d):
    """The arrays a case may take: values in [-1, 1), the same in every process."""
    shape = (size,)
    if two_d:
        rows = max(1, int(size**0.5))
        shape = (rows, size // rows)
    arrays = {}
    for seed, name in enumerate("xyz"):
        rng = np.random.RandomState(seed)
        arrays[name] = (rng.random_sample(shape) * 2.0 - 1.0).astype(dtype)
    return arrays
