# SPDX-License-Identifier: Apache-2.0
"""Draws time series below each other as SVG."""

from xml.sax.saxutils import escape

WIDTH, HEIGHT, MARGIN = 900, 130, 70


def plot(seconds, series, shaded):
    """Draws `series` by title, with one value for each of `seconds`. `shaded` times have a grey
    background.
    """
    if not seconds:
        seconds, shaded = [0], [False]
        series = {title: [0] for title in series}
    end = max(seconds[-1], 1)
    step = end / len(seconds)

    def x(second):
        return MARGIN + second / end * (WIDTH - 2 * MARGIN)
    height = HEIGHT * len(series) + 30
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
             'font-family="sans-serif" font-size="12">',
             f'<rect width="{WIDTH}" height="{height}" fill="white"/>']
    parts += [f'<rect x="{x(second - step):.1f}" y="0" width="{x(step) - x(0):.1f}" '
              f'height="{height - 30}" fill="#ddd"/>'
              for second, dark in zip(seconds, shaded) if dark]
    for row, (title, values) in enumerate(series.items()):
        bottom, most = (row + 1) * HEIGHT - 10, max(max(values), 1)
        points = " ".join(f"{x(second):.1f},{bottom - value / most * (HEIGHT - 40):.1f}"
                          for second, value in zip(seconds, values))
        parts += [f'<text x="{MARGIN}" y="{bottom - HEIGHT + 28}">{escape(title)}</text>',
                  f'<text x="{MARGIN - 5}" y="{bottom - HEIGHT + 45}" text-anchor="end">'
                  f'{most:.4g}</text>',
                  f'<text x="{MARGIN - 5}" y="{bottom}" text-anchor="end">0</text>',
                  f'<path d="M{MARGIN} {bottom}H{WIDTH - MARGIN}" stroke="#999"/>',
                  f'<polyline points="{points}" fill="none" stroke="#1565c0"/>']
    parts.append(f'<text x="{MARGIN}" y="{height - 10}">0 to {end:.0f} s; grey: no provider was '
                 'well</text></svg>')
    return "\n".join(parts)
