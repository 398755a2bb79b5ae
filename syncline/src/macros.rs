//! The one line that registers a handler.
//!
//! The macros check the function's name and place while compiling; what only the whole program shows (duplicates,
//! stages that do not fit) is the registry's to refuse at boot.

/// Registers a server stage: `sync_server!(update_counter_server_v1, auth: Auth::LOGIN, errors: [AMOUNT_TOO_LARGE]);`
///
/// Options, all of which may be left out: `auth` (default [`Auth::LOGIN`](crate::Auth::LOGIN)), `errors` (the codes
/// it may return), `rate_limit` ([`RateLimit`](crate::RateLimit), per user), `timeout` (a `Duration`) and
/// `concurrent: true` (it may run beside other events of its socket and gives up their order).
#[macro_export]
macro_rules! sync_server {
    ($function:ident $(, $option:ident : $value:tt $($rest:tt)*)?) => {
        $crate::__sync_register!(
            $function, "_server_v", ErasedServer, Server,
            "a server handler is named `<event>_server_v<N>`, for example `update_counter_server_v1`",
            $crate::__private::ServerFn::new($function),
            $crate::__sync_options!($crate::ServerOptions::new() $(; $option: $value $($rest)*)?)
        );
    };
}

/// Registers a client stage: `sync_client!(update_counter_client_v1);`, or, to run once for each distinct key among
/// the recipients, `sync_client!(update_counter_client_v1, audience: locale_of);`.
///
/// Options: `audience` (first, a function `fn(&Session) -> Key`), `errors`, and for an event without a server stage
/// `auth` and `rate_limit`.
#[macro_export]
macro_rules! sync_client {
    ($function:ident, audience: $key:path $(, $option:ident : $value:tt $($rest:tt)*)?) => {
        $crate::__sync_client!($function; $crate::__private::AudienceFn::new($function, $key) $(; $option: $value $($rest)*)?);
    };
    ($function:ident $(, $option:ident : $value:tt $($rest:tt)*)?) => {
        $crate::__sync_client!($function; $crate::__private::ClientFn::new($function) $(; $option: $value $($rest)*)?);
    };
}

/// `audience` decides which form of stage it is and so comes first; this arm of the options says it.
#[doc(hidden)]
#[macro_export]
macro_rules! __sync_audience_first {
    () => {
        compile_error!("`audience` is the first option and names a function: `sync_client!(f, audience: key_of_session, ..)`")
    };
}

/// What both forms of `sync_client!` register.
#[doc(hidden)]
#[macro_export]
macro_rules! __sync_client {
    ($function:ident; $stage:expr $(; $($options:tt)*)?) => {
        $crate::__sync_register!(
            $function, "_client_v", ErasedClient, Client,
            "a client handler is named `<event>_client_v<N>`, for example `update_counter_client_v1`",
            $stage,
            $crate::__sync_options!($crate::ClientOptions::new() $(; $($options)*)?)
        );
    };
}

/// Checks a stage's name and place, and submits it.
#[doc(hidden)]
#[macro_export]
macro_rules! __sync_register {
    ($function:ident, $infix:literal, $erased:ident, $kind:ident, $naming:literal, $stage:expr, $options:expr) => {
        const _: () = {
            const _: () =
                assert!($crate::__private::is_stage_function(stringify!($function), $infix), $naming);
            const _: () = assert!(
                $crate::__private::stands_in_own_file(module_path!(), stringify!($function)),
                "a handler stands in a file of its own name, for example `update_counter_server_v1.rs`",
            );
            fn stage() -> ::std::boxed::Box<dyn $crate::run::$erased> {
                #[expect(unused_imports, reason = "which of the two is used depends on the input type")]
                use $crate::__private::{Unvalidated, Validated};
                let stage = $stage;
                let validator = (&stage.probe()).validator();
                ::std::boxed::Box::new(stage.validated_by(validator))
            }
            $crate::__private::inventory::submit! {
                $crate::Registration {
                    module_path: module_path!(),
                    function: stringify!($function),
                    file: file!(),
                    line: line!(),
                    stage: $crate::Stage::$kind(stage, $options),
                }
            }
        };
    };
}

/// Turns `name: value, ...` into calls on the options; `errors` takes its list without an ampersand.
#[doc(hidden)]
#[macro_export]
macro_rules! __sync_options {
    ($options:expr $(;)?) => { $options };
    ($options:expr; errors: [$($code:path),* $(,)?] $(, $($rest:tt)*)?) => {
        $crate::__sync_options!($options.errors(&[$($code),*]); $($($rest)*)?)
    };
    ($options:expr; audience: $($rest:tt)*) => {{
        $crate::__sync_audience_first!();
        $options
    }};
    ($options:expr; $option:ident: $value:expr $(, $($rest:tt)*)?) => {
        $crate::__sync_options!($options.$option($value); $($($rest)*)?)
    };
}
