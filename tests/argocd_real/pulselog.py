"""Pulselog beside it, as CONNECT.md connects it: log, roots, notifications, poller, a reader of the server's log."""
import hashlib
import json
import socket
import subprocess
import time
import urllib.error
import urllib.request

from tool import AGENT, HUMAN, OBSERVER

INSTANCE = "argocd-real"
JOB, RUN = "job-1", "run-1"
POLL_SECONDS = 5
READY_SECONDS_MAX = 60
POLICY = {
    "wpc_version": "v1",
    "workload": {"runtime": "openclaw", "agent_name": AGENT, "environment": "prod"},
    "tools": {"argo_cd": {"mode": "official_api", "allow": [
        {"action": action, "apps": ["payments-api", "payments-config", "payments-worker", "payments-freeze"],
         "namespaces": ["prod-canary"]} for action in ("read", "sync", "rollback", "set_auto_sync")],
        "deny": [{"action": "cluster_admin"}]}},
    "token": {"cst": {"max_ttl_seconds": 7200, "scope_hash_required": True, "policy_hash_pinning": "optional"}},
    "audit": {"require_gateway_receipts": False, "produce_proof_bundle": False},
}


def hex_of(text):
    return hashlib.sha256(text.encode()).hexdigest()


class Pulselog:
    def __init__(self, binary, tool, directory):
        self.binary, self.tool, self.dir = binary, tool, directory
        self.children, self.dids, self.seen = {}, {}, 0
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.listen = f"127.0.0.1:{free.getsockname()[1]}"
        self.url = f"http://{self.listen}"
        self.run("init", "mylog", "--origin", "log.example.com/argocd", "--listen", self.listen)
        for who in ("registry", "issuer", "wrapper", "agent"):
            self.dids[who] = self.run("keygen", "--did", "--out", f"{who}.pem").strip()
        self.operator = (self.dir / "mylog/operator.did").read_text().strip()
        self.make_tokens()
        self.start("log")
        self.say_roots()
        self.roots_at = time.time()

    def run(self, *args, given=None):
        ran = subprocess.run([self.binary, *args], cwd=self.dir, input=given, capture_output=True, text=True,
                             check=False)
        if ran.returncode not in (0, 3) and args[0] != "audit":
            raise RuntimeError(f"pulselog {' '.join(args)}: {ran.stderr.strip()}")
        return ran.stdout

    def make_tokens(self):
        grants = {
            "issuer": ["--kinds", "cst_issuance,cst_revocation"],
            "wrapper": ["--kinds", "argocd_decision,argocd_receipt"],
            "notify": ["--allow-unsigned", "argocd_observation:notify", "--instance", INSTANCE],
            "poll": ["--allow-unsigned", "argocd_observation", "--instance", INSTANCE],
            "server-log": ["--allow-unsigned", "argocd_observation:server_log", "--instance", INSTANCE],
        }
        for name, grant in grants.items():
            self.keep(f"{name}.token", self.run("token", "new", name, "--data", "mylog", *grant))

    def keep(self, name, text):
        path = self.dir / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def start(self, part):
        """Starts one part of ours; `log` returns when it is ready."""
        commands = {
            "log": [self.binary, "serve", "mylog", "--log", "warn"],
            "poller": [self.binary, "argocd", "poll", "--server", self.tool.url, "--token-file", "argocd.token",
                       "--instance", INSTANCE, "--log", self.url, "--log-token-file", "poll.token", "--state",
                       "poll.state", "--interval", str(POLL_SECONDS), "--json"],
            "log reader": ["bash", "-c", f'exec "{self.binary}" argocd ingest-log --instance {INSTANCE} --token-file '
                           f'server-log.token --url {self.url} < <(exec tail -n +{self.server_log_from} -F '
                           f'"{self.tool.root}/logs/argocd-server.log" --pid $$)'] if part == "log reader" else [],
        }
        with open(self.dir / f"{part}.out", "ab") as out:
            self.children[part] = subprocess.Popen(commands[part], cwd=self.dir, stdin=subprocess.DEVNULL, stdout=out,
                                                   stderr=out)
        if part == "log":
            self.wait_ready()

    def stop(self, part):
        child = self.children.pop(part, None)
        if child:
            child.terminate()
            child.wait(READY_SECONDS_MAX)

    def stop_all(self):
        for part in list(self.children):
            self.stop(part)

    def restart(self, part):
        self.stop(part)
        self.start(part)

    def keep_running(self, part):
        """As a service manager does: whoever ended is started again. Whether it had ended."""
        has_ended = self.children[part].poll() is not None
        if has_ended:
            self.start(part)
        return has_ended

    def wait_ready(self):
        until = time.time() + READY_SECONDS_MAX
        while time.time() < until:
            try:
                if self.get("/readyz")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise RuntimeError("the log is not ready: " + (self.dir / "log.out").read_text()[-2000:])

    def get(self, path):
        try:
            with urllib.request.urlopen(self.url + path, timeout=30) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, {}

    def log_statement(self, kind, signer, token, payload):
        """Signs and submits one statement; its envelope."""
        key = f"{signer}.pem" if signer != "operator" else "mylog/operator.pem"
        sealed = self.run("sign", "--kind", kind, "--key", key, "-", given=json.dumps(payload))
        self.keep("statement.json", sealed)
        self.run("submit", "--url", self.url, "--token-file", token, "--policy", "mylog/trust.policy", "statement.json")
        return json.loads(sealed)

    def say_roots(self):
        policy = self.run("sign", "--kind", "work_policy", "--key", "registry.pem", "-", given=json.dumps(POLICY))
        self.policy = json.loads(policy)["payload_hash_b64u"]
        observers = {"notify": ["notify"], "poll": ["poll", "k8s_event"], "server-log": ["server_log"]}
        self.log_statement("audit_roots", "operator", "mylog/operator.token", {
            "origin": "log.example.com/argocd", "policy_signers": [self.dids["registry"]],
            "cst_issuers": [self.dids["issuer"]], "cst_revokers": [self.dids["issuer"]], "gateways": [],
            "reviewers": [], "recorders": [], "approvers": [],
            "wrappers": [{"did": self.dids["wrapper"], "agents": [self.dids["agent"]]}],
            "observers": [{"submitter": name, "instance": INSTANCE, "channels": channels}
                          for name, channels in observers.items()],
            "agents": [{"did": self.dids["agent"], "default_policy": self.policy, "policies": [self.policy],
                        "usernames": [{"instance": INSTANCE, "username": AGENT}]}],
            "humans": [{"instance": INSTANCE, "username": name} for name in (HUMAN, "admin")],
            "instances": [{"instance": INSTANCE, "closed_writes": True, "humans_complete": True,
                           "clusters": [{"name": "in-cluster", "server": "https://kubernetes.default.svc"}]}],
            "distrusted": [],
        })
        self.keep("policy.json", policy)
        self.run("submit", "--url", self.url, "--token-file", "mylog/operator.token", "policy.json")
        now = int(time.time())
        issued = self.log_statement("cst_issuance", "issuer", "issuer.token", {
            "token_hash": hex_of("token"), "kid": "0123456789abcdef", "claims": {
                "token_version": "1", "sub": self.dids["agent"], "aud": ["clawproxy.example"],
                "scope": ["argocd:sync", "argocd:rollback", "argocd:set_auto_sync"], "iat": now, "exp": now + 7200,
                "policy_hash_b64u": self.policy, "mission_id": JOB}})
        self.scope = issued["payload"]["claims"]["token_scope_hash_b64u"]

    def connect(self):
        """Notifications by our own configuration, with the token in its place; then poller and log reader."""
        self.keep("argocd.token", self.tool.token(OBSERVER))
        printed = self.run("argocd", "notifications-config", "--url", self.url, "--instance", INSTANCE)
        token = (self.dir / "notify.token").read_text().strip()
        self.tool.kubectl("apply", "-f", "-", given=printed.replace("PUT-THE-TOKEN-HERE", token))
        # The log reader begins here, also when it begins again.
        log = self.tool.root / "logs/argocd-server.log"
        self.server_log_from = log.read_bytes().count(b"\n") + 1
        self.start("poller")
        self.start("log reader")

    def observations(self):
        """Every observation and snapshot in the log, each with its index, time and submitter."""
        entries, after = [], None
        for kind in ("argocd_observation", "argocd_snapshot"):
            after = None
            while True:
                path = f"/v1/entries?kind={kind}&limit=1000" + (f"&after={after}" if after is not None else "")
                page = self.get(path)[1]
                entries += page["entries"]
                after = page.get("next")
                if after is None:
                    break
        for entry in entries:
            entry["said"] = self.get(f"/v1/artifacts/{entry['artifact']}")[1]
        return entries

    def audit(self, *scope):
        text = self.run("audit", "--log", self.url, "--policy", "mylog/trust.policy", "--operator", self.operator,
                        *scope, "--json")
        return json.loads(text)
