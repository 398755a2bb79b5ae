//! The app's own state on its way through code that does not know its type.
//!
//! What it holds, and how it is shared, is the app's.

use std::{
    any::{Any, TypeId},
    sync::Arc,
};

use crate::{SyncResult, codes};

/// The app's own state, its type erased: given once to the server builder, typed again in each handler.
#[derive(Clone)]
pub struct Functions {
    value: Arc<dyn Any + Send + Sync>,
    app: AppType,
}

/// The type of an app's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppType {
    pub(crate) id: TypeId,
    pub(crate) name: &'static str,
}

impl AppType {
    pub(crate) fn of<A: 'static>() -> Self {
        Self { id: TypeId::of::<A>(), name: std::any::type_name::<A>() }
    }

    /// Whether a handler that wants this type runs with that state: `()` runs with any.
    pub(crate) fn runs_with(self, given: &Functions) -> bool {
        self.id == TypeId::of::<()>() || self.id == given.app.id
    }
}

impl Functions {
    /// Erases the type of an app's state.
    #[must_use]
    pub fn new<A: Send + Sync + 'static>(app: Arc<A>) -> Self {
        Self { value: app, app: AppType::of::<A>() }
    }

    /// The path of the state's type.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        self.app.name
    }

    pub(crate) fn get<A: Send + Sync + 'static>(&self) -> SyncResult<Arc<A>> {
        let any = match Arc::clone(&self.value).downcast::<A>() {
            Ok(app) => return Ok(app),
            // A handler that names no app runs with any; `()` is free to make.
            Err(_) => Arc::new(()) as Arc<dyn Any + Send + Sync>,
        };
        any.downcast::<A>().map_err(|_| {
            codes::INTERNAL.caused_by(format!(
                "the handler wants `{}`, the server was given `{}`",
                std::any::type_name::<A>(),
                self.app.name
            ))
        })
    }
}

impl std::fmt::Debug for Functions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Functions({})", self.app.name)
    }
}
