//! Keys of the section `[control]` about persons: how they are invited, which roles demand one-time codes, how much an
//! organisation may hold, and which proxies are believed.

use std::path::PathBuf;

use shuzha_control::{Kind, Quotas};
use shuzha_core::Role;
use shuzha_products::credential::Cidr;

use super::reader::Reader;

/// Most objects of one kind that an organisation can be given.
const OBJECTS_MAX: u64 = 100_000_000;

/// How persons come to the control plane.
#[derive(Clone, Debug)]
pub struct AccessConfig {
    pub(crate) invitations: Invitations,
    pub(crate) one_time_roles: Vec<Role>,
    pub(crate) quotas: Quotas,
    pub(crate) trusted_proxies: Vec<Cidr>,
}

/// How invitations reach persons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invitations {
    /// A file for each, in this folder; relative to the data folder.
    Folder(PathBuf),
    /// A command that reads each from its input.
    Command(Vec<String>),
}

/// Reads the keys.
pub(crate) fn read(r: &mut Reader) -> Option<AccessConfig> {
    let invitations = read_invitations(r);
    let one_time_roles = read_roles(r);
    let quotas = read_quotas(r);
    let trusted_proxies = read_proxies(r);
    Some(AccessConfig {
        invitations: invitations?,
        one_time_roles: one_time_roles?,
        quotas: quotas?,
        trusted_proxies: trusted_proxies?,
    })
}

fn read_invitations(r: &mut Reader) -> Option<Invitations> {
    let folder = r.take::<String>("control", "invitations_folder");
    let command = r.take::<Vec<String>>("control", "invitation_command");
    let (folder, command) = (folder?, command?);
    match command.first() {
        Some(program) if !program.starts_with('/') => {
            r.fault("control.invitation_command", "expected a program by its whole path, and its arguments");
            None
        }
        Some(_) => Some(Invitations::Command(command)),
        None if folder.is_empty() => {
            r.fault("control.invitations_folder", "is needed where there is no invitation_command");
            None
        }
        None => Some(Invitations::Folder(PathBuf::from(folder))),
    }
}

fn read_roles(r: &mut Reader) -> Option<Vec<Role>> {
    let words = r.take::<Vec<String>>("control", "one_time_code_roles")?;
    let read: Option<Vec<Role>> = words.iter().map(|word| word.parse().ok()).collect();
    if read.is_none() {
        let known: Vec<_> = Role::ALL.iter().map(|role| role.as_str()).collect();
        r.fault("control.one_time_code_roles", format!("the roles are {}", known.join(", ")));
    }
    read
}

fn read_quotas(r: &mut Reader) -> Option<Quotas> {
    let each = r.take::<usize>("control", "objects_max");
    let kinds = r.take::<Vec<String>>("control", "objects_max_by_kind");
    let bounded = |most: u64| (1..=OBJECTS_MAX).contains(&most).then_some(most);
    let each = each?;
    let Some(each) = u64::try_from(each).ok().and_then(bounded) else {
        r.fault("control.objects_max", format!("expected 1 to {OBJECTS_MAX}"));
        return None;
    };
    let mut quotas = Quotas { each, kinds: std::collections::BTreeMap::new() };
    for text in kinds? {
        let parts = text.split_once(' ').and_then(|(kind, most)| {
            let kind = Kind::find(kind).filter(|found| found.name() == kind)?;
            Some((kind.name(), most.trim().parse().ok().and_then(bounded)?))
        });
        match parts {
            Some((kind, most)) => drop(quotas.kinds.insert(kind.to_owned(), most)),
            None => {
                r.fault(
                    "control.objects_max_by_kind",
                    format!("\"{text}\" is not a kind and its most, such as \"Credential 1000\""),
                );
                return None;
            }
        }
    }
    Some(quotas)
}

fn read_proxies(r: &mut Reader) -> Option<Vec<Cidr>> {
    let mut networks = Vec::new();
    for text in r.take::<Vec<String>>("control", "trusted_proxies")? {
        match text.parse() {
            Ok(network) => networks.push(network),
            Err(error) => {
                r.fault("control.trusted_proxies", format!("\"{text}\": {error}"));
                return None;
            }
        }
    }
    Some(networks)
}
