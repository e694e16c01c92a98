"""The truth: every version of every Application as the Kubernetes watch gives it, and the operations in them."""
import hashlib
import json
import subprocess
import threading
import time

from tool import APPLICATIONS, LAST_PHASES


def digest(operation):
    """FORMATS 5.3 once more, from the text: the operation's JCS, without what a refresh takes away in its middle."""
    operation = json.loads(json.dumps(operation))
    if operation.get("retry", {}).get("refresh"):
        for name in ("revision", "revisions"):
            operation.get("sync", {}).pop(name, None)
    text = json.dumps(operation, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def op_key(instance, uid, started_at, operation_digest):
    """FORMATS 5.3 too: what every channel must call the operation."""
    text = json.dumps([instance, uid, started_at[:19] + "Z", operation_digest], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class Watch:
    """Goes on at the version where it ended. An API server that was started again may not know that version: then the
    list takes its place, and the time between is a gap of the truth itself."""

    def __init__(self, tool, instance):
        self.tool, self.instance, self.lines, self.gaps, self.is_over = tool, instance, [], [], False
        items = self.list()
        self.before = {key for item in items for key in [self.key_of(item)] if key}
        self.entries_before = {item["metadata"]["uid"]: self.entries_of(item) for item in items}
        self.child = None
        self.thread = threading.Thread(target=self.follow, daemon=True)
        self.thread.start()

    def list(self):
        listed = json.loads(self.tool.kubectl("get", "--raw", APPLICATIONS))
        self.version, self.heard = listed["metadata"]["resourceVersion"], time.time()
        return listed["items"]

    def list_again(self):
        """After a version that is too old: what is there now, and from when to when nothing was heard."""
        before = self.heard
        try:
            self.lines += [(time.time(), "LIST", item) for item in self.list()]
        except RuntimeError:
            return
        self.gaps.append((before, self.heard))

    @staticmethod
    def entries_of(application):
        return {entry["id"] for entry in application.get("status", {}).get("history", [])}

    @staticmethod
    def key_of(application):
        state = application.get("status", {}).get("operationState")
        return state and (application["metadata"]["uid"], state["startedAt"], digest(state["operation"]))

    def follow(self):
        kubectl = [self.tool.root / "bin/kubectl", "--kubeconfig", self.tool.root / "run/kubeconfig-admin"]
        while not self.is_over:
            path = f"{APPLICATIONS}?watch=true&resourceVersion={self.version}"
            with subprocess.Popen([*kubectl, "get", "--raw", path], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL) as self.child:
                for line in self.child.stdout:
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        self.list_again()
                        break
                    self.version, self.heard = event["object"]["metadata"]["resourceVersion"], time.time()
                    self.lines.append((self.heard, event["type"], event["object"]))
                self.child.terminate()
            time.sleep(0.2)

    def end(self):
        self.is_over = True
        if self.child:
            self.child.terminate()
        self.thread.join(10)

    def before_keys(self):
        return {op_key(self.instance, *key) for key in self.before}

    def operations(self):
        """Every operation in it, in order of appearance, with the key that Pulselog should give it."""
        found, asked, entries = {}, {}, dict(self.entries_before)
        for at, _, application in self.lines:
            meta = application["metadata"]
            if "operation" not in application:
                asked.pop(meta["uid"], None)
            elif meta["uid"] not in asked:
                asked[meta["uid"]] = int(meta["resourceVersion"])
            key = self.key_of(application)
            if not key or key in self.before:
                continue
            state = application["status"]["operationState"]
            row = found.setdefault(key, {
                "app": meta["name"], "uid": key[0], "started_at": key[1], "first": at, "last": None, "phases": [],
                "by": state["operation"].get("initiatedBy", {}), "op_key": op_key(self.instance, *key),
                # The version that the call made: that of the event of its start, and of the answer.
                "asked": asked.get(meta["uid"]), "history": set()})
            if state["phase"] not in row["phases"]:
                row["phases"].append(state["phase"])
            row["retries"] = state.get("retryCount", 0)
            if state["phase"] in LAST_PHASES and row["last"] is None:
                row["last"] = at
            # The operation that is there when an entry of the history appears made it.
            row["history"] |= self.entries_of(application) - entries.get(meta["uid"], set())
            entries[meta["uid"]] = entries.get(meta["uid"], set()) | self.entries_of(application)
        return list(found.values())
