"""Logistic regression in NumPy, as a trainer of a provider of Unseen. Any other framework goes the same way.

The provider's daemon starts this program for each job that names it:

    [provider.trainers.numpy]
    command = ["/path/to/python", "/path/to/trainer.py"]

It gets the job's setting, this provider's rows and the model of each round, and answers with the trained model. The daemon takes the
difference, bounds it, and splits it into shares: nothing of that is this program's part. `trainer.proto` says what passes.
"""

import os
import sys
import threading
from concurrent import futures
from pathlib import Path

import grpc
import numpy as np

# Where unseen/trainer/v1/trainer.proto is found: beside this repository's examples, or wherever UNSEEN_PROTO says.
sys.path.insert(0, os.environ.get("UNSEEN_PROTO") or str(Path(__file__).resolve().parent / "../../../proto"))
messages, services = grpc.protos_and_services("unseen/trainer/v1/trainer.proto")
PIECE = 1 << 20


def tensors(setting):
    """The model: a weight for each input, and a bias."""
    single = messages.DATA_TYPE_FLOAT32
    return [
        messages.Tensor(name="weight", shape=[len(setting.inputs), 1], type=single),
        messages.Tensor(name="bias", shape=[1], type=single),
    ]


def loss_and_right(model, rows):
    """The sum of the cross entropies of all rows, and how many are told right."""
    inputs, labels = rows[:, :-1], rows[:, -1]
    odds = inputs @ model[:-1] + model[-1]
    losses = np.maximum(odds, 0) - labels * odds + np.log1p(np.exp(-np.abs(odds)))
    return float(losses.sum(dtype=np.float64)), int(((odds > 0) == (labels > 0.5)).sum())


def probabilities(model, rows):
    """Of class 1, for every row: from them the daemon counts for precision, recall and the area under the curve."""
    return 1 / (1 + np.exp(-(rows[:, :-1] @ model[:-1] + model[-1])))


def train(model, rows, setting, round_number):
    """Stochastic gradient descent over shuffled rows; the same rows, seed and round give the same model."""
    model, steps = model.copy(), 0
    start, order = model.copy(), np.random.default_rng([setting.seed, round_number])
    for _ in range(setting.epochs):
        shuffled = rows[order.permutation(len(rows))]
        for at in range(0, len(rows), setting.batch):
            inputs, labels = shuffled[at : at + setting.batch, :-1], shuffled[at : at + setting.batch, -1]
            slopes = 1 / (1 + np.exp(-(inputs @ model[:-1] + model[-1]))) - labels
            gradient = np.append(slopes @ inputs, slopes.sum()) / len(labels)
            model -= np.float32(setting.rate) * gradient.astype(np.float32)
            model -= np.float32(setting.rate * setting.proximal) * (model - start)
            steps += 1
    return model, steps


def rounds(requests):
    """The setting, the rows, the number and the model of each round that the daemon asks for."""
    setting, pieces, rows = next(requests).setting, [], None
    for request in requests:
        if request.WhichOneof("what") == "rows":
            pieces.append(request.rows)
            continue
        if rows is None:
            rows = np.frombuffer(b"".join(pieces), "<f4").reshape(setting.rows, len(setting.inputs) + 1)
        if request.WhichOneof("what") == "round":
            number, came = request.round.number, b""
            continue
        came += request.model
        if len(came) == 4 * (len(setting.inputs) + 1):
            yield setting, rows, number, np.frombuffer(came, "<f4")


def pieces_of(numbers):
    """Numbers as they travel."""
    sent = numbers.astype("<f4").tobytes()
    return [sent[at : at + PIECE] for at in range(0, len(sent), PIECE)]


class Logistic(services.TrainerServicer):
    """One program may serve several jobs at a time: whatever belongs to one is in its calls."""

    def Describe(self, setting, context):
        return messages.Model(tensors=tensors(setting))

    def Fit(self, requests, context):
        for setting, rows, number, before in rounds(requests):
            loss, right = loss_and_right(before, rows)
            after, steps = train(before, rows, setting, number)
            for piece in pieces_of(after):
                yield messages.FitResponse(model=piece)
            # The steps are FedNova's, where a job has it.
            report = messages.Report(rows=len(rows), loss=loss, correct=right, steps=steps)
            yield messages.FitResponse(report=report)

    def Evaluate(self, requests, context):
        for _, rows, _, model in rounds(requests):
            for piece in pieces_of(probabilities(model, rows)):
                yield messages.EvaluateResponse(probabilities=piece)
            yield messages.EvaluateResponse(evaluated=messages.Evaluated(rows=len(rows)))


def main():
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    services.add_TrainerServicer_to_server(Logistic(), server)
    server.add_insecure_port(os.environ["UNSEEN_TRAINER"])
    server.start()
    # The daemon holds the other end: when it is gone, so is this program.
    threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
