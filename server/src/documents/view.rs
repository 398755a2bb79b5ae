//! A document as JSON, for those who only want to look. What its roots are is not written in a Yjs document, so each is
//! taken for what it holds.

use axum::{Json, response::IntoResponse};
use http::{HeaderMap, header};
use serde_json::{Map, Value};
use yrs::{
    Any, Array as _, ArrayRef, GetString as _, Map as _, MapRef, Out, ReadTxn, TextRef, XmlFragmentRef,
    types::ToJson as _,
};

/// Whether a request asks for it.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.any(|accepted| accepted.split(',').any(|kind| kind.trim().starts_with("application/json")))
}

/// A document by the names of its roots.
pub(super) struct View(Map<String, Value>);

impl View {
    pub(super) fn of(transaction: &impl ReadTxn) -> Self {
        Self(transaction.root_refs().map(|(name, root)| (name.to_owned(), of(transaction, root))).collect())
    }
}

impl IntoResponse for View {
    fn into_response(self) -> axum::response::Response {
        Json(Value::Object(self.0)).into_response()
    }
}

fn of(transaction: &impl ReadTxn, root: Out) -> Value {
    let any = match root {
        Out::UndefinedRef(branch) => {
            let (map, array) = (MapRef::from(branch), ArrayRef::from(branch));
            let text = TextRef::from(branch).get_string(transaction);
            let first = array.iter(transaction).next();
            match first {
                _ if map.len(transaction) > 0 => map.to_json(transaction),
                Some(Out::YXmlElement(_) | Out::YXmlText(_)) => {
                    Any::from(XmlFragmentRef::from(branch).get_string(transaction))
                }
                _ if !text.is_empty() => Any::from(text),
                _ => array.to_json(transaction),
            }
        }
        known => known.to_json(transaction),
    };
    serde_json::to_value(any).unwrap_or(Value::Null)
}
