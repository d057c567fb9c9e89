"""Calibrate an instrument: fit a line to NIST's ozone monitor data and check the fit against the certified one."""

from pathlib import Path

import numpy as np

CERTIFIED = {"intercept": -0.262323073774029, "slope": 1.00211681802045, "residual sd": 0.884796396144373}

reading = np.dtype([("reference", "f8"), ("instrument", "f8")])
data = np.loadtxt(Path(__file__).parent / "data" / "norris.txt", dtype=reading)
x, y = data["instrument"], data["reference"]
print(f"{data.size} readings from {x.min()} to {x.max()}, {data.dtype}")

dx, dy = x - x.mean(), y - y.mean()
slope = np.dot(dx, dy) / np.dot(dx, dx)
intercept = y.mean() - slope * x.mean()
residual = y - (intercept + slope * x)
sd = np.sqrt(np.sum(residual**2) / (x.size - 2))

for name, value in zip(CERTIFIED, (intercept, slope, sd)):
    agrees = np.isclose(value, CERTIFIED[name], rtol=1e-10)
    print(f"{name:12} {value:15.9f}   as certified: {agrees}")

print("\nworst five readings, by residual:")
worst = np.argsort(np.abs(residual), kind="stable")[::-1][:5]
print(np.column_stack([x[worst], y[worst], residual[worst]]).round(3))

print("\nresiduals by range of the instrument:")
edges = np.array([0, 100, 400, 700, 1000])
which = np.digitize(x, edges) - 1
for i in range(edges.size - 1):
    part = residual[which == i]
    print(f"  {edges[i]:4} to {edges[i + 1]:4}: {part.size:2} readings, mean {part.mean():+.3f}, spread {part.std(ddof=1):.3f}")

order = np.sort(data, order=["instrument", "reference"])
print("\nfirst and last readings:", order[:2].tolist(), order[-1])
