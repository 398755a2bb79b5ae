//! Payload types as values: enough of them for the boot checks and for code generation.
//!
//! Nothing here writes TypeScript; `codegen` does.

use std::any::{TypeId, type_name};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, de::DeserializeOwned};
use ts_rs::{Config, TS, TypeVisitor};

/// What may cross the wire as an event's input or output: serde both ways (it crosses the bus between nodes too),
/// `TS` and `JsonSchema`. Implemented for every type that derives the four.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the payload of a sync event",
    note = "derive all four: `#[derive(Serialize, Deserialize, TS, JsonSchema)]`"
)]
pub trait Payload: Serialize + DeserializeOwned + TS + JsonSchema + Send + Sync + 'static {}
impl<T: Serialize + DeserializeOwned + TS + JsonSchema + Send + Sync + 'static> Payload for T {}

/// Refuses `()` as a payload while compiling: it would be `null` on the wire, so use [`Empty`](crate::Empty).
///
/// Every payload fulfils this in exactly one way and `()` in two, so that `()` alone is ambiguous.
pub trait UnitIsNullUseEmpty<Way> {}
impl<T: Payload> UnitIsNullUseEmpty<AsPayload> for T {}
impl UnitIsNullUseEmpty<AsNull> for () {}

/// The way of every payload.
#[derive(Debug)]
pub enum AsPayload {}
/// The second way of `()`.
#[derive(Debug)]
pub enum AsNull {}

/// A payload type, as a value.
#[derive(Clone, Copy)]
pub struct TypeInfo {
    id: TypeId,
    rust_name: &'static str,
    reference: fn(&Config) -> String,
    collect: fn(&Config, &mut Vec<NamedType>),
    schema: fn(&mut SchemaGenerator) -> Schema,
}

/// A type that has a declaration of its own in TypeScript.
#[derive(Clone, Debug)]
pub struct NamedType {
    /// Which Rust type it is; the instances of a generic type differ here.
    pub id: TypeId,
    /// The Rust type's path, without its parameters.
    pub rust_name: &'static str,
    /// Its name in TypeScript, without parameters.
    pub name: String,
    /// Its declaration, `type Name = ...;`.
    pub declaration: String,
    /// Its doc comment as TSDoc, if it has one.
    pub docs: Option<String>,
}

impl TypeInfo {
    pub(crate) fn of<T: Payload>() -> Self {
        Self {
            id: TypeId::of::<T>(),
            rust_name: type_name::<T>(),
            reference: T::name,
            collect: |config, found| Collector { config, found }.visit::<T>(),
            schema: T::json_schema,
        }
    }

    /// Which type it is.
    #[must_use]
    pub fn id(&self) -> TypeId {
        self.id
    }

    /// The Rust type's path.
    #[must_use]
    pub fn rust_name(&self) -> &'static str {
        self.rust_name
    }

    /// How TypeScript refers to it, for example `Array<Move>`.
    #[must_use]
    pub fn reference(&self, config: &Config) -> String {
        (self.reference)(config)
    }

    /// The type, if it has a name, and every named type it is made of.
    #[must_use]
    pub fn named_types(&self, config: &Config) -> Vec<NamedType> {
        let mut found = Vec::new();
        (self.collect)(config, &mut found);
        found
    }

    /// Its JSON schema; named types go to the generator's definitions.
    pub fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        (self.schema)(generator)
    }

    /// Whether its only JSON form is `null`, as that of a unit struct.
    pub(crate) fn is_null(&self) -> bool {
        let schema = (self.schema)(&mut SchemaGenerator::default());
        schema.get("type").is_some_and(|form| form == "null")
    }
}

impl std::fmt::Debug for TypeInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.rust_name)
    }
}

/// Without the `enum`s of TypeScript: those are values, and what is generated has none.
fn declaration<T: TS + ?Sized>(config: &Config) -> String {
    let declaration = T::decl(config);
    if declaration.starts_with("enum ") {
        format!("type {} = {};", T::ident(config), T::inline(config))
    } else {
        declaration
    }
}

struct Collector<'a> {
    config: &'a Config,
    found: &'a mut Vec<NamedType>,
}

impl TypeVisitor for Collector<'_> {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        if T::output_path().is_some() {
            let id = TypeId::of::<T>();
            if self.found.iter().any(|known| known.id == id) {
                return;
            }
            let rust_name = type_name::<T>();
            self.found.push(NamedType {
                id,
                rust_name: rust_name.split('<').next().unwrap_or(rust_name),
                name: T::ident(self.config),
                declaration: declaration::<T>(self.config),
                docs: T::docs(),
            });
            T::visit_dependencies(self);
        }
        T::visit_generics(self);
    }
}
