"""A plot of a report as SVG: a line of dots per case, the ratio to the baseline on a logarithmic axis."""

import math
from xml.sax.saxutils import escape

LEFT, WIDTH, ROW, TOP = 190, 640, 18, 56
COLOURS = {"micronumpy": "#c1272d", "off": "#999999", "numba": "#2e8b57", "pypy": "#2b7bba"}


def svg(rows):
    rows = [r for r in rows if "ratio" in r and r["system"] in COLOURS]
    suites = {suite: [r for r in rows if r["suite"] == suite] for suite in dict.fromkeys(r["suite"] for r in rows)}
    parts, height = [], 0
    for suite, mine in suites.items():
        panel, taken = _panel(suite, mine)
        parts.append(f'<g transform="translate(0 {height})">{panel}</g>')
        height += taken
    size = f'width="{LEFT + WIDTH + 40}" height="{height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *parts, "</svg>\n"])


def _panel(suite, rows):
    names = list(dict.fromkeys(r["case"] for r in rows))
    logs = [math.log10(x) for r in rows for x in (r["ratio"], *r["spread"])]
    low, high = math.floor(min([*logs, 0.0])), math.ceil(max([*logs, 1.0]))
    bottom = TOP + ROW * len(names)

    def x(ratio):
        return LEFT + WIDTH * (math.log10(ratio) - low) / (high - low)

    out = [f'<text x="10" y="20" font-size="14">{escape(suite)}: times as fast as CPython with numpy</text>']
    for i, (system, colour) in enumerate(COLOURS.items()):
        at = LEFT + 120 * i
        out.append(f'<circle cx="{at}" cy="36" r="5" fill="{colour}"/><text x="{at + 10}" y="40">{system}</text>')
    for tick in range(low, high + 1):
        colour = "#333333" if tick == 0 else "#dddddd"
        out.append(f'<line x1="{x(10**tick):.1f}" x2="{x(10**tick):.1f}" y1="{TOP - 8}" y2="{bottom}" stroke="{colour}"/>')
        out.append(f'<text x="{x(10**tick):.1f}" y="{bottom + 16}" text-anchor="middle">{10.0**tick:g}</text>')
    for i, name in enumerate(names):
        y = TOP + ROW * i + ROW / 2
        out.append(f'<text x="{LEFT - 10}" y="{y + 4}" text-anchor="end">{escape(name)}</text>')
        for r in rows:
            if r["case"] == name:
                colour = COLOURS[r["system"]]
                ends = f'x1="{x(r["spread"][0]):.1f}" x2="{x(r["spread"][1]):.1f}"'
                out.append(f'<line {ends} y1="{y}" y2="{y}" stroke="{colour}" stroke-opacity="0.5"/>')
                out.append(f'<circle cx="{x(r["ratio"]):.1f}" cy="{y}" r="4" fill="{colour}"/>')
    return "\n".join(out), bottom + 36
