"""Trains the credit-default model on the UCI table, writes it as ONNX and measures what was written.

    python -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python train.py

Reads   ../data/credit-default.csv.gz
Writes  credit-default.onnx          input `features` float32 [rows, 23] in the table's column order, raw;
                                     output `probability` float32 [rows]
        metrics.json                 measured on the held-out rows, by running the ONNX file
        ../testdata/credit-parity.csv  row number and probability of 256 held-out rows, for the Rust side

The model is the mean of a few small perceptrons that see engineered features. Everything from the raw columns to the
probability is inside the graph, so whoever serves it has nothing to keep in step. Sex and marriage are accepted,
because the table has them, and not used: neither belongs in a decision on credit.

A row is held out when the first byte of SHA-256("credit-default-1:" + row number from 1) is below 51 (one in five).
The rule needs no random generator, so any language can repeat the split.
"""

import csv
import gzip
import hashlib
import io
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import sklearn
from onnx import TensorProto, helper, numpy_helper
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score, roc_curve
from sklearn.neural_network import MLPClassifier

HERE = Path(__file__).resolve().parent
DATA = HERE.parent / "data" / "credit-default.csv.gz"
MODEL = "credit-default-1"
SEED = 20_250_101
HELD_OUT_BELOW = 51
FEATURES = 23
PERCEPTRONS = 8
HIDDEN = (32, 16)
PARITY_ROWS = 256

# Columns by position: limit_bal, then age, the six payment states, the six bills, the six payments.
LIMIT, EDUCATION, AGE = 0, 2, 4
STATES, BILLS, PAYMENTS = (5, 11), (11, 17), (17, 23)
USED = [LIMIT, EDUCATION, *range(AGE, FEATURES)]
# Payment states that are kinds rather than months of delay: no use, paid in full, revolving credit.
KINDS = (-2.0, -1.0, 0.0)
# Engineered features further than this from their mean, in standard deviations, are cut.
CUT = 6.0


def load() -> tuple[np.ndarray, np.ndarray, str]:
    raw = gzip.decompress(DATA.read_bytes())
    table = list(csv.reader(io.StringIO(raw.decode())))[1:]
    numbers = np.array(table, dtype=np.float32)
    return numbers[:, :FEATURES], numbers[:, FEATURES].astype(int), hashlib.sha256(raw).hexdigest()


def held_out(rows: int) -> np.ndarray:
    return np.array([hashlib.sha256(f"{MODEL}:{row}".encode()).digest()[0] < HELD_OUT_BELOW for row in range(1, rows + 1)])


class Graph:
    """Collects nodes and constants; each method returns the name of its result."""

    def __init__(self) -> None:
        self.nodes, self.constants = [], []

    def constant(self, value, dtype=np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def op(self, kind: str, *inputs: str, to: str | None = None, **attributes) -> str:
        name = to or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def columns(self, source: str, positions) -> str:
        return self.op("Gather", source, self.constant(list(positions), np.int64), axis=1)

    def model(self, result: str, width: int | None) -> onnx.ModelProto:
        shape = ["rows"] if width is None else ["rows", width]
        graph = helper.make_graph(
            self.nodes,
            MODEL,
            [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["rows", FEATURES])],
            [helper.make_tensor_value_info(result, TensorProto.FLOAT, shape)],
            self.constants,
        )
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8, producer_name=MODEL)
        onnx.checker.check_model(made)
        return made


def engineer(graph: Graph) -> str:
    """Raw columns, signed logarithms, shares of the limit, delays and kinds of the payment states."""
    one = graph.constant(1.0)
    used = graph.columns("features", USED)
    logs = graph.op("Mul", graph.op("Sign", used), graph.op("Log", graph.op("Add", graph.op("Abs", used), one)))
    limit = graph.op("Max", graph.columns("features", [LIMIT]), one)
    shares = [graph.op("Div", graph.columns("features", range(*span)), limit) for span in (BILLS, PAYMENTS)]
    states = graph.columns("features", range(*STATES))
    delays = graph.op("Relu", states)
    kinds = [
        graph.op("Relu", graph.op("Sub", one, graph.op("Abs", graph.op("Sub", states, graph.constant(kind)))))
        for kind in KINDS
    ]
    return graph.op("Concat", used, logs, *shares, delays, *kinds, axis=1)


def run(model: onnx.ModelProto, rows: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"features": rows})[0]


def fit(features: np.ndarray, labels: np.ndarray) -> list[MLPClassifier]:
    members = []
    for at in range(PERCEPTRONS):
        member = MLPClassifier(
            HIDDEN, alpha=0.03, batch_size=256, learning_rate_init=1e-3, max_iter=60, early_stopping=True,
            validation_fraction=0.12, n_iter_no_change=6, random_state=SEED + at,
        )
        members.append(member.fit(features, labels))
    return members


def block_diagonal(blocks: list[np.ndarray]) -> np.ndarray:
    whole = np.zeros((sum(b.shape[0] for b in blocks), sum(b.shape[1] for b in blocks)), dtype=np.float32)
    row = column = 0
    for block in blocks:
        whole[row : row + block.shape[0], column : column + block.shape[1]] = block
        row, column = row + block.shape[0], column + block.shape[1]
    return whole


def assemble(mean: np.ndarray, deviation: np.ndarray, members: list[MLPClassifier]) -> onnx.ModelProto:
    """All perceptrons side by side: the first layer shares its input, the later ones are block-diagonal."""
    graph = Graph()
    scaled = graph.op("Div", graph.op("Sub", engineer(graph), graph.constant(mean)), graph.constant(deviation))
    layer = graph.op("Clip", scaled, graph.constant(-CUT), graph.constant(CUT))
    depth = len(HIDDEN) + 1
    for at in range(depth):
        weights = [member.coefs_[at] for member in members]
        whole = np.hstack(weights) if at == 0 else block_diagonal(weights)
        bias = np.concatenate([member.intercepts_[at] for member in members])
        layer = graph.op("Add", graph.op("MatMul", layer, graph.constant(whole)), graph.constant(bias))
        layer = graph.op("Relu" if at + 1 < depth else "Sigmoid", layer)
    graph.op("ReduceMean", layer, to="probability", axes=[1], keepdims=0)
    return graph.model("probability", None)


def measure(labels: np.ndarray, probability: np.ndarray) -> dict:
    false_rate, true_rate, _ = roc_curve(labels, probability)
    return {
        "rows": int(labels.size),
        "defaults": int(labels.sum()),
        "auc": round(float(roc_auc_score(labels, probability)), 6),
        "ks": round(float(np.max(true_rate - false_rate)), 6),
        "brier": round(float(brier_score_loss(labels, probability)), 6),
        "log_loss": round(float(log_loss(labels, probability)), 6),
    }


def main() -> None:
    raw, labels, digest = load()
    test = held_out(labels.size)

    front = Graph()
    engineered = run(front.model(engineer(front), len(USED) * 2 + 12 + 6 * (1 + len(KINDS))), raw)
    mean, deviation = engineered[~test].mean(axis=0), np.maximum(engineered[~test].std(axis=0), 1e-3)
    scaled = np.clip((engineered - mean) / deviation, -CUT, CUT)
    model = assemble(mean, deviation, fit(scaled[~test], labels[~test]))
    onnx.save(model, HERE / "credit-default.onnx")

    probability = run(model, raw)
    metrics = {
        "model": MODEL,
        "data": {"file": "data/credit-default.csv.gz", "csv_sha256": digest},
        "split": f"held out when sha256('{MODEL}:' + row)[0] < {HELD_OUT_BELOW}, rows from 1",
        "train": measure(labels[~test], probability[~test]),
        "test": measure(labels[test], probability[test]),
        "made_with": {
            module.__name__: module.__version__ for module in (np, onnx, onnxruntime, sklearn)
        },
    }
    (HERE / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")

    lines = ["row,probability"]
    lines += [f"{row + 1},{probability[row]:.7f}" for row in np.flatnonzero(test)[:PARITY_ROWS]]
    (HERE.parent / "testdata" / "credit-parity.csv").write_text("\n".join(lines) + "\n")
    print(json.dumps(metrics, indent=2))


if __name__ == "__main__":
    main()
