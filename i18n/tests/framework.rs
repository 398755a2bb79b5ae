//! The texts that are shipped: each locale has each code, with the same variables, and they read as they
//! should.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use syncline_i18n::{Catalog, Locale};

const LOCALES: [&str; 6] = ["de", "en", "es", "fr", "ja", "nl"];

/// The framework's codes and their parameters.
const CODES: [(&str, &[&str]); 52] = [
    ("auth.expired", &[]),
    ("auth.forbidden", &["key"]),
    ("auth.invalid", &[]),
    ("auth.originDenied", &[]),
    ("auth.required", &[]),
    ("body.timeout", &[]),
    ("connection.closed", &["reason"]),
    ("document.limit", &["max"]),
    ("invalid.data", &[]),
    ("invalid.documentId", &[]),
    ("invalid.json", &[]),
    ("invalid.roomId", &[]),
    ("invalid.state", &[]),
    ("invalid.workspaceId", &[]),
    ("offline.dropped", &["reason"]),
    ("payload.tooLarge", &["max"]),
    ("request.aborted", &[]),
    ("request.disconnected", &[]),
    ("request.timeout", &[]),
    ("room.invalid", &[]),
    ("room.joinDenied", &[]),
    ("room.limit", &["max"]),
    ("room.notFound", &[]),
    ("server.busy", &["seconds"]),
    ("server.shuttingDown", &[]),
    ("snapshot.badRequest", &[]),
    ("snapshot.forbidden", &[]),
    ("snapshot.notFound", &[]),
    ("snapshot.topicLimit", &["max"]),
    ("snapshot.versionConflict", &["current"]),
    ("storage.full", &["seconds"]),
    ("storage.unavailable", &["seconds"]),
    ("stream.limit", &["seconds"]),
    ("sync.inboxFull", &[]),
    ("sync.internal", &[]),
    ("sync.invalidInput", &["path", "reason"]),
    ("sync.invalidRequest", &[]),
    ("sync.methodNotAllowed", &[]),
    ("sync.missingReceiver", &[]),
    ("sync.notFound", &[]),
    ("sync.notRoomMember", &[]),
    ("sync.rateLimited", &["seconds"]),
    ("sync.receiverNotAllowed", &[]),
    ("sync.timeout", &[]),
    ("sync.tooLarge", &["max"]),
    ("unsupported.mediaType", &[]),
    ("upgrade.required", &[]),
    ("workspace.invalidOp", &["reason"]),
    ("workspace.permissionDenied", &[]),
    ("workspace.persistenceFailed", &[]),
    ("workspace.unknownChange", &[]),
    ("workspace.workspaceFull", &["max"]),
];

/// Why the server closes a connection for good.
const CLOSED_REASONS: [&str; 7] =
    ["auth_required", "forbidden", "deleted", "full", "too_large", "malformed", "refused"];

fn catalog() -> Catalog {
    Catalog::builder().build().expect("the shipped texts are valid")
}

fn params(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

fn locale(catalog: &Catalog, tag: &str) -> Locale {
    let locale = catalog.negotiate(&[tag]);
    assert_eq!(locale.as_str(), tag);
    locale
}

/// The message without isolation marks, as a reader sees it.
fn seen(catalog: &Catalog, tag: &str, code: &str, values: Value) -> String {
    let message = catalog.message(locale(catalog, tag), code, &params(values));
    message.replace(['\u{2068}', '\u{2069}'], "")
}

#[test]
fn each_locale_has_each_code_with_the_same_variables() {
    let catalog = catalog();
    assert_eq!(catalog.locales().collect::<Vec<_>>(), LOCALES);
    for tag in LOCALES {
        let codes: Vec<_> = catalog.codes(tag).collect();
        assert_eq!(codes, CODES.map(|(code, _)| code), "{tag}");
        for (code, variables) in CODES {
            let expected: BTreeSet<_> = variables.iter().map(|name| (*name).to_owned()).collect();
            assert!(catalog.has(tag, code));
            assert_eq!(catalog.variables(tag, code), Some(expected), "{tag} {code}");
        }
    }
}

/// Every variant that a text chooses between is reached by one of these.
fn samples() -> Vec<Map<String, Value>> {
    let sample = |number: u32, reason: &str| {
        let (path, key) = ("items[2].amount", "roles");
        params(json!({ "seconds": number, "max": number, "reason": reason, "path": path, "key": key }))
    };
    let mut samples = vec![
        sample(0, "queueFull"),
        sample(1, "expired"),
        sample(2, "missing field `amount`"),
        sample(65_536, ""),
    ];
    samples.extend(CLOSED_REASONS.map(|reason| sample(2, reason)));
    samples
}

#[test]
fn every_message_is_whole_and_translated() {
    let catalog = catalog();
    let english = locale(&catalog, "en");
    for tag in LOCALES {
        for (code, _) in CODES {
            for sample in samples() {
                let message = catalog.message(locale(&catalog, tag), code, &sample);
                assert_ne!(message, code, "{tag} {code}");
                assert!(!message.contains(['{', '}', '$']), "{tag} {code}: {message}");
                assert_eq!(message.trim(), message, "{tag} {code}");
                assert!(!message.contains('\n'), "{tag} {code}: {message}");
                // A text that cannot be formatted, or was never translated, would come out in English.
                if tag != "en" {
                    assert_ne!(message, catalog.message(english, code, &sample), "{tag} {code}");
                }
            }
        }
    }
}

#[test]
fn isolation_marks_are_never_nested() {
    let catalog = catalog();
    for tag in LOCALES {
        for (code, _) in CODES {
            for sample in samples() {
                let message = catalog.message(locale(&catalog, tag), code, &sample);
                let mut open = false;
                for character in message.chars() {
                    match character {
                        '\u{2068}' => assert!(!std::mem::replace(&mut open, true), "{tag} {code}"),
                        '\u{2069}' => assert!(std::mem::replace(&mut open, false), "{tag} {code}"),
                        _ => {}
                    }
                }
                assert!(!open, "{tag} {code}");
            }
        }
    }
}

#[test]
fn plurals_follow_the_language() {
    let catalog = catalog();
    let expected = [
        ("en", 1, "Too many requests. Please try again in 1 second."),
        ("en", 0, "Too many requests. Please try again in 0 seconds."),
        ("nl", 1, "Te veel verzoeken. Probeer het over 1 seconde opnieuw."),
        ("nl", 100, "Te veel verzoeken. Probeer het over 100 seconden opnieuw."),
        ("de", 1, "Zu viele Anfragen. Bitte versuchen Sie es in 1 Sekunde erneut."),
        ("de", 2, "Zu viele Anfragen. Bitte versuchen Sie es in 2 Sekunden erneut."),
        ("fr", 0, "Trop de requêtes. Veuillez réessayer dans 0\u{a0}seconde."),
        ("fr", 2, "Trop de requêtes. Veuillez réessayer dans 2\u{a0}secondes."),
        ("es", 1, "Demasiadas solicitudes. Vuelva a intentarlo dentro de 1 segundo."),
        ("es", 5, "Demasiadas solicitudes. Vuelva a intentarlo dentro de 5 segundos."),
        ("ja", 5, "リクエストが多すぎます。5秒後にもう一度お試しください。"),
    ];
    for (tag, seconds, text) in expected {
        assert_eq!(seen(&catalog, tag, "sync.rateLimited", json!({ "seconds": seconds })), text);
    }
}

#[test]
fn the_reason_of_a_dropped_request_selects_its_text() {
    let catalog = catalog();
    for tag in LOCALES {
        let texts: BTreeSet<_> = ["queueFull", "expired", "anything else"]
            .map(|reason| seen(&catalog, tag, "offline.dropped", json!({ "reason": reason })))
            .into();
        assert_eq!(texts.len(), 3, "{tag}");
    }
}

#[test]
fn the_reason_of_a_closed_connection_selects_its_text() {
    let catalog = catalog();
    for tag in LOCALES {
        let text = |reason| seen(&catalog, tag, "connection.closed", json!({ "reason": reason }));
        assert_eq!(BTreeSet::from(CLOSED_REASONS.map(text)).len(), CLOSED_REASONS.len(), "{tag}");
        assert_eq!(text("anything else"), text("refused"), "{tag}");
    }
}

#[test]
fn a_technical_reason_is_quoted() {
    let catalog = catalog();
    let values = json!({ "path": "items[2].amount", "reason": "expected u32" });
    let message = seen(&catalog, "en", "sync.invalidInput", values.clone());
    assert_eq!(message, "The data is not valid at “items[2].amount”. Details: “expected u32”");
    let message = seen(&catalog, "ja", "sync.invalidInput", values);
    assert_eq!(message, "「items[2].amount」の値が正しくありません。詳細：「expected u32」");
}
