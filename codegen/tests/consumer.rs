//! An app outside this workspace, with a crate of handlers and an `xtask` of four lines: it generates its types, is told
//! when they are stale, and gets new handlers that compile.
//!
//! The app is built in a copy, with this workspace's lock file and into its target folder, so that nothing is downloaded
//! or compiled that the build of this test has not.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use walkdir::WalkDir;

/// Where the app's types are.
const TYPES: &str = "src/_sockets/apiTypes.generated.ts";

/// Where its only handler is.
const HANDLER: &str = "handlers/src/shop/place_order_server_v1.rs";

/// A copy of the app.
struct App {
    root: PathBuf,
}

impl App {
    fn new() -> Self {
        let codegen = Path::new(env!("CARGO_MANIFEST_DIR"));
        let source = codegen.join("tests").join("consumer_app");
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("consumer_app");
        if root.exists() {
            fs::remove_dir_all(&root).unwrap();
        }
        for entry in WalkDir::new(&source).into_iter().filter_entry(|entry| entry.file_name() != "target") {
            let entry = entry.unwrap();
            let to = root.join(entry.path().strip_prefix(&source).unwrap());
            if entry.file_type().is_dir() {
                fs::create_dir_all(to).unwrap();
            } else {
                fs::copy(entry.path(), to).unwrap();
            }
        }
        let workspace = codegen.parent().unwrap();
        for manifest in ["handlers/Cargo.toml", "xtask/Cargo.toml"].map(|path| root.join(path)) {
            let text = fs::read_to_string(&manifest).unwrap();
            fs::write(manifest, text.replace("\"../../../../", &format!("\"{}/", workspace.display())))
                .unwrap();
        }
        fs::copy(workspace.join("Cargo.lock"), root.join("Cargo.lock")).unwrap();
        Self { root }
    }

    fn cargo(&self, arguments: &[&str]) -> Output {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(arguments)
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", target)
            .env("CARGO_NET_OFFLINE", "true")
            .output()
            .unwrap()
    }

    /// Runs a cargo command that has to succeed; returns what it printed.
    fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.cargo(arguments);
        assert!(output.status.success(), "cargo {arguments:?}\n{}", printed(&output));
        printed(&output)
    }

    /// Runs one that has to fail with the exit code 1; returns what it printed.
    fn fail(&self, arguments: &[&str]) -> String {
        let output = self.cargo(arguments);
        assert_eq!(output.status.code(), Some(1), "cargo {arguments:?}\n{}", printed(&output));
        printed(&output)
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    fn change(&self, file: &str, from: &str, to: &str) {
        let text = self.read(file);
        assert!(text.contains(from), "{file}:\n{text}");
        fs::write(self.root.join(file), text.replace(from, to)).unwrap();
    }
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// In one test: each step begins where the one before it ends, and cargo would make them wait for each other anyway.
#[test]
fn an_app_of_its_own() {
    let app = App::new();

    // What is committed is what the handlers say.
    app.succeed(&["xtask", "codegen", "--check"]);

    // A changed field makes it stale, which names the file, the field and the remedy, and writes nothing.
    let committed = app.read(TYPES);
    app.change(HANDLER, "pub amount: u32", "pub pieces: u32");
    app.change(HANDLER, "client_input.amount", "client_input.pieces");
    let stale = app.fail(&["xtask", "codegen", "--check"]);
    for expected in [TYPES, "-     amount: number;", "+     pieces: number;", "cargo xtask codegen"] {
        assert!(stale.contains(expected), "{expected} in\n{stale}");
    }
    assert_eq!(app.read(TYPES), committed);
    assert!(app.succeed(&["xtask", "codegen"]).contains(&format!("wrote {TYPES}")));
    assert!(app.read(TYPES).contains("pieces: number;"));
    app.succeed(&["xtask", "codegen", "--check"]);

    // Elsewhere, and with the description of the HTTP side.
    app.succeed(&["xtask", "codegen", "--out", "other/types.ts", "--openapi"]);
    assert_eq!(app.read("other/types.ts"), app.read(TYPES));
    assert!(app.read("openapi.json").contains("\"/sync/shop/placeOrder/v1\""));

    // A new event with both stages, on a page that is there.
    app.succeed(&["xtask", "new-handler", "shop/cancelOrder", "--client"]);
    assert!(
        app.read("handlers/src/shop/mod.rs")
            .contains("pub mod cancel_order_client_v1;\npub mod cancel_order_server_v1;\n")
    );
    assert!(app.read("handlers/locales/nl/shop.ftl").contains("    .cancelOrderRefused = Dit verzoek"));
    assert!(app.read(TYPES).contains("errors: \"shop.cancelOrderRefused\";"));

    // And one on a page within a page, both of them new.
    app.succeed(&["xtask", "new-handler", "stock/byShelf/count"]);
    assert!(app.read("handlers/src/lib.rs").ends_with("pub mod shop;\npub mod stock;\n"));
    assert!(app.read("handlers/src/stock/mod.rs").ends_with("//! The page `stock`.\n\npub mod by_shelf;\n"));
    assert!(app.read("handlers/src/stock/by_shelf/mod.rs").contains("The page `stock/byShelf`."));
    assert!(app.read(TYPES).contains("\"stock/byShelf\": {\n    count: {"));

    // The next version begins as the last one ends, which stays as it is.
    let first = app.read(HANDLER);
    app.succeed(&["xtask", "new-handler", "shop/place_order"]);
    assert_eq!(app.read(HANDLER), first);
    let second = app.read("handlers/src/shop/place_order_server_v2.rs");
    assert_eq!(second, first.replace("_v1", "_v2").replace("` v1:", "` v2:"));
    assert!(app.read(TYPES).contains("\"shop/placeOrder\": \"v2\";"));

    // A stage that a version lacks; its types are those of the server stage.
    app.succeed(&["xtask", "new-handler", "shop/placeOrder", "--version", "1", "--client"]);
    let client = app.read("handlers/src/shop/place_order_client_v1.rs");
    assert!(
        client.contains("use super::place_order_server_v1::{PlaceOrderInput, PlaceOrderOutput};"),
        "{client}"
    );
    // Version 3 from a version of one stage, with both.
    app.succeed(&["xtask", "new-handler", "shop/placeOrder", "--client"]);
    assert!(
        app.read("handlers/src/shop/place_order_client_v3.rs").contains("super::place_order_server_v3::{")
    );

    // Version 4 with what version 3 has, and version 5 without the client stage.
    app.succeed(&["xtask", "new-handler", "shop/placeOrder"]);
    assert!(
        app.read("handlers/src/shop/place_order_client_v4.rs").contains("super::place_order_server_v4::{")
    );
    app.succeed(&["xtask", "new-handler", "shop/placeOrder", "--server"]);
    app.read("handlers/src/shop/place_order_server_v5.rs");
    assert!(!app.root.join("handlers/src/shop/place_order_client_v5.rs").exists());

    // What is there is not written over.
    let refused = app.fail(&["xtask", "new-handler", "shop/placeOrder", "--version", "1", "--client"]);
    assert!(refused.contains("`shop/placeOrder` v1 is there already") && refused.contains("v6"), "{refused}");
    assert_eq!(app.read("handlers/src/shop/place_order_client_v1.rs"), client);
    for (name, sentence) in [
        ("resign", "`resign` is not `<page>/<event>`"),
        ("Shop/resign", "`Shop` is not a name"),
        ("v2/resign", "the folder `v2` is called like a version"),
        ("match/resign", "`match` is a word of the Rust language"),
    ] {
        let refused = app.fail(&["xtask", "new-handler", name]);
        assert!(refused.contains(sentence), "{refused}");
    }

    // All of it is as the app's own formatter and linter want it.
    app.succeed(&["fmt", "--check"]);
    app.succeed(&["clippy", "--quiet", "--all-targets", "--", "--deny", "warnings"]);
    app.succeed(&["xtask", "codegen", "--check"]);
}
