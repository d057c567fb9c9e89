//! The HTML page: `templates/page.html` filled with the model. askama escapes every value.

use anyhow::Result;
use askama::Template;

use crate::model::Status;

/// Kinds of errors listed in the overview.
const FREQUENT: usize = 40;

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    status: &'a Status,
}

impl Page<'_> {
    fn frequent(&self) -> &[crate::model::Frequent] {
        &self.status.frequent[..self.status.frequent.len().min(FREQUENT)]
    }

    fn elapsed(&self) -> String {
        let seconds = self.status.header.elapsed.round() as u64;
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    }

    fn narrowed(&self) -> bool {
        !self.status.header.selection.is_empty()
    }
}

pub fn render(status: &Status) -> Result<String> {
    Ok(Page { status }.render()?)
}

/// A fragment name for a package or file.
fn anchor(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{parse_baseline, parse_results};

    #[test]
    fn texts_are_escaped_and_nothing_is_fetched() {
        let baseline = parse_baseline(concat!(
            r#"{"format":"numpy-tests-baseline","version":1,"numpy":"2.4.6","python":"3.11.7","tests":1,"excluded":[]}"#,
            "\n",
            r#"{"file":"numpy/tests/test_x.py","tests":{"passed":["t[<script>alert(1)</script>]"]}}"#
        ))
        .unwrap();
        let results = parse_results(concat!(
            r#"{"format":"numpy-tests-results","version":1,"interpreter":"m","python":"3","numpy":"2","commit":"c<","date":"d","elapsed":61,"machine":{"system":"","arch":"","cpu":"","cores":1,"memory_gib":1},"files":[],"complete":false,"tests":1}"#,
            "\n",
            r#"{"id":"numpy/tests/test_x.py::t[<script>alert(1)</script>]","outcome":"failed","text":"E: </pre><img src=x>"}"#
        ).as_bytes())
        .unwrap();
        let html = render(&crate::model::build(&baseline, &results, None)).unwrap();
        assert!(!html.contains("<script"), "{html}");
        assert!(!html.contains("<img"));
        assert!(!html.contains("http"));
        assert!(html.contains("1 min 01 s"));
        assert!(html.contains("The run was not complete"));
    }
}
