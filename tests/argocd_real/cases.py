"""What is played, one function a case, in the order of the report. Each gets the stage: tool, log and wrapper."""
import time

from pulselog import POLL_SECONDS
from tool import AGENT, HUMAN, config_map

CASES = []
BAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: payments-bad}\ndata: {n: 5, m: [1]}\n"
FLAGS, BAD_FILE = "overlays/prod-canary/payments-api-flags.yaml", "config/bad.yaml"
WORKER = "worker/payments-worker-config.yaml"
API = "payments-api"
THEIR_PARTS = ("argocd-server", "argocd-application-controller", "argocd-notifications", "argocd-repo-server", "redis")
# JUDGING 3.4: RECEIPT and SKEW. Whoever acts sooner after the roots than both is not judged by their names, and what
# nobody explains waits for its decision, and for words of it, through both and a SKEW more.
RECEIPT, SKEW = 120, 240
SPARE = 4
RETRY = {"limit": 2, "backoff": {"duration": "1s", "factor": 2, "maxDuration": "30s"}}


def case(title):
    def keep(play):
        CASES.append((play.__name__, title, play))
        return play
    return keep


def flags(stage, value):
    return stage.tool.commit(FLAGS, config_map("payments-api-flags", new_router=value))


def synced(stage, app, **how):
    began = time.time()
    status = stage.wrapper.sync(app, **how)
    phase = stage.tool.ended(app, began) if status == 200 else None
    stage.note(f"{app}: answered {status}" + (f", {phase}" if phase else ""))
    return phase


def settle(rounds=2):
    """Long enough for the poller to look."""
    time.sleep(rounds * POLL_SECONDS + 1)


@case("a sync")
def sync(stage):
    flags(stage, "first")
    synced(stage, API)


@case("a rollback to an earlier entry of the history")
def rollback(stage):
    flags(stage, "second")
    synced(stage, API)
    settle(1)
    entry = stage.tool.application(API)["status"]["history"][-2]
    began = time.time()
    status = stage.wrapper.rollback(API, entry)
    stage.note(f"{API}: answered {status}, {stage.tool.ended(API, began)}")
    settle(1)


@case("a sync that fails: the API server refuses a manifest")
def failure(stage):
    stage.tool.commit(BAD_FILE, BAD)
    synced(stage, "payments-config")
    settle(1)


@case("a sync that is tried again twice and fails")
def retry(stage):
    synced(stage, "payments-config", retryStrategy=RETRY)
    stage.tool.commit(BAD_FILE, None)
    synced(stage, "payments-config")


@case("three syncs, one right after the other, quicker than the poller looks")
def in_a_row(stage):
    for value in ("third", "fourth", "fifth"):
        flags(stage, value)
        synced(stage, API)


@case("a freeze: automated sync off by the agent, and on again")
def freeze(stage):
    for switch in ("off", "on"):
        stage.note(f"payments-freeze: {switch} answered {stage.wrapper.freeze('payments-freeze', switch)}")
        settle(1)


@case("a commit that automated sync takes up, and a drift that it heals")
def self_heal(stage):
    began = time.time()
    stage.tool.commit(WORKER, config_map("payments-worker-config", queue="settlement-2"))
    stage.tool.call(HUMAN, "GET", "/api/v1/applications/payments-worker?refresh=normal")
    stage.note(f"payments-worker: {stage.tool.ended('payments-worker', began)}")
    settle(1)
    began = time.time()
    stage.tool.kubectl("-n", "prod-canary", "patch", "configmap", "payments-worker-config", "--type", "merge", "-p",
                       '{"data":{"queue":"drift"}}')
    stage.note(f"payments-worker: {stage.tool.ended('payments-worker', began)}")


@case("a sync by a person, and calls that Argo CD refuses the agent")
def person_and_refusal(stage):
    began = time.time()
    stage.tool.call(HUMAN, "POST", "/api/v1/applications/billing-api/sync", {"appNamespace": "argocd"})
    stage.note(f"billing-api: {stage.tool.ended('billing-api', began)}")
    for method, app in (("POST", "billing-api/sync"), ("DELETE", "payments-freeze")):
        status, answer = stage.tool.call(AGENT, method, f"/api/v1/applications/{app}", {} if method == "POST" else None)
        stage.note(f"{method} {app} by the agent: {status} {answer.get('message', '')}")


@case("an application is deleted")
def deletion(stage):
    path = "/api/v1/applications/payments-multi"
    began = time.time()
    stage.tool.call(HUMAN, "POST", f"{path}/sync", {})
    stage.tool.ended("payments-multi", began)
    settle(1)
    status, _ = stage.tool.call(HUMAN, "DELETE", f"{path}?cascade=true&appNamespace=argocd&project=payments")
    stage.note(f"payments-multi: deletion answered {status}")
    settle()


@case("the log is down while a sync runs: no receiver, and nobody takes what the poller says")
def stopped_receiver(stage):
    flags(stage, "log down")

    def call(*asked):
        stage.pulselog.stop("log")
        answered = stage.tool.call(*asked)
        stage.tool.ended(API, time.time() - 1)
        time.sleep(POLL_SECONDS)
        stage.pulselog.start("log")
        return answered
    synced(stage, API, call=call)
    settle()


@case("Kubernetes is down: a call fails, and works again after it")
def stopped_kubernetes(stage):
    stage.tool.stop("kube-apiserver")
    path = f"/api/v1/applications/{API}/sync"
    status, answer = stage.tool.call(AGENT, "POST", path, {"appNamespace": "argocd", "project": "payments"})
    stage.note(f"{API}: answered {status} {answer.get('message', '')} while it is down")
    settle()
    stage.tool.up()
    flags(stage, "kubernetes again")
    synced(stage, API)


def around(stage, part, restart):
    """A sync just before a part of Argo CD's ends, and one just after it was started again."""
    flags(stage, f"before {part}")
    synced(stage, API)
    restart()
    flags(stage, f"after {part}")
    synced(stage, API)


@case("each part of ours is started again: log, poller, log reader")
def our_restarts(stage):
    for part in ("log", "poller", "log reader"):
        around(stage, part, lambda part=part: stage.pulselog.restart(part))


@case("each part of Argo CD's is started again: server, controller, notifications, repo server, Redis")
def their_restarts(stage):
    for part in THEIR_PARTS:
        def restart(part=part):
            stage.tool.stop(part)
            stage.tool.up()
        around(stage, part, restart)


@case("past the wrapper: the agent's account calls without a decision, and kubectl writes an operation in its name")
def past_the_wrapper(stage):
    stage.wait_until(stage.pulselog.roots_at + RECEIPT + SKEW + SPARE)
    began = time.time()
    status, _ = stage.tool.call(AGENT, "POST", f"/api/v1/applications/{API}/sync", {})
    stage.note(f"{API}: answered {status}, {stage.tool.ended(API, began)}")
    stage.past_at = time.time()
    stage.tool.patch("payments-config", {"operation": {"initiatedBy": {"username": AGENT},
                                                       "sync": {"revision": stage.tool.head()}}})
    stage.note(f"payments-config: kubectl, {stage.tool.ended('payments-config', stage.past_at)}")


@case("the controller is down when a call is accepted: it runs when the controller is back")
def controller_away(stage):
    flags(stage, "controller away")
    began = time.time()
    stage.tool.stop("argocd-application-controller")
    stage.note(f"{API}: answered {stage.wrapper.sync(API)}")
    stage.tool.up()
    stage.note(f"{API}: {stage.tool.ended(API, began)}")


@case("nobody looks: poller and notifications are down for two syncs and a failed one, then come back")
def nobody_looks(stage):
    stage.pulselog.stop("poller")
    stage.tool.stop("argocd-notifications")
    flags(stage, "unseen 1")
    synced(stage, API)
    synced(stage, API, revision="f" * 40)
    flags(stage, "unseen 2")
    synced(stage, API)
    stage.tool.up()
    stage.pulselog.start("poller")
    settle()


@case("a sync when the time is over in which a decision of what nobody decided could still come")
def settled(stage):
    stage.wait_until(stage.past_at + SKEW + RECEIPT + SKEW + SPARE)
    flags(stage, "last")
    synced(stage, API)
