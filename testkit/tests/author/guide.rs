//! The guide's code is this app's: every Rust block of `docs/testing.md` stands in a file that is compiled and run.

const GUIDE: &str = include_str!("../../../docs/testing.md");

const FILES: &[&str] = &[
    include_str!("counter/add_server_v1.rs"),
    include_str!("counter/add_client_v1.rs"),
    include_str!("counter/announce_client_v1.rs"),
    include_str!("by_name.rs"),
    include_str!("front_door.rs"),
];

#[test]
fn every_block_of_the_guide_is_compiled() {
    let blocks: Vec<&str> = GUIDE
        .split("```rust\n")
        .skip(1)
        .map(|rest| rest.split_once("```").expect("a block ends").0.trim_end())
        .collect();
    assert!(blocks.len() >= 3, "the guide has code for each kind of test");
    for block in blocks {
        assert!(FILES.iter().any(|file| file.contains(block)), "this block is in no compiled file:\n{block}");
    }
}
