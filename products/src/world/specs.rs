//! A whole world from specs, as a register or a kept file holds them: no text to be parsed, no lines to be named.

use std::sync::Arc;

use serde_json::Value;
use shuzha_core::{Fault, Id};

use super::object::{OBJECT_KINDS, ObjectKind, Origin, Reader};
use super::{World, check};
use crate::WorldError;
use crate::yaml::{Faults, Node, Place};

/// What faults name instead of a file.
const SOURCE: &str = "objects";

impl World {
    /// Reads a world from objects, each given as kind, name and spec in JSON, in any order. No two share kind and name.
    ///
    /// # Errors
    /// Every fault found, by kind in order of reference, each with its object as `Kind/name`.
    pub fn from_specs<'s>(
        objects: impl IntoIterator<Item = (&'s str, &'s Id, &'s str)>,
    ) -> Result<Self, Vec<WorldError>> {
        let mut reader = Reader { faults: Faults::unbounded(), ..Reader::default() };
        reader.declared.accepted = true;
        let mut by_kind: Vec<Vec<(&Id, &str)>> = OBJECT_KINDS.iter().map(|_| Vec::new()).collect();
        for (kind, name, spec) in objects {
            match OBJECT_KINDS.iter().position(|known| known.name == kind) {
                Some(at) => by_kind[at].push((name, spec)),
                None => refuse(&reader.faults, kind, name, format!("there is no kind `{kind}`")),
            }
        }
        for (kind, objects) in OBJECT_KINDS.iter().zip(by_kind) {
            for (name, spec) in objects {
                reader.read_spec(kind, name, spec);
            }
        }
        let Reader { mut world, declared, faults } = reader;
        check::whole(&mut world, &declared, &faults);
        if faults.is_empty() { Ok(world) } else { Err(faults.into_parts().0) }
    }
}

impl Reader {
    /// Reads one object. Its tree lasts no longer: a register holds many.
    fn read_spec(&mut self, kind: &ObjectKind, name: &Id, spec: &str) {
        let json: Result<Value, _> = serde_json::from_str(spec);
        let node = match json.map_err(|error| error.to_string()).and_then(|json| Node::from_json(&json)) {
            Ok(node) => node,
            Err(reason) => return refuse(&self.faults, kind.name, name, reason),
        };
        self.declared.declare((kind.name, name.clone()), Origin { file: Arc::from(SOURCE), line: 0 });
        let object = format!("{}/{name}", kind.name);
        let spec = Place::root(&node, SOURCE, &object, &self.faults).named("spec");
        (kind.read)(name, &spec, &mut self.world, &self.declared, None);
    }
}

/// Notes an object of which nothing can be read.
fn refuse(faults: &Faults, kind: &str, name: &Id, reason: String) {
    faults.push(WorldError::new(SOURCE, format!("{kind}/{name}"), Fault::new("", reason)));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn id(name: &str) -> Id {
        name.parse().expect("a name")
    }

    fn read(objects: &[(&str, &str, Value)]) -> Result<World, Vec<String>> {
        let named: Vec<_> =
            objects.iter().map(|(kind, name, spec)| (*kind, id(name), spec.to_string())).collect();
        World::from_specs(named.iter().map(|(kind, name, spec)| (*kind, name, spec.as_str())))
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
        let cut = World::from_specs([("Product", &id("p"), "{\"a\": ")]).expect_err("faults");
        assert_eq!(cut.iter().map(|fault| fault.object.as_str()).collect::<Vec<_>>(), ["Product/p"]);
        let mut twice = unit("z-bank");
        twice.2["other"] = json!(1);
        assert_eq!(read(&[twice, bank()]).expect_err("faults"), ["ApplicationUnit/a"]);
    }
}
