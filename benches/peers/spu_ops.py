"""SecretFlow SPU on the harness's cases: ABY3, three parties in this process, a JSON object a line.

Measured as the harness measures: inputs already shared, outputs left shared, seconds from a common start to the last
party's end, the median of the repetitions. `memory` is SPU's in-memory link, `loopback` its brpc link over TCP on this
machine (without TLS: SPU's own default). Compiling the program from JAX is not timed.
"""

import argparse
import json
import pathlib
import socket
import statistics
import sys
import threading
import time

import jax
import jax.numpy as jnp
import numpy as np
import spu
from spu import api, libspu
from spu.utils import frontend

jax.config.update("jax_enable_x64", True)

FM32, FM64 = libspu.FieldType.FM32, libspu.FieldType.FM64


def integers(random, n, kind, bits):
    return random.integers(-(1 << (bits - 1)), 1 << (bits - 1), n, dtype=kind)


def pairs(kind, bits):
    return lambda random, n: [integers(random, n, kind, bits), integers(random, n, kind, bits)]


def half_equal(kind, bits):
    def make(random, n):
        a, b = pairs(kind, bits)(random, n)
        return [a, np.where(random.integers(0, 2, n) == 0, a, b)]

    return make


def reals(low, high, count=1):
    return lambda random, n: [random.uniform(low, high, n) for _ in range(count)]


def exact(of):
    return lambda inputs, output: {"exact": bool(np.array_equal(of(*inputs), output))}


def absolute(of):
    return lambda inputs, output: {"max_error": float(np.max(np.abs(of(*inputs) - output)))}


def relative(of):
    def judge(inputs, output):
        want = of(*inputs)
        return {"max_error": float(np.max(np.abs(output - want) / np.abs(want)))}

    return judge


def wrapping(of):
    def compute(*inputs):
        with np.errstate(over="ignore"):
            return of(*inputs)

    return compute


def matmul_inputs(random, n):
    return [integers(random, (n, n), np.int64, 31), integers(random, (n, n), np.int64, 31)]


def breast_cancer(_random, _n):
    """The rows in the file's order, standardised, with a column of ones; labels 0 and 1."""
    path = pathlib.Path(__file__).parents[2] / "testdata" / "breast_cancer" / "breast_cancer.csv"
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    x, y = table[:, :-1], table[:, -1]
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    return [np.hstack([x, np.ones((len(x), 1))]), y]


def logreg(x, y):
    """10 epochs of 10 batches with the sigmoid that the configuration names."""
    weights = jnp.zeros(x.shape[1])
    size = x.shape[0] // 10
    for _ in range(10):
        for batch in range(10):
            rows, labels = x[batch * size : (batch + 1) * size], y[batch * size : (batch + 1) * size]
            error = jax.nn.sigmoid(rows @ weights) - labels
            weights = weights - 0.5 * (rows.T @ error) / size
    return weights


def accuracy(inputs, weights):
    x, y = inputs
    return {"accuracy": float(np.mean((x @ weights > 0) == (y > 0.5)))}


# name: (field, program, inputs, judge, rows where --n says n)
CASES = {
    "mul/z64": (FM64, lambda a, b: a * b, pairs(np.int64, 64), exact(wrapping(lambda a, b: a * b)), None),
    "mul/z32": (FM32, lambda a, b: a * b, pairs(np.int32, 32), exact(wrapping(lambda a, b: a * b)), None),
    "fxp_mul": (FM64, lambda a, b: a * b, reals(-100, 100, 2), absolute(lambda a, b: a * b), None),
    "and": (FM64, lambda a, b: a & b, pairs(np.int64, 64), exact(lambda a, b: a & b), None),
    "lt/64": (FM64, lambda a, b: a < b, pairs(np.int64, 62), exact(lambda a, b: a < b), None),
    "lt/32": (FM32, lambda a, b: a < b, pairs(np.int32, 30), exact(lambda a, b: a < b), None),
    "eq/64": (FM64, lambda a, b: a == b, half_equal(np.int64, 64), exact(lambda a, b: a == b), None),
    "eq/32": (FM32, lambda a, b: a == b, half_equal(np.int32, 32), exact(lambda a, b: a == b), None),
    "matmul/z64/1000": (FM64, lambda a, b: a @ b, matmul_inputs, exact(wrapping(lambda a, b: a @ b)), 1000),
    "sigmoid": (FM64, jax.nn.sigmoid, reals(-8, 8), absolute(lambda x: 1 / (1 + np.exp(-x))), None),
    "exp": (FM64, jnp.exp, reals(-10, 10), relative(np.exp), None),
    "div": (FM64, lambda a, b: a / b, reals(1, 1000, 2), relative(lambda a, b: a / b), None),
    "sqrt": (FM64, jnp.sqrt, reals(0.1, 1000), relative(np.sqrt), None),
    "log": (FM64, jnp.log, reals(0.1, 1000), absolute(np.log), None),
    "sort/32/100000": (FM64, jnp.sort, lambda random, n: pairs(np.int32, 32)(random, n)[:1], exact(np.sort), 100_000),
    "sort/64/100000": (FM64, jnp.sort, lambda random, n: pairs(np.int64, 62)(random, n)[:1], exact(np.sort), 100_000),
    "logreg": (FM64, logreg, breast_cancer, accuracy, 569),
}


def compiled(program, inputs):
    names = [f"in{i}" for i in range(len(inputs))]
    secret = [libspu.Visibility.VIS_SECRET] * len(inputs)
    outputs = lambda flat: [f"out{i}" for i in range(len(flat))]
    return frontend.compile(frontend.Kind.JAX, program, inputs, {}, names, secret, outputs)[0]


def description(network):
    parties = libspu.link.Desc()
    for rank in range(3):
        if network == "memory":
            parties.add_party(f"p{rank}", f"thread_{rank}")
        else:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                parties.add_party(f"p{rank}", f"127.0.0.1:{probe.getsockname()[1]}")
    return parties


def repetition(config, executable, shares, network):
    """Seconds from the common start to the last party's end, and the outputs' shares."""
    parties, barrier = description(network), threading.Barrier(3)
    spans, outputs, failures = [None] * 3, [None] * 3, []

    def party(rank):
        try:
            create = libspu.link.create_mem if network == "memory" else libspu.link.create_brpc
            link = create(parties, rank)
            runtime = api.Runtime(link, libspu.RuntimeConfig(config))
            for name, share in zip(executable.input_names, shares):
                runtime.set_var(name, share[rank])
            barrier.wait()
            began = time.perf_counter()
            runtime.run(executable)
            spans[rank] = (began, time.perf_counter())
            outputs[rank] = [runtime.get_var(name) for name in executable.output_names]
            barrier.wait()
            link.stop_link()
        except BaseException as failure:  # told to the main thread, which ends the run
            failures.append(failure)
            barrier.abort()

    threads = [threading.Thread(target=party, args=(rank,)) for rank in range(3)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    if failures:
        raise failures[0]
    return max(end for _, end in spans) - min(start for start, _ in spans), list(zip(*outputs))


def measure(name, n, network, reps):
    field, program, make, judge, rows = CASES[name]
    n = rows or n
    inputs = make(np.random.default_rng(1), n)
    config = libspu.RuntimeConfig(protocol=libspu.ProtocolKind.ABY3, field=field)
    if name == "logreg":
        config.sigmoid_mode = libspu.RuntimeConfig.SigmoidMode.SIGMOID_SEG3
    io = api.Io(3, config)
    executable = compiled(program, inputs)
    shares = [io.make_shares(x, libspu.Visibility.VIS_SECRET) for x in inputs]
    times = []
    for _ in range(reps):
        seconds, outputs = repetition(config, executable, shares, network)
        times.append(seconds)
    output = io.reconstruct(list(outputs[0]))
    line = {"engine": f"spu {spu.__version__}", "case": name, "n": n, "parties": 3, "network": network}
    print(json.dumps(line | {"seconds": statistics.median(times)} | judge(inputs, output)), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", default="all", help="a case, several with commas between, or all")
    parser.add_argument("--n", type=int, default=1_000_000)
    parser.add_argument("--network", default="memory", help="memory, loopback, or both with a comma between")
    parser.add_argument("--reps", type=int, default=3)
    asked = parser.parse_args()
    names = list(CASES) if asked.case == "all" else [name for name in asked.case.split(",") if name in CASES]
    failed = False
    for name in names:
        for network in asked.network.split(","):
            try:
                measure(name, asked.n, network, asked.reps)
            except Exception as failure:  # a case that SPU refuses must not cost the others
                print(f"{name} over {network}: {failure}", file=sys.stderr)
                failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
