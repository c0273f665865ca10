//! Loads the whole catalogue, or none of it and says all that is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::files::{self, File, Layers};
use super::{Catalogue, Collection, Parser};
use crate::config::{Config, InventoryFiles};
use crate::error::{Error, Place};
use crate::inventory::load::{Files, Places};
use crate::inventory::{Device, Inventory};
use crate::profile::load::Known;
use crate::secret::Environment;
use crate::text::did_you_mean;
use crate::yaml::Node;
use crate::{inventory, profile, verb};

/// A catalogue with what only `nocbot check` and the log want to know.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The catalogue.
    pub catalogue: Catalogue,
    /// The samples of every parser, by its name.
    pub samples: BTreeMap<String, Vec<Sample>>,
    /// The trees of the platforms, `extends` filled in, for places in errors.
    pub platform_trees: BTreeMap<String, Node>,
    /// Which file lies over which.
    pub overrides: Vec<String>,
    /// Likely mistakes.
    pub warnings: Vec<Error>,
    /// What was read and not used.
    pub notes: Vec<String>,
}

/// A recorded output and the records that its parser makes of it.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The file's name without its ending.
    pub case: String,
    /// `<case>.raw`
    pub raw: Option<File>,
    /// `<case>.yaml`
    pub expected: Option<File>,
}

impl Catalogue {
    /// Loads everything that the configuration names over what is built in.
    pub fn load(config: &Config, environment: &Environment) -> Result<Loaded, Vec<Error>> {
        let mut errors = Vec::new();
        let devices = devices(config, environment, &mut errors);
        finish(Some(config), devices, errors)
    }

    /// The same with an inventory that is already there: the simulated network's.
    pub fn load_with(config: &Config, inventory: Inventory) -> Result<Loaded, Vec<Error>> {
        finish(Some(config), Devices { inventory, ..Devices::default() }, Vec::new())
    }

    /// Parsers only, and the family of one platform, whose name is given back: what is needed to read a
    /// file that somebody has. Platforms that nobody has a profile of may still have parsers.
    pub(super) fn load_parsers(config: &Config, platform: &str) -> Result<(Self, String), Vec<Error>> {
        let mut errors = Vec::new();
        let profiles = files::profiles(&config.profiles, &mut errors);
        if !errors.is_empty() {
            return Err(sorted(errors));
        }
        // Where the platform has a profile, only its own parsers are read: they are a small part of all.
        let known = family(&profiles, platform)?;
        let mut catalogue = match &known {
            Some(family) => Self::load_parsers_of(config, Some(family))?,
            None => Self::load_parsers_of(config, None)?,
        };
        let lower = platform.to_lowercase();
        let family = match known {
            Some(family) => family,
            None if catalogue.knows_platform(&lower) => vec![lower],
            None => return Err(vec![nobody_knows(&profiles, platform)]),
        };
        let name = family.first().cloned().unwrap_or_default();
        catalogue.families.insert(name.clone(), family);
        Ok((catalogue, name))
    }

    /// Parsers and collections, and nothing else.
    pub(super) fn load_all_parsers(config: &Config) -> Result<Self, Vec<Error>> {
        Self::load_parsers_of(config, None)
    }

    fn load_parsers_of(config: &Config, platforms: Option<&[String]>) -> Result<Self, Vec<Error>> {
        let mut errors = Vec::new();
        let files = files::parsers(&config.parsers, platforms, &mut errors);
        let parsers = parsers(&files, &mut errors).0;
        let collections = collections(&config.parsers, &mut Vec::new(), &mut errors);
        if !errors.is_empty() {
            return Err(sorted(errors));
        }
        Ok(Self { parsers, collections, ..Self::default() })
    }

    /// The built-in data with this inventory.
    pub fn builtin_with(inventory: Inventory) -> Result<Self, Vec<Error>> {
        let devices = Devices { inventory, ..Devices::default() };
        finish(None, devices, Vec::new()).map(|loaded| loaded.catalogue)
    }
}

/// A platform's own name and the names of what it extends, nearest first; nothing where it has no profile. The file
/// of that name is read and those that it extends; all of them only where `wanted` is another name.
fn family(profiles: &Layers, wanted: &str) -> Result<Option<Vec<String>>, Vec<Error>> {
    let tree = |name: &str| {
        let file = profiles.files.get(&format!("platforms/{name}.yaml"))?;
        Some(Node::read(&file.origin, &file.text))
    };
    let mut name = wanted.to_lowercase();
    if tree(&name).is_none() {
        // Most files say at once that the name is not in them, without being read as YAML.
        let mentions = |file: &File| file.text.to_lowercase().contains(&name);
        let mut found = None;
        for (stem, file) in platform_files(profiles).filter(|(_, file)| mentions(file)) {
            let Ok(node) = Node::read(&file.origin, &file.text) else { continue };
            let aliases = node.get("aliases").and_then(|aliases| aliases.items("").ok()).unwrap_or_default();
            if aliases.iter().filter_map(Node::text).any(|alias| alias.eq_ignore_ascii_case(wanted)) {
                found = Some(stem.to_owned());
                break;
            }
        }
        match found {
            Some(found) => name = found,
            None => return Ok(None),
        }
    }
    let mut family = vec![name.clone()];
    while let Some(node) = tree(&name) {
        let node = node?;
        let Some(parent) = node.get("extends").and_then(Node::text) else { break };
        if family.iter().any(|member| member == parent) {
            break;
        }
        parent.clone_into(&mut name);
        family.push(name.clone());
    }
    Ok(Some(family))
}

fn platform_files(profiles: &Layers) -> impl Iterator<Item = (&str, &File)> {
    profiles
        .files
        .iter()
        .filter_map(|(name, file)| Some((name.strip_prefix("platforms/")?.strip_suffix(".yaml")?, file)))
}

fn nobody_knows(profiles: &Layers, wanted: &str) -> Error {
    let trees = trees(profiles, "platforms", &mut Vec::new());
    let names = names_in(&trees);
    let error = Error::question(format!("nobody knows the platform `{wanted}`"));
    let hint = did_you_mean(wanted, names.iter().map(String::as_str));
    let all: Vec<&str> = trees.keys().map(String::as_str).collect();
    error.hint(hint.unwrap_or_else(|| format!("the platforms are {}", all.join(", "))))
}

type Devices = inventory::load::Loaded;

fn finish(config: Option<&Config>, devices: Devices, mut errors: Vec<Error>) -> Result<Loaded, Vec<Error>> {
    let none = Vec::new();
    let (profile_dirs, parser_dirs) =
        config.map_or((&none, &none), |config| (&config.profiles, &config.parsers));
    let profiles = files::profiles(profile_dirs, &mut errors);
    let parser_files = files::parsers(parser_dirs, None, &mut errors);
    let verbs = verb::load::load(&trees(&profiles, "verbs", &mut errors), &mut errors);
    let (parsers, samples) = parsers(&parser_files, &mut errors);
    let names: BTreeSet<String> = parsers.keys().cloned().collect();
    let platform_files = trees(&profiles, "platforms", &mut errors);
    let verb_files = profiles
        .files
        .keys()
        .filter_map(|name| Some(name.strip_prefix("verbs/")?.strip_suffix(".yaml")?.to_owned()));
    let known = Known { verbs: &verbs, verb_files: &verb_files.collect(), parsers: &names };
    let platforms = profile::load::load(&platform_files, known, &mut errors);

    let mut loaded =
        Loaded { samples, warnings: devices.warnings, notes: devices.notes, ..Loaded::default() };
    for platform in platforms {
        let name = platform.platform.name.clone();
        loaded.catalogue.families.insert(name.clone(), platform.family);
        loaded.platform_trees.insert(name.clone(), platform.node);
        loaded.catalogue.platforms.insert(name, platform.platform);
    }
    loaded.catalogue.verbs = verbs;
    loaded.catalogue.parsers = parsers;
    loaded.catalogue.collections = collections(parser_dirs, &mut loaded.warnings, &mut errors);
    loaded.overrides.extend(loaded.catalogue.collections.iter().map(|collection| {
        let (rows, templates) = (collection.index.rows().len(), collection.templates.len());
        let directory = collection.directory.display();
        format!("the index in {directory} gives {rows} commands to {templates} templates, below the parser folders")
    }));
    check_platforms(
        &loaded.catalogue,
        &devices.inventory,
        &devices.places,
        &names_in(&platform_files),
        &mut loaded.warnings,
        &mut errors,
    );
    loaded.catalogue.inventory = Arc::new(with_level(devices.inventory, config));
    for layers in [profiles, parser_files] {
        loaded.overrides.extend(layers.overrides);
        loaded.warnings.extend(layers.warnings);
    }
    if errors.is_empty() { Ok(loaded) } else { Err(sorted(errors)) }
}

/// Each error once, in the order of files and lines: a platform's mistake is met again in every
/// platform that extends it.
pub(super) fn sorted(mut errors: Vec<Error>) -> Vec<Error> {
    type Key = (Option<(String, usize, usize)>, String);
    let key = |error: &Error| -> Key {
        let place = error.place().map(|place: &Place| (place.source.clone(), place.line, place.column));
        (place, error.message().to_owned())
    };
    errors.sort_by_cached_key(key);
    errors.dedup_by_key(|error| key(error));
    errors
}

/// The trees of one folder's files, by their names without `.yaml`.
fn trees(layers: &Layers, folder: &str, errors: &mut Vec<Error>) -> BTreeMap<String, Node> {
    let mut trees = BTreeMap::new();
    for (name, file) in &layers.files {
        let stem = name.strip_prefix(folder).and_then(|name| name.strip_prefix('/'));
        let Some(stem) = stem.and_then(|name| name.strip_suffix(".yaml")) else { continue };
        match Node::read(&file.origin, &file.text) {
            Ok(node) => {
                trees.insert(stem.to_owned(), node);
            }
            Err(mut found) => errors.append(&mut found),
        }
    }
    trees
}

/// The directories with an index.
fn collections(
    directories: &[std::path::PathBuf],
    warnings: &mut Vec<Error>,
    errors: &mut Vec<Error>,
) -> Vec<Arc<Collection>> {
    let mut collections = Vec::new();
    for directory in directories.iter().filter(|directory| Collection::is_at(directory)) {
        match Collection::load(directory, warnings) {
            Ok(collection) => collections.push(Arc::new(collection)),
            Err(error) => errors.push(error),
        }
    }
    collections
}

type Parsers = (BTreeMap<String, Arc<Parser>>, BTreeMap<String, Vec<Sample>>);

fn parsers(layers: &Layers, errors: &mut Vec<Error>) -> Parsers {
    let mut parsers = BTreeMap::new();
    let mut cases: BTreeMap<String, BTreeMap<String, Sample>> = BTreeMap::new();
    for (path, file) in &layers.files {
        let Some((folder, name)) = path.rsplit_once('/') else { continue };
        let samples = cases.entry(folder.to_owned()).or_default();
        if name == files::TEMPLATE || name == files::PATHS {
            let parser = Parser::new(folder, file.origin.clone(), file.text.clone());
            if parsers.insert(folder.to_owned(), Arc::new(parser)).is_some() {
                let error =
                    Error::config(format!("the parser {folder} has a template.textfsm and a template.yaml"));
                errors.push(error.hint("give one of them a folder of its own, and name that by `parser:`"));
            }
        } else if let Some((case, ending)) = name.rsplit_once('.') {
            let empty = || Sample { case: case.to_owned(), raw: None, expected: None };
            let sample = samples.entry(case.to_owned()).or_insert_with(empty);
            if ending == "raw" {
                sample.raw = Some(file.clone());
            } else {
                sample.expected = Some(file.clone());
            }
        }
    }
    for (folder, samples) in &cases {
        if !parsers.contains_key(folder) {
            let file = samples.values().find_map(|sample| sample.raw.as_ref().or(sample.expected.as_ref()));
            let origin = file.map_or(folder.as_str(), |file| file.origin.as_str());
            let error = Error::config(format!(
                "the parser {folder} has samples and neither template.textfsm nor template.yaml"
            ));
            errors.push(error.hint(format!("put one of them beside {origin}")));
        }
    }
    let samples = cases.into_iter().map(|(name, cases)| (name, cases.into_values().collect())).collect();
    (parsers, samples)
}

fn devices(config: &Config, environment: &Environment, errors: &mut Vec<Error>) -> Devices {
    let Some(InventoryFiles { hosts, groups, defaults }) = &config.inventory else {
        let warning = Error::config("there is no inventory, so there are no devices")
            .hint("put hosts.yaml into inventory/ beside nocbot.yaml, or name it by the key `inventory`");
        return Devices { warnings: vec![warning], ..Devices::default() };
    };
    let mut tree = |path: &std::path::Path| {
        let text = match files::read(path) {
            Ok(text) => text,
            Err(error) => {
                errors.push(error);
                return None;
            }
        };
        Node::read(&path.display().to_string(), &text).map_err(|mut found| errors.append(&mut found)).ok()
    };
    let hosts = tree(hosts);
    let groups_tree = groups.as_deref().and_then(&mut tree);
    let defaults_tree = defaults.as_deref().and_then(&mut tree);
    let (Some(hosts), true, true) =
        (hosts, groups_tree.is_some() == groups.is_some(), defaults_tree.is_some() == defaults.is_some())
    else {
        return Devices::default();
    };
    let files = Files {
        hosts: &hosts,
        groups: groups_tree.as_ref(),
        defaults: defaults_tree.as_ref(),
        base: &config.base,
        environment,
    };
    let before = errors.len();
    let mut devices = inventory::load::load(&files, errors);
    if errors.len() == before && devices.inventory.devices().next().is_none() {
        let warning = hosts.error("there are no devices in this file");
        devices.warnings.push(warning.hint("a device is `name: {hostname: ADDRESS, platform: NAME}`"));
    }
    devices
}

/// Every device's platform is one of ours; a device without one is a warning. A group's mistake is one
/// error, not one per device; `broken` are the names of platforms that did not load, which have errors
/// of their own.
fn check_platforms(
    catalogue: &Catalogue,
    inventory: &Inventory,
    places: &BTreeMap<String, Places>,
    broken: &BTreeSet<String>,
    warnings: &mut Vec<Error>,
    errors: &mut Vec<Error>,
) {
    type Saying<'a> = (&'a str, Option<(usize, usize)>);
    let mut unknown: BTreeMap<Saying<'_>, Vec<&Device>> = BTreeMap::new();
    for device in inventory.devices() {
        let at = places.get(&device.name);
        if device.platform.is_empty() {
            let warning = Error::config(format!("the device `{}` has no platform", device.name))
                .hint("add `platform:` to it, to one of its groups or to the defaults");
            warnings.push(match at {
                Some(places) => warning.at(places.name.place()),
                None => warning,
            });
        } else if catalogue.platform(&device.platform).is_none()
            && !broken.contains(&device.platform.to_ascii_lowercase())
        {
            let at = at.and_then(|places| places.platform.as_ref()).map(Node::position);
            unknown.entry((&device.platform, at)).or_default().push(device);
        }
    }
    for ((platform, _), devices) in unknown {
        let Some((first, rest)) = devices.split_first() else { continue };
        let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
        let message =
            format!("the device `{}`{more} has the platform `{platform}`, which nobody knows", first.name);
        let known = catalogue.platforms.values().flat_map(|platform| {
            std::iter::once(platform.name.as_str()).chain(platform.aliases.iter().map(String::as_str))
        });
        let hint = did_you_mean(platform, known).unwrap_or_else(|| {
            let names: Vec<&str> = catalogue.platforms.keys().map(String::as_str).collect();
            format!("the platforms are {}; another one is a file of its own", names.join(", "))
        });
        let error = Error::config(message).hint(hint);
        errors.push(match places.get(&first.name) {
            Some(places) => error.at(places.platform.as_ref().unwrap_or(&places.name).place()),
            None => error,
        });
    }
}

/// The names and aliases in these trees, in lower case.
fn names_in(trees: &BTreeMap<String, Node>) -> BTreeSet<String> {
    let aliases = trees.values().filter_map(|node| node.get("aliases")?.items("").ok());
    let aliases = aliases.flatten().filter_map(Node::text).map(str::to_ascii_lowercase);
    trees.keys().cloned().chain(aliases).collect()
}

/// The configuration's algorithm level for devices whose inventory names none.
fn with_level(inventory: Inventory, config: Option<&Config>) -> Inventory {
    let Some(level) = config.and_then(|config| config.ssh.level) else { return inventory };
    let devices: Vec<Device> = inventory
        .devices()
        .map(|device| {
            let mut device = Device::clone(device);
            device.login.level.get_or_insert(level);
            device
        })
        .collect();
    Inventory::new(devices)
}
