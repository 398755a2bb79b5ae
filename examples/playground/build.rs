//! Compiles the playground anew when its page has been built anew: in release builds the page is part of the binary.

fn main() -> std::io::Result<()> {
    // Cargo takes what is watched and not there for changed, at each build. Empty, it is no page.
    std::fs::create_dir_all("web/dist")?;
    println!("cargo:rerun-if-changed=web/dist");
    Ok(())
}
