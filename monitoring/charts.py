"""Charts as SVG, drawn by hand: nothing to load, and a page of them weighs a few kilobytes."""

from collections.abc import Sequence
from html import escape

from msgspec import Struct

from lambdas.drift.listing_drift import Distribution

GREY, BLUE, RED, GREEN = "#b6bdc8", "#2f6fde", "#c8371f", "#1c8354"
WIDTH, HEIGHT = 1040, 300
LEFT, RIGHT, TOP, BOTTOM = 60, 16, 26, 40
ROW, LETTER = 16, 8  # of words at 12 px: the height of a row, and what a letter takes at most on average
PAD = {"start": 4, "middle": 0, "end": -4}  # between an edge and the words that grow away from it


class Mark(Struct, frozen=True):
    """An upright line at a place of the x axis, with words."""

    x: float
    text: str
    color: str


class Frame(Struct, frozen=True):
    """The plane of a chart: what the edges stand for."""

    x_low: float
    x_high: float
    y_low: float
    y_high: float

    def x(self, value: float) -> float:
        """Return where a value lies, in pixels from the left."""
        return LEFT + (value - self.x_low) / ((self.x_high - self.x_low) or 1) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Return where a value lies, in pixels from the top; what is outside stands on the edge."""
        inside = min(max(value, self.y_low), self.y_high)
        return TOP + (self.y_high - inside) / ((self.y_high - self.y_low) or 1) * (HEIGHT - TOP - BOTTOM)


def bars(found: Distribution) -> str:
    """Return the shares of a window in the reference's bins (blue), beside the reference's own (grey)."""
    total = sum(found.counts) or 1
    window = [count / total for count in found.counts]
    width, height, bottom = 500, 150, 6
    top = max(*window, *found.shares, 0.01)
    slot = width / len(window)
    drawn = []
    for place, (label, share, usual) in enumerate(zip(found.labels, window, found.shares, strict=True)):
        title = escape(f"{label}: {share:.1%} of the window, {usual:.1%} of the training part")
        pair = "".join(
            f'<rect x="{slot * place + slot * at:.1f}" y="{height - bottom - value / top * (height - 20):.1f}" '
            f'width="{slot * 0.38:.1f}" height="{value / top * (height - 20):.1f}" fill="{color}"/>'
            for value, color, at in ((usual, GREY, 0.1), (share, BLUE, 0.5))
        )
        drawn.append(f"<g><title>{title}</title>{pair}</g>")
    ground = (
        f'<line x1="0" x2="{width}" y1="{height - bottom}" y2="{height - bottom}" stroke="#888"/>'
        f'<text x="0" y="{height + 12}">{escape(found.labels[0])}</text>'
        f'<text x="{width}" y="{height + 12}" text-anchor="end">{escape(found.labels[-1])}</text>'
    )
    return f'<svg viewBox="0 0 {width} {height + 16}" role="img">{"".join(drawn)}{ground}</svg>'


def plane(
    frame: Frame,
    ticks: Sequence[tuple[float, str]],
    labels: Sequence[tuple[float, str]],
    *inside: str,
    marks: Sequence[Mark] = (),
) -> str:
    """Return a chart: `ticks` on the y axis, `labels` on the x axis, what is drawn inside, and marks across it."""
    lines = [
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{frame.y(at):.1f}" y2="{frame.y(at):.1f}" stroke="#e3e6eb"/>'
        f'<text x="{LEFT - 8}" y="{frame.y(at) + 4:.1f}" text-anchor="end">{escape(text)}</text>'
        for at, text in ticks
    ]
    lines += [
        f'<text x="{frame.x(at):.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="{_anchor(frame, at)}">'
        f"{escape(text)}</text>"
        for at, text in labels
    ]
    rows = _rows(frame, marks)
    above = ROW * max(rows, default=0)  # the first row fits over the plane, the others need a taller chart
    drawn = [_mark(frame, each, row) for each, row in zip(marks, rows, strict=True)]
    view = f"0 {-above} {WIDTH} {HEIGHT + above}"
    return f'<svg viewBox="{view}" role="img">{"".join(lines)}{"".join(inside)}{"".join(drawn)}</svg>'


def dots(frame: Frame, points: Sequence[tuple[float, float]]) -> str:
    """Return points."""
    return "".join(f'<circle cx="{frame.x(x):.1f}" cy="{frame.y(y):.1f}" r="2" fill="{GREY}"/>' for x, y in points)


def line(frame: Frame, points: Sequence[tuple[float, float]], color: str, dashes: str = "") -> str:
    """Return a line through points."""
    path = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2" stroke-dasharray="{dashes}"/>'


def _mark(frame: Frame, mark: Mark, row: int) -> str:
    """Return an upright line with its words over it, in a row above the plane."""
    place, y = frame.x(mark.x), TOP - 8 - ROW * row
    return (
        f'<line x1="{place:.1f}" x2="{place:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" '
        f'stroke="{mark.color}" stroke-width="1.5" stroke-dasharray="5 3"/>'
        f'<text x="{place + PAD[_anchor(frame, mark.x)]:.1f}" y="{y}" text-anchor="{_anchor(frame, mark.x)}">'
        f"{escape(mark.text)}</text>"
    )


def _rows(frame: Frame, marks: Sequence[Mark]) -> list[int]:
    """Return the lowest row for each mark in which its words touch none of the marks before it."""
    taken: list[list[tuple[float, float]]] = []
    rows: list[int] = []
    for each in marks:
        left, right = _extent(frame, each)
        free = [all(right < start or end < left for start, end in row) for row in taken]
        row = free.index(True) if True in free else len(taken)
        if row == len(taken):
            taken.append([])
        taken[row].append((left, right))
        rows.append(row)
    return rows


def _extent(frame: Frame, mark: Mark) -> tuple[float, float]:
    width, place = LETTER * len(mark.text), frame.x(mark.x)
    left = {"start": place, "middle": place - width / 2, "end": place - width}[_anchor(frame, mark.x)]
    return left, left + width


def _anchor(frame: Frame, x: float) -> str:
    """Words at the edges of a chart grow inwards."""
    place = (frame.x(x) - LEFT) / (WIDTH - LEFT - RIGHT)
    return "start" if place < 0.1 else "end" if place > 0.9 else "middle"
