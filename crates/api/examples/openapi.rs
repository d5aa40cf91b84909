//! Prints the OpenAPI document, as it is committed in `openapi.json`.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

fn main() -> Result<(), serde_json::Error> {
    println!("{}", sensorium_api::openapi().to_pretty_json()?);
    Ok(())
}
