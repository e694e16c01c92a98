"""A wrapper as PEERS.md asks for one: it logs its decision, calls as the agent's account, and logs what came of it."""
import base64
import hashlib
import json
import time

from pulselog import INSTANCE, JOB, RUN, hex_of
from tool import AGENT, unix
from truth import digest, op_key

SERVER = "https://kubernetes.default.svc"
# How long the wrapper looks for the operation that a call made, to name it in its receipt.
LOOK_SECONDS_MAX = 20


def outcome(status, answer):
    """The table of PEERS 7.9."""
    code, message = answer.get("code"), str(answer.get("message", ""))
    if status == 200:
        return "accepted"
    if status == 403 and code == 7 and message.startswith("permission denied: applications,"):
        return "refused_rbac"
    if status == 403 and code == 7 and message.startswith("cannot sync: blocked by sync window"):
        return "refused_sync_window"
    if status in (400, 404) and code in (3, 5, 9):
        return "refused_precondition"
    return "error_transport"


def request_digest(method, path, body):
    """Hex SHA-256 of the JCS of the call, without infos of ours (FORMATS 5.3)."""
    infos = [pair for pair in body.get("infos", []) if not pair["name"].startswith("claw.")]
    body = {**{name: value for name, value in body.items() if name != "infos"}, **({"infos": infos} if infos else {})}
    call = {"method": method, "path": path, "query": {}, "body": body}
    return hex_of(json.dumps(call, sort_keys=True, separators=(",", ":")))


class Wrapper:
    def __init__(self, tool, pulselog):
        self.tool, self.pulselog = tool, pulselog

    def binds(self, action, app, revisions, params, history_id):
        shown = self.tool.application(app)
        binds = {"instance": INSTANCE, "job_id": JOB, "action": action, "revisions": revisions, "params": params,
                 "app": {"uid": shown["metadata"]["uid"], "name": app, "namespace": "argocd", "project": "payments"},
                 "destination": {"server": SERVER, "namespace": "prod-canary"}}
        return binds if history_id is None else {**binds, "history_id": history_id}

    def decide(self, binds, method, path, body):
        envelope = self.pulselog.log_statement("argocd_decision", "wrapper", "wrapper.token", {
            "decision": "allow", "decision_reason": "allow row", "binds": binds,
            "request_digest": request_digest(method, path, body), "job_id": JOB, "run_id": RUN,
            "cst": {"token_hash": hex_of("token"), "scope_hash_b64u": self.pulselog.scope},
            "policy_hash_b64u": self.pulselog.policy, "approvals": [], "argocd_version": "v3.5.7"})
        padded = envelope["payload_hash_b64u"] + "="
        return base64.urlsafe_b64decode(padded).hex()

    def named(self, app, since, is_it):
        """Key of the operation that a call made, where the application shows it in time."""
        until = time.time() + LOOK_SECONDS_MAX
        while time.time() < until:
            shown = self.tool.application(app)
            state = shown.get("status", {}).get("operationState")
            if state and unix(state["startedAt"]) >= int(since) - 1 and is_it(state["operation"]):
                return op_key(INSTANCE, shown["metadata"]["uid"], state["startedAt"], digest(state["operation"]))
            time.sleep(0.2)
        return None

    def receipt(self, decision, request, status, answer, key):
        said = {"decision_digest": decision, "outcome": outcome(status, answer), "request_digest": request,
                "response_digest": hashlib.sha256(json.dumps(answer).encode()).hexdigest()}
        meta = answer.get("metadata", {})
        for name, value in (("resource_version", meta.get("resourceVersion")), ("app_uid", meta.get("uid")),
                            ("http_status", status or None), ("op_key", key)):
            if value:
                said[name] = value
        self.pulselog.log_statement("argocd_receipt", "wrapper", "wrapper.token", said)

    def sync(self, app, revision=None, params=None, call=None, **more):
        """A sync by way of the wrapper; the status that Argo CD answered with. `call` makes the call, where something
        happens around it."""
        revision = revision or self.tool.head()
        path = f"/api/v1/applications/{app}/sync"
        body = {"revision": revision, "appNamespace": "argocd", "project": "payments", **more}
        decision = self.decide(self.binds("sync", app, [revision], params or {}, None), "POST", path, body)
        body["infos"] = [{"name": "claw.decision", "value": decision}]
        return self.send(decision, ("POST", path, body), app, call, lambda made: made.get("info") == body["infos"])

    def rollback(self, app, entry):
        path = f"/api/v1/applications/{app}/rollback"
        body = {"id": entry["id"], "appNamespace": "argocd", "project": "payments"}
        binds = self.binds("rollback", app, [entry["revision"]], {}, entry["id"])
        decision = self.decide(binds, "POST", path, body)
        went_back = lambda made: "info" not in made and made.get("sync", {}).get("revision") == entry["revision"]
        return self.send(decision, ("POST", path, body), app, None, went_back)

    def freeze(self, app, switch):
        path = f"/api/v1/applications/{app}"
        policy = {"automated": None} if switch == "off" else {"automated": {}}
        body = {"patch": json.dumps({"spec": {"syncPolicy": policy}}), "patchType": "merge", "appNamespace": "argocd",
                "project": "payments"}
        decision = self.decide(self.binds("set_auto_sync", app, [], {"auto_sync": switch}, None), "PATCH", path, body)
        return self.send(decision, ("PATCH", path, body), app, None, None)

    def send(self, decision, asked, app, call, is_it):
        """Makes the call and logs its receipt, with the operation's key where one was made."""
        since = time.time()
        status, answer = (call or self.tool.call)(AGENT, *asked)
        key = self.named(app, since, is_it) if status == 200 and is_it else None
        self.receipt(decision, request_digest(*asked), status, answer, key)
        return status
