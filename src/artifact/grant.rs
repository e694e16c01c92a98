//! What a submitter may write (FORMATS 4.1), as pure data. Whoever checks the
//! token makes one of these; admission asks it after the kind is known.

use crate::artifact::json::Value;
use crate::artifact::kind::Kind;
use crate::artifact::kinds::Payload;
use crate::codes::{self, Code};

/// The grant of one token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Signed kinds. Worth nothing beside an observer's `unsigned` grant.
    pub signed: SignedGrant,
    /// One kind that may come unsigned; with a poller's observations its snapshots too.
    pub unsigned: Option<UnsignedGrant>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedGrant {
    All,
    Kinds(Vec<Kind>),
}

/// Leave to submit one kind without a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsignedGrant {
    pub kind: Kind,
    /// Only observations of this channel; any when absent.
    pub channel: Option<String>,
    /// Only observations of this Argo CD instance; any when absent. A token that
    /// observes always has one: its name stands beside an instance in the roots.
    pub instance: Option<String>,
}

impl UnsignedGrant {
    /// Whether it is about this kind. Who polls an instance says what happened
    /// and what is there: one observer, one token.
    fn covers(&self, kind: Kind) -> bool {
        let polls =
            self.kind == Kind::ArgocdObservation && self.channel.as_deref().is_none_or(|channel| channel == "poll");
        self.kind == kind || (polls && kind == Kind::ArgocdSnapshot)
    }
}

/// Why a grant does not cover an artifact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    #[error("this token may not submit kind {kind}")]
    KindNotGranted { kind: Kind },
    #[error("this token may not submit unsigned artifacts of kind {kind}")]
    UnsignedNotGranted { kind: Kind },
    #[error("this token may submit observations of its own instance only")]
    InstanceNotGranted,
    #[error("this token may submit observations of its own channel only")]
    ChannelNotGranted,
}

impl GrantError {
    #[must_use]
    pub fn code(&self) -> &'static Code {
        match self {
            Self::KindNotGranted { .. } => &codes::artifact::KIND_NOT_GRANTED,
            Self::UnsignedNotGranted { .. } => &codes::artifact::UNSIGNED_NOT_GRANTED,
            Self::InstanceNotGranted => &codes::artifact::INSTANCE_NOT_GRANTED,
            Self::ChannelNotGranted => &codes::artifact::CHANNEL_NOT_GRANTED,
        }
    }
}

impl Grant {
    /// Every signed kind, nothing unsigned: what a new token has.
    #[must_use]
    pub fn all() -> Self {
        Self { signed: SignedGrant::All, unsigned: None }
    }

    /// Unsigned artifacts of one kind from anywhere: for a reader that checks
    /// again what was admitted, never for a token.
    #[must_use]
    pub fn any_unsigned(kind: Kind) -> Self {
        let unsigned = UnsignedGrant { kind, channel: None, instance: None };
        Self { signed: SignedGrant::Kinds(Vec::new()), unsigned: Some(unsigned) }
    }

    /// Whether an artifact of `kind` with this payload may be submitted.
    ///
    /// # Errors
    /// Which part of the grant does not cover it.
    pub fn allows(&self, kind: Kind, signed: bool, payload: &Value) -> Result<(), GrantError> {
        if signed { self.allows_signed(kind) } else { self.allows_unsigned(kind, payload) }
    }

    fn allows_signed(&self, kind: Kind) -> Result<(), GrantError> {
        // An observer's word counts because its token writes nothing else.
        let observer = self.unsigned.as_ref().is_some_and(|unsigned| unsigned.kind.is_observed());
        let granted = match &self.signed {
            SignedGrant::All => true,
            SignedGrant::Kinds(kinds) => kinds.contains(&kind),
        };
        if granted && !observer { Ok(()) } else { Err(GrantError::KindNotGranted { kind }) }
    }

    fn allows_unsigned(&self, kind: Kind, payload: &Value) -> Result<(), GrantError> {
        let Some(grant) = self.unsigned.as_ref().filter(|grant| grant.covers(kind)) else {
            return Err(GrantError::UnsignedNotGranted { kind });
        };
        let says = Payload::of(kind, payload.into());
        if grant.instance.is_some() && grant.instance.as_deref() != says.instance() {
            return Err(GrantError::InstanceNotGranted);
        }
        if grant.channel.is_some() && grant.channel.as_deref() != says.channel() {
            return Err(GrantError::ChannelNotGranted);
        }
        Ok(())
    }
}
