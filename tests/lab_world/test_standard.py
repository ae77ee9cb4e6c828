"""The standard world has what the rules of the check want to see."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from circumvent.check.fate import neighbourhood, registrable_domain
from circumvent.diagnose.state import ANCHORS, CLASSES, DOMESTIC, NETWORKS
from circumvent.lab.world.description import Half
from circumvent.lab.world.standard import BLOCK_PAGE, CONTROL_NAME, PORTAL, SITES, standard_world
from circumvent.net.address import is_public

WORLD = standard_world()


def test_anchors_satisfy_the_counting_rule() -> None:
    anchors = [server for server in WORLD.servers if server.anchor is not None]
    abroad = [server for server in anchors if WORLD.half(server) is Half.FOREIGN]
    assert len(abroad) >= ANCHORS
    assert len({server.network for server in abroad}) >= NETWORKS
    assert len({server.anchor for server in abroad}) >= CLASSES
    assert len(anchors) - len(abroad) >= DOMESTIC


def test_every_network_is_a_fate_group_of_its_own() -> None:
    for server in WORLD.servers:
        network = WORLD.network(server)
        assert registrable_domain(server.name) == f"{network.name}.example"
        four, six = server.addresses
        assert neighbourhood(four) == network.ipv4
        assert ip_network(neighbourhood(six)) == ip_network(network.ipv6)
    assert len({network.ipv4 for network in WORLD.networks}) == len(WORLD.networks)
    assert len({registrable_domain(name) for name in SITES}) == len(SITES)


def test_addresses_look_public_and_are_given_once() -> None:
    addresses = WORLD.addresses()
    assert len(addresses) == len(set(addresses))
    assert all(is_public(address) for address in addresses)
    assert len(WORLD.prefixes(Half.DOMESTIC)) + len(WORLD.prefixes(Half.FOREIGN)) == len(WORLD.prefixes())


def test_well_known_names_are_there() -> None:
    for name in (BLOCK_PAGE, PORTAL, CONTROL_NAME, WORLD.resolver, *SITES):
        assert ip_address(WORLD.server(name).ipv4).version == 4
    assert WORLD.half(WORLD.server(WORLD.resolver)) is Half.DOMESTIC
