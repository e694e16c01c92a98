#!/usr/bin/env python3
"""Pulselog against a real Argo CD: python3 run.py PULSELOG DIRECTORY [--report FILE] [--cases NAME,...] [--keep]

Exit 0 when every operation of the Kubernetes watch is found, 1 otherwise. --cases plays some, --keep leaves the Argo CD
as it is before and after.
"""
import argparse
import sys
import tempfile
import time
from pathlib import Path

import cases
import check
import report
from pulselog import INSTANCE, Pulselog
from tool import Tool
from truth import Watch
from wrapper import Wrapper

PARTS = ("poller", "log reader")


class Stage:
    """What a case plays with."""

    def __init__(self, tool, pulselog):
        self.tool, self.pulselog, self.wrapper = tool, pulselog, Wrapper(tool, pulselog)
        self.notes, self.played, self.past_at = [], [], time.time()

    def note(self, text):
        self.notes.append((self.played[-1][0], text))
        print("   ", text, flush=True)

    def wait_until(self, at):
        time.sleep(max(0, at - time.time()))

    def play(self, chosen):
        for name, title, function in cases.CASES:
            if chosen and name not in chosen:
                continue
            print(time.strftime("%H:%M:%S", time.gmtime()), name, "-", title, flush=True)
            self.played.append((name, title, time.time()))
            function(self)
            for part in PARTS:
                if self.pulselog.keep_running(part):
                    self.note(f"the {part} had ended and was started again")

    def case_of(self, at):
        return next((name for name, _, began in reversed(self.played) if began <= at), None)


def judge(stage, watch):
    """Rows, faults, and the figures beside them."""
    watch.end()
    observations, said = stage.pulselog.observations(), stage.pulselog.audit()
    operations = watch.operations()
    for operation in operations:
        operation["case"] = stage.case_of(operation["first"])
    rows = check.rows(operations, observations, said)
    unknown = check.unknown(watch, operations, observations)
    names = [name for name, _, _ in stage.played]
    faults = check.faults(rows, unknown, observations, names)
    return report.Run(stage, watch, rows, faults, observations, said)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("pulselog")
    arguments.add_argument("directory")
    arguments.add_argument("--report")
    arguments.add_argument("--cases", default="")
    arguments.add_argument("--keep", action="store_true")
    given = arguments.parse_args()
    tool = Tool(given.directory)
    if not given.keep:
        tool.down("--wipe")
    with tempfile.TemporaryDirectory() as directory:
        pulselog = Pulselog(str(Path(given.pulselog).resolve()), tool, Path(directory))
        try:
            tool.up()
            stage = Stage(tool, pulselog)
            watch = Watch(tool, INSTANCE)
            pulselog.connect()
            stage.play([name for name in given.cases.split(",") if name])
            cases.settle(3)
            run = judge(stage, watch)
        finally:
            pulselog.stop_all()
            if not given.keep:
                tool.down()
    print(run.text())
    if given.report:
        Path(given.report).write_text(run.text())
    for fault in run.faults:
        print("FAULT", fault, file=sys.stderr)
    return 1 if run.faults else 0


if __name__ == "__main__":
    sys.exit(main())
