//! Shortest paths inside one AS and one VRF (RFC 2328, 16.1, with equal-cost paths).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::topology::{Interface, Net, Node};

/// Equal-cost next hops kept for a destination.
const MOST_HOPS: usize = 4;

/// The tree of shortest paths as one device sees it.
#[derive(Debug)]
pub struct Tree {
    distance: Vec<Option<u32>>,
    hops: Vec<Vec<usize>>,
}

impl Tree {
    /// The cost to a device, if it can be reached.
    pub fn distance(&self, node: usize) -> Option<u32> {
        self.distance.get(node).copied().flatten()
    }

    /// The interfaces of the root, as indices, that lead there.
    pub fn hops(&self, node: usize) -> &[usize] {
        self.hops.get(node).map_or(&[], Vec::as_slice)
    }
}

/// Whether OSPF runs with a neighbor on this interface: same AS, same VRF, both ends up.
pub fn adjacent<'a>(
    net: &'a Net,
    node: &Node,
    interface: &Interface,
    family: u8,
) -> Option<(usize, &'a Node, &'a Interface)> {
    let (index, peer, there) = net.peer(interface)?;
    let both = interface.up && interface.admin && there.up && there.admin;
    let addressed = interface.net(family).is_some() && there.net(family).is_some();
    (both && addressed && peer.asn == node.asn && there.vrf == interface.vrf).then_some((index, peer, there))
}

/// Computes the tree of `root` in `vrf`.
pub fn tree(net: &Net, root: usize, vrf: &str, family: u8) -> Tree {
    let mut distance: Vec<Option<u32>> = vec![None; net.nodes.len()];
    let mut hops: Vec<Vec<usize>> = vec![Vec::new(); net.nodes.len()];
    let mut queue = BinaryHeap::from([(Reverse(0_u32), root)]);
    if let Some(zero) = distance.get_mut(root) {
        *zero = Some(0);
    }
    while let Some((Reverse(cost), at)) = queue.pop() {
        let Some(node) = net.nodes.get(at) else { continue };
        if distance.get(at).copied().flatten() != Some(cost) {
            continue;
        }
        for (port, interface) in node.interfaces.iter().enumerate() {
            if interface.vrf != vrf {
                continue;
            }
            let Some((next, _, _)) = adjacent(net, node, interface, family) else { continue };
            let total = cost.saturating_add(interface.cost);
            let first = if at == root { vec![port] } else { hops.get(at).cloned().unwrap_or_default() };
            let (Some(known), Some(ways)) = (distance.get_mut(next), hops.get_mut(next)) else { continue };
            if known.is_none_or(|known| total < known) {
                *known = Some(total);
                *ways = first;
                queue.push((Reverse(total), next));
            } else if *known == Some(total) && next != root {
                for way in first {
                    if !ways.contains(&way) && ways.len() < MOST_HOPS {
                        ways.push(way);
                    }
                }
            }
        }
    }
    Tree { distance, hops }
}
