//! The import table: which room may depend on which room, and on which crates from outside.
//!
//! Cargo keeps the pure rooms pure, and this table keeps their manifests. A new edge is an architectural change:
//! a commit of its own, with its reason, that changes the table.

use serde_json::json;

use crate::metadata::{Package, Workspace};
use crate::source::{Source, block_length, line_of, words};
use crate::tree;
use crate::{assert_complains, assert_tidy};

/// A room and what it may depend on, development dependencies aside.
pub(crate) struct Room {
    pub(crate) package: &'static str,
    rooms: &'static [&'static str],
    crates: Crates,
    /// Time, randomness and I/O are its inputs.
    pub(crate) pure: bool,
}

enum Crates {
    Only(&'static [&'static str]),
    AllBut(&'static [&'static str]),
}

pub(crate) const ROOMS: &[Room] = &[
    Room {
        package: "sarsen-protocol",
        rooms: &[],
        crates: Crates::Only(&[
            "bincode",
            "bytes",
            "serde",
            "serde_json",
            "thiserror",
            "uuid",
            "xxhash-rust",
        ]),
        pure: true,
    },
    Room {
        package: "sarsen-entities",
        rooms: &["sarsen-protocol"],
        crates: Crates::Only(&["serde", "thiserror"]),
        pure: true,
    },
    Room {
        package: "sarsen-orchestration",
        rooms: &["sarsen-protocol"],
        crates: Crates::Only(&["serde", "thiserror"]),
        pure: true,
    },
    Room {
        package: "sarsen-engine",
        rooms: &["sarsen-protocol", "sarsen-entities", "sarsen-orchestration"],
        crates: Crates::Only(&["bytes", "serde", "thiserror"]),
        pure: true,
    },
    Room {
        package: "sarsen-storage",
        rooms: &["sarsen-protocol"],
        crates: Crates::Only(&["bytes", "hashbrown", "redb", "thiserror", "xxhash-rust"]),
        pure: false,
    },
    Room {
        package: "sarsen-runtime",
        rooms: &[
            "sarsen-protocol",
            "sarsen-entities",
            "sarsen-orchestration",
            "sarsen-engine",
            "sarsen-storage",
        ],
        crates: Crates::AllBut(&["redb"]),
        pure: false,
    },
    // The virtual host has no thread and no clock: it polls the client's futures itself.
    Room {
        package: "sarsen-testing",
        rooms: &[
            "sarsen-protocol",
            "sarsen-entities",
            "sarsen-orchestration",
            "sarsen-engine",
            "sarsen-storage",
            "sarsen-runtime",
        ],
        crates: Crates::AllBut(&["redb", "tokio"]),
        pure: false,
    },
    Room {
        package: "sarsen-macros",
        rooms: &[],
        crates: Crates::Only(&["proc-macro2", "quote", "syn"]),
        pure: false,
    },
    // Names and no logic: what it exports comes from these.
    Room {
        package: "sarsen",
        rooms: &["sarsen-runtime", "sarsen-macros", "sarsen-testing"],
        crates: Crates::Only(&[]),
        pure: false,
    },
];

/// Features that would let a pure room make an id, which needs time or randomness.
const IMPURE_FEATURES: &[(&str, &[&str])] =
    &[("uuid", &["v1", "v4", "v6", "v7", "rng", "fast-rng", "rng-getrandom", "rng-rand"])];

/// The one file of the pure rooms that names the maps of std, to give them a hasher that repeats. Their tests may:
/// users' types have such maps.
const MAPS: &str = "protocol/src/hash.rs";

impl Room {
    fn may_use(&self, dependency: &str) -> bool {
        if ROOMS.iter().any(|room| room.package == dependency) {
            return self.rooms.contains(&dependency);
        }
        match self.crates {
            Crates::Only(names) => names.contains(&dependency),
            Crates::AllBut(names) => !names.contains(&dependency),
        }
    }
}

/// Where packages lie that use sarsen as users do: no rooms.
const USERS: &str = "tests/elsewhere/";

/// A user's package names no room of ours but the facade.
fn rooms_used(package: &Package) -> Vec<String> {
    let names = package.dependencies.iter().map(|dependency| &dependency.name);
    let rooms = names.filter(|name| *name != "sarsen" && ROOMS.iter().any(|room| room.package == *name));
    rooms.map(|room| format!("{} depends on {room}: a user has the facade alone", package.name)).collect()
}

fn forbidden_imports(workspace: &Workspace) -> Vec<String> {
    let mut complaints = Vec::new();
    for package in &workspace.packages {
        let name = &package.name;
        if package.folder.starts_with(USERS) {
            complaints.extend(rooms_used(package));
            continue;
        }
        let Some(room) = ROOMS.iter().find(|room| room.package == name) else {
            complaints.push(format!("{name} is a member of the workspace and not in the import table"));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|dependency| !dependency.development) {
            let on = &dependency.name;
            if !room.may_use(on) {
                complaints.push(format!("{name} depends on {on}, which the import table does not allow"));
            }
            let impure = IMPURE_FEATURES.iter().find(|(name, _)| name == on).map_or(&[][..], |(_, it)| it);
            for feature in dependency.features.iter().filter(|it| room.pure && impure.contains(&it.as_str()))
            {
                complaints.push(format!("{name} is pure and turns on {on}'s feature `{feature}`"));
            }
        }
    }
    complaints
}

fn rooms_missing(workspace: &Workspace) -> Vec<String> {
    let mut complaints = Vec::new();
    for Room { package: name, .. } in ROOMS {
        if !workspace.packages.iter().any(|package| package.name == *name) {
            complaints.push(format!("{name} is in the import table and no member of the workspace"));
        } else if !workspace.defaults.iter().any(|package| package == name) {
            complaints
                .push(format!("{name} is not in default-members: `cargo test` at the root would skip it"));
        }
    }
    complaints
}

/// Imports of std's maps, whose default hasher is random: the types, which clippy's list of methods leaves open.
fn random_maps(path: &str, text: &str) -> Vec<String> {
    let code = Source::new(text).code;
    let mut complaints = Vec::new();
    for at in words(&code, "collections::") {
        let after = &code[at + "collections::".len()..];
        let named = if after.starts_with('{') {
            &after[..block_length(after)]
        } else {
            after.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default()
        };
        for map in ["HashMap", "HashSet"] {
            if words(named, map).next().is_some() {
                let line = line_of(&code, at);
                complaints
                    .push(format!("{path}:{line}: std's {map} hashes at random: use sarsen_protocol::{map}"));
            }
        }
    }
    complaints
}

#[test]
fn rooms_depend_on_what_the_import_table_allows() {
    let workspace = Workspace::of_tree();
    let mut complaints = forbidden_imports(&workspace);
    complaints.extend(rooms_missing(&workspace));
    assert_tidy(&complaints);
}

#[test]
fn pure_rooms_use_no_map_with_a_random_hasher() {
    let workspace = Workspace::of_tree();
    let pure = |name: &str| ROOMS.iter().any(|room| room.pure && room.package == name);
    let folders: Vec<String> =
        workspace.packages.iter().filter(|it| pure(&it.name)).map(|it| it.path("src/")).collect();
    let ours = |file: &tree::File| folders.iter().any(|folder| file.path.starts_with(folder));
    let files = tree::files(&[".rs"]).into_iter();
    let files = files.filter(|file| ours(file) && !file.is_test() && file.path != MAPS);
    assert_tidy(&files.flat_map(|file| random_maps(&file.path, &file.text)).collect::<Vec<_>>());
}

/// A workspace of one package with one dependency.
fn workspace_with(package: &str, dependency: &serde_json::Value) -> Workspace {
    Workspace::parse(&json!({
        "workspace_root": "/w",
        "workspace_default_members": ["one"],
        "packages": [{
            "id": "one", "name": package, "manifest_path": "/w/one/Cargo.toml", "dependencies": [dependency],
            "targets": [],
        }],
    }))
}

#[test]
fn an_edge_outside_the_table_is_named() {
    let imports = |package, on: &str, kind: Option<&str>| {
        forbidden_imports(&workspace_with(package, &json!({"name": on, "kind": kind, "features": []})))
    };
    assert_tidy(&imports("sarsen-engine", "sarsen-entities", None));
    assert_complains(
        &imports("sarsen-engine", "sarsen-storage", None),
        "sarsen-engine depends on sarsen-storage",
    );
    assert_complains(&imports("sarsen-entities", "tokio", None), "sarsen-entities depends on tokio");
    assert_complains(&imports("sarsen-protocol", "cc", Some("build")), "sarsen-protocol depends on cc");
    assert_complains(&imports("sarsen-runtime", "redb", None), "sarsen-runtime depends on redb");
    assert_tidy(&imports("sarsen-runtime", "tokio", None));
    assert_tidy(&imports("sarsen-entities", "tokio", Some("dev")));
    assert_complains(&imports("sarsen-misc", "bytes", None), "sarsen-misc is a member");
}

#[test]
fn a_user_that_depends_on_a_room_is_named() {
    let user = |on: &str| {
        let mut workspace =
            workspace_with("elsewhere-shop", &json!({"name": on, "kind": null, "features": []}));
        workspace.packages[0].folder = "tests/elsewhere/shop".to_owned();
        forbidden_imports(&workspace)
    };
    assert_tidy(&user("sarsen"));
    assert_tidy(&user("tokio"));
    assert_complains(&user("sarsen-engine"), "elsewhere-shop depends on sarsen-engine");
}

#[test]
fn a_pure_room_that_can_make_ids_is_named() {
    let uuid = json!({"name": "uuid", "kind": null, "features": ["std", "v4"]});
    assert_complains(&forbidden_imports(&workspace_with("sarsen-protocol", &uuid)), "feature `v4`");
    assert_tidy(&forbidden_imports(&workspace_with("sarsen-runtime", &uuid)));
}

#[test]
fn a_room_that_cargo_test_would_skip_is_named() {
    let bytes = json!({"name": "bytes", "kind": null, "features": []});
    let mut workspace = workspace_with("sarsen-protocol", &bytes);
    let about = |workspace: &Workspace| {
        let complaints = rooms_missing(workspace).into_iter();
        complaints.filter(|complaint| complaint.starts_with("sarsen-protocol ")).collect::<Vec<_>>()
    };
    assert_tidy(&about(&workspace));
    workspace.defaults.clear();
    assert_complains(&about(&workspace), "default-members");
    workspace.packages.clear();
    assert_complains(&about(&workspace), "no member of the workspace");
}

#[test]
fn an_import_of_a_random_map_is_named() {
    for import in [
        "std::collections::HashMap;",
        "std::collections::{\n  BTreeMap, HashMap};",
        "collections::HashMap<u8, u8>",
    ] {
        assert_complains(&random_maps("a.rs", import), "a.rs:1: std's HashMap");
    }
    assert_tidy(&random_maps(
        "a.rs",
        "use std::collections::{BTreeMap, VecDeque};\nuse sarsen_protocol::HashMap;",
    ));
}
