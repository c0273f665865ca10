//! A path to data of a YANG model as a subtree filter (RFC 6241, 6).

use super::element::Element;
use super::filter::Filter;
use crate::error::{Failure, FailureKind};
use crate::yang::{Field, Path, Step};

/// The namespace of a module, if the server has the module.
pub(super) type Namespaces<'n> = &'n dyn Fn(&str) -> Option<String>;

/// The modules that a path and its fields name.
pub(super) fn modules(path: &Path, fields: &[Field]) -> Vec<String> {
    fn of_fields(fields: &[Field], found: &mut Vec<String>) {
        for field in fields {
            found.extend(field.module.clone());
            of_fields(&field.fields, found);
        }
    }
    let mut found: Vec<String> = path.steps().iter().filter_map(|step| step.module.clone()).collect();
    of_fields(fields, &mut found);
    found.sort_unstable();
    found.dedup();
    found
}

/// The filter of a path; `None` for the empty path, which is everything.
///
/// # Errors
/// The server does not have a module, or a key has no name: a filter cannot do without.
pub(super) fn filter(
    who: &str,
    path: &Path,
    fields: &[Field],
    namespaces: Namespaces<'_>,
) -> Result<Option<Filter>, Failure> {
    let Some((first, rest)) = path.steps().split_first() else { return Ok(None) };
    let element = nested(&Making { who, namespaces }, first, rest, fields)?;
    Ok(Some(Filter::Subtree(vec![element])))
}

struct Making<'m> {
    who: &'m str,
    namespaces: Namespaces<'m>,
}

fn nested(making: &Making<'_>, step: &Step, rest: &[Step], fields: &[Field]) -> Result<Element, Failure> {
    let mut element = making.node(step.module.as_deref(), &step.name)?;
    for (name, key) in &step.keys {
        let name = name.as_ref().ok_or_else(|| {
            let message = format!("NETCONF needs the names of the keys of `{}`", step.name);
            Failure::new(FailureKind::Unsupported, message)
                .hint(format!("write `{}[name='{key}']`, with the key's own name", step.name))
        })?;
        let local = name.split_once(':').map_or(name.as_str(), |(_, local)| local);
        element = element.child(named(local)?.text(key.as_str()));
    }
    match rest.split_first() {
        Some((next, rest)) => Ok(element.child(nested(making, next, rest, fields)?)),
        None => selected(making, element, fields),
    }
}

fn selected(making: &Making<'_>, element: Element, fields: &[Field]) -> Result<Element, Failure> {
    fields.iter().try_fold(element, |element, field| {
        let node = making.node(field.module.as_deref(), &field.name)?;
        Ok(element.child(selected(making, node, &field.fields)?))
    })
}

impl Making<'_> {
    fn node(&self, module: Option<&str>, name: &str) -> Result<Element, Failure> {
        let element = named(name)?;
        let Some(module) = module else { return Ok(element) };
        let namespace = (self.namespaces)(module).ok_or_else(|| {
            let message = format!("{} does not have the module `{module}`", self.who);
            Failure::new(FailureKind::Unsupported, message)
                .hint("`capabilities` lists the modules of a device")
        })?;
        Ok(element.namespace(&namespace))
    }
}

fn named(name: &str) -> Result<Element, Failure> {
    Element::new(name).map_err(|error| Failure::new(FailureKind::Unsupported, error.to_string()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::yang::Fields;

    fn written(path: &str, fields: &str) -> Result<String, String> {
        let fields = if fields.is_empty() { Vec::new() } else { Fields::parse(fields).unwrap().tree() };
        let known = |module: &str| (module.len() == 1).then(|| format!("urn:{module}"));
        let path = Path::parse(path).unwrap();
        match filter("r1", &path, &fields, &known).map_err(|failure| failure.message)? {
            Some(Filter::Subtree(elements)) => {
                let bytes = elements.first().unwrap().write().unwrap();
                Ok(String::from_utf8(bytes).unwrap())
            }
            _ => Ok(String::new()),
        }
    }

    #[test]
    fn paths_become_filters() {
        for (path, fields, wanted) in [
            ("", "", ""),
            ("a:b/c", "", r#"<b xmlns="urn:a"><c/></b>"#),
            (
                "a:b/c[n='x<y'][m='2']/z:d",
                "",
                r#"<b xmlns="urn:a"><c><n>x&lt;y</n><m>2</m><d xmlns="urn:z"/></c></b>"#,
            ),
            ("a:b", "c;d/e;z:f(g)", r#"<b xmlns="urn:a"><c/><d><e/></d><f xmlns="urn:z"><g/></f></b>"#),
        ] {
            assert_eq!(written(path, fields).as_deref(), Ok(wanted), "{path} {fields}");
        }
    }

    #[test]
    fn what_makes_no_filter_is_told() {
        assert!(written("a:b/c=1", "").unwrap_err().contains("names of the keys of `c`"));
        assert!(written("aa:b", "").unwrap_err().contains("does not have the module `aa`"));
    }

    #[test]
    fn the_modules_of_a_path() {
        let fields = Fields::parse("x;m:y(n:z)").unwrap().tree();
        assert_eq!(modules(&Path::parse("a:b/c:d/a:e").unwrap(), &fields), ["a", "c", "m", "n"]);
    }
}
