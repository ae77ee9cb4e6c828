"""A plan as a picture: the place in the middle, north above, rings for the reaches, dots for gateways. Pure; SVG."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Final

from circumvent.satellite.geometry import bearing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from circumvent.satellite.geometry import Place
    from circumvent.satellite.plan import NearSite, SystemPlan

#: Pixels: the side of a panel's drawing, the room around it, the height of its heading.
_SIDE: Final = 480
_AROUND: Final = 60
_HEADING: Final = 40
#: A bit more than what is furthest, so that its name fits.
_SPARE: Final = 1.15

#: The class of the drawing. Rules of style are for what is inside it, so that it can stand in a page with others.
_CLASS: Final = "satellite-plan"
_RULES: Final = (
    ("text", "font:13px sans-serif;fill:#222"),
    (".small", "font-size:11px;fill:#555"),
    (".head", "font-size:16px;font-weight:bold"),
    (".rule", "fill:none;stroke:#888;stroke-dasharray:4 4"),
    (".reach", "fill:#eef5ff;stroke:#36c"),
    (".gateway", "fill:#36c"),
    (".pop", "fill:none;stroke:#a50;stroke-width:2"),
    (".here", "fill:#222"),
)
_STYLE: Final = "".join(f".{_CLASS} {what}{{{rule}}}" for what, rule in _RULES)


def draw_svg(near: str, place: Place, plans: Sequence[SystemPlan]) -> str:
    """Return an SVG document with one panel for each system of which sites are known; it names nothing from outside.

    It may stand inside an HTML page as it is.

    Angles are true and distances from the middle are to scale (azimuthal equidistant); the map is otherwise none.
    """
    shown = [plan for plan in plans if plan.gateways or plan.pops]
    high = _HEADING + _SIDE + 2 * _AROUND
    width, height = _SIDE + 2 * _AROUND, max(high * len(shown), _AROUND)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{_CLASS}" role="img" viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        f"<title>{escape(f'Satellite gateways near {near}')}</title>",
        f"<style>{_STYLE}</style>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for number, plan in enumerate(shown):
        lines.append(f'<g transform="translate(0 {number * high})">')
        lines += _panel(near, place, plan)
        lines.append("</g>")
    if not shown:
        lines.append(_text(_AROUND / 2, _AROUND / 2, "No gateway of any system is known."))
    return "\n".join([*lines, "</svg>"]) + "\n"


def _panel(near: str, place: Place, plan: SystemPlan) -> Iterable[str]:
    sites = [*plan.gateways, *plan.pops]
    furthest = max(plan.reach, plan.rule, *(one.distance for one in sites)) * _SPARE
    scale = _SIDE / 2 / furthest
    centre = _AROUND + _SIDE / 2
    yield _text(_AROUND / 2, 28, f"{plan.system.name} near {near}", "head")
    yield f'<g transform="translate({centre:.1f} {centre + _HEADING:.1f})">'
    yield _ring(plan.reach * scale, "reach")
    yield _ring(plan.rule * scale, "rule")
    yield _text(0, -plan.reach * scale - 5, f"computed reach {plan.reach:,.0f} km", "small", "middle")
    yield _text(0, plan.rule * scale + 14, f"rule of thumb {plan.rule:,.0f} km", "small", "middle")
    yield '<circle class="here" r="4"/>'
    for one in plan.pops:
        yield from _dot(place, one, scale, "pop")
    for one in plan.gateways:
        yield from _dot(place, one, scale, "gateway")
    yield "</g>"
    below = "dots: gateways; circles: points of presence; north is above"
    yield _text(_AROUND / 2, _HEADING + _SIDE + 2 * _AROUND - 20, below, "small")


def _dot(place: Place, near: NearSite, scale: float, kind: str) -> Iterable[str]:
    angle = math.radians(bearing(place, near.site.place))
    x, y = math.sin(angle) * near.distance * scale, -math.cos(angle) * near.distance * scale
    yield f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{5 if kind == "gateway" else 7}"/>'
    # Names of gateways stand above their dots, those of points of presence below: both often are in one city.
    beside = -10 if kind == "gateway" else 20
    anchor = "start" if x < 0 else "end"
    yield _text(x, y + beside, f"{near.site.name} {near.distance:,.0f} km", "", anchor)


def _ring(radius: float, kind: str) -> str:
    return f'<circle class="{kind}" r="{radius:.1f}"/>'


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    given = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{given} text-anchor="{anchor}">{escape(text)}</text>'
