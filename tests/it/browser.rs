//! The web console in a real browser.
//!
//! Most tests talk to the real console with a desk of the tests behind it, so that every sort of
//! answer can be seen; the last one drives `nocbot demo` as a reader of the README does.

mod chromium;
mod demo;
mod page;
mod tour;

use chromium::Browser;

/// The browser, or `None` where there is none and that is allowed.
async fn browser() -> Option<Browser> {
    if let Some(executable) = chromium::executable() {
        return Some(Browser::start(&executable).await);
    }
    crate::support::left_out("chromium is not installed");
    None
}

/// The page's types, as its JSDoc has them, hold.
#[test]
fn the_types_of_the_page_hold() {
    let npx = ["--yes", "--package", "typescript@5.9", "tsc", "--project", "web"];
    let output = std::process::Command::new("npx").args(npx).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    match output {
        Ok(output) if output.status.success() => {}
        Ok(output) if String::from_utf8_lossy(&output.stdout).contains("error TS") => {
            panic!("{}", String::from_utf8_lossy(&output.stdout));
        }
        Ok(output) => crate::support::left_out(&format!(
            "tsc could not be had: {}",
            String::from_utf8_lossy(&output.stderr)
        )),
        Err(error) => crate::support::left_out(&format!("npx (Node.js) is not installed: {error}")),
    }
}
