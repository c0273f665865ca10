//! `explain` of what the bot sends itself.

use super::{Asked, distinct};
use crate::answer::{Answer, Block};
use crate::probe::{Family, addresses, socket};
use crate::table::{Column, Table, Type, Value};
use crate::verb::Native;

/// How many hosts are listed.
const LISTED: usize = 50;

impl Asked {
    /// Who would be sent what; nothing is sent, not even a question to DNS.
    pub(in crate::bot) fn explained(&self) -> Answer {
        let columns = ["host", "address", "source", "sent"];
        let mut table = Table::new(columns.map(|name| Column::new(name, Type::Text)).to_vec());
        for wanted in self.wanted.iter().take(LISTED) {
            let source = wanted.address.map(|address| match socket::source(address) {
                Ok(source) => source.to_string(),
                Err(error) => crate::text::clean_line(&error.to_string()),
            });
            table.push(vec![
                Value::text(wanted.name.as_str()),
                Value::text(
                    wanted.address.map_or_else(|| format!("by DNS: {}", wanted.dial), |ip| ip.to_string()),
                ),
                source.map_or(Value::Null, Value::text),
                Value::text(self.sent()),
            ]);
        }
        let hosts = distinct(self.wanted.iter().map(|wanted| wanted.name.as_str())).len();
        let text = format!(
            "`{}` would be sent by nocbot itself to {}; nothing was sent.",
            self.question,
            addresses(hosts)
        );
        let blocks = vec![Block::Text { text }, Block::Table { title: None, table }];
        Answer::of(format!("explain {}", self.question), blocks)
    }

    fn sent(&self) -> String {
        let arguments: Vec<String> =
            self.arguments.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let icmp = || match socket::available(Family::V4) {
            found if found.datagram.is_ok() => "ICMP datagram sockets",
            found if found.raw.is_ok() => "raw ICMP sockets",
            _ => "no ICMP sockets here",
        };
        let way = match (self.native, self.word("proto")) {
            (Native::Trace | Native::Mtr, Some("tcp")) => "raw TCP sockets",
            (Native::Ping | Native::Pmtu, _) | (Native::Trace | Native::Mtr, Some("icmp")) => icmp(),
            (Native::Tcp | Native::Tls, _) => "TCP connections",
            _ => "UDP sockets",
        };
        format!("{} ({}; {way})", self.verb.name, arguments.join(", "))
    }
}
