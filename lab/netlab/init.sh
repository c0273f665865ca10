#!/bin/bash
# The first process of a node: $1 its name, $2 the state folder, current folder the node's own.
# It has network, mount, UTS and PID namespaces of its own; nothing that it mounts or writes in /etc is seen outside.
set -euo pipefail
trap 'echo "init.sh line $LINENO: $BASH_COMMAND" >&2' ERR
name=$1
keys=$PWD/$2/keys
# The state folder may lie below a folder that is about to be covered: from here on it is known by open folders alone.
exec 9<"$keys"
keys=/proc/self/fd/9

hostname "$name"
mount -t sysfs sysfs /sys
ip link set lo up

mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /var/tmp
mkdir -p /run/etc/upper /run/etc/work /run/netns /run/sshd /run/home
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/etc/upper,workdir=/run/etc/work /etc
echo "$name" >/etc/hostname
printf '127.0.0.1 localhost\n::1 localhost\n127.0.1.1 %s\n' "$name" >/etc/hosts

# A VRF is a namespace of its own here, which is FRR's other kind (`zebra -n`): every name in /run/netns becomes one.
while read -r vrf; do
  ip netns add "$vrf"
  ip -n "$vrf" link set lo up
  xargs -r ip netns exec "$vrf" sysctl -qw <<<"$(sed 's/.*/"&"/' sysctls)"
done <vrfs
while read -r vrf interface; do
  ip link set "$interface" netns "$vrf"
  ip -n "$vrf" link set "$interface" up
done <members
while read -r line; do
  $line
done <commands

shell=/bin/bash
if [ -e frr/frr.conf ]; then
  shell=/usr/bin/vtysh
  rm -rf /etc/frr
  install -d -o frr -g frr /etc/frr /run/frr /var/tmp/frr
  install -m 640 -o frr -g frrvty frr/* /etc/frr/
  # Debian's file has no `account` line: vtysh works without it and complains each time.
  printf 'auth sufficient pam_permit.so\naccount sufficient pam_permit.so\n' >/etc/pam.d/frr
  source /etc/frr/daemons
  # shellcheck disable=SC2154,SC2086 # set by that file; several words each
  {
    /usr/lib/frr/zebra -d -n $zebra_options
    /usr/lib/frr/staticd -d $staticd_options
    for daemon in bgpd ospfd ospf6d; do
      options=${daemon}_options
      [ "${!daemon}" = yes ] && /usr/lib/frr/$daemon -d ${!options}
    done
  }
  vtysh -b
fi

# noc logs in with password or key, noc-key with a key alone, noc-kbd by answering questions alone.
printf 'auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_permit.so\n' >/etc/pam.d/sshd
for user in noc noc-key noc-kbd; do
  useradd --no-log-init -M -d "/run/home/$user" -s "$shell" -G frrvty "$user"
  install -d -m 700 -o "$user" "/run/home/$user" "/run/home/$user/.ssh"
  cat "$keys"/*.pub >"/run/home/$user/.ssh/authorized_keys"
  chown "$user" "/run/home/$user/.ssh/authorized_keys"
done
password=$(<"$keys/password")
printf '%s:%s\n' noc "$password" noc-kbd "$password" | chpasswd
rm -rf /etc/ssh
install -d /etc/ssh
install -m 600 ssh_host_*_key /etc/ssh/
# Files put there later take effect at once for new sessions: mounted, not copied.
install -d /etc/ssh/sshd_config.d
mount --bind sshd.d /etc/ssh/sshd_config.d
cat >/etc/ssh/sshd_config <<'END'
Include /etc/ssh/sshd_config.d/*.conf
HostKey /etc/ssh/ssh_host_ed25519_key
HostKey /etc/ssh/ssh_host_rsa_key
UsePAM yes
PasswordAuthentication yes
KbdInteractiveAuthentication yes
PermitRootLogin no
PrintMotd no
PrintLastLog no
UseDNS no
MaxStartups 100:30:200
Match User noc-key
  AuthenticationMethods publickey
Match User noc-kbd
  AuthenticationMethods keyboard-interactive
END
# Newer servers lock out an address after a few failed logins, which tests make on purpose; older ones lack the option.
lenient=(-o PerSourcePenalties=no)
/usr/sbin/sshd -t "${lenient[@]}" 2>/dev/null || lenient=()
/usr/sbin/sshd -t
/usr/sbin/sshd -E /run/sshd.log "${lenient[@]}"

touch ready
# Stays as the parent of everything here, and takes in what dies.
while :; do
  sleep 3600 &
  wait $!
done
