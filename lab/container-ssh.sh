#!/bin/sh
# Runs in each container after containerlab has started it: the image has no SSH server, and nocbot logs in by SSH.
# `lab/up` does not run this; its nodes get theirs from netlab/init.sh.
set -eu
command -v sshd >/dev/null || apk add --no-cache openssh-server iputils-ping
shell=/bin/sh
[ -e /etc/frr/daemons ] && grep -q '^bgpd=yes' /etc/frr/daemons && shell=/usr/bin/vtysh
grep -q "^$shell\$" /etc/shells || echo "$shell" >>/etc/shells
id noc >/dev/null 2>&1 || adduser -D -s "$shell" noc
addgroup noc frrvty 2>/dev/null || true
echo "noc:${NOC_PASSWORD:-noc-lab}" | chpasswd
ssh-keygen -A
mkdir -p /run/sshd
/usr/sbin/sshd -o PasswordAuthentication=yes
