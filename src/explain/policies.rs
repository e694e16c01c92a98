//! Why a work policy allows or refuses: titles and advice for its reasons.

use super::Advice;

advice! {
    ADVICE:
    allowed, "Allowed", "nothing to do";
    allowed_with_approval, "Allowed with approval", "look for the approval; without one, from the right person and in time, the action was not allowed";
    not_governed, "Not governed", "judge the action under the policy that is about such actions";
    denied_by_clause, "Denied", "find out why the agent asked for it; change the policy if it should be allowed";
    denied_by_unknown_fact, "Denied for lack of a fact", "supply the fact that the clause asks for, or take it as denied";
    no_clause_allows, "No clause allows it", "find out why the agent asked for it; add a clause if it should be allowed";
    application_not_allowed, "Another application", "find out why the agent reached for this application";
    instance_not_allowed, "Another Argo CD instance", "compare the clause's instances and the agent's in the roots with the instance named";
    namespace_not_allowed, "Another namespace", "find out why the agent reached into this namespace";
    namespace_unnamed, "Namespace not named", "name the namespace in the action; what reaches the whole cluster is not allowed by naming one";
    too_many_namespaces, "Too many namespaces", "split the action into smaller ones";
    no_application, "About no application", "have a person do it; no policy of this form can allow it to an agent";
    condition_not_met, "Condition not met", "look at the named clause, and supply the facts that its conditions ask for";
    parameter_not_approved, "Parameter needs approval", "ask for an approval that names this parameter";
    provider_not_allowed, "Provider not listed", "use a listed provider, or add this one to the policy";
    model_not_allowed, "Model not listed", "use a listed model, or add this one to the policy";
    model_identity_too_low, "Model not proven enough", "ask the gateway for a stronger proof of which model answered";
    audit_pack_unproven, "Model audit not proven", "supply the attestation of that audit";
    name_unreadable, "Name unreadable", "treat the receipt as suspect; its producer wrote control characters into a name";
    ancestor_silent, "Inherited policy silent", "have the inherited policy allow it, or inherit from one that does";
    policy_version_unknown, "Policy version unknown", "sign the policy in a known version";
    policy_malformed, "Policy not understood", "correct the named part of the policy and sign it again";
    policy_too_large, "Policy too large", "split the policy, or inherit what is common";
    action_malformed, "Action not understood", "correct the named part of the action";
    parent_missing, "Inherited policy not logged", "log the inherited policy, then the one that inherits it";
    parent_of_another_signer, "Inherited policy of another signer", "inherit only from policies of the same signer";
    parent_later, "Inherited policy logged later", "log the inheriting policy again, after the inherited one";
    parent_ambiguous, "Several inherited policies", "give each policy its own id";
    inheritance_cycle, "Policies inherit in a circle", "remove one of the inherits members";
    inheritance_too_deep, "Too many generations", "inherit over fewer policies";
}
