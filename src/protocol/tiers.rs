//! The peer's three scales (PEERS 4.12), weakest first.

use serde::Serialize;

macro_rules! tier {
    ($(#[$doc:meta])* $name:ident: $($variant:ident = $text:literal),*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        pub enum $name { $(#[serde(rename = $text)] $variant),* }

        impl $name {
            /// The tier of this name.
            #[must_use]
            pub fn parse(name: &str) -> Option<$name> {
                match name { $($text => Some($name::$variant),)* _ => None }
            }

            /// The peer's name of it.
            pub fn name(self) -> &'static str {
                match self { $($name::$variant => $text),* }
            }
        }
    };
}

tier! {
    /// Where the run's evidence comes from. `sandbox` says only that a listed
    /// attester signed; `tee` and `witnessed_web` are never reached here.
    ProofTier: Unknown = "unknown", SelfSigned = "self", Gateway = "gateway", Sandbox = "sandbox", Tee = "tee",
    WitnessedWeb = "witnessed_web"
}

tier! {
    /// How much of a bundle verified. `attested` and `full` need a runner
    /// attestation, which is not judged here.
    TrustTier: Unknown = "unknown", Basic = "basic", Verified = "verified", Attested = "attested", Full = "full"
}

tier! {
    /// What is known about the model.
    ModelIdentityTier: Unknown = "unknown", ClosedOpaque = "closed_opaque",
    ClosedProviderManifest = "closed_provider_manifest", OpenweightsHashable = "openweights_hashable",
    TeeMeasured = "tee_measured"
}
