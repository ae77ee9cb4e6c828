"""Lays blocks out as one page of HTML that stands alone: no script, nothing loaded from anywhere.

Everything passes :func:`circumvent.text.sanitise` and is escaped here, once; a policy in the page's head forbids what could
be slipped in all the same. It reads on a telephone and on paper, light or dark, and by voice: headings, lists and tables
are what they are called.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from circumvent.say.blocks import Bars, Grid, Groups, Heading, Points, Sentence, Space, Steps, Table
from circumvent.say.language import _
from circumvent.text import sanitise

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from circumvent.say.blocks import Bar, Block, Group, Section, Way

#: The longest text of one block, in characters.
_LONGEST: Final = 4000
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
#: Classes of the marks; they colour a word that says the same.
_CLASSES: Final = {"+": "works", "~": "limits", "x": "bad", "!": "no"}
_STYLE: Final = """
:root{color-scheme:light dark}
*{box-sizing:border-box}
body{margin:0 auto;max-inline-size:60rem;padding:1rem;background:#fdfcf9;color:#1c2227;font:1rem/1.5 system-ui,sans-serif}
h1{font-size:1.6rem;line-height:1.25;margin:.4rem 0}
h2{font-size:1.15rem;margin:1.8rem 0 .5rem;padding-block-start:.7rem;border-block-start:1px solid #8885}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;margin:.5rem 0}
dd{margin:0;overflow-wrap:anywhere}
table{border-collapse:collapse;inline-size:100%;margin:.5rem 0}
caption{text-align:start;font-weight:600;padding-block:.5rem .2rem}
th,td{text-align:start;padding:.25rem .6rem .25rem 0;border-block-end:1px solid #8885;vertical-align:top;overflow-wrap:anywhere}
th{font-weight:400}dt,th,.more,footer{color:#59636c}
.strong{font-weight:600;font-size:1.1rem}.works{color:#17703f}.limits{color:#845300}.bad,.wrong{color:#ae251c}.no{color:#78398c}
meter{inline-size:min(40vw,24rem)}
figure{margin:1rem 0;overflow-x:auto}
@media (prefers-color-scheme:dark){
body{background:#15191c;color:#e6e8ea}dt,th,.more,footer{color:#a8b2ba}
.works{color:#68cf96}.limits{color:#e5b24f}.bad,.wrong{color:#ff9187}.no{color:#d2a0e5}}
@media (max-width:34rem){dl{grid-template-columns:1fr}dt{margin-block-start:.4rem}}
@media print{body{max-inline-size:none}h2{break-after:avoid}tr,dd{break-inside:avoid}}
"""


def page(title: str, blocks: Iterable[Block], *, pictures: Sequence[str] = ()) -> str:
    """Return a whole page; ``pictures`` are SVG documents of our own making, and stand after the text as they are."""
    body = [_drawn(block) for block in blocks]
    body += [f"<figure>{picture}</figure>" for picture in pictures]
    told = escape(_clean(title))
    lines = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        '<meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">',
        f"<title>{told}</title><style>{_STYLE}</style></head>",
        f"<body><main><h1>{told}</h1>",
        *filter(None, body),
        f"</main><footer><p>{_text(_('This page was made on the device itself and loads nothing.'))}</p></footer></body></html>",
    ]
    return "\n".join(lines) + "\n"


def _drawn(block: Block) -> str:
    match block:
        case Space():
            return ""
        case Sentence(text=text, strong=strong):
            return f'<p class="strong">{_text(text)}</p>' if strong else f"<p>{_text(text)}</p>"
        case Heading(text=text):
            return f"<h2>{_text(text)}</h2>"
        case Points(points=points):
            pairs = (f"<dt>{_text(one.lead)}</dt><dd>{_text(one.text)}</dd>" for one in points)
            return f"<dl>{''.join(pairs)}</dl>"
        case Steps(texts=texts):
            return f"<ol>{''.join(f'<li>{_text(text)}</li>' for text in texts)}</ol>"
        case Groups(groups=groups):
            return f"<dl>{''.join(map(_group, groups))}</dl>"
        case Table(sections=sections):
            return "".join(map(_section, sections))
        case Grid():
            return _grid(block)
        case Bars(bars=bars):
            return _bars(bars)


def _group(group: Group) -> str:
    return f"<dt>{_word(group.mark, group.word)}, {group.count}</dt><dd>{_text(group.text)}</dd>"


def _section(section: Section) -> str:
    names = ("", _("option"), _("kind"), _("result"), _("tries"), _("first data"), _("speed"))
    head = "".join(f'<th scope="col">{_text(name)}</th>' for name in names)
    rows = "".join(map(_way, section.ways))
    table = f"<table><caption>{_text(section.heading)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return table + (f'<p class="more">{_text(section.more)}</p>' if section.more else "")


def _way(way: Way) -> str:
    plain = (way.name, way.kind)
    facts = (way.tries, way.first_data, way.speed)
    cells = [str(way.rank), *map(_text, plain), _word(way.mark, way.word), *map(_text, facts)]
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _grid(grid: Grid) -> str:
    head = "".join(f'<th scope="col">{_text(name)}</th>' for name in grid.header)
    rows = []
    for number, (label, *cells) in enumerate(grid.rows):
        kind = ' class="wrong"' if number in grid.wrong else ""
        told = "".join(f"<td>{_text(cell)}</td>" for cell in cells)
        rows.append(f'<tr{kind}><th scope="row">{_text(label)}</th>{told}</tr>')
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _bars(bars: Sequence[Bar]) -> str:
    longest = max((bar.length for bar in bars), default=0.0) or 1.0
    rows = (
        f'<tr><th scope="row">{_text(bar.label)}</th>'
        f'<td><meter max="1" value="{bar.length / longest:.3f}"></meter></td><td>{_text(bar.text)}</td></tr>'
        for bar in bars
    )
    return f"<table><tbody>{''.join(rows)}</tbody></table>"


def _word(mark: str, word: str) -> str:
    """Return a word in the colour of its mark; what is not alarming has none."""
    kind = _CLASSES.get(mark)
    return _text(word) if kind is None else f'<span class="{kind}">{_text(word)}</span>'


def _text(text: str) -> str:
    return escape(_clean(text))


def _clean(text: str) -> str:
    return sanitise(text.strip(" "), _LONGEST)
