//! Handlers that no app should have, to see what the harness makes of them.

/// Returns a code that it does not declare, or one with the wrong parameters.
pub(crate) mod undeclared_server_v1 {
    use syncline::prelude::*;

    const NOT_DECLARED: ErrorCode = ErrorCode::new("probe.notDeclared", 422, &[]);
    const DECLARED: ErrorCode = ErrorCode::new("probe.declared", 422, &["why"]);

    #[derive(Serialize, Deserialize, TS, JsonSchema)]
    #[serde(default)]
    #[derive(Default)]
    pub(crate) struct UndeclaredInput {
        wrong_params: bool,
    }

    async fn undeclared_server_v1(params: ServerParams<UndeclaredInput>) -> SyncResult<Empty> {
        Err(if params.client_input.wrong_params { DECLARED.into() } else { NOT_DECLARED.into() })
    }
    sync_server!(undeclared_server_v1, errors: [DECLARED]);
}

/// Is late: the recipient has to wait for it in a lane of its own.
pub(crate) mod late_client_v1 {
    use syncline::prelude::*;

    async fn late_client_v1(_: ClientParams<Empty, Empty>) -> SyncResult<Deliver<Empty>> {
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        Ok(Deliver::To(Empty {}))
    }
    sync_client!(late_client_v1);
}

/// Refuses its recipients.
pub(crate) mod unfriendly_client_v1 {
    use syncline::prelude::*;

    pub(crate) const UNFRIENDLY: ErrorCode = ErrorCode::new("probe.unfriendly", 403, &["to"]);

    async fn unfriendly_client_v1(
        ClientParams { user, .. }: ClientParams<Empty, Empty>,
    ) -> SyncResult<Deliver<Empty>> {
        Err(UNFRIENDLY.with("to", user.user_id.clone()))
    }
    sync_client!(unfriendly_client_v1, errors: [UNFRIENDLY]);
}

/// Says whom the server takes the caller for.
pub(crate) mod who_am_i_server_v1 {
    use syncline::prelude::*;

    async fn who_am_i_server_v1(params: ServerParams<Empty>) -> SyncResult<Session> {
        Ok((*params.user).clone())
    }
    sync_server!(who_am_i_server_v1, auth: Auth::PUBLIC);
}
