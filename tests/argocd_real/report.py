"""The run's report: what was played, what the truth had, and who told of it."""
import json
import os
import statistics
from collections import Counter

from check import CHANNELS


class Run:
    def __init__(self, stage, watch, rows, faults, observations, said):
        self.stage, self.watch, self.rows, self.faults = stage, watch, rows, faults
        self.observations, self.said = observations, said
        if os.environ.get("ARGOCD_REAL_DUMP"):
            with open(os.environ["ARGOCD_REAL_DUMP"], "w") as file:
                json.dump({"rows": rows, "observations": observations, "said": said}, file, indent=1)

    def figures(self):
        rows = self.rows
        out = [("operations in the watch", len(rows))]
        for channel in CHANNELS:
            after = [row["after"][channel] for row in rows if channel in row["after"]]
            if after:
                middle, most = max(0, statistics.median(after)), max(after)
                out.append((f"told of by `{channel}`",
                            f"{len(after)}; {middle:.1f} s after its first version (median), {most:.1f} s (longest)"))
            out.append((f"told of by `{channel}` alone", sum(list(row["told"]) == [channel] for row in rows)))
        ends = [max(0, row["end_after"]) for row in rows if row["end_after"] is not None]
        if ends:
            out.append(("their ends, by whichever channel was first",
                        f"{len(ends)}; after {statistics.median(ends):.1f} s (median), {max(ends):.1f} s (longest)"))
        out.append(("told of by nobody", sum(not row["told"] for row in rows)))
        called = [row for row in rows if row["call"]]
        out.append(("matched with a decision", len(called)))
        for key in ("grade", "by", "certainty"):
            words = [row["call"].get(key, "nothing") for row in called]
            out.append((f"matched, `{key}`", ", ".join(f"{word} {words.count(word)}" for word in sorted(set(words)))))
        gaps = ", ".join(f"{until - since:.0f} s" for since, until in self.watch.gaps) or "none"
        out.append(("gaps of the watch itself, while the API server was down", gaps))
        out.append(("observations and snapshots in the log", len(self.observations)))
        return out

    def row(self, row):
        by = row["by"].get("username") or ("Argo CD itself" if row["by"].get("automated") else "nobody")
        told = [f"{channel} {max(0, row['after'][channel]):.1f}" for channel in CHANNELS if channel in row["told"]]
        told = ", ".join(told) or "**nobody**"
        call = row["call"]
        joined = f"{call.get('by', '-')}, {call.get('certainty', '-')}, {call['grade']}" if call else "none"
        said = ", ".join([f"`{code}`" for code in row["codes"]] + row["words"]) or "-"
        phases = " ".join(row["phases"]) + (f", {row['retries']} retries" if row["retries"] else "")
        return f"| {row['app']} | {row['started_at'][11:19]} | {by} | {phases} | {told} | {joined} | {said} |"

    def sections(self):
        """Cases with their titles. What began before the first of them, while parts were started and connected, is of
        none and stands first: the tables show every operation that the figures count."""
        cases = [(name, title) for name, title, _ in self.stage.played]
        before = any(row["case"] is None for row in self.rows)
        return ([(None, BEFORE)] if before else []) + cases

    def text(self):
        lines = [HEAD, "## Figures", "", "| what | how much |", "|---|---|"]
        lines += [f"| {what} | {much} |" for what, much in self.figures()]
        lines += ["", "## Case by case", ""]
        lines.append("*Told of* has the seconds from the operation's first version to the first entry of each channel; "
                     "*joined* by what, how certain, and the grade.")
        for name, title in self.sections():
            lines += ["", f"### {title[0].upper()}{title[1:]}", ""]
            rows = [row for row in self.rows if row["case"] == name]
            if rows:
                lines += ["| application | start | by | phases | told of | joined | said |"]
                lines += ["|---|---|---|---|---|---|---|"]
                lines += [self.row(row) for row in rows]
            notes = Counter(text for of, text in self.stage.notes if of == name)
            told = [text if count == 1 else f"{text} ({count} times)" for text, count in notes.items()]
            if rows and told:
                lines += [""]
            lines += ["Notes: " + "; ".join(told) + "."] if told else []
        lines += ["", "## Beside the operations", ""]
        counts = Counter()
        for entry in self.observations:
            said = entry["said"]
            more = said.get("change") or (said.get("after") if said.get("event") == "auto_sync" else "") or ""
            name = f"{said.get('channel')} {said.get('event', 'snapshot')} {more}".strip()
            counts[name] += 1
        lines += ["| entries | number |", "|---|---|"]
        lines += [f"| {name} | {count} |" for name, count in sorted(counts.items())]
        codes = sorted({finding["code"] for finding in self.said["findings"]})
        lines += ["", "Findings of the log: " + (", ".join(f"`{code}`" for code in codes) or "none") + "."]
        lines += ["", "Faults of the run: " + ("; ".join(self.faults) or "none") + ".", ""]
        return "\n".join(lines)


BEFORE = "before the first case, while Argo CD and Pulselog are started and connected"

HEAD = """# Against a real Argo CD

Made by `ARGOCD_REAL=DIR PULSELOG_BLESS=1 make argocd-real`; `make argocd-real` without `PULSELOG_BLESS` prints it. An Argo CD 3.5.7 on a Kubernetes API server 1.36.1 runs on this machine; Pulselog follows it by notifications, poller (every 5 seconds) and the server's log, connected as [CONNECT.md](CONNECT.md) says; a wrapper logs its decision, calls as the agent's account and logs its receipt. Beside it a watch of the Kubernetes API records every version of every application. That is the truth: each operation in it must stand in the log, told of by at least one channel under the key that FORMATS 5.3 gives it, with its end, and the audit must say something of it: what it is joined with, a finding, or that nothing is said of it and why. An operation under a key that the watch does not know fails the run too.

`DIR` is no part of this repository. It holds the programs `bin/argocd` (also under the names of its components, or made so by `up.sh`), `bin/kube-apiserver`, `bin/kubectl` and `bin/git-verify-wrapper.sh` (of Argo CD's source, `hack/`: without it the repo server refuses every repository); `up.sh`, which starts whatever is down, on loopback: etcd, the API server, Redis, a Git server, and Argo CD's server, repo server, application controller and notifications controller, makes the projects `payments` and `platform` with their applications, and makes no notification configuration where `NO_NOTIFICATION_CONFIG` is set; `down.sh`, which stops all of it and with `--wipe` forgets it; `env.sh`, which sets `ARGOCD_URL`. Process ids stand in `run/NAME.pid`, tokens by account in `run/tokens.json` (`argo-deploy-assistant`, the agent; `pulselog-observer`, who may read; `alice`, an administrator), the administrator's access to Kubernetes in `run/kubeconfig-admin`, clones of the Git repositories in `run/work`, the server's log in `logs/argocd-server.log`. Argo CD is stopped at the end. No nodes run: a ConfigMap is healthy at once.
"""
