//! The whole way from `client_class` to a library, over an in-memory file system.

use super::*;
use crate::platform::Platform;

/// Files by their paths; folders are what lies above them.
struct Files(Vec<PathBuf>);

impl FileSystem for Files {
    fn look(&self, path: &Path) -> Finding {
        if self.0.iter().any(|file| file == path) {
            Finding::File
        } else if self.0.iter().any(|file| file.starts_with(path)) {
            Finding::Folder
        } else {
            Finding::Missing
        }
    }

    fn entries(&self, folder: &Path) -> Vec<PathBuf> {
        let mut entries: Vec<PathBuf> = self
            .0
            .iter()
            .filter_map(|file| file.strip_prefix(folder).ok()?.components().next())
            .map(|name| folder.join(name))
            .collect();
        entries.sort();
        entries.dedup();
        entries
    }
}

/// A working directory `/srv` and the plugin directories `/one` and `/two`.
struct Machine {
    platform: Platform,
    files: Files,
}

fn machine(platform: Platform, files: &[&str]) -> Machine {
    Machine { platform, files: Files(files.iter().map(PathBuf::from).collect()) }
}

fn linux(files: &[&str]) -> Machine {
    machine(Platform::Linux, files)
}

impl Machine {
    fn resolve(&self, client_class: &str) -> Result<Resolved, ResolveError> {
        let directory = |path: &str, origin| PluginDirectory { path: path.into(), origin };
        resolve(
            client_class,
            &Search {
                directories: &[directory("/one", Origin::Configured), directory("/two", Origin::BesideProgram)],
                working_directory: Path::new("/srv"),
                platform: self.platform,
                files: &self.files,
            },
        )
    }

    /// `library: class`, a class that the file name only suggests with a question mark.
    fn found(&self, client_class: &str) -> String {
        let resolved = self.resolve(client_class).unwrap();
        let class = match resolved.class {
            ClassChoice::Named(class) => class,
            ClassChoice::FromFile { preferred } => format!("{preferred}?"),
        };
        format!("{}: {class}", resolved.library.display())
    }

    fn refused(&self, client_class: &str) -> String {
        let error = self.resolve(client_class).unwrap_err();
        format!("{error}\nhint: {}", error.hint())
    }
}

/// Every place that is tried when nothing exists.
fn tried(platform: Platform, client_class: &str) -> String {
    let resolved = machine(platform, &[]).resolve(client_class);
    match resolved {
        Err(ResolveError::NotFound { searched, .. } | ResolveError::Python { searched, .. }) => {
            let paths: Vec<_> = searched.iter().map(|place| place.path.display().to_string()).collect();
            paths.join("\n")
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_class_name_is_found_under_each_platforms_library_name() {
    for (platform, file) in [
        (Platform::Linux, "/two/libjsonl_defect_client.so"),
        (Platform::MacOs, "/two/libjsonl_defect_client.dylib"),
        (Platform::Windows, "/two/jsonl_defect_client.dll"),
    ] {
        assert_eq!(machine(platform, &[file]).found("JsonlDefectClient"), format!("{file}: JsonlDefectClient"));
    }
}

#[test]
fn the_python_package_means_the_built_in_client() {
    let machine = linux(&["/one/libjsonl_defect_client.so"]);
    let found = "/one/libjsonl_defect_client.so: JsonlDefectClient";
    for client_class in [
        "testbench_defect_service.clients.JsonlDefectClient",
        "testbench_defect_service.clients.jsonl.client.JsonlDefectClient",
    ] {
        assert_eq!(machine.found(client_class), found);
    }
}

#[test]
fn a_dotted_path_leads_through_folders_of_the_plugin_directories() {
    insta::assert_snapshot!(tried(Platform::Linux, "my_package.my_module.MyDefectClient"), @"
    /one/my_package/libmy_module.so
    /one/my_package/my_module/libmy_defect_client.so
    /one/my_package/libmy_defect_client.so
    /two/my_package/libmy_module.so
    /two/my_package/my_module/libmy_defect_client.so
    /two/my_package/libmy_defect_client.so
    /one/libmy_defect_client.so
    /two/libmy_defect_client.so
    ");
    insta::assert_snapshot!(tried(Platform::Windows, "my_package.MyDefectClient"), @"
    /one/my_package.dll
    /one/my_package/my_defect_client.dll
    /one/my_defect_client.dll
    /two/my_package.dll
    /two/my_package/my_defect_client.dll
    /two/my_defect_client.dll
    ");
    assert_eq!(
        linux(&["/two/my_package/libmy_module.so"]).found("my_package.my_module.MyDefectClient"),
        "/two/my_package/libmy_module.so: MyDefectClient"
    );
}

#[test]
fn a_dotted_path_without_a_class_takes_the_one_in_the_module() {
    insta::assert_snapshot!(tried(Platform::MacOs, "my_package.my_module"), @"
    /one/my_package/libmy_module.dylib
    /two/my_package/libmy_module.dylib
    /one/libmy_module.dylib
    /two/libmy_module.dylib
    ");
    assert_eq!(
        linux(&["/one/my_package/libmy_module.so"]).found("my_package.my_module"),
        "/one/my_package/libmy_module.so: MyModule?"
    );
}

#[test]
fn a_path_may_lack_prefix_and_extension() {
    let machine = linux(&["/srv/plugins/libmy_defect_client.so"]);
    for client_class in [
        "plugins/libmy_defect_client.so",
        "plugins/my_defect_client.so",
        "plugins/my_defect_client",
        "plugins/libmy_defect_client",
        "./plugins/my_defect_client",
        "/srv/plugins/my_defect_client",
        "plugins/my_defect_client.dll",
        "plugins/libmy_defect_client.DYLIB",
    ] {
        let found = machine.found(client_class);
        assert_eq!(found, "/srv/plugins/libmy_defect_client.so: MyDefectClient?", "{client_class}");
    }
}

#[test]
fn a_path_is_tried_as_written_first() {
    assert_eq!(linux(&["/srv/a/mine", "/srv/a/libmine.so"]).found("a/mine"), "/srv/a/mine: Mine?");
    insta::assert_snapshot!(tried(Platform::Linux, "a/mine.so"), @"
    /srv/a/mine.so
    /srv/a/libmine.so
    ");
    insta::assert_snapshot!(tried(Platform::Linux, "a/libmine.so"), @"/srv/a/libmine.so");
    insta::assert_snapshot!(tried(Platform::MacOs, "a/mine"), @"
    /srv/a/mine
    /srv/a/libmine.dylib
    /srv/a/mine.dylib
    ");
    insta::assert_snapshot!(tried(Platform::Windows, "a/libmine.so"), @"
    /srv/a/libmine.so
    /srv/a/libmine.dll
    /srv/a/mine.dll
    ");
    insta::assert_snapshot!(tried(Platform::Windows, "a/mine"), @"
    /srv/a/mine
    /srv/a/mine.dll
    ");
}

#[test]
fn a_file_name_alone_is_looked_for_in_the_plugin_directories_too() {
    insta::assert_snapshot!(tried(Platform::Linux, "my_defect_client"), @"
    /srv/my_defect_client
    /srv/libmy_defect_client.so
    /srv/my_defect_client.so
    /one/libmy_defect_client.so
    /one/my_defect_client.so
    /two/libmy_defect_client.so
    /two/my_defect_client.so
    ");
    insta::assert_snapshot!(tried(Platform::Linux, "libmy_defect_client.so"), @"
    /srv/libmy_defect_client.so
    /one/libmy_defect_client.so
    /two/libmy_defect_client.so
    ");
}

#[test]
fn a_python_file_is_served_by_the_library_that_replaces_it() {
    let file = "clients/my_defect_client.py";
    insta::assert_snapshot!(tried(Platform::Linux, file), @"
    /srv/clients/libmy_defect_client.so
    /srv/clients/my_defect_client.so
    /one/libmy_defect_client.so
    /one/my_defect_client.so
    /two/libmy_defect_client.so
    /two/my_defect_client.so
    ");
    assert_eq!(
        linux(&["/srv/clients/my_defect_client.py", "/srv/clients/libmy_defect_client.so"]).found(file),
        "/srv/clients/libmy_defect_client.so: MyDefectClient?"
    );
    assert_eq!(
        linux(&["/srv/liblibrary_client.so"]).found("library_client.py"),
        "/srv/liblibrary_client.so: LibraryClient?"
    );
}

#[test]
fn a_python_file_without_its_library_is_refused_in_words() {
    insta::assert_snapshot!(linux(&["/srv/mine.py"]).refused("mine.py"), @"
    client_class `mine.py` is a Python client, which has to be rebuilt as a plugin; looked for
      `/srv/libmine.so`
      `/srv/mine.so`
      `/one/libmine.so` (plugin_dirs)
      `/one/mine.so` (plugin_dirs)
      `/two/libmine.so` (folder of the program)
      `/two/mine.so` (folder of the program)
    hint: build the client as a plugin and put `libmine.so` into one of these folders; `client_class` can stay as it is
    ");
    insta::assert_snapshot!(linux(&["/srv/a/mine.py"]).refused("a/mine"), @"
    client_class `a/mine` is a Python client, which has to be rebuilt as a plugin; looked for
      `/srv/a/mine`
      `/srv/a/libmine.so`
      `/srv/a/mine.so`
    hint: build the client as a plugin and put `libmine.so` into one of these folders; `client_class` can stay as it is
    ");
}

#[test]
fn a_python_module_behind_a_dotted_path_is_recognised() {
    let machine = linux(&["/srv/my_package/my_module.py"]);
    for client_class in ["my_package.my_module.MyDefectClient", "my_package.my_module"] {
        let error = machine.resolve(client_class).unwrap_err();
        assert!(matches!(error, ResolveError::Python { .. }), "{error}");
    }
    let error = machine.resolve("my_package.MyDefectClient").unwrap_err();
    assert!(matches!(error, ResolveError::NotFound { .. }), "{error}");
}

#[test]
fn the_first_library_wins_and_the_others_are_known() {
    let machine = linux(&["/two/libmine.so", "/one/libmine.so", "/one/mine.so"]);
    let resolved = machine.resolve("mine").unwrap();
    assert_eq!(resolved.library, Path::new("/one/libmine.so"));
    let shadowed: Vec<_> = resolved.shadowed().map(Place::to_string).collect();
    assert_eq!(shadowed, ["`/one/mine.so` (plugin_dirs): found", "`/two/libmine.so` (folder of the program): found"]);
}

#[test]
fn a_library_found_nowhere_lists_every_place() {
    let machine = machine(Platform::Windows, &["/two/jsonl_defect_client.dll/x"]);
    insta::assert_snapshot!(machine.refused("JsonlDefectClient"), @"
    no library found for client_class `JsonlDefectClient`, looked for
      `/one/jsonl_defect_client.dll` (plugin_dirs)
      `/two/jsonl_defect_client.dll` (folder of the program): is a folder
    hint: put `jsonl_defect_client.dll` into one of these folders, or write the library's path; `defect-host plugins` lists what is there
    ");
}

#[test]
fn a_text_of_no_form_is_refused() {
    insta::assert_snapshot!(linux(&[]).refused("  "), @"
    `client_class` is empty
    hint: write the class name of the client, such as `JsonlDefectClient`, or the path of a library
    ");
    insta::assert_snapshot!(linux(&[]).refused("my_package..MyClient"), @"
    client_class `my_package..MyClient` is neither a class name, a dotted path nor a file path
    hint: write `ClassName`, `package.ClassName` or the path of a library; a file name with dots in it needs a leading `./`
    ");
    for client_class in [".", "..", "/", ".MyClient", "my_package:x.MyClient", "libx.so.1"] {
        let error = linux(&[]).resolve(client_class).unwrap_err();
        assert!(matches!(error, ResolveError::Malformed { .. }), "{client_class}: {error}");
    }
    assert_eq!(linux(&["/srv/libx.so.1"]).found("./libx.so.1"), "/srv/libx.so.1: XSo1?");
}

#[test]
fn a_class_behind_two_colons_is_taken_from_the_library_before_them() {
    let machine = linux(&["/srv/lib/libmy_company.so", "/two/libtracker.so", "/one/company/libtracker.so"]);
    for (client_class, library) in [
        ("lib/libmy_company.so::MyClient", "/srv/lib/libmy_company.so"),
        ("./lib/my_company::MyClient", "/srv/lib/libmy_company.so"),
        ("lib/my_company.dll::MyClient", "/srv/lib/libmy_company.so"),
        ("lib/my_company.py::MyClient", "/srv/lib/libmy_company.so"),
        ("/two/libtracker.so::MyClient", "/two/libtracker.so"),
        ("libtracker.so::MyClient", "/two/libtracker.so"),
        ("tracker::MyClient", "/two/libtracker.so"),
        ("company.tracker::MyClient", "/one/company/libtracker.so"),
    ] {
        assert_eq!(machine.found(client_class), format!("{library}: MyClient"), "{client_class}");
    }
    assert_eq!(linux(&["/srv/a::b/libx.so"]).found("a::b/x"), "/srv/a::b/libx.so: X?", "a folder's name is left alone");
    assert_eq!(linux(&["/srv/a::b/libx.so"]).found("a::b/x::my_client"), "/srv/a::b/libx.so: my_client");
}

#[test]
fn a_drives_colon_is_no_separator() {
    let windows = machine(Platform::Windows, &[]);
    insta::assert_snapshot!(tried(Platform::Windows, "C:/x.dll::MyClient"), @"/srv/C:/x.dll");
    for path in [r"C:\x.dll", r"C:\a::b\x.dll"] {
        let error = windows.resolve(path).unwrap_err();
        assert!(matches!(error, ResolveError::NotFound { .. }), "{error}");
        let error = windows.resolve(&format!("{path}::")).unwrap_err();
        assert!(error.hint().starts_with(&format!("write `{path}::ClassName`, or ")), "{}", error.hint());
    }
}

#[test]
fn two_colons_in_odd_places_are_refused_with_what_to_write() {
    let refused = |client_class| linux(&["/srv/libx.so"]).refused(client_class);
    insta::assert_snapshot!(refused("lib/libx.so::"), @"
    client_class `lib/libx.so::` names no class behind `::`
    hint: write `lib/libx.so::ClassName`, or `lib/libx.so` for the class that is called like the file
    ");
    insta::assert_snapshot!(refused("::MyClient"), @"
    client_class `::MyClient` names no library before `::`
    hint: write `library.so::ClassName`, or `ClassName` for the library that is called like it
    ");
    insta::assert_snapshot!(refused("libx.so::my_module::MyClient"), @"
    client_class `libx.so::my_module::MyClient` has more than one `::`
    hint: write `library.so::ClassName`: the library, one `::`, and the class without its module
    ");
    insta::assert_snapshot!(refused("libx.so:: MyClient"), @"
    client_class `libx.so:: MyClient` does not fit: ` MyClient` is not the name of a class
    hint: write `libx.so::ClassName`, the class as the library exports it; `defect-host plugins` lists them
    ");
    insta::assert_snapshot!(refused("my.MyClients::MyClient"), @"
    client_class `my.MyClients::MyClient` names two classes: before `::` stands `MyClients`, which is not a library
    hint: write the library's path or file name, such as `libmy_clients.so::MyClient`
    ");
    for client_class in ["lib/::MyClient", "::", " ::MyClient"] {
        assert!(refused(client_class).contains("names no library before"), "{client_class}");
    }
    for client_class in ["libx.so:::MyClient", "libx.so::a.B", "libx.so::1", "libx.so::My-Client"] {
        assert!(refused(client_class).contains("is not the name of a class"), "{client_class}");
    }
    assert!(refused("a b.c::MyClient").contains("client_class `a b.c::MyClient` is neither"));
    assert!(refused("../::MyClient").contains("names no library"));
    assert!(refused("..::MyClient").contains("is neither"));
}

#[test]
fn a_library_that_is_missing_is_the_one_before_the_two_colons() {
    insta::assert_snapshot!(linux(&[]).refused("libmine.so::MyClient"), @"
    no library found for client_class `libmine.so::MyClient`, looked for
      `/srv/libmine.so`
      `/one/libmine.so` (plugin_dirs)
      `/two/libmine.so` (folder of the program)
    hint: put `libmine.so` into one of these folders, or write the library's path; `defect-host plugins` lists what is there
    ");
}

#[test]
fn candidates_are_the_libraries_of_every_directory_and_its_folders() {
    let files = Files(
        [
            "/one/libb.so",
            "/one/liba.so",
            "/one/readme.txt",
            "/one/package/libdeep.so",
            "/one/package/deeper/libtoo_deep.so",
            "/two/libc.so",
            "/two/deps/libnot_a_plugin.so",
        ]
        .map(PathBuf::from)
        .into(),
    );
    let directories = [
        PluginDirectory { path: "/one".into(), origin: Origin::Configured },
        PluginDirectory { path: "/one/package".into(), origin: Origin::Environment },
        PluginDirectory { path: "/two".into(), origin: Origin::BesideProgram },
    ];
    let list = |platform| {
        list_candidates(&directories, platform, &files)
            .into_iter()
            .map(|candidate| format!("{} ({})", candidate.path.display(), candidate.origin))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        list(Platform::Linux),
        [
            "/one/liba.so (plugin_dirs)",
            "/one/libb.so (plugin_dirs)",
            "/one/package/libdeep.so (plugin_dirs)",
            "/one/package/deeper/libtoo_deep.so (DEFECT_HOST_PLUGIN_DIRS)",
            "/two/libc.so (folder of the program)",
        ]
    );
    assert!(list(Platform::Windows).is_empty());
}
