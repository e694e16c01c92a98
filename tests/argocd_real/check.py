"""The log held against the truth: which channel told of which operation, what joined it, and what is said of it."""
from tool import AGENT, LAST_PHASES, unix

CHANNELS = ("notify", "poll", "k8s_event")
UNEXPLAINED = "UNREPORTED_ACTION"


def by_version(operations, said):
    """The operation of an event: events carry the version of the call, or a later one; those of automated syncs that
    of before."""
    version = int(said["resource_version"])
    of_app = sorted((o for o in operations if o["uid"] == said["app"]["uid"] and o["asked"]), key=lambda o: o["asked"])
    exact = [o for o in of_app if o["asked"] == version]
    before = [o for o in of_app if o["asked"] <= version]
    after = [o for o in of_app if o["asked"] > version and o["by"].get("automated")]
    is_start = said.get("phase") == "Running"
    if exact or not is_start:
        return (exact or before or [None])[-1]
    return (after or [None])[0]


def told(operations, observations):
    """Observations of each operation, by its key and by channel: of its key; entries of the history of its start;
    events of its version."""
    out = {operation["op_key"]: {} for operation in operations}
    for entry in observations:
        said = entry["said"]
        if said.get("event") != "operation":
            continue
        own = []
        if "op_key" in said:
            own = [o for o in operations if o["op_key"] == said["op_key"]]
        elif said["channel"] == "poll":
            own = [o for o in operations if o["uid"] == said["app"]["uid"] and o["started_at"] == said["started_at"]
                   and said.get("history_id") in o["history"]]
        elif said["channel"] == "k8s_event" and said.get("resource_version"):
            own = [o for o in [by_version(operations, said)] if o]
        for operation in own:
            out[operation["op_key"]].setdefault(said["channel"], []).append(entry)
    return out


def rows(operations, observations, report):
    """One row an operation of the truth."""
    calls = {at: call for call in report["matched"] for at in call["entries"]}
    codes, words = {}, {}
    for finding in report["findings"]:
        for at in finding["entries"]:
            codes.setdefault(at, set()).add(finding["code"])
    for row in report["coverage"]:
        for at in row["entries"]:
            words.setdefault(at, set()).add(row["what"])
    for row in report["pending"]:
        for at in row.get("entries", [row.get("at")]):
            words.setdefault(at, set()).add(f"{row['code']} pending")
    channels = told(operations, observations)
    out = []
    for operation in operations:
        by = channels[operation["op_key"]]
        entries = [entry for some in by.values() for entry in some]
        indexes = [entry["index"] for entry in entries]
        ends = [entry["logged_at"] / 1000 for entry in entries if entry["said"].get("phase") in LAST_PHASES]
        out.append({
            **operation, "history": sorted(operation["history"]), "told": by,
            "call": next((calls[at] for at in indexes if at in calls), None),
            "after": {channel: min(e["logged_at"] for e in some) / 1000 - operation["first"]
                      for channel, some in by.items()},
            "codes": sorted({code for at in indexes for code in codes.get(at, ())}),
            "words": sorted({word for at in indexes for word in words.get(at, ())}),
            "end_after": min(ends) - operation["last"] if ends and operation["last"] else None})
    return out


def unknown(watch, operations, observations):
    """Keys of operations that the log has and no version of an Application shows, though the watch was there."""
    known = {operation["op_key"] for operation in operations} | watch.before_keys()
    keyed = [entry["said"] for entry in observations if entry["said"].get("op_key")]
    was_away = lambda at: any(since - 1 <= at <= until + 1 for since, until in watch.gaps)
    return sorted({said["op_key"] for said in keyed if not was_away(unix(said["started_at"]))} - known)


def is_accused(row):
    return UNEXPLAINED in row["codes"] or f"{UNEXPLAINED} pending" in row["words"]


def faults(rows, unknown_keys, observations, played):
    """What must not be; empty when the run passes."""
    out = [f"{key} stands in the log, and no version of an Application shows it" for key in unknown_keys]
    for row in rows:
        name = f"{row['app']} {row['started_at']}"
        if not row["told"]:
            out.append(f"{name}: no channel told of it")
        elif not (row["call"] or row["codes"] or row["words"]):
            out.append(f"{name}: it was told of, and nothing is said of it")
        elif row["by"].get("username") == AGENT and not row["call"] and not is_accused(row):
            out.append(f"{name}: the agent's, neither joined with a decision nor accused")
        if row["last"] and row["told"] and row["end_after"] is None:
            out.append(f"{name}: no channel told of its end")
    if {"past_the_wrapper", "settled"} <= set(played):
        accused = {row["app"] for row in rows if UNEXPLAINED in row["codes"] and row["case"] == "past_the_wrapper"}
        out += [f"{app}: {UNEXPLAINED} is missing" for app in ("payments-api", "payments-config") if app not in accused]
    if "person_and_refusal" in played and not any(e["said"].get("event") == "denial" for e in observations):
        out.append("no channel told of the refused call")
    return out
