"""Pages of HTML: whatever blocks say, a browser reads it as text, and loads nothing."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.cli.page import page
from circumvent.say.blocks import (
    Bar,
    Bars,
    Block,
    Grid,
    Group,
    Groups,
    Heading,
    Point,
    Points,
    Section,
    Sentence,
    Space,
    Steps,
    Table,
    Way,
)
from circumvent.say.pages import report_page
from tests.say.hostile import HOSTILE
from tests.say.reports import FORMS

#: Elements without an end.
VOID = {"meta"}
#: Attributes through which a page can fetch or run something.
LOADS = {"src", "href", "srcset", "data", "action", "background", "poster"}


class Reader(HTMLParser):
    """Reads a page as strictly as we write it: every element ends where it should."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.text += data


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    assert not reader.seen & {"script", "link", "img", "iframe", "object", "embed", "form", "base"}
    assert not reader.attributes & LOADS
    assert not {name for name in reader.attributes if name.startswith("on")}
    return reader


def every_block(text: str) -> tuple[Block, ...]:
    """One block of each kind, with ``text`` wherever text can stand."""
    way = Way(rank=1, mark="+", name=text, kind=text, word=text, tries=text, first_data=text, speed=text)
    return (
        Sentence(text, strong=True), Sentence(text), Space(), Heading(text), Points((Point(text, text, "x"),)),
        Steps((text, text)), Table((Section(heading=text, ways=(way,), more=text),)),
        Groups((Group(mark="!", word=text, count=1, text=text),)),
        Grid((text, text), ((text, text), (text, text)), frozenset({1})),
        Bars((Bar(label=text, length=1.0, text=text), Bar(label=text, length=0.0, text=text, limit=True))),
    )  # fmt: skip


@pytest.mark.parametrize(
    "text", [HOSTILE, "<script>alert(1)</script>", '"><img src=x onerror=y>', "&lt;b&gt;"]
)
def test_hostile_words_stay_words(text: str) -> None:
    reader = read(page(text, every_block(text)))
    assert "\x1b" not in reader.text


@given(st.text(max_size=60))
def test_whatever_is_said_the_page_holds_together(text: str) -> None:
    read(page(text, every_block(text)))


def test_words_are_there_as_they_were_said() -> None:
    reader = read(page("A & B", (Sentence("1 < 2"), Heading("it's"), Steps(("do <this>",)))))
    for words in ("A & B", "1 < 2", "it's", "do <this>"):
        assert words in reader.text


@pytest.mark.parametrize("name", FORMS)
def test_every_form_of_report_is_a_page(name: str) -> None:
    make, _ = FORMS[name]
    title, blocks = report_page(make(), "r.json")
    reader = read(page(title, blocks))
    assert title.startswith("Network check: ")
    for words in ("For who helps", "Tell them", "Every try, in the order of time"):
        assert words in reader.text


def test_a_picture_stands_in_it_as_it_is() -> None:
    picture = '<svg xmlns="http://www.w3.org/2000/svg"><title>rings</title></svg>'
    text = page("plan", (), pictures=[picture])
    assert picture in text
    assert "svg" in read(text).seen
