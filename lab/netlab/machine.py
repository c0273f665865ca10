"""Commands, and the record of what was made on this machine."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

LAB = Path(__file__).resolve().parent.parent
WRITTEN = ["nodes", "inventory", "keys", "known_hosts", "nocbot.yaml", "store", "state.json"]
TOOLS = {
    "iproute2": ["ip"],
    "frr": ["vtysh", "/usr/lib/frr/zebra"],
    "openssh-server": ["sshd", "ssh-keygen"],
    "iputils-ping": ["ping"],
    "traceroute": ["traceroute"],
    "procps": ["sysctl"],
}


class Trouble(Exception):
    """What went wrong, in words for whoever runs the lab."""


class Impossible(Trouble):
    """This machine cannot hold the lab; exit code 3."""


def run(*words, **options):
    """Runs a command and gives its output; its own words are in the error."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, **options)
    if done.returncode:
        raise Trouble(f"`{' '.join(words)}` failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def require():
    """Root and the packages."""
    os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    if os.geteuid() != 0:
        raise Impossible("the lab needs root (network namespaces); try `sudo`, or containerlab")
    missing = [package for package, tools in TOOLS.items() if not all(shutil.which(tool) for tool in tools)]
    if missing:
        raise Impossible(f"missing here: apt-get install -y --no-install-recommends {' '.join(missing)}")


def state_folder():
    """Where everything of a lab lies that is not in git."""
    return Path(os.environ.get("NOCBOT_LAB_STATE") or LAB / ".state").absolute()


@contextlib.contextmanager
def alone():
    """Two labs do not look for a free name at the same time."""
    lock = os.open("/run/lock/nocbot-lab", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def started(pid):
    """When a process was started, in ticks since boot; None when it is gone or a zombie."""
    try:
        # The second field, the name in brackets, may hold blanks and brackets itself.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


class State:
    """What `up` made: written down before it is made, so that `down` finds all of it."""

    def __init__(self, folder):
        self.folder = folder
        self.file = folder / "state.json"
        self.boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        self.lab, self.namespaces, self.links, self.routes, self.nodes = "", [], [], [], {}
        self.lock = None
        if self.file.exists():
            known = json.loads(self.file.read_text())
            self.lab = known["lab"]
            # After a reboot nothing of it is left, and the same numbers may mean something else.
            if known["boot"] == self.boot:
                self.namespaces, self.links = known["namespaces"], known["links"]
                self.routes, self.nodes = known["routes"], known["nodes"]

    def hold(self):
        """One `up` or `down` at a time."""
        self.folder.mkdir(parents=True, exist_ok=True)
        strange = sorted(entry.name for entry in self.folder.iterdir() if entry.name not in WRITTEN)
        if strange and not self.file.exists():
            raise Trouble(f"{self.folder} holds other things ({', '.join(strange[:3])}); set NOCBOT_LAB_STATE")
        self.folder.chmod(0o700)
        self.lock = os.open(self.folder, os.O_RDONLY)
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.__dict__.update({**State(self.folder).__dict__, "lock": self.lock})

    def save(self):
        known = {key: getattr(self, key) for key in ("boot", "lab", "namespaces", "links", "routes", "nodes")}
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps(known, indent=1))
        new.replace(self.file)

    def alive(self, name):
        """Whether the process that holds a node is the one that was recorded."""
        node = self.nodes.get(name)
        return bool(node) and started(node["pid"]) == node["started"]

    def inside(self, name):
        """The process id, as seen from here, of a node's first process."""
        pid = self.nodes[name]["pid"]
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if not children:
            raise Trouble(f"{name} is not running; `lab/up` builds it again")
        return children[0]

    def enter(self, name):
        """The words before a command that is to run inside a node."""
        if not self.alive(name):
            raise Trouble(f"{name} is not running; `lab/up` builds it again")
        return ["nsenter", "-t", self.inside(name), "--mount", "--uts", "--net", "--pid", "--"]

    def tear_down(self):
        """Removes what is recorded, and nothing else."""
        for name, node in self.nodes.items():
            if self.alive(name):
                # `unshare --fork` ignores a polite signal; its child and all of its kind die with it.
                os.kill(node["pid"], signal.SIGKILL)
        # Links first: of a namespace that is deleted the kernel removes them later, at a time of its own.
        for link in self.links:
            if Path(f"/sys/class/net/{link}").exists():
                run("ip", "link", "delete", link)
        present = {line.split()[0] for line in run("ip", "netns", "list").splitlines() if line.strip()}
        for namespace in self.namespaces:
            if namespace in present:
                run("ip", "netns", "delete", namespace)
        for route in self.routes:
            subprocess.run(["ip", "route", "delete", *route], capture_output=True, timeout=60)
        for name in WRITTEN:
            entry = self.folder / name
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink(missing_ok=True)
        self.lab, self.namespaces, self.links, self.routes, self.nodes = "", [], [], [], {}
