"""What nocbot reads: its configuration, and the inventory in Nornir's form."""

import os

import yaml

NOCBOT = {
    "inventory": "inventory",
    "store": "store/nocbot.db",
    "ssh": {"known_hosts": "known_hosts", "host_keys": "strict"},
}


def write(topology, state):
    """Writes the files into the state folder; the password stands in defaults.yaml, readable by the owner alone."""
    folder = state.folder / "inventory"
    folder.mkdir(exist_ok=True)
    (state.folder / "store").mkdir(exist_ok=True)
    hosts, groups = {}, {}
    for node in topology.nodes.values():
        group = node.labels["nornir-group"]
        groups[group] = {}
        hosts[node.name] = {
            "hostname": node.address,
            "platform": node.platform,
            "groups": [group],
            "data": {"site": node.labels["nocbot-site"], "role": node.labels["nocbot-role"]},
        }
    defaults = {"username": "noc", "password": (state.folder / "keys/password").read_text().strip()}
    for name, content in (("hosts", hosts), ("groups", groups), ("defaults", defaults)):
        dump(folder / f"{name}.yaml", content)
    dump(state.folder / "nocbot.yaml", NOCBOT)


def dump(path, content):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(f"# Written by lab/up, removed by lab/down.\n{yaml.safe_dump(content, sort_keys=False)}")
