"""A plot of a report as SVG: geometric mean of the ratios to numpy over the number of elements, a line per system."""

import math
import statistics
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 60, 130, 40, 50
COLOURS = {"micronumpy": "#777777", "fuse": "#c1272d", "numexpr": "#2b7bba", "numba": "#2e8b57", "jax": "#8a4fbe"}


def svg(report):
    rows = [r for r in report["rows"] if "ratio" in r and r["system"] != "numpy"]
    panels = list(dict.fromkeys((r["dtype"], r["threads"]) for r in rows))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT * len(panels)}" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for i, panel in enumerate(panels):
        block = [r for r in rows if (r["dtype"], r["threads"]) == panel]
        parts.append(f'<g transform="translate(0 {i * HEIGHT})">{_panel(block, panel)}</g>')
    return "\n".join([*parts, "</svg>\n"])


def _panel(rows, panel):
    sizes = sorted({r["size"] for r in rows})
    means, bands = {}, {}
    for system in dict.fromkeys(r["system"] for r in rows):
        for size in sizes:
            ratios = [r["ratio"] for r in rows if r["system"] == system and r["size"] == size]
            if ratios:
                logs = list(map(math.log2, ratios))
                means.setdefault(system, []).append((size, statistics.fmean(logs)))
                bands.setdefault(system, []).append((size, min(logs), max(logs)))
    values = [v for line in bands.values() for _, *pair in line for v in pair] or [0.0]
    low, high = math.floor(min(values + [-1.0])), math.ceil(max(values + [2.0]))
    span = math.log10(sizes[-1] / sizes[0]) or 1.0

    def x(size):
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log10(size / sizes[0]) / span

    def y(value):
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low)

    threads = f"{panel[1]} thread" + "s" * (panel[1] > 1)
    out = [f'<text x="{LEFT}" y="20" font-size="14">times as fast as numpy, {escape(panel[0])}, {threads}</text>']
    for tick in range(low, high + 1):
        label = f"{2**tick:g}"
        colour = "#333333" if tick == 0 else "#dddddd"
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="{colour}"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{label}</text>')
    for size in sizes:
        out.append(f'<text x="{x(size):.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{size:,}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">elements</text>')
    for i, (system, line) in enumerate(means.items()):
        colour = COLOURS.get(system, "#000000")
        points = " ".join(f"{x(s):.1f},{y(v):.1f}" for s, v in line)
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for size, bottom, top in bands[system]:
            at = x(size) + 3 * (i - 2)
            out.append(
                f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{y(bottom):.1f}" y2="{y(top):.1f}" stroke="{colour}" '
                'stroke-opacity="0.45"/>'
            )
        legend = TOP + 20 * i
        out.append(f'<rect x="{WIDTH - RIGHT + 15}" y="{legend}" width="12" height="12" fill="{colour}"/>')
        out.append(f'<text x="{WIDTH - RIGHT + 33}" y="{legend + 10}">{escape(system)}</text>')
    return "\n".join(out)
