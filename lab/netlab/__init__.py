"""Builds a containerlab topology of FRR routers in network namespaces.

topology.py reads the file, machine.py runs commands and remembers what was made, plumbing.py makes namespaces and
links, node.py starts what runs in them, converge.py waits, inventory.py writes what nocbot reads. `up`, `down` and
`exec` beside this folder are the ways in. Only Debian packages: frr openssh-server iproute2 iputils-ping traceroute
python3-yaml.
"""
