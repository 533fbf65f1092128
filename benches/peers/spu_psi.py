"""Runs SecretFlow SPU's private set intersection from file to file and prints the harness's JSON lines for it.

Two processes over a TCP link without TLS on this machine, each with a CSV file of `--n` string ids of which half are in both.
Seconds: from a common start, the link up, to the end of the later one, its result written; the median of the repetitions.
"""

import argparse
import json
import multiprocessing
import pathlib
import resource
import socket
import statistics
import sys
import tempfile
import time

from spu import libspu, psi

# Our case, and what SPU calls it.
PROTOCOLS = {
    "vole/files": ("PROTOCOL_RR22", {}),
    "vole-low/files": ("PROTOCOL_RR22", {"rr22_params": psi.Rr22Rarams(low_comm_mode=True)}),
    "ecdh/files": ("PROTOCOL_ECDH", {"ecdh_params": psi.EcdhParams(curve=psi.EllipticCurveType.CURVE_25519)}),
    "kkrt/files": ("PROTOCOL_KKRT", {}),
}


def write_ids(path, first, count):
    with open(path, "w") as out:
        out.write("id\n")
        out.writelines(f"person-{row:012d}\n" for row in range(first, first + count))


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for end in sockets:
        end.bind(("127.0.0.1", 0))
    ports = [end.getsockname()[1] for end in sockets]
    for end in sockets:
        end.close()
    return ports


def party(rank, ports, case, folder, start, told):
    description = libspu.link.Desc()
    description.recv_timeout_ms = 600_000
    for other, port in enumerate(ports):
        description.add_party(f"party{other}", f"127.0.0.1:{port}")
    link = libspu.link.create_brpc(description, rank)
    protocol, parameters = PROTOCOLS[case]
    config = psi.PsiExecuteConfig(
        protocol_conf=psi.PsiProtocolConfig(
            protocol=getattr(psi.PsiProtocol, protocol), receiver_rank=0, **parameters
        ),
        input_params=psi.InputParams(path=f"{folder}/in{rank}.csv", selected_keys=["id"], keys_unique=True),
        output_params=psi.OutputParams(path=f"{folder}/out{rank}.csv"),
    )
    start.wait()
    began = time.time()
    report = psi.psi_execute(config, link)
    ended = time.time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    told.put((rank, began, ended, report.intersection_count, peak))
    link.stop_link()


def run(case, n, folder):
    start, told = multiprocessing.Barrier(2), multiprocessing.Queue()
    ports = free_ports(2)
    parties = [
        multiprocessing.Process(target=party, args=(rank, ports, case, folder, start, told)) for rank in range(2)
    ]
    for process in parties:
        process.start()
    heard = sorted(told.get(timeout=1200) for _ in parties)
    for process in parties:
        process.join()
    seconds = max(end for _, _, end, _, _ in heard) - min(begin for _, begin, _, _, _ in heard)
    return seconds, heard[0][3] == n - n // 2, max(peak for *_, peak in heard)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", default="all", help=f"one of {', '.join(PROTOCOLS)}, several with commas, or all")
    parser.add_argument("--n", type=int, default=1 << 20)
    parser.add_argument("--reps", type=int, default=3)
    asked = parser.parse_args()
    cases = list(PROTOCOLS) if asked.case == "all" else asked.case.split(",")
    with tempfile.TemporaryDirectory() as folder:
        write_ids(pathlib.Path(folder, "in0.csv"), 0, asked.n)
        write_ids(pathlib.Path(folder, "in1.csv"), asked.n // 2, asked.n)
        for case in cases:
            if case not in PROTOCOLS:
                continue
            runs = [run(case, asked.n, folder) for _ in range(asked.reps)]
            line = {
                "case": case,
                "n": asked.n,
                "parties": 2,
                "network": "loopback",
                "seconds": statistics.median(seconds for seconds, _, _ in runs),
                "peak_rss_bytes": max(peak for _, _, peak in runs),
                "exact": all(exact for _, exact, _ in runs),
            }
            print(json.dumps(line), flush=True)
    return 0


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    sys.exit(main())
