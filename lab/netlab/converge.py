"""Waiting until the network is whole: polled, never slept for."""

import json
import socket
import subprocess
import time

from .machine import Trouble

WITHIN = 40  # seconds
ESTABLISHED = "Established"


def vtysh(state, node, command):
    """A command of a router as JSON; nothing when it is not ready to answer."""
    words = [*state.enter(node), "vtysh", "-c", command]
    try:
        return json.loads(subprocess.run(words, capture_output=True, text=True, timeout=10).stdout or "{}")
    except (json.JSONDecodeError, subprocess.TimeoutExpired):
        return {}


def lacking(state, node):
    """What a node still lacks, in words; empty when it is whole."""
    try:
        with socket.create_connection((node.address, 22), timeout=2) as connection:
            connection.settimeout(2)
            if not connection.recv(4).startswith(b"SSH-"):
                return "SSH"
    except OSError:
        return "SSH"
    if node.platform != "frr":
        return ""
    sessions = vtysh(state, node.name, "show bgp vrf all summary json")
    peers = [
        (name, peer)
        for vrf in sessions.values()
        for family in vrf.values()
        if isinstance(family, dict)
        for name, peer in family.get("peers", {}).items()
    ]
    if not peers:
        return "BGP"
    for name, peer in peers:
        if name not in node.down and peer["state"] != ESTABLISHED:
            return f"BGP neighbor {name} ({peer['state']})"
    return ""


def routes(state, nodes):
    """A picture of all routing tables, to see whether they still change."""
    commands = ("show ip route vrf all summary json", "show ipv6 route vrf all summary json")
    return [vtysh(state, node.name, command) for node in nodes for command in commands]


def wait(topology, state):
    """Gives the seconds that it took; an error names what did not come up."""
    begin = time.monotonic()
    routers = [node for node in topology.nodes.values() if node.platform == "frr"]
    before = None
    while True:
        missing = ""
        for node in topology.nodes.values():
            if missing := lacking(state, node):
                missing = f"{node.name} lacks {missing}"
                break
        if not missing:
            now = routes(state, routers)
            if now == before:
                return time.monotonic() - begin
            before, missing = now, "routing tables still change"
        if time.monotonic() - begin > WITHIN:
            raise Trouble(f"not whole after {WITHIN} s: {missing}")
        time.sleep(0.5)
