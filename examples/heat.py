"""Heat spreading through a metal plate: an explicit finite-difference scheme on array slices."""

import numpy as np

SIZE = 48
DIFFUSIVITY = 0.2


def step(t, conducts):
    """One time step; cells that do not conduct keep their temperature."""
    flow = t[:-2, 1:-1] + t[2:, 1:-1] + t[1:-1, :-2] + t[1:-1, 2:] - 4 * t[1:-1, 1:-1]
    new = t.copy()
    new[1:-1, 1:-1] += np.where(conducts[1:-1, 1:-1], DIFFUSIVITY * flow, 0.0)
    return new


def picture(t):
    """The plate in characters, coarser than it is: each stands for the mean of a 3 by 4 block."""
    blocks = t.reshape(SIZE // 4, 4, SIZE // 3, 3).mean(axis=(1, 3))
    shades = np.array(list(" .:-=+*#%@"))
    index = np.clip(blocks / 100 * len(shades), 0, len(shades) - 1).astype(int)
    return "\n".join("".join(row) for row in shades[index])


plate = np.zeros((SIZE, SIZE))
plate[0, :] = 100.0
plate[:, 0] = np.linspace(100.0, 0.0, SIZE)
conducts = np.ones(plate.shape, dtype=bool)
rows, columns = np.ogrid[:SIZE, :SIZE]
conducts[(rows - 20) ** 2 + (columns - 24) ** 2 < 60] = False

for time in range(1501):
    if time % 500 == 0:
        inside = plate[conducts]
        print(f"after {time:4} steps: mean {inside.mean():7.3f}, warmer than 50: {np.count_nonzero(plate > 50):4} cells")
    plate = step(plate, conducts)

print()
print(picture(plate))
print("\ntemperatures along the middle row:")
with np.printoptions(precision=2, suppress=True, linewidth=72):
    print(plate[SIZE // 2, ::2])
    print("\ngradient at the heated edge, every sixth column:")
    print((plate[1] - plate[0])[::6])
