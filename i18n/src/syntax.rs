//! Says where a source is broken, more exactly than Fluent's parser does. It does not parse what is sound.

use fluent_syntax::parser::{ErrorKind, ParserError, parse_runtime};

use crate::error::CatalogError;

/// The first of the parser's errors, as one can act on it.
pub(crate) fn syntax_error(origin: &str, text: &str, errors: &[ParserError]) -> CatalogError {
    let (at, reason) = errors.first().map(|error| fault(text, error)).unwrap_or_default();
    let (line, text) = offending_line(text, at);
    CatalogError::Syntax { origin: origin.to_owned(), line, text, reason }
}

/// Of a broken attribute the parser says only that no entry can begin there. Nearly all our texts are
/// attributes, so the first one in the broken part is parsed once more as a message, which tells what is
/// broken in it.
fn fault(text: &str, error: &ParserError) -> (usize, String) {
    let junk = error.slice.clone().unwrap_or_default();
    let mut start = junk.start;
    for line in text.get(junk.clone()).unwrap_or_default().split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        if line[indent..].starts_with('.') {
            let attribute = &text[start + indent + 1..junk.end];
            if let Err((_, errors)) = parse_runtime(attribute)
                && let Some(error) = errors.first()
            {
                return (start + indent + 1 + position(attribute, error), error.to_string());
            }
            break;
        }
        start += line.len();
    }
    (position(text, error), error.to_string())
}

/// A missing token is missed where the text before it ends; the parser notices on a later line, if lines may
/// break there.
fn position(text: &str, error: &ParserError) -> usize {
    match (&error.kind, text.get(..error.pos.start)) {
        (ErrorKind::ExpectedToken(_), Some(before)) => before.trim_end().len(),
        _ => error.pos.start,
    }
}

/// The line at this place, or the last before it that is not blank.
fn offending_line(text: &str, at: usize) -> (usize, String) {
    let reached = text.bytes().take(at).filter(|byte| *byte == b'\n').count();
    let lines = text.lines().enumerate().take(reached + 1);
    let (index, line) = lines.filter(|(_, line)| !line.trim().is_empty()).last().unwrap_or_default();
    (index + 1, line.trim().to_owned())
}
