"""A real Argo CD in a directory: started and stopped by its scripts, called as its accounts, broken part by part."""
import datetime
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

AGENT, OBSERVER, HUMAN = "argo-deploy-assistant", "pulselog-observer", "alice"
LAST_PHASES = ("Succeeded", "Failed", "Error")
START_SECONDS_MAX = 420
CALL_SECONDS_MAX = 60
APPLICATIONS = "/apis/argoproj.io/v1alpha1/applications"


def unix(text):
    """Seconds of a time as Kubernetes writes it."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Tool:
    def __init__(self, root):
        self.root = Path(root).resolve()
        self.url = self.setting("ARGOCD_URL")

    def setting(self, name):
        line = f'. "{self.root}/env.sh"; printf %s "${name}"'
        return subprocess.run(["bash", "-c", line], check=True, capture_output=True, text=True).stdout

    def up(self):
        """Starts what is down. Its own notification configuration stays away: ours is the one that is tried."""
        environment = dict(os.environ, NO_NOTIFICATION_CONFIG="1")
        for _ in range(3):
            ran = subprocess.run([self.root / "up.sh"], env=environment, capture_output=True, text=True,
                                 timeout=START_SECONDS_MAX, check=False)
            if ran.returncode == 0:
                return
        raise RuntimeError(f"up.sh ends with {ran.returncode}:\n{ran.stdout[-2000:]}{ran.stderr[-2000:]}")

    def down(self, *flags):
        subprocess.run([self.root / "down.sh", *flags], check=False, capture_output=True, timeout=START_SECONDS_MAX)

    def stop(self, part):
        """Ends one part by its own process id."""
        pid = int((self.root / "run" / f"{part}.pid").read_text())
        os.kill(pid, signal.SIGTERM)
        for _ in range(200):
            if not Path(f"/proc/{pid}").exists():
                return
            time.sleep(0.1)
        os.kill(pid, signal.SIGKILL)

    def kubectl(self, *args, given=None):
        command = [self.root / "bin/kubectl", "--kubeconfig", self.root / "run/kubeconfig-admin", *args]
        ran = subprocess.run(command, input=given, capture_output=True, text=True, timeout=CALL_SECONDS_MAX,
                             check=False)
        if ran.returncode:
            raise RuntimeError(f"kubectl {' '.join(map(str, args[:4]))}: {ran.stderr.strip()}")
        return ran.stdout

    def patch(self, app, change, namespace="argocd"):
        self.kubectl("-n", namespace, "patch", "application", app, "--type", "merge", "-p", json.dumps(change))

    def token(self, who):
        return json.loads((self.root / "run/tokens.json").read_text())[who]

    def call(self, who, method, path, body=None):
        """One call as an account: status and answer; status 0 where nobody answers."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token(who)}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=CALL_SECONDS_MAX) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        except OSError:
            return 0, {}
        try:
            return status, json.loads(text)
        except ValueError:
            return status, {}

    def application(self, app):
        return self.call(OBSERVER, "GET", f"/api/v1/applications/{app}")[1]

    def ended(self, app, after, seconds=90):
        """Waits until the newest operation, one that began at `after` or later, has ended; its phase or None."""
        until = time.time() + seconds
        while time.time() < until:
            shown = self.application(app)
            state = shown.get("status", {}).get("operationState")
            if state and "operation" not in shown and state["phase"] in LAST_PHASES:
                if unix(state["startedAt"]) >= int(after) - 1:
                    return state["phase"]
            time.sleep(0.3)
        return None

    def commit(self, path, text, repository="payments/deploy"):
        """Writes a file (None: removes it) into the Git repository that Argo CD follows; the commit."""
        work = self.root / "run/work" / repository
        file = work / path
        if text is None:
            file.unlink(missing_ok=True)
        else:
            file.write_text(text)
        line = f"git add -A && git commit -q --allow-empty -m {path} && git push -q origin HEAD:main"
        subprocess.run(["bash", "-c", line], cwd=work, check=True, capture_output=True)
        return self.head(repository)

    def head(self, repository="payments/deploy"):
        return subprocess.run(["git", "rev-parse", "HEAD"], cwd=self.root / "run/work" / repository, check=True,
                              capture_output=True, text=True).stdout.strip()


def config_map(name, **data):
    rows = "".join(f"  {key}: {json.dumps(str(value))}\n" for key, value in data.items())
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata:\n{rows}"
