//! Arguments that a device's command does not take: the rows that they mean.

use ipnetwork::IpNetwork;

use crate::profile::Source;
use crate::table::{Type, Value};
use crate::verb::{ArgumentType, ArgumentValue, Arguments, Verb};

/// What a row's cell must be for the row to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Narrow {
    /// The column's place in the verb's columns.
    column: usize,
    kind: ArgumentType,
    wanted: ArgumentValue,
}

/// The arguments that narrow a column and have no place in the source's commands.
pub fn narrows(verb: &Verb, source: &Source, arguments: &Arguments) -> Vec<Narrow> {
    let places = source.ask.arguments().unwrap_or_default();
    let sent = |name: &str| places.iter().any(|argument| argument.name == name);
    let narrows = verb.arguments.iter().filter(|argument| !sent(&argument.name)).filter_map(|argument| {
        let column = argument.narrows.as_ref()?;
        let column = verb.columns.iter().position(|known| known.name == *column)?;
        let wanted = arguments.get(&argument.name)?.clone();
        Some(Narrow { column, kind: argument.kind, wanted })
    });
    narrows.collect()
}

impl Narrow {
    /// Whether the row is meant.
    pub fn keeps(&self, row: &[Value]) -> bool {
        match row.get(self.column) {
            Some(Value::List(items)) => items.iter().any(|item| self.fits(item)),
            Some(cell) => self.fits(cell),
            None => false,
        }
    }

    fn fits(&self, cell: &Value) -> bool {
        let address = |wanted: &IpNetwork| match cell {
            Value::Ip(ip) => wanted.contains(*ip),
            Value::Prefix(prefix) => wanted.contains(prefix.ip()) && wanted.prefix() <= prefix.prefix(),
            _ => false,
        };
        match &self.wanted {
            ArgumentValue::Flag => true,
            ArgumentValue::Int(number) => match cell {
                Value::Int(cell) => cell == number,
                cell => cell.to_string().parse() == Ok(*number),
            },
            ArgumentValue::Ip(ip) => match cell {
                Value::Prefix(prefix) => prefix.contains(*ip),
                _ => address(&IpNetwork::from(*ip)),
            },
            ArgumentValue::Prefix(prefix) => address(prefix),
            ArgumentValue::Word(word) => match (self.kind, cell) {
                (ArgumentType::Interface, cell) => is_interface(word, &cell.to_string()),
                (_, Value::Mac(_)) => Value::read(Type::Mac, word).as_ref() == Some(cell),
                (_, cell) => cell.to_string().eq_ignore_ascii_case(word),
            },
        }
    }
}

/// Whether `typed` is the interface `name`, whole or with the letters of one of them cut short: `gi0/1` is
/// `GigabitEthernet0/1`, and a table may have `Gi0/1` for what was typed in full.
fn is_interface(typed: &str, name: &str) -> bool {
    let parts = |text: &str| -> (String, String) {
        let text: String = text.to_lowercase().split_whitespace().collect();
        let digits = text.find(|letter: char| letter.is_ascii_digit()).unwrap_or(text.len());
        let (letters, digits) = text.split_at(digits);
        (letters.to_owned(), digits.to_owned())
    };
    let ((typed, typed_number), (name, number)) = (parts(typed), parts(name));
    let short =
        !number.is_empty() && (name.starts_with(&typed) || !name.is_empty() && typed.starts_with(&name));
    typed_number == number && (typed == name || short)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn narrow(kind: ArgumentType, wanted: ArgumentValue) -> Narrow {
        Narrow { column: 0, kind, wanted }
    }

    fn word(kind: ArgumentType, text: &str) -> Narrow {
        narrow(kind, ArgumentValue::Word(text.into()))
    }

    fn cell(kind: Type, text: &str) -> Vec<Value> {
        vec![Value::read(kind, text).unwrap()]
    }

    #[test]
    fn interfaces_may_be_cut_short() {
        for (typed, name, same) in [
            ("Gi0/1", "GigabitEthernet0/1", true),
            ("gigabitethernet 0/1", "GigabitEthernet0/1", true),
            ("GigabitEthernet0/1", "Gi0/1", true),
            ("GigabitEthernet0/1", "Te0/1", false),
            ("eth1", "1", false),
            ("Gi0/1", "GigabitEthernet0/10", false),
            ("Gi0/1", "Gi0/1.100", false),
            ("eth", "eth0", false),
            ("ge-0/0/0", "ge-0/0/0.0", false),
            ("bridge", "bridge", true),
            ("bri", "bridge", false),
            ("ethernet-1/1", "ethernet-1/1", true),
        ] {
            let kept = word(ArgumentType::Interface, typed).keeps(&cell(Type::Text, name));
            assert_eq!(kept, same, "{typed} {name}");
        }
    }

    #[test]
    fn values_are_compared_by_their_types() {
        let mac = word(ArgumentType::Mac, "0050.5601.0203");
        assert!(mac.keeps(&cell(Type::Mac, "00:50:56:01:02:03")));
        assert!(!mac.keeps(&cell(Type::Mac, "00:50:56:01:02:04")));
        let address = narrow(ArgumentType::Ip, ArgumentValue::Ip("10.0.0.9".parse().unwrap()));
        assert!(address.keeps(&cell(Type::Ip, "10.0.0.9")));
        assert!(address.keeps(&cell(Type::Prefix, "10.0.0.1/24")));
        assert!(!address.keeps(&cell(Type::Prefix, "10.0.1.1/24")));
        let prefix = narrow(ArgumentType::Prefix, ArgumentValue::Prefix("10.0.0.0/16".parse().unwrap()));
        assert!(prefix.keeps(&cell(Type::Prefix, "10.0.3.0/24")));
        assert!(!prefix.keeps(&cell(Type::Prefix, "10.0.0.0/8")));
        assert!(narrow(ArgumentType::Int, ArgumentValue::Int(10)).keeps(&cell(Type::Text, "10")));
        assert!(!word(ArgumentType::Word, "RED").keeps(&[Value::Null]), "the global table is no VRF");
        assert!(word(ArgumentType::Word, "red").keeps(&cell(Type::List, "BLUE, RED")));
    }
}
