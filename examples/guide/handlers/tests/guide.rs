//! The guide's code is compiled: each block in `docs/` and the README stands in a file that the compiler sees.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use my_handlers::App;
use serde_json::json;
use syncline::Session;
use syncline_testkit::{Delivered as _, Stage, TestSession as _};
use walkdir::WalkDir;

/// Where such files are. TypeScript ones are compiled by `cargo xtask test --only guide`.
const SOURCES: &[&str] = &["examples/guide", "handlers/src", "testkit/tests/author", "client-ts/tests"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(3).expect("the workspace").to_owned()
}

fn texts(folder: &Path, extensions: &[&str]) -> Vec<(PathBuf, String)> {
    let is_ours = |name: &str| !["node_modules", "target"].contains(&name);
    WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| entry.file_name().to_str().is_some_and(is_ours))
        .map(|entry| entry.expect("readable").into_path())
        .filter(|path| path.extension().and_then(|it| it.to_str()).is_some_and(|it| extensions.contains(&it)))
        .map(|path| (path.clone(), fs::read_to_string(&path).expect("text")))
        .collect()
}

/// The blocks of these languages.
fn blocks<'a>(page: &'a str, languages: &'a [&str]) -> impl Iterator<Item = &'a str> {
    languages.iter().flat_map(|language| {
        page.split(&format!("```{language}\n"))
            .skip(1)
            .map(|rest| rest.split_once("```").expect("a block ends").0.trim_end())
            .collect::<Vec<_>>()
    })
}

#[test]
fn every_block_is_in_a_file_that_is_compiled() {
    let sources: Vec<_> =
        SOURCES.iter().flat_map(|folder| texts(&root().join(folder), &["rs", "ts", "tsx"])).collect();
    let mut pages = texts(&root().join("docs"), &["md"]);
    pages.push((root().join("README.md"), fs::read_to_string(root().join("README.md")).expect("a README")));
    let mut checked = 0;
    for (path, page) in &pages {
        for block in blocks(page, &["rust", "ts", "tsx"]) {
            let stands = sources.iter().any(|(_, source)| source.contains(block));
            assert!(stands, "{}: this block is in no compiled file:\n{block}", path.display());
            checked += 1;
        }
    }
    assert!(checked >= 20, "only {checked} blocks found");
}

#[tokio::test]
async fn a_wave_says_whether_it_is_ones_own() {
    let stage = Stage::new(Arc::new(App));
    let wave = json!({ "bothHands": true });
    let output = stage.sync("lobby/wave", "v1", wave.clone()).await.unwrap();
    for (who, mine) in [("ada", true), ("bob", false)] {
        let got =
            stage.session(Session::user(who)).deliver("lobby/wave", "v1", wave.clone(), output.clone()).await;
        assert_eq!(got.assert_sent()["mine"], mine);
    }
}
