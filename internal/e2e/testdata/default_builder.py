"""Writes the Dockerfile and build context of flytekit's default builder.

    python default_builder.py FOLDER

in the folder of imagespec.yaml, with a Python that has flytekit.
"""

import sys
from pathlib import Path

import yaml
from flytekit import ImageSpec
from flytekit.image_spec.default_builder import create_docker_context

create_docker_context(ImageSpec(**yaml.safe_load(Path("imagespec.yaml").read_text())), Path(sys.argv[1]))

