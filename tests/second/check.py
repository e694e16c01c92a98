#!/usr/bin/env python3
"""A second reader of Pulselog, written from docs/ alone.

python3 check.py --vectors DIR [--log URL_OR_DIR] [--packet DIR] [--policy trust.policy] [--codes]
Exit 0 when everything agrees, 1 otherwise.
"""
import argparse
import sys

import logs
import vectors
from base import Refused

BAD_INPUT = (Refused, OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)


def run(name, cases, show):
    """Print one line for a group; whether all cases agree."""
    total, bad, remarks = 0, [], []
    try:
        for case, agrees, remark in cases:
            total += 1
            if not agrees:
                bad.append(f"{case}: {remark or 'differs'}")
            elif remark:
                remarks.append(f"{case}: {remark}")
    except BAD_INPUT as fault:
        bad.append(f"cannot be read: {type(fault).__name__} {fault}")
    if not total and not bad:
        bad.append("holds no case")
    print(f"{'FAIL' if bad else 'ok'} {name} {total} cases" + (f", {len(bad)} differ" if bad else "")
          + (f", {len(remarks)} with a remark" if remarks else ""))
    for line in bad:
        print("     ! " + line[:300])
    for line in remarks if show else []:
        print("       " + line[:300])
    return total, len(bad)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--vectors")
    parser.add_argument("--log")
    parser.add_argument("--packet")
    parser.add_argument("--policy")
    parser.add_argument("--codes", action="store_true",
                        help="also show remarks: where only the code differs, bodies withheld")
    given = parser.parse_args()
    groups = []
    if given.vectors:
        files = vectors.Files(given.vectors)
        groups += [(name, group(files)) for name, group in vectors.GROUPS]
        groups.append(("log/", logs.log_cases(given.vectors + "/log", None)))
        groups.append(("log-258/", logs.log_cases(given.vectors + "/log-258", None, bodies=False)))
    if given.log:
        groups.append(("log " + given.log, logs.log_cases(given.log, given.policy)))
    if given.packet:
        groups.append(("packet " + given.packet, logs.packet_cases(given.packet, given.policy)))
    results = [run(name, cases, given.codes) for name, cases in groups]
    cases, bad = sum(r[0] for r in results), sum(r[1] for r in results)
    print(f"{'everything agrees' if results and not bad else 'NOT all agrees'}: "
          f"{len(results)} groups, {cases} cases, {bad} differ")
    return 0 if results and not bad else 1


if __name__ == "__main__":
    sys.exit(main())
