//! The one table from an error to what the world is told: code, HTTP status, whose fault.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use commands::{CommandError, Kind};
use events::facts::DecodeError;
use events::log::LogError;
use events::personal::VaultError;
use queries::QueryError;
use serde_json::{Map, Value, json};

/// Whose mistake it is: the caller's are warnings in our logs, ours are errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The caller can mend it.
    Caller,
    /// It passes by itself.
    Passing,
    /// We have to mend it.
    Ours,
}

macro_rules! codes {
    ($( $(#[$doc:meta])* $code:ident = $name:literal $status:ident $fault:ident; )+) => {
        /// What went wrong, as programs see it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $( $(#[$doc])* $code, )+ }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[ $( Self::$code, )+ ];

            /// Its name in `extensions.code`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $( Self::$code => $name, )+ }
            }

            /// The code of this name.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.name() == name)
            }

            /// Its HTTP status, where a whole request fails with it.
            #[must_use]
            pub fn status(self) -> StatusCode {
                match self { $( Self::$code => StatusCode::$status, )+ }
            }

            /// Whose mistake it is.
            #[must_use]
            pub fn fault(self) -> Fault {
                match self { $( Self::$code => Fault::$fault, )+ }
            }
        }
    };
}

codes! {
    /// A value is not one that the field takes.
    InvalidInput = "INVALID_INPUT" UNPROCESSABLE_ENTITY Caller;
    /// The request is not GraphQL, or not of this schema.
    InvalidQuery = "INVALID_QUERY" BAD_REQUEST Caller;
    /// It nests deeper than the limit.
    QueryTooDeep = "QUERY_TOO_DEEP" BAD_REQUEST Caller;
    /// It asks for more than the limit.
    QueryTooComplex = "QUERY_TOO_COMPLEX" BAD_REQUEST Caller;
    /// It renames more fields than the limit.
    TooManyAliases = "TOO_MANY_ALIASES" BAD_REQUEST Caller;
    /// It has more fields at the top of an operation than the limit.
    TooManyRootFields = "TOO_MANY_ROOT_FIELDS" BAD_REQUEST Caller;
    /// It has more directives than the limit.
    TooManyDirectives = "TOO_MANY_DIRECTIVES" BAD_REQUEST Caller;
    /// It asks for the schema, which is not shown here.
    IntrospectionDisabled = "INTROSPECTION_DISABLED" FORBIDDEN Caller;
    /// Its body exceeds the limit.
    PayloadTooLarge = "PAYLOAD_TOO_LARGE" PAYLOAD_TOO_LARGE Caller;
    /// Its body is not said to be JSON in UTF-8.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE" UNSUPPORTED_MEDIA_TYPE Caller;
    /// It takes an answer in nothing that there is.
    NotAcceptable = "NOT_ACCEPTABLE" NOT_ACCEPTABLE Caller;
    /// No token, or not a valid one.
    Unauthenticated = "UNAUTHENTICATED" UNAUTHORIZED Caller;
    /// The caller lacks a permission.
    Forbidden = "FORBIDDEN" FORBIDDEN Caller;
    /// It does not say in which organization, and there is not exactly one.
    OrganizationRequired = "ORGANIZATION_REQUIRED" BAD_REQUEST Caller;
    /// A record that it names does not exist.
    NotFound = "NOT_FOUND" NOT_FOUND Caller;
    /// The path does not take this method.
    MethodNotAllowed = "METHOD_NOT_ALLOWED" METHOD_NOT_ALLOWED Caller;
    /// A thing that is unique is taken.
    Taken = "TAKEN" CONFLICT Caller;
    /// The state of a record does not allow it.
    WrongState = "WRONG_STATE" CONFLICT Caller;
    /// There is not enough stock.
    OutOfStock = "OUT_OF_STOCK" CONFLICT Caller;
    /// The customer's credit limit would be exceeded.
    CreditExceeded = "CREDIT_EXCEEDED" CONFLICT Caller;
    /// The record has changed since the version that the caller knows.
    StaleVersion = "STALE_VERSION" PRECONDITION_FAILED Caller;
    /// Another request was accepted under the same key.
    IdempotencyKeyReused = "IDEMPOTENCY_KEY_REUSED" UNPROCESSABLE_ENTITY Caller;
    /// Not readable yet; it was done, if it was a write.
    Pending = "PENDING" SERVICE_UNAVAILABLE Passing;
    /// Too much waits; it did not happen.
    Busy = "BUSY" SERVICE_UNAVAILABLE Passing;
    /// A part is away; it did not happen.
    Unavailable = "UNAVAILABLE" SERVICE_UNAVAILABLE Passing;
    /// No answer in time; it may still happen.
    Unanswered = "UNANSWERED" GATEWAY_TIMEOUT Passing;
    /// The request took too long.
    Timeout = "TIMEOUT" REQUEST_TIMEOUT Passing;
    /// A mistake of ours.
    Internal = "INTERNAL" INTERNAL_SERVER_ERROR Ours;
}

/// How soon to try again what passes by itself.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Another server may be updated already; this one will not read it.
const NEWER: &str = "a record that this needs was changed by a newer Millrace than this one, which \
    has to be updated first; nothing was done";

/// An error on its way out. It does not implement `Display`: async-graphql would turn whatever does
/// into an error without a code.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiError {
    /// What went wrong.
    pub code: Code,
    /// For people: what was wrong, where, and what would be right.
    pub message: String,
    /// The field that it is about.
    pub field: Option<String>,
    /// More that programs may want.
    pub details: Map<String, Value>,
}

impl ApiError {
    /// An error about no single field.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: None, details: Map::new() }
    }

    /// The same, about a field.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// A mistake of ours: the world is told an id, the log the cause.
    #[must_use]
    pub fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "internal error");
        Self::new(Code::Internal, "something went wrong on our side; our log says what")
    }

    /// What stands in `extensions`.
    #[must_use]
    pub fn extensions(&self) -> Map<String, Value> {
        let mut extensions = self.details.clone();
        extensions.insert("code".to_owned(), json!(self.code.name()));
        if let Some(field) = &self.field {
            extensions.insert("field".to_owned(), json!(field));
        }
        if self.code.fault() == Fault::Passing {
            extensions.insert("retryAfter".to_owned(), json!(RETRY_AFTER.as_secs()));
        }
        extensions
    }
}

impl From<CommandError> for ApiError {
    fn from(error: CommandError) -> Self {
        let message = error.to_string();
        match error {
            CommandError::Rejected(rejection) => {
                let code = match rejection.kind {
                    Kind::Invalid => Code::InvalidInput,
                    Kind::NotFound => Code::NotFound,
                    Kind::Taken => Code::Taken,
                    Kind::WrongState => Code::WrongState,
                    Kind::OutOfStock => Code::OutOfStock,
                    Kind::CreditExceeded => Code::CreditExceeded,
                    Kind::Denied => Code::Forbidden,
                    Kind::Unnamed | Kind::Broken => return Self::internal(&message),
                };
                Self { field: rejection.field, ..Self::new(code, message) }
            }
            CommandError::Stale { expected, actual, changes } => {
                let mut error = Self::new(Code::StaleVersion, message).at("expectedVersion");
                error.details.insert("expectedVersion".to_owned(), json!(expected));
                error.details.insert("actualVersion".to_owned(), json!(actual));
                error.details.insert("changes".to_owned(), json!(changes));
                error
            }
            CommandError::KeyReused => {
                Self::new(Code::IdempotencyKeyReused, message).at("idempotencyKey")
            }
            CommandError::Busy | CommandError::Log(LogError::Busy { .. }) => {
                Self::new(Code::Busy, message)
            }
            CommandError::Unanswered => Self::new(Code::Unanswered, message),
            CommandError::Log(LogError::TooLarge { .. }) => {
                Self::new(Code::PayloadTooLarge, message)
            }
            CommandError::Log(LogError::Unavailable(cause)) => unavailable(&cause),
            CommandError::Log(LogError::Closed) => Self::new(Code::Unavailable, message),
            CommandError::Vault(error) => unopened(&error),
            CommandError::Unreadable(cause) => unreadable(&cause),
            CommandError::Log(LogError::Database(_)) => Self::internal(&message),
        }
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        let message = error.to_string();
        match error {
            QueryError::Denied(_) => Self::new(Code::Forbidden, message),
            QueryError::Pending(pending) => {
                let mut error = Self::new(Code::Pending, "not readable yet; read it again shortly");
                error.details.insert("readModel".to_owned(), json!(pending.projection));
                error
            }
            QueryError::Invalid { field, .. } => Self::new(Code::InvalidInput, message).at(field),
            QueryError::Vault(error) => unopened(&error),
            QueryError::Unreadable(cause) => unreadable(&cause),
            QueryError::Building => Self::new(Code::Unavailable, message),
            QueryError::Unavailable(cause) => unavailable(&cause),
            QueryError::Database(_) | QueryError::Unfoldable(_) => Self::internal(&message),
        }
    }
}

/// A fact that this program cannot read.
fn unreadable(cause: &DecodeError) -> ApiError {
    if cause.is_of_newer_program() {
        tracing::error!(%cause, "needs what a newer millrace wrote: update this one");
        return ApiError::new(Code::Unavailable, NEWER);
    }
    ApiError::internal(cause)
}

/// What belongs to a person cannot be sealed or opened.
fn unopened(error: &VaultError) -> ApiError {
    match error {
        VaultError::Log(LogError::Unavailable(cause)) => unavailable(cause),
        VaultError::NoMaster => ApiError::new(Code::Unavailable, error.to_string()),
        _ => ApiError::internal(error),
    }
}

/// What exactly is away is for our log, not for the world.
fn unavailable(cause: &str) -> ApiError {
    tracing::warn!(cause, "the database is not available");
    ApiError::new(Code::Unavailable, "the database is not available at the moment; try again")
}

impl From<ApiError> for async_graphql::Error {
    fn from(error: ApiError) -> Self {
        if error.code.fault() == Fault::Caller {
            tracing::warn!(code = error.code.name(), message = error.message, "refused");
        }
        metrics::counter!("millrace_gateway_errors_total", "code" => error.code.name())
            .increment(1);
        let mut extensions = async_graphql::ErrorExtensionValues::default();
        for (name, value) in error.extensions() {
            if let Ok(value) = async_graphql::Value::from_json(value) {
                extensions.set(name, value);
            }
        }
        let mut shown = Self::new(error.message);
        shown.extensions = Some(extensions);
        shown
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        metrics::counter!("millrace_gateway_errors_total", "code" => self.code.name()).increment(1);
        let body = json!({
            "errors": [{ "message": self.message, "extensions": self.extensions() }],
        });
        let mut response = (self.code.status(), Json(body)).into_response();
        let headers = response.headers_mut();
        if self.code == Code::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.code.fault() == Fault::Passing {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER.as_secs()));
        }
        response
    }
}
