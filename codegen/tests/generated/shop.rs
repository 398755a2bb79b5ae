//! The page `shop`: an event in two versions with types of every kind.

/// A page of a list; generic, so that several events share it.
pub(crate) mod list {
    use syncline::prelude::*;

    /// A part of a longer list.
    #[derive(Serialize, Deserialize, TS, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub(crate) struct Slice<T> {
        /// What is in it.
        pub(crate) items: Vec<T>,
        /// Where the next one begins.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        pub(crate) next_at: Option<u64>,
    }
}

pub(crate) mod order_server_v1 {
    use std::collections::BTreeMap;

    use syncline::prelude::*;

    use super::list::Slice;

    /// What is ordered.
    ///
    /// More than one line, and `all/*/paths` in it.
    #[derive(Serialize, Deserialize, TS, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub(crate) struct OrderInput {
        /// In the order of `line.position`.
        ///
        /// Ends with `*/`, or `a/*/b`.
        pub(crate) lines: Slice<Line>,
        /// Left out for oneself.
        #[ts(optional)]
        pub(crate) for_user: Option<String>,
        pub(crate) note: Option<String>,
        /// How it is paid.
        pub(crate) payment: Payment,
        #[serde(rename = "gift-wrap", default)]
        pub(crate) gift_wrap: bool,
    }

    /// One line of an order.
    #[derive(Serialize, Deserialize, TS, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub(crate) struct Line {
        pub(crate) article_id: u64,
        /// From and to.
        pub(crate) range: (i64, i64),
        /// Lines that belong to this one.
        pub(crate) parts: Vec<Line>,
        pub(crate) labels: BTreeMap<String, Label>,
    }

    /// A colour or a text.
    #[derive(Serialize, Deserialize, TS, JsonSchema)]
    #[serde(untagged)]
    pub(crate) enum Label {
        Colour { red: u8, green: u8, blue: u8 },
        Text(String),
    }

    /// How an order is paid.
    #[derive(Serialize, Deserialize, TS, JsonSchema)]
    #[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
    pub(crate) enum Payment {
        Cash,
        Card { card_number: String, valid_until: String },
        Invoice { due_in_days: u16, address: Nothing },
    }

    /// Nothing yet.
    #[derive(Serialize, Deserialize, TS, JsonSchema)]
    pub(crate) struct Nothing {}

    /// What became of it.
    #[derive(Serialize, Deserialize, TS, JsonSchema)]
    pub(crate) struct OrderOutput {
        pub(crate) id: i64,
        pub(crate) state: State,
        pub(crate) size: Size,
    }

    /// How large the parcel is, in an author's words an `enum` of TypeScript.
    #[derive(Serialize, Deserialize, TS, JsonSchema)]
    #[ts(repr(enum = name))]
    pub(crate) enum Size {
        Small,
        Large,
    }

    #[derive(Serialize, Deserialize, TS, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    pub(crate) enum State {
        Placed,
        PaidFor,
    }

    pub(crate) const SOLD_OUT: ErrorCode = ErrorCode::new("shop.soldOut", 409, &["article", "left"]);
    pub(crate) const CLOSED: ErrorCode = ErrorCode::new("shop.closed", 409, &[]);

    async fn order_server_v1(_: ServerParams<OrderInput>) -> SyncResult<OrderOutput> {
        Err(CLOSED.into())
    }
    sync_server!(
        order_server_v1,
        auth: Auth::LOGIN.and(&[Rule::equals("roles", "buyer"), Rule::present("claims.address")]),
        errors: [SOLD_OUT, CLOSED, syncline::codes::NOT_FOUND],
    );
}

pub(crate) mod order_client_v1 {
    use syncline::prelude::*;

    use super::order_server_v1::{OrderInput, OrderOutput};

    /// For whom it is.
    #[derive(Serialize, Deserialize, TS, JsonSchema)]
    pub(crate) struct OrderClientOutput {
        pub(crate) mine: bool,
    }

    async fn order_client_v1(
        _: ClientParams<OrderInput, OrderOutput>,
    ) -> SyncResult<Deliver<OrderClientOutput>> {
        Ok(Deliver::Skip)
    }
    sync_client!(order_client_v1);
}

pub(crate) mod order_server_v2 {
    use syncline::prelude::*;

    use super::list::Slice;

    /// What is ordered, in the second version.
    #[derive(Serialize, Deserialize, TS, JsonSchema)]
    pub(crate) struct OrderInput {
        pub(crate) articles: Slice<u64>,
    }

    async fn order_server_v2(
        ServerParams { client_input, .. }: ServerParams<OrderInput>,
    ) -> SyncResult<Slice<OrderInput>> {
        Ok(Slice { items: vec![client_input], next_at: None })
    }
    sync_server!(order_server_v2);
}

pub(crate) mod order_server_v10 {
    use syncline::prelude::*;

    async fn order_server_v10(_: ServerParams<Empty>) -> SyncResult<Empty> {
        Ok(Empty {})
    }
    sync_server!(order_server_v10);
}
