//! The bill of materials: CycloneDX, as JSON.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Metadata, Package, PackageId};
use serde_json::{Value, json};

/// The document of these packages of others and of the shipped ones. It has no serial number, which would be another
/// one each time.
pub(super) fn document(metadata: &Metadata, shipped: &[&Package], others: &[&Package], version: &str) -> Result<Value> {
    let checksums = checksums(metadata)?;
    let component = |package: &&Package| -> Result<Value> {
        let mut component = json!({
            "type": "library",
            "bom-ref": reference(package),
            "name": package.name.as_str(),
            "version": package.version.to_string(),
            "licenses": [{ "expression": super::expression(package)? }],
        });
        if let Some(checksum) = checksums.get(&(package.name.to_string(), package.version.to_string())) {
            component["purl"] = json!(format!("pkg:cargo/{}@{}", package.name, package.version));
            component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
        }
        if let Some(repository) = &package.repository {
            component["externalReferences"] = json!([{ "type": "vcs", "url": repository }]);
        }
        Ok(component)
    };
    let components: Vec<_> = shipped.iter().chain(others).map(component).collect::<Result<_>>()?;
    let known: BTreeMap<&PackageId, String> =
        shipped.iter().chain(others).map(|package| (&package.id, reference(package))).collect();
    let nodes = &metadata.resolve.as_ref().context("cargo says no dependencies")?.nodes;
    let mut dependencies = vec![json!({
        "ref": "defect-host-package",
        "dependsOn": shipped.iter().map(|package| reference(package)).collect::<Vec<_>>(),
    })];
    dependencies.extend(nodes.iter().filter_map(|node| {
        let mut on: Vec<_> = node.deps.iter().filter(|dependency| is_normal(dependency)).collect::<Vec<_>>();
        on.sort_by_key(|dependency| &dependency.pkg);
        let on: Vec<_> = on.into_iter().filter_map(|dependency| known.get(&dependency.pkg)).collect();
        Some(json!({ "ref": known.get(&node.id)?, "dependsOn": on }))
    }));
    Ok(json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": {
            "type": "application",
            "bom-ref": "defect-host-package",
            "name": "defect-host",
            "version": version,
            "licenses": [{ "license": { "id": "Apache-2.0" } }],
        } },
        "components": components,
        "dependencies": dependencies,
    }))
}

/// Whether it ends in the binary: not one of tests, nor of build scripts.
pub(super) fn is_normal(dependency: &cargo_metadata::NodeDep) -> bool {
    dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal)
}

/// A package's name within the document.
fn reference(package: &Package) -> String {
    format!("{}@{}", package.name, package.version)
}

/// What `Cargo.lock` has for the packages of registries: the SHA-256 of what was downloaded.
fn checksums(metadata: &Metadata) -> Result<BTreeMap<(String, String), String>> {
    let lock: toml::Table = fs::read_to_string(metadata.workspace_root.join("Cargo.lock"))?.parse()?;
    let packages = lock.get("package").and_then(toml::Value::as_array).context("`Cargo.lock` has no packages")?;
    let text = |package: &toml::Value, key| Some(package.get(key)?.as_str()?.to_owned());
    let checksums = packages
        .iter()
        .filter_map(|package| Some(((text(package, "name")?, text(package, "version")?), text(package, "checksum")?)));
    Ok(checksums.collect())
}
