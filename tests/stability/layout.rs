//! The types that cross the boundary, as text: what abi_stable compares when a library is loaded.

use std::fmt::Write as _;

use abi_stable::StableAbi;
use abi_stable::type_layout::{TLData, TLField, TLFields, TLFunction, TypeLayout};
use defect_plugin_api::boundary::{
    RawClientBox, RawError, RawErrorKind, RawLog, RawModule_Ref, RawReply, RawStreamBox,
};

use crate::golden::{Golden, version};

type Layout = &'static TypeLayout;

fn of<T: StableAbi>() -> Layout {
    T::LAYOUT
}

/// Types one after the other, each followed by those that it is made of. Left out is what takes no room
/// and what every language has; two types that look the same are shown once.
#[derive(Default)]
struct Catalogue {
    seen: Vec<Layout>,
    sections: Vec<String>,
}

impl Catalogue {
    fn add(&mut self, layout: Layout) {
        let known = self.seen.iter().any(|known| known.get_utypeid() == layout.get_utypeid());
        if known || layout.size() == 0 || matches!(layout.data(), TLData::Primitive(_) | TLData::Opaque) {
            return;
        }
        self.seen.push(layout);
        let mut section = Section { text: heading(layout), inside: Vec::new() };
        match layout.data() {
            TLData::Primitive(_) | TLData::Opaque => {}
            TLData::Struct { fields } | TLData::Union { fields } => section.fields(fields),
            TLData::PrefixType(prefix) => section.fields(prefix.fields),
            TLData::Enum(choice) => section.variants(choice.variant_names_iter(), choice.fields),
        }
        section.inside.extend(layout.phantom_fields().iter().map(|field| field.layout()));
        if !self.sections.contains(&section.text) {
            self.sections.push(section.text);
        }
        for inner in section.inside {
            self.add(inner);
        }
    }
}

/// `RawError: 72 bytes, aligned to 8, repr C, in defect_plugin_api::boundary`
fn heading(layout: Layout) -> String {
    let (size, alignment) = (layout.size(), layout.alignment());
    let checks = layout.extra_checks().map(|checks| format!("{checks:?}")).unwrap_or_default();
    let traits = ["Send", "Sync"].into_iter().filter(|name| checks.contains(name));
    let traits: String = traits.map(|name| format!(", {name}")).collect();
    format!(
        "{}: {size} bytes, aligned to {alignment}, repr {:?}, in {}{traits}\n",
        name(layout),
        layout.repr_attr(),
        layout.mod_path()
    )
}

struct Section {
    text: String,
    inside: Vec<Layout>,
}

impl Section {
    /// Each with its offset, as `repr(C)` places it.
    fn fields(&mut self, fields: TLFields) {
        let mut end: usize = 0;
        for field in fields.iter().filter(|field| field.layout().size() > 0) {
            let offset = end.next_multiple_of(field.layout().alignment());
            end = offset + field.layout().size();
            let kind = self.kind(&field);
            let _ = writeln!(self.text, "{offset:4}  {}: {kind}", field.name());
        }
    }

    fn variants(&mut self, names: impl Iterator<Item = &'static str>, fields: TLFields) {
        for (number, name) in names.enumerate() {
            let _ = writeln!(self.text, "   {number}  {name}");
        }
        for field in fields.iter().filter(|field| field.layout().size() > 0) {
            let kind = self.kind(&field);
            let _ = writeln!(self.text, "   of {kind}");
        }
    }

    fn kind(&mut self, field: &TLField) -> String {
        let functions: Vec<String> = field.function_range().iter().map(|function| self.function(&function)).collect();
        if functions.is_empty() {
            self.inside.push(field.layout());
            name(field.layout())
        } else {
            functions.join(" or ")
        }
    }

    fn function(&mut self, function: &TLFunction) -> String {
        let parameters: Vec<Layout> = function.param_type_layouts.iter().map(|layout| layout()).collect();
        let answer = function.return_type_layout().map(|layout| layout());
        let names: Vec<String> = parameters.iter().map(|layout| name(layout)).collect();
        let answers = answer.map_or_else(String::new, |layout| format!(" -> {}", name(layout)));
        let begin = if function.fn_qualifs.is_unsafe() { "unsafe fn" } else { "fn" };
        self.inside.extend(parameters.into_iter().chain(answer));
        format!("{begin}({}){answers}", names.join(", "))
    }
}

/// The type's name; that of an enum with what is in it, which abi_stable leaves out.
fn name(layout: Layout) -> String {
    let name = layout.full_type().to_string();
    let name = name.replace("'a  ", "").replace("'a ", "").replace(" ()", "()").trim().to_owned();
    match layout.data() {
        TLData::Enum(choice) if !name.contains('<') && choice.fields.iter().len() > 0 => {
            let inside: Vec<String> = choice.fields.iter().map(|field| self::name(field.layout())).collect();
            format!("{name}<{}>", inside.join(", "))
        }
        _ => name,
    }
}

#[test]
#[cfg(target_pointer_width = "64")]
fn the_types_of_the_boundary_are_what_they_were() {
    let mut catalogue = Catalogue::default();
    for root in [
        of::<RawModule_Ref>(),
        of::<RawClientBox>(),
        of::<RawStreamBox>(),
        of::<RawReply>(),
        of::<RawError>(),
        of::<RawErrorKind>(),
        of::<RawLog>(),
    ] {
        catalogue.add(root);
    }
    let mut golden = Golden::new("layout");
    golden.compare("boundary.txt", &catalogue.sections.join("\n"));
    let [major, ..] = version();
    let next = major + 1;
    golden.finish(&format!(
        "The types that cross the boundary have changed. A host with the new ones refuses every plugin that was built \
         before, and the hosts that are there refuse every plugin that is built from now on.\n\n\
         If that is not meant, undo it: a new operation is a new name, a new field a new key of the JSON inside; no \
         type has to change for them (see plugin-api/src/boundary.rs).\n\n\
         If it is meant:\n\
         - in plugin-api/Cargo.toml, raise the major version: {} becomes {next}.0.0\n\
         - in plugin-api/src/boundary.rs, add to the history of the types: `- {next}: what has changed, and why.`\n\
         - in CHANGELOG.md: all plugins have to be rebuilt;\n",
        defect_plugin_api::VERSION
    ));
}
