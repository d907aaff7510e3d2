//! Compiles the crate anew when a template that ships has changed.

fn main() {
    println!("cargo::rerun-if-changed=../../../templates");
}
