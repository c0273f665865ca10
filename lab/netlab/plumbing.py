"""Namespaces, links and the management network."""

import ipaddress
import json

from .machine import Trouble, run

# The worst metric there is: any other route to the same prefix wins.
GUARD = ["metric", "4294967294"]


def namespace(lab, node):
    return f"{lab}-{node}"


def root_end(topology):
    """The interface of this machine that leads into the management network; 15 letters at most."""
    return f"{topology.name}-mgmt"


def check_free(topology):
    """Refuses to touch a machine where somebody else has these names or addresses."""
    present = {line.split()[0] for line in run("ip", "netns", "list").splitlines() if line.strip()}
    wanted = {namespace(topology.name, node) for node in [*topology.nodes, "sw"]}
    if taken := sorted(wanted & present):
        raise Trouble(f"network namespace {taken[0]} exists and is not ours; set NOCBOT_LAB_NAME to another name")
    for route in json.loads(run("ip", "-json", "route", "show", "table", "all") or "[]"):
        if route["dst"] == "default" or ":" in route["dst"]:
            continue
        if topology.subnet.overlaps(ipaddress.ip_network(route["dst"], strict=False)):
            raise Trouble(f"this machine has a route to {route['dst']}; set NOCBOT_LAB_SUBNET to another network")


def place(candidates):
    """The first lab whose names and addresses nobody has."""
    troubles = []
    for topology in candidates:
        try:
            check_free(topology)
            return topology
        except Trouble as trouble:
            troubles.append(trouble)
    raise troubles[0]


def claim(topology, state):
    """Takes the names and the addresses: the record, the guarding route, the empty namespaces."""
    state.lab = topology.name
    state.namespaces = [namespace(topology.name, node) for node in ["sw", *topology.nodes]]
    state.links = [root_end(topology)]
    state.routes = [["unreachable", str(topology.subnet), *GUARD]]
    state.save()

    # First of all: while the lab is not there, its addresses must not leave by this machine's default route.
    for route in state.routes:
        run("ip", "route", "replace", *route)
    for name in state.namespaces:
        run("ip", "netns", "add", name)


def build(topology, state):
    """Everything up to links that are up; what runs in the nodes comes later."""
    switch = namespace(topology.name, "sw")
    batch("-n", switch, lines=["link add br0 type bridge", "link set br0 up"])
    for node in topology.nodes.values():
        inside = namespace(topology.name, node.name)
        settings = [f"{key}={value}" for key, value in node.sysctls.items()]
        run("ip", "netns", "exec", inside, "sysctl", "-qw", *settings)
        plug(switch, inside, "eth0", node.name)
        run("ip", "-n", inside, "address", "add", f"{node.address}/{topology.subnet.prefixlen}", "dev", "eth0")

    here = root_end(topology)
    run("ip", "link", "add", here, "type", "veth", "peer", "name", "root", "netns", switch)
    run("ip", "-n", switch, "link", "set", "root", "master", "br0", "up")
    gateway = topology.subnet.network_address + 1
    run("ip", "address", "add", f"{gateway}/{topology.subnet.prefixlen}", "dev", here)
    run("ip", "link", "set", here, "up")

    for (one, left), (other, right) in topology.links:
        one, other = namespace(topology.name, one), namespace(topology.name, other)
        run("ip", "link", "add", left, "netns", one, "type", "veth", "peer", "name", right, "netns", other)
        run("ip", "-n", one, "link", "set", left, "up")
        run("ip", "-n", other, "link", "set", right, "up")


def plug(switch, inside, interface, port):
    """One cable from a node to the management switch."""
    run("ip", "link", "add", interface, "netns", inside, "type", "veth", "peer", "name", port, "netns", switch)
    run("ip", "-n", switch, "link", "set", port, "master", "br0", "up")
    run("ip", "-n", inside, "link", "set", interface, "up")


def batch(*words, lines):
    run("ip", *words, "-batch", "-", input="\n".join(lines) + "\n")
