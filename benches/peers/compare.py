"""Runs the harness and SPU on the same cases, one after the other, and prints both columns with their ratio."""

import argparse
import datetime
import json
import pathlib
import platform
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
# What the harness has no case of.
SPU_ONLY = {"kkrt/files"}


def lines(command):
    """The JSON lines of a program, and whether it ended well; what it says besides goes to standard error."""
    found = {}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as program:
        for text in program.stdout:
            if text.startswith("{"):
                line = json.loads(text)
                found[line["case"], line["network"]] = line
                print(text, end="", file=sys.stderr, flush=True)
    if program.returncode:
        print(f"{command[0]} {command[1]} ended with {program.returncode}", file=sys.stderr)
    return found, program.returncode == 0


def machine():
    names = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()}, {len(names)} cores, {datetime.date.today()}"


def quality(line):
    """What a line says of its result's correctness."""
    if "accuracy" in line:
        return f"accuracy {line['accuracy']:.3f}"
    if line["case"] == "logreg":
        # The harness counts the rows that get the wrong class.
        return f"accuracy {1 - line['max_error']:.3f}"
    if line.get("max_error") is not None:
        return f"error {line['max_error']:.1e}"
    return "exact" if line["exact"] else "WRONG"


def milliseconds(line):
    return f"{1000 * line['seconds']:,.1f}"


def table(ours, theirs):
    yield "| case | n | network | Unseen ms | MB | rounds | result | SPU ms | result | ratio |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    # What only SPU has run comes last.
    for key in ours | theirs:
        line, peer = ours.get(key), theirs.get(key)
        own, other, ratio = ["–"] * 4, ["–"] * 2, "–"
        if line:
            own = [milliseconds(line), f"{line['bytes_sent'] / 1e6:,.1f}", str(line["rounds"]), quality(line)]
        if peer:
            other = [milliseconds(peer), quality(peer)]
        if line and peer:
            ratio = f"{peer['seconds'] / line['seconds']:,.1f}"
        cells = [key[0], f"{(line or peer)['n']:,}", key[1], *own, *other, ratio]
        yield "| " + " | ".join(cells) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--harness", required=True, help="the harness's program")
    parser.add_argument("--suite", choices=["ops", "psi"], default="ops", help="psi: intersections from file to file")
    parser.add_argument("--case", default="all")
    parser.add_argument("--n", default="1000000")
    parser.add_argument("--network", default="memory,loopback")
    parser.add_argument("--reps", default="5")
    asked = parser.parse_args()
    if asked.suite == "psi":
        cases = [case.removesuffix("/files") for case in asked.case.split(",") if case not in SPU_ONLY]
        what = ["--n", asked.n, "--reps", asked.reps]
        ours, we_ended = {}, True
        if cases:
            command = [asked.harness, "psi", "--files", "--json", "--protocol", ",".join(cases)]
            ours, we_ended = lines([*command, *what])
        theirs, they_ended = lines([sys.executable, str(HERE / "spu_psi.py"), "--case", asked.case, *what])
    else:
        what = ["--case", asked.case, "--n", asked.n, "--network", asked.network, "--reps", asked.reps]
        ours, we_ended = lines([asked.harness, "ops", "--json", *what])
        theirs, they_ended = lines([sys.executable, str(HERE / "spu_ops.py"), *what])
    print(machine())
    print()
    print("\n".join(table(ours, theirs)))
    return 0 if we_ended and they_ended else 1


if __name__ == "__main__":
    sys.exit(main())
