//! The data files are embedded in the library: a file added to them must rebuild it.

// Cargo reads the instructions of a build script from its standard output.
#[allow(clippy::print_stdout)]
fn main() {
    for folder in ["device-profiles", "parsers"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
