"""What runs in a node: a container without a container engine."""

import secrets
import shutil
import subprocess
import time

from .machine import LAB, Trouble, run, started
from .plumbing import namespace

READY_WITHIN = 20  # seconds
ROUTING = "/etc/frr/"


def make_keys(topology, state):
    """New keys and a new password for each lab; the host keys stand in known_hosts before anyone connects."""
    keys = state.folder / "keys"
    keys.mkdir(exist_ok=True)
    (keys / "password").write_text(secrets.token_urlsafe(12) + "\n")
    for name, kind in (("noc", "ed25519"), ("noc_rsa", "rsa")):
        keygen(keys / name, kind, "noc")
    known = []
    for node in topology.nodes.values():
        folder = state.folder / "nodes" / node.name
        (folder / "sshd.d").mkdir(parents=True)
        for kind in ("ed25519", "rsa"):
            key = folder / f"ssh_host_{kind}_key"
            keygen(key, kind, node.name)
            known.append(f"{node.address} {' '.join(key.with_suffix('.pub').read_text().split()[:2])}")
    (state.folder / "known_hosts").write_text("\n".join(known) + "\n")


def keygen(path, kind, comment):
    bits = ["-b", "2048"] if kind == "rsa" else []
    run("ssh-keygen", "-q", "-t", kind, *bits, "-N", "", "-C", comment, "-f", str(path))


def start(topology, state, node):
    """Starts a node's first process; init.sh does the rest inside."""
    folder = state.folder / "nodes" / node.name
    (folder / "frr").mkdir()
    for target, source in node.files.items():
        if target.startswith(ROUTING):
            shutil.copy(source, folder / "frr" / target.removeprefix(ROUTING))
    members = [f"{vrf}:{interface}" for vrf, interfaces in node.vrfs.items() for interface in interfaces]
    (folder / "vrfs").write_text("".join(f"{vrf}\n" for vrf in node.vrfs))
    (folder / "members").write_text("".join(f"{member.replace(':', ' ')}\n" for member in members))
    (folder / "commands").write_text("".join(f"{line}\n" for line in node.commands))
    (folder / "sysctls").write_text("".join(f"{key}={value}\n" for key, value in node.sysctls.items()))
    inside = ["unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"]
    inside += ["--propagation", "private", "bash", str(LAB / "netlab/init.sh"), node.name, "../.."]
    with open(folder / "log", "w") as log:
        process = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{namespace(topology.name, node.name)}", *inside],
            cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )
    state.nodes[node.name] = {"pid": process.pid, "started": started(process.pid)}
    state.save()


def wait_ready(state, node):
    """Until init.sh has said that it is through."""
    folder = state.folder / "nodes" / node.name
    deadline = time.monotonic() + READY_WITHIN
    while not (folder / "ready").exists():
        if not state.alive(node.name) or time.monotonic() > deadline:
            said = (folder / "log").read_text().strip().splitlines()[-8:]
            raise Trouble("\n  ".join([f"{node.name} did not start; the end of its log:", *said]))
        time.sleep(0.05)
