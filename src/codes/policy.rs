//! Why a work policy allows or refuses.

use super::Code;

rows! {
    /// Why a judgement came out as it did.
    pub REASONS "work policy":
    ALLOWED "allowed": "Allowed", "A clause allows it and none denies it.", "nothing to do";
    ALLOWED_WITH_APPROVAL "allowed_with_approval": "Allowed with approval", "A clause allows it if a person approved exactly this act.", "look for the approval; without one, from the right person and in time, the action was not allowed";
    NOT_GOVERNED "not_governed": "Not governed", "The policy says nothing about actions of this sort.", "judge the action under the policy that is about such actions";
    DENIED_BY_CLAUSE "denied_by_clause": "Denied", "A clause denies it; a deny always wins.", "find out why the agent asked for it; change the policy if it should be allowed";
    DENIED_BY_UNKNOWN_FACT "denied_by_unknown_fact": "Denied for lack of a fact", "A deny asks for a fact that is not known, so it applies.", "supply the fact that the clause asks for, or take it as denied";
    NO_CLAUSE_ALLOWS "no_clause_allows": "No clause allows it", "No clause allows this action; what is not allowed is refused.", "find out why the agent asked for it; add a clause if it should be allowed";
    APPLICATION_NOT_ALLOWED "application_not_allowed": "Another application", "The action is allowed for other applications, not for this one.", "find out why the agent reached for this application";
    INSTANCE_NOT_ALLOWED "instance_not_allowed": "Another Argo CD instance", "The action is allowed on other Argo CD instances, or the agent has none of this name in the roots.", "compare the clause's instances and the agent's in the roots with the instance named";
    NAMESPACE_NOT_ALLOWED "namespace_not_allowed": "Another namespace", "The action reaches a namespace that no clause allows for it.", "find out why the agent reached into this namespace";
    NAMESPACE_UNNAMED "namespace_unnamed": "Namespace not named", "The action reaches a place without a namespace (cluster-scoped, or left to the manifests), which no clause allows.", "name the namespace in the action; what reaches the whole cluster is not allowed by naming one";
    TOO_MANY_NAMESPACES "too_many_namespaces": "Too many namespaces", "The action reaches more namespaces than are judged.", "split the action into smaller ones";
    NO_APPLICATION "no_application": "About no application", "The action is about no application, and such actions are never allowed.", "have a person do it; no policy of this form can allow it to an agent";
    CONDITION_NOT_MET "condition_not_met": "Condition not met", "A clause would allow it, but one of its conditions does not hold or cannot be decided.", "look at the named clause, and supply the facts that its conditions ask for";
    PARAMETER_NOT_APPROVED "parameter_not_approved": "Parameter needs approval", "A parameter that no policy can speak about needs an approval that names it.", "ask for an approval that names this parameter";
    PROVIDER_NOT_ALLOWED "provider_not_allowed": "Provider not listed", "The policy does not list this model provider.", "use a listed provider, or add this one to the policy";
    MODEL_NOT_ALLOWED "model_not_allowed": "Model not listed", "The policy does not list this model.", "use a listed model, or add this one to the policy";
    MODEL_IDENTITY_TOO_LOW "model_identity_too_low": "Model not proven enough", "The model's identity is proven less strongly than the policy asks.", "ask the gateway for a stronger proof of which model answered";
    AUDIT_PACK_UNPROVEN "audit_pack_unproven": "Model audit not proven", "An audit that the policy asks of the model is not proven.", "supply the attestation of that audit";
    NAME_UNREADABLE "name_unreadable": "Name unreadable", "A provider or model name holds control characters.", "treat the receipt as suspect; its producer wrote control characters into a name";
    ANCESTOR_SILENT "ancestor_silent": "Inherited policy silent", "An inherited policy does not govern such actions, so it does not allow.", "have the inherited policy allow it, or inherit from one that does";
    POLICY_VERSION_UNKNOWN "policy_version_unknown": "Policy version unknown", "The policy is of no known version.", "sign the policy in a known version";
    POLICY_MALFORMED "policy_malformed": "Policy not understood", "The policy holds something unknown, so it allows nothing.", "correct the named part of the policy and sign it again";
    POLICY_TOO_LARGE "policy_too_large": "Policy too large", "The policy is larger than its registry takes.", "split the policy, or inherit what is common";
    ACTION_MALFORMED "action_malformed": "Action not understood", "The action is not one that policies can speak about.", "correct the named part of the action";
    PARENT_MISSING "parent_missing": "Inherited policy not logged", "The inherited policy is not logged.", "log the inherited policy, then the one that inherits it";
    PARENT_OF_ANOTHER_SIGNER "parent_of_another_signer": "Inherited policy of another signer", "The inherited policy is logged, but signed by somebody else.", "inherit only from policies of the same signer";
    PARENT_LATER "parent_later": "Inherited policy logged later", "The inherited policy was logged after the one that inherits it.", "log the inheriting policy again, after the inherited one";
    PARENT_AMBIGUOUS "parent_ambiguous": "Several inherited policies", "Several logged policies have the id of the inherited one.", "give each policy its own id";
    INHERITANCE_CYCLE "inheritance_cycle": "Policies inherit in a circle", "A policy inherits from itself, directly or through others.", "remove one of the inherits members";
    INHERITANCE_TOO_DEEP "inheritance_too_deep": "Too many generations", "Too many policies inherit from one another.", "inherit over fewer policies";
}
