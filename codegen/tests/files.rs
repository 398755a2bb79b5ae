//! A folder of handlers against a registry: alike, and different in each way.

use std::{
    fs,
    path::{Path, PathBuf},
};

use syncline::Registry;
use syncline_codegen::files::{Difference, FilesDiffer, compare};

/// The handlers of this test; the folders below stand for their crate's `src`.
mod page {
    pub(crate) mod nested_page {
        pub(crate) mod set_it_server_v1 {
            use syncline::prelude::*;

            async fn set_it_server_v1(_: ServerParams<Empty>) -> SyncResult<Empty> {
                Ok(Empty {})
            }
            sync_server!(set_it_server_v1);
        }
        pub(crate) mod set_it_client_v1 {
            use syncline::prelude::*;

            async fn set_it_client_v1(_: ClientParams<Empty, Empty>) -> SyncResult<Deliver<Empty>> {
                Ok(Deliver::Skip)
            }
            sync_client!(set_it_client_v1);
        }
    }
}

const SERVER: &str = "page/nested_page/set_it_server_v1.rs";
const CLIENT: &str = "page/nested_page/set_it_client_v1.rs";

/// A folder of this test's own with these files, all empty: only their names count.
fn src(test: &str, files: &[&str]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("files").join(test);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    for file in files {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    folder
}

fn compared(src: &Path) -> Result<(), FilesDiffer> {
    compare(src, &Registry::from_inventory().unwrap())
}

#[test]
fn a_file_for_each_stage_passes() {
    let others =
        ["lib.rs", "page/mod.rs", "page/nested_page/mod.rs", "page/server.rs", "page/a_server_v1.md"];
    compared(&src("alike", &[&[SERVER, CLIENT][..], &others].concat())).unwrap();
}

#[test]
fn a_file_that_is_not_linked_is_named_with_its_missing_line() {
    let differ = compared(&src("unlinked", &[SERVER, CLIENT, "page/set_it_server_v2.rs"])).unwrap_err();
    assert_eq!(
        differ.differences(),
        [Difference::NotRegistered { file: "page/set_it_server_v2.rs".to_owned() }]
    );
    assert!(differ.to_string().contains("mod set_it_server_v2;"), "{differ}");
}

#[test]
fn a_stage_without_its_file_is_named_with_its_place() {
    let differ = compared(&src("unfiled", &[SERVER])).unwrap_err();
    assert!(
        matches!(differ.differences(), [Difference::NoFile { file, registered_at }]
            if file == CLIENT && registered_at.contains("tests/files.rs:")),
        "{differ}"
    );
}

#[test]
fn everything_is_said_at_once() {
    let files = ["set_it_server_v1.rs", "page/set_it_client_v1.rs", "page/odd_client_vx.rs"];
    let differ = compared(&src("moved", &files)).unwrap_err();
    let text = differ.to_string();
    assert_eq!(differ.differences().len(), 5, "{text}");
    for file in [SERVER, CLIENT].iter().chain(&files) {
        assert!(text.contains(&format!("`{file}`")), "{text}");
    }
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let differ = compared(&src("absent", &[]).join("nowhere")).unwrap_err();
    assert!(
        matches!(&differ.differences()[0], Difference::Unreadable(why) if why.contains("nowhere")),
        "{differ}"
    );
}
