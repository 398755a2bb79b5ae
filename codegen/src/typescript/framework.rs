//! The framework's own error codes and the texts that its client needs, as TypeScript: a part of the npm package.
//!
//! The texts are given to it: an app that generates its types does not pay for the catalogs.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::Value;
use syncline::codes;

use super::{ERROR_PARAM, banner, error_member, print};

/// A code that only the client makes: no server has answered, so its HTTP status is 0.
struct ClientCode {
    code: &'static str,
    docs: &'static str,
    /// A parameter and its only values.
    param: Option<(&'static str, &'static [&'static str])>,
}

const CLIENT_CODES: &[ClientCode] = &[
    ClientCode {
        code: "offline.dropped",
        docs: "The request waited for a connection and was not sent: the queue was full, or it waited too long.",
        param: Some(("reason", &["queueFull", "expired"])),
    },
    ClientCode { code: "request.aborted", docs: "The request was aborted by its signal.", param: None },
    ClientCode { code: "request.timeout", docs: "No answer came in time.", param: None },
    ClientCode {
        code: "request.disconnected",
        docs: "The connection was lost before the answer came. The request may have been carried out.",
        param: None,
    },
];

/// The texts of connections that the server has closed for good. It is no code: that is as the HTTP endpoints say it.
const CLOSED: &str = "connection.closed";

/// Why it has: the error code, `full` for a document that is too large, and `refused` for any other.
const CLOSED_REASONS: &[&str] =
    &["auth_required", "forbidden", "deleted", "full", "too_large", "malformed", "refused"];

/// A text that the client says itself: which, and with what value of the code's parameter if it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientText {
    /// The error code.
    pub code: &'static str,
    /// The code's parameter and its value.
    pub param: Option<(&'static str, &'static str)>,
}

/// Every text that [`framework`] wants to have.
pub fn client_texts() -> impl Iterator<Item = ClientText> {
    CLIENT_CODES.iter().flat_map(|&ClientCode { code, param, .. }| match param {
        None => vec![ClientText { code, param: None }],
        Some((name, values)) => {
            values.iter().map(|&value| ClientText { code, param: Some((name, value)) }).collect()
        }
    })
}

/// The file `framework.generated.ts`. `texts` says a text in a language, for each of `languages`.
#[must_use]
pub fn framework(languages: &[String], texts: impl Fn(&str, ClientText) -> String) -> String {
    let mut file = format!("{}\n{ERROR_PARAM}\n", banner("the framework's error codes and texts"));
    file.push_str("/** The framework's error codes, their HTTP status and parameters. */\n");
    file.push_str("export interface FrameworkErrors {\n");
    for member in error_members().values() {
        file.push_str(member);
    }
    file.push_str("}\n\n");
    file.push_str(
        "/** What the client says, in the reader's language, of the errors that it makes itself. */\n",
    );
    file.push_str("export const clientTexts = {\n");
    for text in client_texts() {
        let name = match text.param {
            Some((_, value)) => format!("{}:{value}", text.code),
            None => text.code.to_owned(),
        };
        file.push_str(&in_each(languages, &name, |language| texts(language, text)));
    }
    file + "} as const;\n"
}

/// The file `closed.generated.ts`: what the client says when the server has closed a connection for good. By itself, since
/// only documents and workspaces have such. `texts` is as for [`framework`].
#[must_use]
pub fn closed(languages: &[String], texts: impl Fn(&str, ClientText) -> String) -> String {
    let mut file = format!("{}\n", banner("the framework's texts"));
    file.push_str(
        "/** What the client says, in the reader's language, when the server has closed a connection for good. */\n",
    );
    file.push_str("export const closedTexts = {\n");
    for reason in CLOSED_REASONS {
        let text = ClientText { code: CLOSED, param: Some(("reason", reason)) };
        file.push_str(&in_each(languages, reason, |language| texts(language, text)));
    }
    file + "} as const;\n"
}

/// A text in each language.
fn in_each(languages: &[String], name: &str, text: impl Fn(&str) -> String) -> String {
    let mut lines = format!("  {}: {{\n", print::key(name));
    for language in languages {
        let said = Value::from(text(language));
        let _ = writeln!(lines, "    {}: {said},", print::key(language));
    }
    lines + "  },\n"
}

/// Each code with its comment, sorted.
fn error_members() -> BTreeMap<&'static str, String> {
    let of_server = codes::DOCS.iter().map(|(error, docs)| {
        let params = error.params().iter().map(|&name| (name, "SyncErrorParam"));
        (error.code(), docs.trim(), error_member(error.code(), error.http_status(), params))
    });
    let of_client = CLIENT_CODES.iter().map(|&ClientCode { code, docs, param }| {
        let values = param.map(|(name, values)| {
            let values: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
            (name, values.join(" | "))
        });
        let params = values.iter().map(|(name, values)| (*name, values.as_str()));
        (code, docs, error_member(code, 0, params))
    });
    of_server
        .chain(of_client)
        .map(|(code, docs, member)| (code, print::comment(&[docs.to_owned()], 1) + &member))
        .collect()
}
