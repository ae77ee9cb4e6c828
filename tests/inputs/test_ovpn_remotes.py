"""Where a profile connects to."""

from __future__ import annotations

import pytest

from circumvent.inputs.ovpn_lines import directives
from circumvent.inputs.ovpn_remotes import MOST, Remotes
from circumvent.inputs.problem import LineError


def remotes(text: str) -> Remotes:
    found = Remotes()
    for directive in directives(text):
        found.take(directive)
    return found


def places(text: str) -> list[str]:
    return [f"{one.endpoint} {one.transport}" for one in remotes(text).finish()]


def test_values_outside_are_for_all_wherever_they_stand() -> None:
    text = "remote a.example\nremote b.example 443\nremote c.example 80 tcp\nproto tcp-client\nport 8080\n"
    assert places(text) == ["a.example:8080 tcp", "b.example:443 tcp", "c.example:80 tcp"]
    assert places("remote a.example") == ["a.example:1194 udp"]


def test_connections_take_over_what_stands_before_them() -> None:
    text = (
        "remote outside.example\nproto tcp\n<connection>\nremote a.example\n</connection>\nproto udp\n"
        "<connection>\nremote b.example 53 udp4\nexplicit-exit-notify 2\nfragment 1300\n</connection>\n"
    )
    assert places(text) == ["a.example:1194 tcp", "b.example:53 udp"]
    second = remotes(text).finish()[1]
    assert (second.exit_notify, second.fragment) == (True, True)


def test_addresses_and_names() -> None:
    assert places("remote 2001:db8::1 443") == ["[2001:db8::1]:443 udp"]
    assert places("remote [2001:db8::1] 443") == ["[2001:db8::1]:443 udp"]
    assert places("remote Bücher.Example. 443 udp6") == ["xn--bcher-kva.example:443 udp"]


def test_proxies() -> None:
    text = "remote a.example 443 tcp\nhttp-proxy p.example 3128\n<http-proxy-user-pass>\nanna\nword\n</http-proxy-user-pass>\n"
    (found,) = remotes(text).finish()
    assert found.proxy is not None
    assert (found.proxy.kind, str(found.proxy.endpoint)) == ("http-connect", "p.example:3128")
    assert found.proxy.user is not None
    (found,) = remotes("remote a.example\nsocks-proxy p.example\n").finish()
    assert found.proxy is not None
    assert (found.proxy.kind, str(found.proxy.endpoint)) == ("socks5", "p.example:1080")
    (found,) = remotes("remote a.example 1194 udp\nhttp-proxy p.example 3128\n").finish()
    assert found.proxy is None


def test_the_same_server_twice_is_one_and_there_is_an_end() -> None:
    assert len(places("remote a.example\nremote a.example\n")) == 1
    assert len(places("".join(f"remote a{number}.example\n" for number in range(MOST + 9)))) == MOST
    assert remotes("remote a.example\nremote-random\n").shuffled


@pytest.mark.parametrize(
    "text",
    [
        "nobind",
        "remote",
        "remote a..b",
        "remote a.example 0",
        "remote a.example 1194 sctp",
        "remote a.example\nproto tcp-server",
        "remote a.example\nport x",
        "<connection>\nport 1\n</connection>",
        "remote a.example\nhttp-proxy",
    ],
)
def test_what_names_no_server(text: str) -> None:
    with pytest.raises(LineError):
        remotes(text).finish()
