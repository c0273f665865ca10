"""The topology file, as far as network namespaces need it."""

import ipaddress
import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml

from .machine import Trouble

VRF_ADD = re.compile(r"ip link add (\S+) type vrf table \d+$")
MASTER = re.compile(r"ip link set (\S+) master (\S+)$")
UP = re.compile(r"ip link set (\S+) up$")


@dataclass
class Node:
    """One router or host."""

    name: str
    address: str
    labels: dict
    sysctls: dict
    files: dict  # path in the node -> path here
    commands: list = field(default_factory=list)
    vrfs: dict = field(default_factory=dict)  # VRF -> its interfaces

    @property
    def platform(self):
        return self.labels.get("nocbot-platform", "linux")

    @property
    def down(self):
        """The BGP neighbors that are configured and never come up, on purpose."""
        return set(self.labels.get("nocbot-down", "").split())


@dataclass
class Topology:
    """The whole lab."""

    name: str
    subnet: ipaddress.IPv4Network
    nodes: dict
    links: list  # ((node, interface), (node, interface))

    def elsewhere(self):
        """The same lab under other names, each in the management network after the one before."""
        for number in range(2, 10):
            further = (number - 1) * self.subnet.num_addresses
            subnet = ipaddress.ip_network((self.subnet.network_address + further, self.subnet.prefixlen))
            nodes = {
                name: replace(node, address=str(ipaddress.ip_address(node.address) + further))
                for name, node in self.nodes.items()
            }
            yield replace(self, name=f"{self.name[:9]}{number}", subnet=subnet, nodes=nodes)


def merged(key, *levels):
    """A list or map of a node, from the least to the most specific level, as containerlab merges them."""
    lists = [level[key] for level in levels if level.get(key)]
    if any(isinstance(value, list) for value in lists):
        return [item for value in lists for item in value]
    return {name: item for value in lists for name, item in value.items()}


def load(path):
    """Reads a file; NOCBOT_LAB_NAME and NOCBOT_LAB_SUBNET make room for a second lab beside the first."""
    path = Path(path).resolve()
    text = yaml.safe_load(path.read_text())
    name = os.environ.get("NOCBOT_LAB_NAME") or text["name"]
    if not re.fullmatch(r"[a-z][a-z0-9]{0,9}", name):
        raise Trouble(f"{name!r} cannot be a lab's name: up to ten small letters and digits, a letter first")
    written = ipaddress.ip_network(text["mgmt"]["ipv4-subnet"])
    subnet = ipaddress.ip_network(os.environ.get("NOCBOT_LAB_SUBNET") or written)
    if subnet.prefixlen != written.prefixlen:
        raise Trouble(f"NOCBOT_LAB_SUBNET must be a /{written.prefixlen}, as in {path.name}")

    topology = text["topology"]
    nodes = {}
    for short, own in topology["nodes"].items():
        group = (topology.get("groups") or {}).get(own.get("group"), {})
        levels = (topology.get("defaults", {}), group, own)
        offset = int(ipaddress.ip_address(own["mgmt-ipv4"])) - int(written.network_address)
        binds = [bind.split(":") for bind in merged("binds", *levels)]
        node = Node(
            name=short,
            address=str(subnet.network_address + offset),
            labels=merged("labels", *levels),
            sysctls=merged("sysctls", *levels),
            files={bind[1]: path.parent / bind[0] for bind in binds},
        )
        for line in merged("exec", *levels):
            read_command(node, line)
        nodes[short] = node
    links = [tuple(tuple(end.split(":")) for end in link["endpoints"]) for link in topology["links"]]
    return Topology(name, subnet, nodes, links)


def read_command(node, line):
    """Sorts an `exec` line: VRFs become namespaces, other `ip` lines run, the rest is for containers alone."""
    if match := VRF_ADD.match(line):
        node.vrfs[match[1]] = []
    elif (match := MASTER.match(line)) and match[2] in node.vrfs:
        node.vrfs[match[2]].append(match[1])
    elif (match := UP.match(line)) and match[1] in node.vrfs:
        pass
    elif line.startswith("ip "):
        node.commands.append(line)
