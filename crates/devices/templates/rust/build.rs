//! Hands the settings of ESP-IDF to the compiler and the linker.

fn main() {
    embuild::espidf::sysenv::output();
}
