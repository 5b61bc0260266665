//! A whole world from specs, as a register or a kept file holds them: no text to be parsed, no lines to be named.

use std::sync::Arc;

use serde_json::Value;
use shuzha_core::Id;

use super::object::{OBJECT_KINDS, Origin, Reader};
use super::{World, check};
use crate::WorldError;
use crate::yaml::{Node, Place};

/// What faults name instead of a file.
const SOURCE: &str = "objects";

impl World {
    /// Reads a world from objects, each given as kind, name and spec, in any order. No two share kind and name.
    ///
    /// # Errors
    /// Every fault found, by kind in order of reference, each with its object as `Kind/name`.
    pub fn from_specs<'s>(
        objects: impl IntoIterator<Item = (&'s str, &'s Id, &'s Value)>,
    ) -> Result<Self, Vec<WorldError>> {
        let mut reader = Reader::default();
        let mut by_kind: Vec<Vec<(&Id, Node)>> = OBJECT_KINDS.iter().map(|_| Vec::new()).collect();
        for (kind, name, spec) in objects {
            let at = OBJECT_KINDS.iter().position(|known| known.name == kind);
            match (at, Node::from_json(spec)) {
                (Some(at), Ok(node)) => by_kind[at].push((name, node)),
                (None, _) => reader.refuse(kind, name, format!("there is no kind `{kind}`")),
                (_, Err(reason)) => reader.refuse(kind, name, reason),
            }
        }
        for (kind, objects) in OBJECT_KINDS.iter().zip(by_kind) {
            for (name, node) in objects {
                reader
                    .declared
                    .declare((kind.name, name.clone()), Origin { file: Arc::from(SOURCE), line: 0 });
                let object = format!("{}/{name}", kind.name);
                let spec = Place::root(&node, SOURCE, &object, &reader.faults).named("spec");
                (kind.read)(name, &spec, &mut reader.world, &reader.declared, None);
            }
        }
        let Reader { mut world, declared, faults } = reader;
        check::whole(&mut world, &declared, &faults);
        if faults.len() == 0 { Ok(world) } else { Err(faults.into_parts().0) }
    }
}

impl Reader {
    /// An object of which nothing can be read.
    fn refuse(&self, kind: &str, name: &Id, reason: String) {
        let (file, object) = (SOURCE.to_owned(), format!("{kind}/{name}"));
        self.faults.push(WorldError { file, line: 0, object, path: String::new(), reason });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn id(name: &str) -> Id {
        name.parse().expect("a name")
    }

    fn read(objects: &[(&str, &str, Value)]) -> Result<World, Vec<String>> {
        let named: BTreeMap<_, _> =
            objects.iter().map(|(kind, name, spec)| ((*kind, id(name)), spec)).collect();
        World::from_specs(named.iter().map(|((kind, name), spec)| (*kind, name, *spec)))
            .map_err(|faults| faults.into_iter().map(|fault| fault.object).collect())
    }

    fn bank() -> (&'static str, &'static str, Value) {
        ("Organisation", "z-bank", json!({"kind": "unit", "uscc": "91350100M000100Y43", "name": "某银行"}))
    }

    fn unit(of: &str) -> (&'static str, &'static str, Value) {
        ("ApplicationUnit", "a", json!({"organisation": of, "securityOfficer": "负责人"}))
    }

    #[test]
    fn specs_make_the_world_that_their_file_makes() {
        let objects = [unit("z-bank"), bank()];
        let world = read(&objects).expect("a world");
        let text: String = objects
            .iter()
            .map(|(kind, name, spec)| {
                format!(
                    "---\napiVersion: {}\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n",
                    super::super::API_VERSION
                )
            })
            .collect();
        let of_file = World::parse(&[("f", text)]).expect("a world");
        assert_eq!(world.specs, of_file.specs);
        assert_eq!((world.units.len(), world.organisations.len()), (1, 1));
    }

    #[test]
    fn each_faulty_object_is_named() {
        assert_eq!(read(&[unit("nobody"), bank()]).expect_err("faults"), ["ApplicationUnit/a"]);
        assert_eq!(read(&[("Nothing", "n", json!({})), bank()]).expect_err("faults"), ["Nothing/n"]);
        let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
        assert_eq!(read(&[("Product", "p", deep)]).expect_err("faults"), ["Product/p"]);
        let mut twice = unit("z-bank");
        twice.2["other"] = json!(1);
        assert_eq!(read(&[twice, bank()]).expect_err("faults"), ["ApplicationUnit/a"]);
    }
}
