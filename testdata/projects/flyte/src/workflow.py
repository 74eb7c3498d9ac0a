"""A workflow that hands a dataframe from one task to the next."""

import pandas as pd
from flytekit import task, workflow


@task
def make_frame(rows: int) -> pd.DataFrame:
    return pd.DataFrame({"n": range(rows), "square": [n * n for n in range(rows)]})


@task
def total(frame: pd.DataFrame) -> int:
    return int(frame["square"].sum())


@workflow
def wf(rows: int = 4) -> int:
    return total(frame=make_frame(rows=rows))
