//! Embeds the built web page, `web/dist`. It never runs npm: without a built page it embeds a small one that says how
//! to build it, and warns; with the feature `require-ui` it fails instead.

use std::path::PathBuf;

fn main() {
    // Asked for when the script runs: compiled in, it would be the folder of whichever clone filled the shared target folder.
    let package = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let built = package.join("../../web/dist");
    // Cargo would run this script each time for a folder that is missing, and can watch one that is empty. If it cannot
    // be made, the script only runs more often.
    let _ = std::fs::create_dir_all(&built);
    println!("cargo::rerun-if-changed={}", built.display());
    if built.join("index.html").is_file() {
        memory_serve::load_directory_with_embed(&built, true);
        return;
    }
    let sentence = "the web page is not built (web/dist/index.html is missing): run `npm ci && npm run build` in web/";
    if std::env::var_os("CARGO_FEATURE_REQUIRE_UI").is_some() {
        println!("cargo::error={sentence}");
        return;
    }
    println!("cargo::warning={sentence}; a page that says so is embedded instead");
    memory_serve::load_directory_with_embed(package.join("pages/placeholder"), true);
}
