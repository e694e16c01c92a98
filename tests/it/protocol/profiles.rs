//! Causal profiles: the four cases that the peer publishes as names only, and
//! their neighbours.

use pulselog::protocol::{DocumentKind, Options, verify};

use crate::make::protocol::{good_payload, options, seal, spoiled};

fn with(profile: Option<&str>, connectivity: Option<&str>, coverage: Option<&str>) -> Options {
    let mut options = options();
    options.causal_policy_profile = profile.map(str::to_owned);
    options.causal_connectivity_mode = connectivity.map(str::to_owned);
    options.coverage_enforcement_phase = coverage.map(str::to_owned);
    options
}

#[test]
fn profiles_lock_and_refuse_to_be_weakened() {
    const MODE: &str = "options.causal_connectivity_mode";
    const PHASE: &str = "options.coverage_enforcement_phase";
    const DOWNGRADE: &str = "CAUSAL_POLICY_PROFILE_DOWNGRADE";
    const INVALID: &str = "CAUSAL_POLICY_PROFILE_INVALID";
    let bundle = seal(good_payload());
    for (profile, connectivity, coverage, code, field) in [
        (Some("compat"), Some("observe"), Some("warn"), "OK", None),
        (Some("strict"), Some("warn"), None, DOWNGRADE, Some(MODE)),
        (Some("paranoid"), None, None, INVALID, Some("options.causal_policy_profile")),
        (Some("strict"), Some("enforce"), Some("enforce"), "OK", None),
        (Some("strict"), None, None, "OK", None),
        (None, None, None, "OK", None),
        (Some("strict"), None, Some("observe"), DOWNGRADE, Some(PHASE)),
        (Some("strict"), Some("observe"), Some("observe"), DOWNGRADE, Some(MODE)),
        // Unknown texts are normalised first: enforce for the one, observe for the other.
        (Some("strict"), Some("bogus"), None, "OK", None),
        (Some("strict"), None, Some("bogus"), DOWNGRADE, Some(PHASE)),
    ] {
        let options = with(profile, connectivity, coverage);
        let verdict = verify(&bundle, DocumentKind::ProofBundle, &options);
        let case = format!("{profile:?} {connectivity:?} {coverage:?}");
        assert_eq!((verdict.reason_code, verdict.field.as_deref()), (code, field), "{case}");
    }
}

#[test]
fn connectivity_is_judged_only_where_enforced() {
    let orphan = spoiled("side_effect_receipts[0].binding.tool_span_id", Some("s_9".into()));
    let code = |mode| verify(&orphan, DocumentKind::ProofBundle, &with(None, mode, None)).reason_code;
    assert_eq!(code(None), "CAUSAL_SIDE_EFFECT_ORPHANED");
    assert_eq!(code(Some("bogus")), "CAUSAL_SIDE_EFFECT_ORPHANED");
    assert_eq!((code(Some("warn")), code(Some("observe"))), ("OK", "OK"));
}
