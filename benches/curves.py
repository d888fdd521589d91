"""Draws docs/performance/*.csv as pictures: the first column across, others upward, both logarithmic.

    python3 benches/curves.py FOLDER
"""

import csv
import math
import sys
from html import escape
from pathlib import Path

WIDTH, HEIGHT = 720, 380
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 44, 76
# Read on white and on black; a second sign of each line is its mark.
COLOURS = ["#2f7ed8", "#d9822b", "#3d9c5f", "#b0579f", "#8a8f98"]
# What is drawn of each file, by its heading; memory stands in the CSV only.
DRAWN = {
    "callers": ("Callers", ["calls per second", "refused per second"]),
    "latency": ("Callers", ["p50 ms", "p99 ms"]),
    "rows": ("Rows", ["pgwarden ms", "COPY ms", "first page ms"]),
    "columns": ("Columns", ["seen ms", "new ms"]),
    "statement": ("Bytes of a statement", ["seen ms", "new ms"]),
    "catalog": ("Relations of 20 columns", ["seconds to ready", "resident MB", "new ms", "seen ms"]),
    "rules": ("Rules", ["seen ms", "new ms"]),
    "check-catalog": ("Relations in the catalog", ["small us", "typical us"]),
    "check-rules": ("Rules", ["small us", "typical us"]),
    "check-statement": ("Bytes of a statement", ["check us"]),
}
FROM = {"latency": "callers"}

STYLE = """
text { font: 12px system-ui, sans-serif; fill: #3b4252 }
.title { font-size: 14px; font-weight: 600 }
.grid { stroke: #8a8f98; stroke-opacity: .25 }
.axis { stroke: #8a8f98 }
.back { fill: #ffffff }
@media (prefers-color-scheme: dark) { text { fill: #d8dee9 } .back { fill: #14171c } }
"""


def span(values):
    """The powers of ten around the values."""
    low, high = min(values), max(values)
    return math.floor(math.log10(low) + 1e-9), max(math.ceil(math.log10(high) - 1e-9), math.floor(math.log10(low)) + 1)


def number(power):
    value = 10.0**power
    if value >= 1e6:
        return f"{value / 1e6:g}M"
    return f"{value / 1e3:g}k" if value >= 1e3 else f"{value:g}"


def picture(title, rows, names):
    across = list(rows[0])[0]
    lines = {
        name: [(float(row[across]), float(row[name])) for row in rows if float(row[name]) > 0] for name in names
    }
    lines = {name: points for name, points in lines.items() if points}
    points = [point for line in lines.values() for point in line]
    x0, x1 = span([x for x, _ in points])
    y0, y1 = span([y for _, y in points])

    def place(x, y):
        px = LEFT + (math.log10(x) - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT)
        py = HEIGHT - BOTTOM - (math.log10(y) - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM)
        return round(px, 1), round(py, 1)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">',
        f"<style>{STYLE}</style>",
        f'<rect class="back" width="{WIDTH}" height="{HEIGHT}" rx="6"/>',
        f'<text class="title" x="{LEFT}" y="24">{escape(title)}</text>',
    ]
    for power in range(x0, x1 + 1):
        px, _ = place(10.0**power, 10.0**y0)
        out.append(f'<line class="grid" x1="{px}" y1="{TOP}" x2="{px}" y2="{HEIGHT - BOTTOM}"/>')
        out.append(f'<text x="{px}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{number(power)}</text>')
    for power in range(y0, y1 + 1):
        _, py = place(10.0**x0, 10.0**power)
        kind = "axis" if power == y0 else "grid"
        out.append(f'<line class="{kind}" x1="{LEFT}" y1="{py}" x2="{WIDTH - RIGHT}" y2="{py}"/>')
        out.append(f'<text x="{LEFT - 8}" y="{py + 4}" text-anchor="end">{number(power)}</text>')
    out.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - BOTTOM + 36}" text-anchor="end">{escape(across)}</text>')
    at = LEFT
    for colour, (name, line) in zip(COLOURS, lines.items()):
        placed = [place(x, y) for x, y in line]
        path = " ".join(f"{x},{y}" for x, y in placed)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{x}" cy="{y}" r="3.5" fill="{colour}"/>' for x, y in placed]
        out.append(f'<rect x="{at}" y="{HEIGHT - 24}" width="12" height="12" rx="2" fill="{colour}"/>')
        out.append(f'<text x="{at + 18}" y="{HEIGHT - 14}">{escape(name)}</text>')
        at += 36 + 7 * len(name)
    return "\n".join(out + ["</svg>", ""])


def main(folder):
    for name, (title, columns) in DRAWN.items():
        source = folder / f"{FROM.get(name, name)}.csv"
        if not source.exists():
            continue
        with source.open(newline="") as file:
            rows = list(csv.DictReader(file))
        (folder / f"{name}.svg").write_text(picture(f"{title}: {', '.join(columns)}", rows, columns))


main(Path(sys.argv[1]))
