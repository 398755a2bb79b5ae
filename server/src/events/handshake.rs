//! The Socket.IO handshake: from a token to a member, and to its end.
//!
//! What a connected socket sends is `socket`'s.

use std::{fmt::Display, future::Future, pin::Pin, sync::Arc};

use socketioxide::{
    handler::{ConnectHandler, Value},
    socket::DisconnectReason,
};
use syncline::{Session, SyncResult, codes, run::json_depth};

use super::{
    Events,
    commands::{self, Handshake},
    direct::DirectAdapter,
    member::Member,
    outbox::SocketOutbox,
    socket::{Io, Listener},
};
use crate::{auth::verify, error::Locale, net::RequestContext};

/// The largest payload of a Socket.IO handshake, in bytes.
const MAX_HANDSHAKE: usize = 32 * 1024;

/// Answers connects to the namespace `/`.
#[derive(Clone)]
pub(crate) struct Connect(pub(crate) Arc<Events>);

type Refusal = Box<dyn Display + Send>;

type MiddlewareResult<'a> = Pin<Box<dyn Future<Output = Result<(), Refusal>> + Send + 'a>>;

impl ConnectHandler<DirectAdapter, ()> for Connect {
    /// Authenticates. The listeners are set here and not after it: a client may send as soon as it is told that it
    /// is connected.
    fn call_middleware<'a>(&'a self, socket: Arc<Io>, auth: &'a Option<Value>) -> MiddlewareResult<'a> {
        Box::pin(async move {
            let Some(context) = socket.req_parts().extensions.get::<RequestContext>().cloned() else {
                return Err(Box::new(codes::INTERNAL.code()) as Refusal);
            };
            context.finish_handshake();
            let mut locale = context.locale;
            self.0.authenticate(&socket, &context, auth.as_ref(), &mut locale).map_err(|error| {
                self.0.metrics.connects_refused.increment(1);
                self.0.metrics.error(error.code());
                Box::new(self.0.errors.line(&error, locale)) as Refusal
            })
        })
    }

    fn call(&self, socket: Arc<Io>, _auth: Option<Value>) {
        if let Some(member) = self.0.member_of(&socket) {
            self.0.admit(&member);
        }
    }
}

impl Events {
    /// `locale` becomes what the handshake asks for, and then what the token says, as far as each is known.
    fn authenticate(
        self: &Arc<Self>,
        socket: &Arc<Io>,
        context: &RequestContext,
        auth: Option<&Value>,
        locale: &mut Locale,
    ) -> SyncResult<()> {
        let handshake = read_handshake(auth)?;
        if let Some(wanted) = &handshake.locale {
            *locale = self.errors.negotiate(&[wanted, locale.as_str()]);
        }
        let mut session = match handshake.token.as_deref() {
            None | Some("") => Session::default(),
            Some(token) => verify(&self.tokens, token)?,
        };
        if let Some(own) = &session.locale {
            *locale = self.errors.negotiate(&[own, locale.as_str()]);
        }
        let locale = *locale;
        session.locale.get_or_insert_with(|| locale.as_str().to_owned());
        let outbox = SocketOutbox::new(
            socket,
            self.direct.clone(),
            context.kill_switch.clone(),
            Arc::clone(&self.upgrades),
        );
        let member = Arc::new(Member::new(
            socket.id,
            session,
            locale,
            context.address,
            handshake.batch,
            Box::new(outbox),
        ));
        socket.extensions.insert(Arc::clone(&member));
        socket.on_fallback(Listener::new(Arc::clone(self), Arc::clone(&member)));
        let events = Arc::clone(self);
        socket.on_disconnect(move |reason: DisconnectReason| async move { events.gone(&member, reason) });
        Ok(())
    }

    fn member_of(&self, socket: &Io) -> Option<Arc<Member>> {
        socket.extensions.get::<Arc<Member>>()
    }

    /// Takes a socket among the members, once.
    pub(crate) fn admit(&self, member: &Arc<Member>) {
        if member.admit_once() && self.members.add(Arc::clone(member)) {
            self.metrics.connects.increment(1);
            self.metrics.sockets.increment(1);
            self.expiry.watch(member);
            tracing::debug!(socket = &*member.name, "a socket connected");
        }
    }

    fn gone(&self, member: &Member, reason: DisconnectReason) {
        self.expiry.forget(member);
        if self.members.remove(member) {
            self.metrics.sockets.decrement(1);
            self.metrics.rooms.set(self.members.room_count() as f64);
            tracing::debug!(socket = &*member.name, %reason, "a socket disconnected");
        }
    }
}

fn read_handshake(auth: Option<&Value>) -> SyncResult<Handshake> {
    match auth {
        None => Ok(Handshake::default()),
        Some(Value::Str(text, _)) if text.len() <= MAX_HANDSHAKE && json_depth(text) <= 16 => {
            commands::read(text)
        }
        Some(_) => Err(codes::INVALID_REQUEST.into()),
    }
}
