//! What an answer of Argo CD's API says of the call: one table for every
//! wrapper (PEERS 7.9).

/// The outcome of a receipt (FORMATS 5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    Accepted,
    RefusedRbac,
    RefusedSyncWindow,
    RefusedPrecondition,
    /// Nobody knows what came of the call.
    ErrorTransport,
    /// The call did not reach the part that carries calls out. The receipt has no
    /// member of the answer, since it is of no call.
    NotSent,
}

impl CallOutcome {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::RefusedRbac => "refused_rbac",
            Self::RefusedSyncWindow => "refused_sync_window",
            Self::RefusedPrecondition => "refused_precondition",
            Self::ErrorTransport => "error_transport",
            Self::NotSent => "not_sent",
        }
    }
}

/// An answer that was read to its end.
#[derive(Clone, Copy, Debug)]
pub struct CallAnswer<'a> {
    pub http_status: u16,
    /// Member `code` of the body; with gRPC-Web the code of the trailer. None
    /// where the body has none, as that of an accepted call.
    pub grpc_code: Option<u8>,
    /// Member `message` of the body; empty where there is none.
    pub message: &'a str,
}

/// One row: all of it must fit.
#[derive(Debug)]
pub struct OutcomeRow {
    /// HTTP statuses of the REST API; gRPC-Web answers 200 whatever came of the call.
    pub http: &'static [u16],
    /// gRPC codes; none: a body without code, or with code 0, fits.
    pub grpc: &'static [u8],
    /// Beginnings of the message; none: any message fits.
    pub message: &'static [&'static str],
    pub outcome: CallOutcome,
    /// Why, in words.
    pub because: &'static str,
}

/// Rows in their order; what fits none is [`CallOutcome::ErrorTransport`], and
/// so are a redirect, a time-out, an answer that broke off, and a bare 403,
/// which the API server also answers while Kubernetes is down.
pub const OUTCOMES: &[OutcomeRow] = &[
    OutcomeRow {
        http: &[200],
        grpc: &[],
        message: &[],
        outcome: CallOutcome::Accepted,
        because: "Argo CD took the call",
    },
    OutcomeRow {
        http: &[403],
        grpc: &[7],
        message: &["permission denied: applications,"],
        outcome: CallOutcome::RefusedRbac,
        because: "RBAC names the right that is missing",
    },
    OutcomeRow {
        http: &[403],
        grpc: &[7],
        message: &["cannot sync: blocked by sync window", "cannot sync: invalid sync window", "invalid sync window"],
        outcome: CallOutcome::RefusedSyncWindow,
        because: "a sync window is closed or cannot be read",
    },
    OutcomeRow {
        http: &[400, 404],
        grpc: &[3, 5, 9],
        message: &[],
        outcome: CallOutcome::RefusedPrecondition,
        because: "the arguments, the application or its state do not allow the call",
    },
    OutcomeRow {
        http: &[401],
        grpc: &[16],
        message: &[],
        outcome: CallOutcome::NotSent,
        because: "no session: nothing behind it saw the call",
    },
    OutcomeRow {
        http: &[401, 415],
        grpc: &[],
        message: &[],
        outcome: CallOutcome::NotSent,
        because: "refused before it became a call",
    },
];

/// What came of a call; `None` is a call whose answer did not come, or not to
/// its end.
#[must_use]
pub fn outcome(answer: Option<CallAnswer<'_>>) -> CallOutcome {
    let Some(answer) = answer else { return CallOutcome::ErrorTransport };
    let code = answer.grpc_code.filter(|code| *code != 0);
    let fits = |row: &&OutcomeRow| {
        let is_code = code.map_or(row.grpc.is_empty(), |code| row.grpc.contains(&code));
        // With a code, 200 is gRPC-Web's.
        let is_status = row.http.contains(&answer.http_status) || (code.is_some() && answer.http_status == 200);
        let is_message = row.message.is_empty() || row.message.iter().any(|begin| answer.message.starts_with(begin));
        is_code && is_status && is_message
    };
    OUTCOMES.iter().find(fits).map_or(CallOutcome::ErrorTransport, |row| row.outcome)
}
