"""Makes the compact copies of this folder from the full tables, after checking that they are the full tables.

    python prepare.py ADULT.csv CREDIT-DEFAULT.csv

Both inputs are the UCI tables as plain CSV with a header; README.md gives their sources and licences. The copies are
written beside this file, gzip without a time stamp, so the same input gives the same bytes.
"""

import csv
import gzip
import hashlib
import io
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

# SHA-256 of the full tables.
ADULT = "c7fcc8701d780cfb6b2847596df69cbfa709f00663382fbcd797ed27203eeb67"
CREDIT = "a0f0ab49d6326671d6cd83be5c88dcf18007025fe9a53ecd699119c871176ca1"

# fnlwgt is a survey weight: nearly unique per row, so it both bloats the file and points at single rows.
ADULT_DROPPED = {"fnlwgt"}
# The source calls it a country; several of its values are regions. It says where a person was born.
ADULT_RENAMED = {"native_country": "birthplace"}
# The row number says the same; the split of train.py and of the tests is made from the row number.
CREDIT_DROPPED = {"ID"}


def rows(path: str, digest: str, dropped: set[str]) -> tuple[list[str], list[list[str]]]:
    raw = Path(path).read_bytes()
    found = hashlib.sha256(raw).hexdigest()
    if found != digest:
        sys.exit(f"{path}: SHA-256 is {found}, expected {digest}")
    table = csv.reader(io.StringIO(raw.decode("utf-8")))
    header = next(table)
    kept = [at for at, name in enumerate(header) if name not in dropped]
    names = [header[at].lower().replace(".", "_") for at in kept]
    return names, [[row[at] for at in kept] for row in table]


def write(name: str, header: list[str], body: list[list[str]]) -> None:
    text = "\n".join(",".join(row) for row in [header, *body]) + "\n"
    packed = gzip.compress(text.encode("utf-8"), compresslevel=9, mtime=0)
    (HERE / name).write_bytes(packed)
    print(f"{name}: {len(body)} rows, {len(packed)} bytes, CSV SHA-256 {hashlib.sha256(text.encode()).hexdigest()}")


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    header, body = rows(sys.argv[1], ADULT, ADULT_DROPPED)
    write("adult.csv.gz", [ADULT_RENAMED.get(name, name) for name in header], body)
    header, body = rows(sys.argv[2], CREDIT, CREDIT_DROPPED)
    header[-1] = "defaulted"
    # Some round amounts are in scientific notation; all values are whole.
    write("credit-default.csv.gz", header, [[str(int(float(cell))) for cell in row] for row in body])


if __name__ == "__main__":
    main()
