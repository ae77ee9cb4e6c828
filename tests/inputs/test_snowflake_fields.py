"""Snowflake lines, as Tor Browser, Orbot and people on forums have them."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent import catalog
from circumvent.inputs.bridge_lines import parse_bridge
from circumvent.inputs.problem import LineError
from circumvent.inputs.snowflake_fields import DEFAULT_BRIDGE, MOST_FRONTS, MOST_STUN, snowflake_option
from circumvent.model.snowflake import SnowflakeSettings
from circumvent.model.words import Exposure

FIRST = "2B280B23E1107BB62ABFC40DDCC8824814F80A72"
SECOND = "8838024498816A039FCBBAB14E6F40A0843051FA"


def read(more: str, mark: str = SECOND) -> tuple[str, SnowflakeSettings]:
    option = parse_bridge(f"Bridge snowflake 192.0.2.3:80 {mark} {more}")
    assert (option.kind, option.exposure) == ("snowflake", Exposure.NOTABLE)
    assert isinstance(option.settings, SnowflakeSettings)
    return str(option.endpoint), option.settings


def test_a_line_of_tor_browser() -> None:
    endpoint, settings = read(
        f"fingerprint={SECOND} url=https://1098762253.rsc.cdn77.org/ fronts=app.datapacket.com,www.datapacket.com "
        "ice=stun:stun.epygi.com:3478,stun:stun.uls.co.za,turn:turn.example:3478,stun:[2001:db8::1]:19302 "
        "utls-imitate=hellorandomizedalpn"
    )
    assert endpoint == "app.datapacket.com:443"
    assert settings.url == "https://1098762253.rsc.cdn77.org/"
    assert settings.fronts == ("app.datapacket.com", "www.datapacket.com")
    assert settings.stun == (("stun.epygi.com", 3478), ("stun.uls.co.za", 3478), ("2001:db8::1", 19302))
    assert settings.bridge == settings.fingerprint == bytes.fromhex(SECOND)
    assert (settings.imitate, settings.no_sni, settings.sqs) == ("hellorandomizedalpn", False, False)


def test_an_older_line_has_one_front() -> None:
    endpoint, settings = read("url=https://broker.example/ front=cdn.example")
    assert endpoint == "cdn.example:443"
    assert settings.fronts == ("cdn.example",)


def test_without_a_front_the_broker_itself() -> None:
    assert read("url=http://broker.example:8080/path/")[0] == "broker.example:8080"
    assert read("url=https://broker.example")[1].url == "https://broker.example/"


def test_whom_the_broker_is_asked_for() -> None:
    """The client asks for the argument's bridge, or for the first there ever was; tor wants that of the line."""
    _, settings = read(f"url=https://broker.example/ fingerprint={FIRST}")
    assert (settings.bridge, settings.fingerprint) == (bytes.fromhex(FIRST), bytes.fromhex(SECOND))
    _, settings = read("url=https://broker.example/")
    assert (settings.bridge, settings.fingerprint) == (DEFAULT_BRIDGE, bytes.fromhex(SECOND))
    _, settings = read(f"url=https://broker.example/ fingerprint={FIRST}", "")
    assert settings.fingerprint == bytes.fromhex(FIRST)
    assert read("url=https://broker.example/", "")[1].fingerprint is None


def test_through_an_amp_cache() -> None:
    line = "url=https://snowflake-broker.example/ ampcache=https://cdn.cache.example/"
    endpoint, settings = read(line)
    assert endpoint == "snowflake--broker-example.cdn.cache.example:443"
    assert settings.amp_cache == "https://cdn.cache.example/"
    assert read(f"{line} fronts=www.front.example")[0] == "www.front.example:443"


def test_a_queue_is_noted() -> None:
    """Its credentials are not kept."""
    endpoint, settings = read("sqsqueue=https://sqs.us-east-1.example/1/snowflake-broker sqscreds=c2VjcmV0")
    assert endpoint == "sqs.us-east-1.example:443"
    assert (settings.url, settings.sqs) == ("", True)
    assert "c2VjcmV0" not in str([getattr(settings, name) for name in settings.__dataclass_fields__])


@pytest.mark.parametrize(("value", "hidden"), [("true", True), ("YES", True), ("no", False), ("", False)])
def test_no_name_in_the_hello(value: str, hidden: bool) -> None:
    assert read(f"url=https://broker.example/ utls-nosni={value}")[1].no_sni is hidden


def test_long_lists_are_cut() -> None:
    fronts = ",".join(f"f{number}.example" for number in range(20))
    servers = ",".join(f"stun:s{number}.example:3478" for number in range(40))
    _, settings = read(f"url=https://broker.example/ fronts={fronts} ice={servers}")
    assert (len(settings.fronts), len(settings.stun)) == (MOST_FRONTS, MOST_STUN)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("fronts=a.example", "no url"),
        ("url=ftp://broker.example/", "https://"),
        ("url=https://user@broker.example/", "https://"),
        ("url=https://broker.example/?x=1", "more than host and path"),
        ("url=https://broker.example/ fingerprint=AAAA", "40 letters"),
        ("url=https://broker.example/ fronts=not_a/host", "neither a host name"),
        ("url=https://broker.example:8443/ ampcache=https://cache.example/", "usual port"),
        ("url=https://192.0.2.1/ ampcache=https://cache.example/", "by a name"),
        ("url=https://broker.example/ ampcache=https://192.0.2.1/", "no host name"),
        ("url=https://broker.example/ ice=stun:s.example:99999", "port"),
    ],
)
def test_damaged_lines_say_what_is_wrong(more: str, said: str) -> None:
    with pytest.raises(LineError, match=re.escape(said)):
        read(more)


@given(
    st.dictionaries(
        st.sampled_from(
            ["url", "fronts", "front", "ampcache", "ice", "fingerprint", "sqsqueue", "utls-imitate"]
        ),
        st.text(max_size=40)
        | st.sampled_from(["https://b.example/", "stun:a.example", "a,b", "https://[::1]/"]),
    )
)
def test_any_arguments(arguments: dict[str, str]) -> None:
    with suppress(LineError):
        snowflake_option(arguments, None)


def test_the_lines_of_the_catalogue() -> None:
    ours = [option for option in catalog.options() if option.kind == "snowflake"]
    assert len(ours) == 2
    for option in ours:
        assert isinstance(option.settings, SnowflakeSettings)
        assert option.settings.bridge == option.settings.fingerprint
        assert len(option.settings.stun) == 8
