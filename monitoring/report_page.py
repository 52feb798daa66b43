"""The report for people: one HTML file that needs nothing else, drawn from a look and the history.

Evidently was weighed for it and left out: see DECISIONS.md.
"""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lambdas.drift import listing_drift, price_drift
from lambdas.drift.events import events
from lambdas.drift.watch import DriftVerdict, Look, Watch
from monitoring.charts import BLUE, GREEN, RED, Frame, Mark, bars, dots, line, plane
from monitoring.sentences import (
    CHECKS,
    ERRORS,
    FIGURES,
    KINDS,
    NAMES,
    check_row,
    error_row,
    figures_row,
    loss_sentence,
    percent,
    prices_sentence,
    ratios_sentence,
    sales_sentence,
    verdict_sentence,
    warnings_sentence,
)
from monitoring.timeline import History
from terminal.errors import Failure

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1c2430;background:#f6f7f9;margin:0}
main{max-width:1080px;margin:0 auto;padding:24px}
h1{font-size:24px;margin:0 0 12px}h2{font-size:18px;margin:32px 0 8px}h3{font-size:14px;margin:0 0 4px}
section,.banner{background:#fff;border:1px solid #dfe3e9;border-radius:8px;padding:16px 20px;margin:12px 0}
.banner{border-left:8px solid #1c8354;font-size:17px}.banner.drift{border-left-color:#c8371f}
.grid{display:grid;grid-template-columns:1fr 1fr;gap:12px}.grid section{margin:0}
table{border-collapse:collapse;width:100%}th,td{padding:4px 10px;text-align:right;border-bottom:1px solid #e9ecf0}
th:first-child,td:first-child,.w th,.w td{text-align:left}tr.rang{color:#c8371f;font-weight:600}
svg{width:100%;height:auto;display:block}svg text{font:12px system-ui,sans-serif;fill:#5a6472}
p.note{color:#5a6472;margin:4px 0}.key{display:inline-block;width:12px;height:12px;margin:0 4px 0 12px}
@media (max-width:800px){.grid{grid-template-columns:1fr}}
"""


def write(path: Path, look: Look, watch: Watch, s3: "S3Client") -> None:
    """Write the page; raises `Failure` where the file cannot be written."""
    html = page(look, History.read(look, watch, s3))
    try:
        path.write_text(html, encoding="utf-8")
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from error


def page(look: Look, history: History) -> str:
    """Return the page."""
    verdict = look.verdict
    told = "".join(f"<li>{escape(event.summary)}</li>" for event in events(verdict))
    kind = "banner drift" if verdict.drifted else "banner"
    body = (
        f"<h1>How the champion does</h1>"
        f'<div class="{kind}">{escape(verdict_sentence(verdict))}<ul>{told}</ul></div>'
        f"<h2>Sale prices</h2>{_prices(look, history)}"
        f"<h2>Listings</h2>{_listings(look)}"
        f"<h2>Promotions and alarms</h2>{_events(look, history)}"
        f'<p class="note">Looked at {verdict.at:%Y-%m-%d %H:%M:%S} UTC, look {verdict.look} since the promotion. In a '
        f"market that stands still all comparisons together ring with {percent(verdict.false_alarms['family'])} over "
        f"{verdict.false_alarms['sales']:.0f} sales.</p>"
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>How the champion does</title>'
        f"<style>{STYLE}</style></head><body><main>{body}</main></body></html>\n"
    )


def _prices(look: Look, history: History) -> str:
    figures = _table(FIGURES, map(figures_row, look.verdict.figures))
    return (
        f"<section><p>{escape(prices_sentence(look.verdict.performance))}</p>"
        f"<h3>Sale over prediction: each sale, and the newest 30 together</h3>{_course(history)}"
        f"<h3>The test: the largest comparison at every tenth sale under this champion, and its limit</h3>{_test(look)}"
        f"</section><section><p>{escape(_sentences(look.verdict))}</p>{figures}{_errors(look)}</section>"
    )


def _sentences(verdict: DriftVerdict) -> str:
    said = (sales_sentence, loss_sentence, ratios_sentence, warnings_sentence)
    return " ".join(filter(None, (sentence(verdict) for sentence in said)))


def _errors(look: Look) -> str:
    watches = look.verdict.errors
    if not watches:
        return ""
    rang = [number for number, each in enumerate(watches) if each.rang]
    return f"<h3>Their coverage, their spread, and where they are</h3>{_table(ERRORS, map(error_row, watches), rang)}"


def _course(history: History) -> str:
    offsets = [each.offset for each in history.labelled]
    if not offsets:
        return "<p class='note'>No sale of a predicted home has been reported.</p>"
    edge = max(0.3, float(np.quantile(np.abs(offsets), 0.98)))
    frame = Frame(0, len(offsets), -edge, edge)
    ticks = [(0.0, "0 %")] + [
        (float(np.log1p(share)), f"{100 * share:+.0f} %") for share in (-0.4, -0.2, 0.2, 0.4, 0.6)
    ]
    places = [Mark(each.sale, f"champion {each.champion}", GREEN) for each in history.promotions()]
    places += [Mark(history.sale_at(each.at), f"alarm: {KINDS[each.kind]}", RED) for each in history.alarms]
    return plane(
        frame,
        [tick for tick in ticks if abs(tick[0]) < edge],
        _dates(history),
        dots(frame, list(enumerate(offsets))),
        line(frame, history.course(), BLUE),
        marks=sorted(places, key=lambda mark: mark.x),
    )


def _dates(history: History) -> list[tuple[float, str]]:
    places = np.unique(np.linspace(0, len(history.labelled) - 1, 6).astype(int)).tolist()
    return [(n, f"{n + 1} · {history.labelled[n].sale.reported_at:%d %b %H:%M}") for n in places]


def _test(look: Look) -> str:
    sales = price_drift.Sales.of(look.labelled)
    found = price_drift.comparisons(sales, look.champion.reference.offset.mean)
    if not found:
        return f"<p class='note'>Begins at {price_drift.SEGMENTS[0]} sales.</p>"
    largest: dict[int, float] = {}
    for each in found:
        for at, z in zip(each.at.tolist(), each.z.tolist(), strict=True):
            largest[at] = max(largest.get(at, 0.0), abs(z))
    limit = look.verdict.performance.limit
    points = sorted(largest.items())
    frame = Frame(0, max(largest), 0, max(limit * 1.3, *largest.values()))
    limits = line(frame, [(0, limit), (max(largest), limit)], RED, "6 4")
    labels = [(n, f"{n}") for n in np.unique(np.linspace(0, max(largest), 6).astype(int)).tolist()]
    return plane(frame, [(n, f"{n}") for n in range(int(frame.y_high) + 1)], labels, limits, line(frame, points, BLUE))


def _listings(look: Look) -> str:
    checks = look.verdict.listings
    rang = [number for number, each in enumerate(checks) if each.rang]
    table = _table(CHECKS, map(check_row, checks), rang)
    window = len(look.predictions)
    if window < listing_drift.MIN_WINDOW:
        few = (
            f"<p class='note'>{window} predictions; distributions are compared from {listing_drift.MIN_WINDOW} on.</p>"
        )
        return f"<section>{few}{table}</section>"
    found = listing_drift.distributions(look.predictions, look.champion.reference)
    charts = "".join(f"<section><h3>{escape(NAMES[each.name])}</h3>{bars(each)}</section>" for each in found)
    key = (
        f'<p class="note"><span class="key" style="background:{BLUE}"></span>the window'
        '<span class="key" style="background:#b6bdc8"></span>the training part; point at a bar for its bin</p>'
    )
    return f'<section>{table}</section>{key}<div class="grid">{charts}</div>'


def _events(look: Look, history: History) -> str:
    champion = look.champion
    rows = [(f"{champion.promoted_at:%Y-%m-%d %H:%M}", "promotion", f"version {champion.version} serves since")]
    rows += [
        (
            f"{history.labelled[each.sale].prediction.arrived_at:%Y-%m-%d %H:%M}",
            "promotion",
            f"version {each.champion} had priced from sale {each.sale + 1} on",
        )
        for each in history.promotions()
        if each.champion != champion.version
    ]
    rows += [(f"{each.at:%Y-%m-%d %H:%M}", f"alarm, champion {each.champion}", each.summary) for each in history.alarms]
    return f"<section>{_table(('when, UTC', 'what', ''), sorted(rows), words=True)}</section>"


def _table(
    header: Iterable[str], rows: Iterable[Sequence[str]], rang: Sequence[int] = (), *, words: bool = False
) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = []
    for number, row in enumerate(rows):
        color = ' class="rang"' if number in rang else ""
        cells = "".join(f"<td>{escape(cell)}</td>" for cell in row)
        body.append(f"<tr{color}>{cells}</tr>")
    kind = ' class="w"' if words else ""
    return f"<table{kind}><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"
