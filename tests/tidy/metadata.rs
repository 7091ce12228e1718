//! What cargo knows about the workspace without a network: packages, their declared dependencies and targets.

use std::process::Command;

use serde_json::Value;

use crate::tree;

/// The members of the workspace.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) packages: Vec<Package>,
    /// The names of those that a plain `cargo test` at the root takes.
    pub(crate) defaults: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// From the root; empty for the facade.
    pub(crate) folder: String,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) targets: Vec<Target>,
}

#[derive(Debug)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) development: bool,
    pub(crate) features: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Target {
    /// `example`, `bench`, `test`, `bin`, `lib` and the like.
    pub(crate) kind: String,
    pub(crate) name: String,
}

impl Workspace {
    /// Asks cargo, which reads the manifests only.
    pub(crate) fn of_tree() -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
            .current_dir(tree::root())
            .output()
            .expect("cargo is there, since it runs this test");
        assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
        let json = serde_json::from_slice(&output.stdout).expect("cargo metadata writes JSON");
        Self::parse(&json)
    }

    /// Reads the output of `cargo metadata --format-version 1`.
    pub(crate) fn parse(json: &Value) -> Self {
        let root = text(&json["workspace_root"]);
        let defaults: Vec<&str> = json["workspace_default_members"]
            .as_array()
            .map_or(Vec::new(), |members| members.iter().map(text).collect());
        let packages = list(&json["packages"]);
        Self {
            defaults: packages
                .iter()
                .filter(|package| defaults.contains(&text(&package["id"])))
                .map(|package| text(&package["name"]).to_owned())
                .collect(),
            packages: packages.iter().map(|package| Package::parse(package, root)).collect(),
        }
    }

    pub(crate) fn has_target(&self, package: Option<&str>, kind: &str, name: &str) -> bool {
        let packages = self.packages.iter().filter(|it| package.is_none_or(|package| package == it.name));
        packages.flat_map(|it| &it.targets).any(|target| target.kind == kind && target.name == name)
    }
}

impl Package {
    fn parse(json: &Value, root: &str) -> Self {
        let manifest = text(&json["manifest_path"]);
        let folder = manifest.strip_prefix(root).and_then(|path| path.strip_suffix("Cargo.toml"));
        Self {
            name: text(&json["name"]).to_owned(),
            folder: folder.unwrap_or_default().trim_matches(['/', '\\']).to_owned(),
            dependencies: list(&json["dependencies"]).iter().map(Dependency::parse).collect(),
            targets: list(&json["targets"]).iter().map(Target::parse).collect(),
        }
    }

    /// A path in the package, from the root of the workspace.
    pub(crate) fn path(&self, below: &str) -> String {
        if self.folder.is_empty() { below.to_owned() } else { format!("{}/{below}", self.folder) }
    }
}

impl Dependency {
    fn parse(json: &Value) -> Self {
        Self {
            name: text(&json["name"]).to_owned(),
            development: json["kind"] == "dev",
            features: list(&json["features"]).iter().map(|feature| text(feature).to_owned()).collect(),
        }
    }
}

impl Target {
    fn parse(json: &Value) -> Self {
        Self { kind: text(&json["kind"][0]).to_owned(), name: text(&json["name"]).to_owned() }
    }
}

fn text(json: &Value) -> &str {
    json.as_str().unwrap_or_default()
}

fn list(json: &Value) -> &[Value] {
    json.as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn cargo_names_this_test() {
    let workspace = Workspace::of_tree();
    assert!(workspace.has_target(Some("sarsen"), "test", "tidy"));
    assert!(!workspace.has_target(Some("sarsen-protocol"), "test", "tidy"));
    assert!(workspace.packages.iter().any(|package| package.folder == "protocol"));
}
