"""Runs a task as flytepropeller has a container run it, inside the image.

The arguments are the name of the task, its inputs as JSON, and the command that
stands before pyflyte-execute, if any. Prints the outputs as JSON.
"""

import json
import os
import subprocess
import sys

import pandas as pd
from flyteidl.core import errors_pb2, literals_pb2
from flytekit.core.context_manager import FlyteContextManager
from flytekit.core.type_engine import TypeEngine
from flytekit.models.literals import LiteralMap

name, inputs, prefix = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3:]
ctx = FlyteContextManager.current_context()
inputs = {k: pd.DataFrame(v) if isinstance(v, dict) else v for k, v in inputs.items()}
types = {k: type(v) for k, v in inputs.items()}
literals = TypeEngine.dict_to_literal_map(ctx, inputs, types)
os.makedirs("/tmp/in")
with open("/tmp/in/inputs.pb", "wb") as f:
    f.write(literals.to_flyte_idl().SerializeToString())

done = subprocess.run(
    prefix
    + ["pyflyte-execute", "--inputs", "/tmp/in/inputs.pb", "--output-prefix", "/tmp/out"]
    + ["--raw-output-data-prefix", "/tmp/raw", "--checkpoint-path", "/tmp/raw/checkpoint", "--prev-checkpoint", '""']
    + ["--resolver", "flytekit.core.python_auto_container.default_task_resolver"]
    + ["--", "task-module", "workflow", "task-name", name],
    stdout=sys.stderr,
)
# The command ends well even if the task fails; an error is a file then.
if os.path.exists("/tmp/out/error.pb"):
    with open("/tmp/out/error.pb", "rb") as f:
        sys.exit(errors_pb2.ErrorDocument.FromString(f.read()).error.message)
if done.returncode:
    sys.exit(done.returncode)
with open("/tmp/out/outputs.pb", "rb") as f:
    outputs = LiteralMap.from_flyte_idl(literals_pb2.LiteralMap.FromString(f.read()))
for output in outputs.literals.values():
    if output.scalar.structured_dataset:
        value = TypeEngine.to_python_value(ctx, output, pd.DataFrame).to_dict("list")
        print(output.scalar.structured_dataset.uri.startswith("/tmp/raw/"), json.dumps(value))
    else:
        print(output.scalar.primitive.value)
