"""Rules between members (FORMATS 5.2) and hashes inside payloads (5.3)."""
import math
import re

from base import b64u, need, sha256
from sjson import jcs

SPACE = "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a" \
        "\u2028\u2029\u202f\u205f\u3000\ufeff"
GRANT_TEXTS = ("owner_ref owner_did controller_did agent_did policy_hash_b64u control_plane_policy_hash_b64u "
               "payment_account_did mission_id delegation_id delegator_did delegate_did "
               "delegation_policy_hash_b64u").split()
BUNDLE_LISTS = ("urm event_chain receipts vir_receipts web_receipts binary_semantic_evidence_attestations "
                "tool_receipts side_effect_receipts human_approval_receipts delegation_receipts attestations").split()


def grant_list(value):
    items = [value] if isinstance(value, str) else value
    return sorted({t.strip(SPACE) for t in items} - {""}, key=lambda t: t.encode("utf-16-be"))


def grant_hash(claims):
    """token_scope_hash_b64u (5.3)."""
    grant = {"token_version": "1", "sub": claims["sub"].strip(SPACE),
             "aud": grant_list(claims["aud"]), "scope": grant_list(claims["scope"])}
    for name in GRANT_TEXTS:
        text = claims.get(name, "").strip(SPACE)
        if text:
            grant[name] = text
    if "spend_cap" in claims and claims["spend_cap"] >= 0:
        grant["spend_cap"] = claims["spend_cap"]
    minor = claims.get("delegation_spend_cap_minor", "").strip(SPACE)
    if re.fullmatch("[0-9]+", minor):
        grant["delegation_spend_cap_minor"] = minor
    if claims.get("delegation_expires_at", 0) > 0:
        grant["delegation_expires_at"] = float(math.floor(claims["delegation_expires_at"]))
    return b64u(sha256(jcs(grant)))


def op_key(instance, uid, started_at, operation_digest):
    return sha256(jcs([instance, uid, started_at[:19] + "Z", operation_digest])).hex()


def ascending(keys):
    return all(a < b for a, b in zip(keys, keys[1:]))


def check_params(params, action, path):
    need(ascending([o.encode() for o in params.get("sync_options", [])]), "invalid_value", path + ".sync_options")
    need(ascending([jcs(r) for r in params.get("resources", [])]), "invalid_value", path + ".resources")
    need("auto_sync" not in params or action == "set_auto_sync", "invalid_value", path + ".auto_sync")


def check_destination(destination, path):
    need(("server" in destination) != ("name" in destination), "invalid_value", path + ".name")


def check_binds(binds, job, path):
    need(not job or "job_id" in binds, "missing_field", path + ".job_id")
    need(("history_id" in binds) == (binds["action"] == "rollback"), "invalid_value", path + ".history_id")
    need(("app" in binds) == ("destination" in binds), "missing_field",
         path + (".destination" if "app" in binds else ".app"))
    if "destination" in binds:
        check_destination(binds["destination"], path + ".destination")
    check_params(binds["params"], binds["action"], path + ".params")


def check_decision(payload):
    allow = payload["decision"] == "allow"
    check_binds(payload["binds"], allow, "payload.binds")
    for name in ("cst", "job_id", "run_id", "policy_hash_b64u"):
        need(not allow or name in payload, "missing_field", "payload." + name)


def moment(time):
    seconds, _, fraction = time.rstrip("Z").partition(".")
    return seconds, fraction.ljust(3, "0")


def check_observation(payload):
    if payload["event"] == "log_read":
        need(moment(payload["from"]) <= moment(payload["until"]), "invalid_value", "until")
    if payload["event"] != "operation":
        return
    check_destination(payload["destination"], "destination")
    check_params(payload.get("params", {}), payload["action"], "params")
    if payload["argocd_observation_version"] == "1":
        return
    seen = payload["channel"] in ("notify", "poll")
    named = "operation_digest" in payload or "op_key" in payload
    past = payload["channel"] == "poll" and payload["phase"] == "Succeeded" and "history_id" in payload and not named
    for name in ("operation_digest", "op_key"):
        need(past or (name in payload) == seen, "missing_field" if seen else "invalid_value", name)
    for name in ("resource_version", "token_id"):
        need(not seen or name not in payload, "invalid_value", name)
    if seen and not past:
        key = op_key(payload["instance"], payload["app"]["uid"], payload["started_at"], payload["operation_digest"])
        need(key == payload["op_key"], "invalid_value", "op_key")


def check_snapshot(payload):
    rows = payload["rows"]
    need(ascending([row["app"]["uid"].encode() for row in rows]), "invalid_value", "rows")
    total = payload["rows_total"]
    need(total == len(rows) if payload["full"] else total >= len(rows), "invalid_value", "rows_total")


def check_roots(payload):
    for i, observer in enumerate(payload["observers"]):
        need(("submitter" in observer) != ("did" in observer), "invalid_value", f"payload.observers[{i}]")
    instances = payload.get("instances", [])
    once = [[i["instance"] for i in instances]] + [[c["name"] for c in i["clusters"]] for i in instances]
    need(all(len(names) == len(set(names)) for names in once), "invalid_value", "payload.instances")


def check(kind, payload):
    """The rules of this kind, after its shape."""
    if kind == "proof_bundle":
        need(any(name in payload for name in BUNDLE_LISTS), "missing_field", "payload")
    elif kind == "cst_issuance":
        claims = payload["claims"]
        need(grant_hash(claims) == claims["token_scope_hash_b64u"], "scope_hash_mismatch",
             "payload.claims.token_scope_hash_b64u")
    elif kind == "approval":
        check_binds(payload["binds"], True, "payload.binds")
    elif kind == "argocd_decision":
        check_decision(payload)
    elif kind == "argocd_observation":
        check_observation(payload)
    elif kind == "argocd_snapshot":
        check_snapshot(payload)
    elif kind == "audit_roots":
        check_roots(payload)
    elif kind == "audit_statement":
        need(all(e["index"] < payload["size"] for e in payload["entries"]), "invalid_value", "payload.entries")
